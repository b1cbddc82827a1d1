"""Each client repeats what may be repeated, and nothing else; long calls keep their connection."""

import contextlib
import http.server
import math
import socket
import threading
from collections.abc import Iterator

import boto3
import pytest
from botocore.exceptions import ClientError

from automation.aws.clients import Clients


@contextlib.contextmanager
def server(*, failures: float = math.inf) -> Iterator[tuple[Clients, list[int]]]:
    """Clients of a server that fails so often, and an entry for each time that it was asked."""
    asked: list[int] = []

    class Failing(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(0)
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = b"" if len(asked) <= failures else b"{}"
            self.send_response(200 if answer else 500)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    serving = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Failing)
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    session = boto3.Session("test", "test", region_name="us-east-1")
    yield (
        Clients(session=session, endpoint_url=f"http://127.0.0.1:{serving.server_port}"),
        asked,
    )
    serving.shutdown()
    serving.server_close()


@pytest.fixture
def requests() -> Iterator[tuple[Clients, list[int]]]:
    with server() as requests:
        yield requests


def test_an_answer_says_how_often_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    for failures in (0, 2):
        with server(failures=failures) as (clients, asked):
            answer = clients.sqs.receive_message(QueueUrl=f"{clients.endpoint_url}/1/q")
            assert answer["ResponseMetadata"]["RetryAttempts"] == failures
            assert len(asked) == failures + 1


def test_nothing_is_sent_or_invoked_twice(requests: tuple[Clients, list[int]]) -> None:
    clients, asked = requests
    with pytest.raises(ClientError):
        clients.sender.send_message(QueueUrl=f"{clients.endpoint_url}/1/q", MessageBody="x")
    with pytest.raises(ClientError):
        clients.invoker.invoke(FunctionName="f")
    assert len(asked) == 2


def test_a_silent_invocation_keeps_its_connection_alive(
    requests: tuple[Clients, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    options: list[tuple[int, int, int]] = []
    real = socket.socket.setsockopt

    class Noting(socket.socket):
        def setsockopt(self, *arguments: int) -> None:  # type: ignore[override]
            options.append(arguments)  # type: ignore[arg-type]
            real(self, *arguments)

    monkeypatch.setattr(socket, "socket", Noting)
    clients, _ = requests
    with pytest.raises(ClientError):
        clients.invoker.invoke(FunctionName="f")
    assert (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1) in options
    assert (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60) in options


def test_an_answer_may_take_longer_than_the_longest_run_of_a_function(
    requests: tuple[Clients, list[int]],
) -> None:
    clients, _ = requests
    assert clients.invoker.meta.config.read_timeout > 900
    assert clients.functions.meta.config.retries["total_max_attempts"] == 5
