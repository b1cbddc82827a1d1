"""The language host for programs in YAML: none of ours is one, so set-up does without."""

import os
import shutil
from pathlib import Path

from automation.engine.building import YAML_HOST_BINARY, BuildError, build_yaml_host
from automation.engine.finding import ON_PATH, Engine, EngineError
from automation.engine.installing import installing_into, scratch_folder
from automation.engine.processes import Report
from automation.installation import REPOSITORY


def find_yaml_host(engine: Engine, *, report: Report = lambda _: None) -> Path:
    """Return the language host for YAML that this engine runs; build it where there is none.

    Args:
        engine: the engine that runs it.
        report: takes a line every 10 s while it is built.

    Raises:
        EngineError: it could not be built, or the engine is one on PATH, whose folder isn't ours.
        KeyboardInterrupt: SIGINT or SIGTERM during the build, which leaves nothing behind.
    """
    beside = engine.binary.parent / YAML_HOST_BINARY
    # A downloaded CLI has it beside it.
    if found := _found(beside):
        return found
    if engine.source == ON_PATH:
        raise EngineError(
            f"{engine.binary} has no {YAML_HOST_BINARY} beside it, and there is none on PATH; "
            "take it from the download of the Pulumi CLI of that version"
        )
    versions = engine.binary.parents[2]
    try:
        with installing_into(versions, report), scratch_folder(versions) as scratch:
            # Whoever held the lock before us may just have built it.
            if not _found(beside):
                made = scratch / YAML_HOST_BINARY
                build_yaml_host(made, scratch=scratch, tools=REPOSITORY / "tools", report=report)
                made.rename(beside)
    except (BuildError, OSError) as error:
        raise EngineError(
            f"no {YAML_HOST_BINARY}: {error}\n"
            "To mend this, give this machine a network on which Go modules (and Go itself, if it "
            f"is missing) can be downloaded, or put {YAML_HOST_BINARY} on PATH, and try again."
        ) from error
    return beside


def _found(beside: Path) -> Path | None:
    """As in the PATH that `engine_path` makes: the one beside the engine comes first."""
    folders = os.pathsep.join([str(beside.parent), os.environ.get("PATH", os.defpath)])
    found = shutil.which(YAML_HOST_BINARY, path=folders)
    return Path(found) if found else None
