"""One of the operator's commands, as a process, on a stack whose outputs stand in a file.

Where it works the environment says: `AWS_ENDPOINT_URL`, as for any second opinion (docs/e2e.md).
"""

import json
import sys
from pathlib import Path

from automation import cli
from automation.operations import deployed
from components.outputs import StackOutputs


def main() -> None:
    outputs_file, *arguments = sys.argv[1:]
    outputs = StackOutputs.from_outputs(json.loads(Path(outputs_file).read_text()))
    # There is no stack: nothing was deployed, the queues were made by hand.
    deployed.stack_outputs = lambda *_: outputs
    cli.main(arguments)


if __name__ == "__main__":
    main()
