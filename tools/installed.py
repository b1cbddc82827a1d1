"""The command `reliable-queue` of an installed package: the repository's own command line.

`pyproject.toml` puts this file into the package, and beside it a copy of the repository's program.
"""

import sys
from typing import NoReturn

_WRONG_ENVIRONMENT = 2


def main() -> NoReturn:
    """Run a command and exit with its code; without what it needs, say how to get that."""
    try:
        from reliable_queue_operations.repository.automation.importing import quick_imports

        with quick_imports():
            from reliable_queue_operations.repository.automation.cli import main as run
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == __name__.partition(".")[0]:
            raise
        from reliable_queue_operations.repository.automation.installation import how_to_get

        sys.stderr.write(f"error: {error.name} is not installed; {how_to_get('operations')}\n")
        sys.exit(_WRONG_ENVIRONMENT)
    except KeyboardInterrupt:
        # All that is imported takes a second; nothing has been begun.
        sys.stderr.write("error: stopped\n")
        sys.exit(_WRONG_ENVIRONMENT)
    run()
