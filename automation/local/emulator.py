"""The emulator's process: start it on a free loopback port, wait until it answers, end it."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

from automation.errors import AutomationError
from automation.local.peers import is_own_user
from automation.private_files import make_private_folder, open_private

LOOPBACK = "127.0.0.1"
_START_SECONDS = 30
_CLEAN_STOP_SECONDS = 15
_PORT_ATTEMPTS = 5


class EmulatorError(AutomationError):
    """The emulator did not start, or did not stop."""


class EmulatorEndedError(EmulatorError):
    """The emulator ended by itself while it was in use."""


class PortTakenError(EmulatorError):
    """Another process listens on the port that was asked for."""


@dataclass(frozen=True, kw_only=True)
class Emulator:
    """A running emulator.

    Attributes:
        endpoint_url: base URL of every AWS service, for example `http://127.0.0.1:41223`.
        port: the loopback port in it.
        process: the child process; its Lambda workers share its process group.
    """

    endpoint_url: str
    port: int
    process: subprocess.Popen[bytes]


@contextlib.contextmanager
def running_emulator(
    folder: Path,
    *,
    region: str,
    port: int | None = None,
    keeps_state: bool = False,
    enforces_policies: bool = False,
    meanwhile: Callable[[], object] = lambda: None,
) -> Generator[Emulator]:
    """Run an emulator in `folder` until the block ends.

    Args:
        folder: existing folder for its state, log and temporary files.
        region: the region that it plays.
        port: loopback port, 1024 to 65535; None (default) takes a free one.
        keeps_state: write queues, functions and the rest to `folder` when it ends, and read
            them when it starts. Default False: everything is gone with the process.
        enforces_policies: check every call against IAM and queue policies. Default False.
        meanwhile: is called while it starts, which takes 0.3 s; once more should it have to start
            again. Default nothing.

    Raises:
        PortTakenError: `port` is taken.
        EmulatorError: it did not answer within 30 s, or did not write its state within 15 s of
            its end; the first message holds the end of its log.
        EmulatorEndedError: it was gone when the block failed; whatever the block says of that is
            about requests that nobody answers.
    """
    emulator = _start(folder, region, port, keeps_state, enforces_policies, meanwhile)
    try:
        yield emulator
    except Exception:
        if emulator.process.poll() is None:
            raise
        raise EmulatorEndedError(_ending(emulator, keeps_state)) from None
    finally:
        _stop(emulator, cleanly=keeps_state)


def _start(
    folder: Path,
    region: str,
    port: int | None,
    keeps_state: bool,
    enforces_policies: bool,
    meanwhile: Callable[[], object],
) -> Emulator:
    # A free port can be taken by somebody else before the emulator binds it.
    attempts = 1 if port else _PORT_ATTEMPTS
    while True:
        chosen = port or _free_port()
        environment = _environment(folder, region, chosen, keeps_state, enforces_policies)
        try:
            return _start_once(folder, chosen, environment, meanwhile)
        except PortTakenError:
            attempts -= 1
            if not attempts:
                raise


def _start_once(
    folder: Path, port: int, environment: dict[str, str], meanwhile: Callable[[], object]
) -> Emulator:
    _refuse_taken_port(port)
    log_path = folder / "emulator.log"
    with os.fdopen(open_private(log_path, os.O_WRONLY | os.O_APPEND), "ab") as log:
        process = subprocess.Popen(  # noqa: S603 our own interpreter and file
            [sys.executable, "-I", str(Path(__file__).with_name("emulator_process.py"))],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=folder,
            env=environment,
            # What it writes holds the messages; what it unpacks it runs itself.
            umask=0o077,
            # Ctrl-C in a terminal is for us to handle; and the group takes the workers along.
            start_new_session=True,
        )
    emulator = Emulator(endpoint_url=f"http://{LOOPBACK}:{port}", port=port, process=process)
    try:
        meanwhile()
        _wait_until_ready(emulator, log_path)
    except BaseException:
        _stop(emulator, cleanly=False)
        raise
    return emulator


def _environment(
    folder: Path, region: str, port: int, keeps_state: bool, enforces_policies: bool
) -> dict[str, str]:
    # Functions inherit all of this, so it holds nothing of the user's environment but PATH.
    temporary = make_private_folder(folder / "tmp")
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "TMPDIR": str(temporary),
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "GATEWAY_PORT": str(port),
        "BIND_HOST": LOOPBACK,
        "MINISTACK_HOST": LOOPBACK,
        "MINISTACK_REGION": region,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # It would remove labelled containers of other emulators on the user's Docker.
        "DOCKER_HOST": f"unix://{folder}/no-docker",
        "LOG_LEVEL": "WARNING",
        "AUTH": "true" if enforces_policies else "false",
        "PERSIST_STATE": "1" if keeps_state else "0",
        "STATE_DIR": str(folder / "state"),
        # What lies in buckets is kept apart, as files.
        "S3_PERSIST": "1" if keeps_state else "0",
        "S3_DATA_DIR": str(folder / "objects"),
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _refuse_taken_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise PortTakenError(
                f"port {port} on {LOOPBACK} can't be used for the embedded AWS: {error.strerror}. "
                "end the process that listens there"
            ) from error


def _wait_until_ready(emulator: Emulator, log_path: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not _answers(emulator):
        if emulator.process.poll() is not None:
            log = _log_end(log_path)
            error = PortTakenError if "already in use" in log else EmulatorError
            raise error(f"the embedded AWS ended while it started; the end of its log:\n{log}")
        if time.monotonic() > deadline:
            raise EmulatorError(
                f"the embedded AWS did not answer on {emulator.endpoint_url} within "
                f"{_START_SECONDS} s; the end of its log:\n{_log_end(log_path)}"
            )
        time.sleep(0.02)


def _answers(emulator: Emulator) -> bool:
    # Without a proxy, whatever HTTP_PROXY says: it is on this machine.
    connection = http.client.HTTPConnection(LOOPBACK, emulator.port, timeout=5)
    with contextlib.closing(connection):
        try:
            connection.connect()
            ours, theirs = connection.sock.getsockname(), connection.sock.getpeername()
            connection.request("GET", "/_ministack/health")
            is_well = connection.getresponse().status == http.HTTPStatus.OK
            # Another user may have taken the port before the emulator, to be told everything.
            return is_well and is_own_user(theirs, ours)
        except (OSError, http.client.HTTPException):
            return False


def _ending(emulator: Emulator, keeps_state: bool) -> str:
    """What became of an emulator that nobody has stopped."""
    code = emulator.process.returncode
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
    lost = "what was created since its last start is lost" if keeps_state else "nothing is left"
    return (
        f"the embedded AWS {how} while it was in use, and what was in it went with it: {lost}; "
        "run the command again"
    )


def _log_end(log_path: Path) -> str:
    return "\n".join(log_path.read_text(errors="replace").splitlines()[-15:])


def _stop(emulator: Emulator, *, cleanly: bool) -> None:
    process = emulator.process
    if cleanly and process.poll() is None:
        # SIGTERM makes it write its state; without state to keep, waiting gains nothing.
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_CLEAN_STOP_SECONDS)
    was_running = process.poll() is None
    with contextlib.suppress(ProcessLookupError, PermissionError):
        # The group outlives its leader while a Lambda worker runs. Where nothing in it runs any
        # more, Linux finds no process, and macOS gives no permission.
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin:
        process.stdin.close()
    if cleanly and was_running:
        raise EmulatorError(
            f"the embedded AWS did not write its state within {_CLEAN_STOP_SECONDS} s and was "
            "ended; what was created since its last start is lost"
        )
