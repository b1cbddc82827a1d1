"""Find the Pulumi engine on this machine, or download it, or build it.

Nothing here imports Pulumi: set-up calls this module each time, and that import costs 0.3 s.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from automation.engine.building import HOST_BINARY
from automation.engine.installing import (
    BUILD,
    DOWNLOAD,
    ENGINE_VERSION,
    AttemptError,
    Installer,
    installing_into,
    scratch_folder,
)
from automation.engine.processes import Report
from automation.errors import AutomationError
from automation.installation import home_folder

# A CLI found on the machine must be at least this new: the stand-in provider and the Python SDK
# have been run with no older one. (The Automation API itself asks only for 3.1.0.) The upper
# limit, the next major version, is the Automation API's.
MINIMUM_VERSION = (3, 250, 0)

ON_PATH = "on PATH"

# Measured 0.13 to 0.2 s.
VERSION_DEADLINE_SECONDS = 20.0


class EngineError(AutomationError):
    """No usable engine; the message lists every attempt, why it failed, and the fix."""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """A Pulumi CLI that has its Python language host.

    Attributes:
        binary: absolute path of `pulumi`.
        version: its version without a leading `v`.
        source: how it was obtained, in words: "on PATH", "installed before", "downloaded",
            "built from source".
    """

    binary: Path
    version: str
    source: str


def find_engine(
    *,
    report: Report = lambda _: None,
    home: Path | None = None,
    installers: tuple[Installer, ...] | None = None,
) -> Engine:
    """Return an engine: on PATH, installed before, downloaded, or built; the first that works.

    Args:
        report: takes a line for each attempt that fails and says what is tried next, and a line
            every 10 s while something long is at work.
        home: folder that holds `.pulumi`, default the user's. (PULUMI_HOME plays no part: neither
            does it for `PulumiCommand.install`, whose installations are shared.)
        installers: ways to make a missing engine, in order; default: download, then build.

    Raises:
        EngineError: none worked.
        KeyboardInterrupt: SIGINT or SIGTERM during an installation, which leaves nothing behind.
    """
    versions = _versions(home)
    ways = (DOWNLOAD, BUILD) if installers is None else installers
    attempts = _Attempts(report=report)
    engine = attempts.make("pulumi on PATH", _on_path, then=f"looking under {versions}")
    if engine:
        return engine
    then = ways[0].title if ways else "nothing"
    engine = attempts.make(str(versions), lambda: _installed(versions), then=then)
    return engine or _install(versions, ways, attempts)


def build_engine_anew(
    *, report: Report = lambda _: None, home: Path | None = None, way: Installer = BUILD
) -> Engine:
    """Build the pinned engine, whatever is there: each file of what it takes has its hash here.

    Args:
        report, home: as `find_engine` has them.
        way: the build.

    Raises:
        EngineError, KeyboardInterrupt: as `find_engine` does.
    """
    versions = _versions(home)
    return _install(versions, (way,), _Attempts(report=report), is_anew=True)


def _versions(home: Path | None) -> Path:
    home = home or home_folder()
    if home is None:
        raise EngineError(
            "no Pulumi engine: it is kept in the user's home folder, and this user has none: set "
            "HOME to a folder of your own"
        )
    return home / ".pulumi" / "versions"


class _AbsentError(AttemptError):
    """There is nothing: worth a line only when nothing is in the next place either."""


class _Attempts:
    """Collects why attempts failed, for the report while they go on and for the error at last."""

    def __init__(self, *, report: Report) -> None:
        self.report = report
        self.failures: list[str] = []
        self._unsaid: list[str] = []

    def make(self, title: str, attempt: Callable[[], Engine], *, then: str) -> Engine | None:
        try:
            return attempt()
        except AttemptError as error:
            self.failures.append(f"{title}: {error}")
            self._unsaid.append(f"{title}: {error}; next: {then}")
            if not isinstance(error, _AbsentError):
                self._say()
            return None

    def _say(self) -> None:
        for line in self._unsaid:
            self.report(line)
        self._unsaid.clear()

    def error(self) -> EngineError:
        needed = ".".join(map(str, MINIMUM_VERSION))
        lines = "".join(f"\n  - {failure}" for failure in self.failures)
        return EngineError(
            f"no Pulumi engine:{lines}\n"
            f"To mend this, do one of these and try again: put pulumi {needed} or newer with its "
            f"{HOST_BINARY} on PATH; or give this machine a network on which the Pulumi CLI, or "
            f"Go modules (and Go itself, if it is missing), can be downloaded; or copy "
            f"~/.pulumi/versions/{ENGINE_VERSION} from a machine of the same kind."
        )


def _on_path() -> Engine:
    found = shutil.which("pulumi")
    if found is None:
        raise _AbsentError("not found")
    return _checked(Path(found).absolute(), source=ON_PATH, host_on_path=True)


def _installed(versions: Path) -> Engine:
    """Take the pinned version if it is there, else the newest that works."""
    candidates = [
        (folder.name == ENGINE_VERSION, version, folder)
        for folder in (versions.iterdir() if versions.is_dir() else ())
        if (version := _parse(folder.name)) and version >= MINIMUM_VERSION
    ]
    failures: list[str] = []
    for _, _, folder in sorted(candidates, reverse=True):
        try:
            return _checked(folder / "bin" / "pulumi", source="installed before")
        except AttemptError as error:
            failures.append(f"{folder.name}: {error}")
    raise AttemptError("; ".join(failures) or "no version that is new enough")


def _checked(binary: Path, *, source: str, host_on_path: bool = False) -> Engine:
    """Return the engine at this path, if it runs, is new enough and has its language host."""
    version = _version_of(binary)
    parsed = _parse(version)
    if parsed is None:
        raise AttemptError(f"{binary} gives no version but {version!r}")
    if not MINIMUM_VERSION <= parsed < (MINIMUM_VERSION[0] + 1, 0, 0):
        oldest = ".".join(map(str, MINIMUM_VERSION))
        raise AttemptError(f"{binary} is {version}; {oldest} or newer, below 4, is needed")
    beside = os.access(binary.parent / HOST_BINARY, os.X_OK)
    if not beside and not (host_on_path and shutil.which(HOST_BINARY)):
        raise AttemptError(f"{binary} lacks its Python language host, {HOST_BINARY}")
    return Engine(binary=binary, version=version.removeprefix("v"), source=source)


def _version_of(binary: Path) -> str:
    try:
        answer = subprocess.run(  # noqa: S603
            [binary, "version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=VERSION_DEADLINE_SECONDS,
            env=os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AttemptError(f"{binary} can't be run: {error}") from error
    if answer.returncode != 0:
        reason = answer.stderr.strip().partition("\n")[0]
        raise AttemptError(f"{binary} is broken: exit code {answer.returncode} {reason}".strip())
    return answer.stdout.strip()


def _parse(version: str) -> tuple[int, int, int] | None:
    found = re.match(r"v?(\d+)\.(\d+)\.(\d+)(?:[-+]|$)", version)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def _install(
    versions: Path, ways: tuple[Installer, ...], attempts: _Attempts, *, is_anew: bool = False
) -> Engine:
    try:
        with installing_into(versions, attempts.report):
            first = _first_way_that_works if is_anew else _first_that_works
            return first(versions, ways, attempts)
    except OSError as error:
        attempts.failures.append(f"{versions} can't be used: {error}")
        raise attempts.error() from error


def _first_that_works(versions: Path, ways: tuple[Installer, ...], attempts: _Attempts) -> Engine:
    try:
        # Whoever held the lock before us may just have installed it.
        return _installed(versions)
    except AttemptError:
        return _first_way_that_works(versions, ways, attempts)


def _first_way_that_works(
    versions: Path, ways: tuple[Installer, ...], attempts: _Attempts
) -> Engine:
    for way, following in zip(ways, [*ways[1:], None], strict=True):
        then = following.title if following else "nothing, that was the last"
        engine = attempts.make(
            way.title,
            lambda way=way: _install_with(way, versions, attempts.report),
            then=then,
        )
        if engine:
            return engine
    raise attempts.error()


def _install_with(way: Installer, versions: Path, report: Report) -> Engine:
    """Make the engine in a scratch folder and move it to its place in one step."""
    with scratch_folder(versions) as scratch:
        made = scratch / "engine"
        try:
            way.run(made, scratch, report)
        except OSError as error:
            raise AttemptError(str(error)) from error
        _checked(made / "bin" / "pulumi", source=way.source)
        target = versions / ENGINE_VERSION
        if target.exists():
            target.rename(scratch / "replaced")
        made.rename(target)
    return _checked(target / "bin" / "pulumi", source=way.source)
