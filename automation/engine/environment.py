"""What the engine needs in its environment, apart from the user's own settings."""

import os
import secrets
import sys
from pathlib import Path

from automation.engine.command import EngineCommand
from automation.installation import CACHE_VARIABLE, cache_folder
from automation.private_files import make_private_folder, write_private


def engine_path(engine: EngineCommand) -> dict[str, str]:
    """A PATH that begins with the engine's folder and with this interpreter's.

    The first holds the engine's language host, the second has what the program imports.
    """
    folders = [str(Path(engine.command).parent), str(Path(sys.executable).parent)]
    return {"PATH": os.pathsep.join([*folders, os.environ.get("PATH", os.defpath)])}


def engine_environment(
    engine: EngineCommand, home: Path, *, passphrase: str | None = None
) -> dict[str, str]:
    """What makes the engine keep its state in `home`, apart from any login of the user.

    Args:
        engine: the Pulumi command.
        home: existing folder.
        passphrase: for the stacks' secrets, where `home` has none of its own yet; None (default)
            makes one up and keeps it there.
    """
    states = make_private_folder(home / "stacks")
    return {
        **engine_path(engine),
        # As `killed` knows its engines again, whichever link leads there.
        "PULUMI_BACKEND_URL": states.resolve().as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": _passphrase(home, passphrase),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        CACHE_VARIABLE: str(cache_folder()),
    }


def _passphrase(home: Path, given: str | None) -> str:
    path = home / "passphrase"
    if not path.exists():
        if given is not None:
            return given
        write_private(path, secrets.token_urlsafe(32))
    return path.read_text()
