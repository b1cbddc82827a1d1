"""The command `reliable-queue` of an installed package: the repository's own command line.

`pyproject.toml` puts this file into the package, and beside it a copy of the repository's program.
"""

import sys
from pathlib import Path
from typing import NoReturn

_REPOSITORY = Path(__file__).with_name("repository")
_OURS = {"automation", "components"}
_WRONG_ENVIRONMENT = 2


def main() -> NoReturn:
    """Run a command and exit with its code; without what it needs, say how to get that."""
    # First of all: nothing else that is called `automation` or `components` here is meant.
    sys.path.insert(0, str(_REPOSITORY))
    try:
        from automation.cli import main as run
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] in _OURS:
            raise
        from automation.installation import how_to_get

        sys.stderr.write(f"error: {error.name} is not installed; {how_to_get('operations')}\n")
        sys.exit(_WRONG_ENVIRONMENT)
    run()
