"""Start the second SQS on a free loopback port, wait until it answers, end it."""

import contextlib
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PYTHON = REPOSITORY / ".build" / "second-sqs" / "bin" / "python"
LOOPBACK = "127.0.0.1"
# It takes 4 s; the first time, when nothing is compiled yet, 15 s.
_START_SECONDS = 120
# It is on this machine, whatever HTTP_PROXY says.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running second SQS.

    Attributes:
        endpoint_url: base URL of its services.
        log: what it has printed.
        process: the child process, which has none of its own.
    """

    endpoint_url: str
    log: Path
    process: subprocess.Popen[bytes]


@contextlib.contextmanager
def running_server(folder: Path) -> Generator[Server]:
    """Run the second SQS until the block ends, with all its files in `folder`."""
    if not PYTHON.exists():
        raise FileNotFoundError(f"{PYTHON} is missing: make test-second-sqs makes it")
    port = _free_port()
    log_path = folder / "server.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [PYTHON, "-I", str(Path(__file__).with_name("server_process.py"))],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=folder,
            env=_environment(folder, port),
            # Ctrl-C in a terminal is for us to handle.
            start_new_session=True,
        )
    server = Server(endpoint_url=f"http://{LOOPBACK}:{port}", log=log_path, process=process)
    try:
        _wait_until_ready(server)
        yield server
    finally:
        _stop(process)


def _environment(folder: Path, port: int) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "GATEWAY_LISTEN": f"{LOOPBACK}:{port}",
        "SERVICES": "sqs,logs,sns,cloudwatch,sts",
        "EAGER_SERVICE_LOADING": "0",
        # Its files belong in the folder, also where the tests run in a container.
        "OVERRIDE_IN_DOCKER": "0",
        "FILESYSTEM_ROOT": str(folder / "files"),
        # Nothing is told to anybody, and nothing fetched: no events, no certificate, no DNS.
        "DISABLE_EVENTS": "1",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "DNS_ADDRESS": "0",
        "DOCKER_HOST": f"unix://{folder}/no-docker",
        # Queue URLs that need no name server.
        "LOCALSTACK_HOST": f"{LOOPBACK}:{port}",
        "SQS_ENDPOINT_STRATEGY": "path",
        # As strict as AWS: each of them is off by default.
        "SQS_DELAY_PURGE_RETRY": "1",
        "SQS_DELAY_RECENTLY_DELETED": "1",
        "SQS_ENABLE_MESSAGE_RETENTION_PERIOD": "1",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(server: Server) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not _answers(server):
        has_ended = server.process.poll() is not None
        if has_ended or time.monotonic() > deadline:
            how = "ended while it started" if has_ended else f"no answer in {_START_SECONDS} s"
            raise RuntimeError(f"the second SQS: {how}; its log:\n{server.log.read_text()[-4000:]}")
        time.sleep(0.1)


def _answers(server: Server) -> bool:
    try:
        with _DIRECT.open(f"{server.endpoint_url}/_localstack/health", timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    # It has nothing to keep, and an orderly end takes it 4 s.
    process.kill()
    process.wait()
    if process.stdin:
        process.stdin.close()
