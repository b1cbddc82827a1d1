"""Make a Pulumi engine by download or by build: one installation at a time, all or nothing."""

import fcntl
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from automation.engine.building import BuildError, build_engine
from automation.engine.processes import ProcessError, Report, run_reporting
from automation.installation import REPOSITORY
from automation.interrupts import raising_signals

# The version that is downloaded or built: the newest whose Go module can be had. The modules in
# tools/ pin the same one.
ENGINE_VERSION = "3.274.1"
# About 100 MB; the deadline is for a network that swallows packets.
DOWNLOAD_DEADLINE_SECONDS = 300.0
CONNECT_DEADLINE_SECONDS = 10
LOCK_POLL_SECONDS = 0.5
LOCK_REPORT_SECONDS = 10.0
SCRATCH_PREFIX = ".installing-"

# PulumiCommand.install knows no deadline and hides the output of its script; in a process of its
# own it gets the one and shows the other.
DOWNLOAD_PROGRAM = """
import socket, subprocess, sys
from pulumi.automation import PulumiCommand
from semver import VersionInfo
socket.setdefaulttimeout(float(sys.argv[3]))
try:
    PulumiCommand.install(root=sys.argv[1], version=VersionInfo.parse(sys.argv[2]))
except subprocess.CalledProcessError as error:
    sys.exit((error.output or b"").decode(errors="replace") + str(error))
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


class AttemptError(Exception):
    """One way to an engine did not lead there; the message says why in one line."""


@dataclass(frozen=True, kw_only=True)
class Installer:
    """A way to make an engine: `run(root, scratch, report)` fills `root`/bin.

    It raises AttemptError when it can't. `scratch` is a folder that is removed afterwards.
    """

    title: str
    source: str
    run: Callable[[Path, Path, Report], None]


@contextmanager
def installing_into(versions: Path, report: Report) -> Generator[None]:
    """Hold the one right to install into this folder; SIGINT and SIGTERM raise meanwhile.

    What a killed installation left in the folder is removed at the start.

    Raises:
        OSError: the folder can't be made or written.
    """
    versions.mkdir(0o700, parents=True, exist_ok=True)
    with raising_signals(), _locked(versions, report):
        _sweep(versions)
        yield


@contextmanager
def scratch_folder(versions: Path) -> Generator[Path]:
    """On the file system of the target, so that the move is a rename."""
    scratch = Path(tempfile.mkdtemp(prefix=SCRATCH_PREFIX, dir=versions))
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _sweep(versions: Path) -> None:
    """Remove what a killed installation left; under the lock none can be at work."""
    for left in versions.glob(f"{SCRATCH_PREFIX}*"):
        shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _locked(folder: Path, report: Report) -> Generator[None]:
    """Hold the lock on a folder, which needs no file and ends with our process."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        next_report = time.monotonic()
        while not _try_lock(descriptor):
            if time.monotonic() >= next_report:
                report("another set-up is installing the engine; waiting for it")
                next_report += LOCK_REPORT_SECONDS
            time.sleep(LOCK_POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _download(root: Path, scratch: Path, report: Report) -> None:
    try:
        run_reporting(
            [
                *(sys.executable, "-c", DOWNLOAD_PROGRAM),
                *(str(root), ENGINE_VERSION, str(CONNECT_DEADLINE_SECONDS)),
            ],
            title="downloading",
            log=scratch / "download.log",
            report=report,
            deadline_seconds=DOWNLOAD_DEADLINE_SECONDS,
            # The script leaves its archive in TMPDIR when it is ended.
            environment=os.environ | {"TMPDIR": str(scratch)},
        )
    except ProcessError as error:
        raise AttemptError(str(error)) from error


def _build(root: Path, scratch: Path, report: Report) -> None:
    try:
        build_engine(root, scratch=scratch, tools=REPOSITORY / "tools", report=report)
    except BuildError as error:
        raise AttemptError(str(error)) from error


DOWNLOAD = Installer(
    title=f"downloading the Pulumi CLI {ENGINE_VERSION}", source="downloaded", run=_download
)
BUILD = Installer(
    title=f"building the Pulumi CLI {ENGINE_VERSION} from the Go modules in tools/",
    source="built from source",
    run=_build,
)
