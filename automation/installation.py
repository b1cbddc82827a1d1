"""How this was installed, and what follows: where it lies, where it writes, what one types.

Imports the standard library alone: `automation/__init__.py` asks before anything else is certain
to be there.
"""

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
"""The program with all that it needs: a clone of the repository, or the package's copy of it."""

CACHE_VARIABLE = "RELIABLE_QUEUE_CACHE"
"""Tells the program, which imports nothing from here, the `cache_folder`."""

_NAME = "reliable-queue"


def is_checkout() -> bool:
    """Whether this runs from a clone of the repository, not from an installed package."""
    # The package holds what runs, not what it was built from.
    return (REPOSITORY / "pyproject.toml").is_file()


def state_folder() -> Path:
    """Where runs keep what outlives them: the states of stacks, journals, backups.

    `.local` in a clone; of an installed package the user's own folder for such things, on Linux
    `$XDG_STATE_HOME/reliable-queue`, by default `~/.local/state/reliable-queue`.
    """
    if is_checkout():
        return REPOSITORY / ".local"
    # A clone works without it, whatever its environment was made for.
    from platformdirs import user_state_path

    return user_state_path(_NAME, appauthor=False)


def cache_folder() -> Path:
    """Where built layers are kept, which are made anew when they are missing.

    `.build` in a clone; of an installed package the user's own folder for such things, on Linux
    `$XDG_CACHE_HOME/reliable-queue`, by default `~/.cache/reliable-queue`.
    """
    if is_checkout():
        return REPOSITORY / ".build"
    from platformdirs import user_cache_path

    return user_cache_path(_NAME, appauthor=False)


def home_folder() -> Path | None:
    """The user's; None where there is none, as in a container with a user of a mere number."""
    try:
        return Path.home()
    except RuntimeError:
        return None


def shown(path: Path) -> str:
    """A folder as a person would write it: from the repository on, or from `~`."""
    for start, name in ((REPOSITORY, Path()), (home_folder(), Path("~"))):
        if start and path.is_relative_to(start):
            return str(name / path.relative_to(start))
    return str(path)


def command_name() -> str:
    """What one types before a command of ours, as help and hints write it."""
    return "python -m automation" if is_checkout() else _NAME


def command_line() -> tuple[str, ...]:
    """The same for a shell that may be in another folder, with another PATH."""
    if is_checkout():
        return (sys.executable, str(REPOSITORY / "automation"))
    started = Path(sys.argv[0]).absolute()
    return (str(started) if started.name == _NAME else _NAME,)


def how_to_get(*extras: str) -> str:
    """What to do about a package that is missing, and belongs to the last of the extras."""
    if is_checkout():
        return "run: make setup"
    # From the repository: in the Python package index the name is another project's.
    return (
        f"it comes with the extra {extras[-1]!r}: in a clone of the repository, install "
        f"'.[{','.join(extras)}]'"
    )
