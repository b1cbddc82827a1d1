"""Open connections: whatever comes back on one is read, or named, as on a new one."""

import contextlib
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)

import batch_sending
import open_connections
from direct_calls import DirectCalls, UnreadableAnswerError

from .test_direct_calls import ENTRIES, set_environment

CONTENT = b'{"Successful": [{"Id": "0"}]}'
HEAD = b"HTTP/1.1 200 OK\r\nx-amzn-RequestId: of the request\r\n"
PLAIN = HEAD + b"Content-Length: 29\r\n\r\n" + CONTENT
IN_CHUNKS = HEAD + b"Transfer-Encoding: chunked\r\n\r\n10\r\n%b\r\nd\r\n%b\r\n0\r\n\r\n" % (
    CONTENT[:16],
    CONTENT[16:],
)
CLOSE = b""


class Scripted:
    """A server that answers each request by the next pieces of bytes; an empty one closes.

    Each piece waits until the one before has been read, since it is a packet of its own.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.script: list[list[bytes]] = []
        self.requests: list[bytes] = []
        self.connections: list[socket.socket] = []
        self._tls = tls
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        # Closing alone does not wake who waits in accept().
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()
        for connection in self.connections:
            connection.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
            self.connections.append(connection)
            while request := _request(connection):
                self.requests.append(request)
                for piece in self.script.pop(0) if self.script else [PLAIN]:
                    if piece == CLOSE:
                        connection.shutdown(socket.SHUT_RDWR)
                        return
                    connection.sendall(piece)


def _request(connection: socket.socket) -> bytes:
    """The next one; empty when the client has closed."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += (part := connection.recv(65536))
        if not part:
            return b""
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    scripted = Scripted()
    set_environment(monkeypatch, f"http://127.0.0.1:{scripted.port}")
    yield scripted
    scripted.close()


def direct_calls(read_seconds: float = 3) -> DirectCalls:
    return DirectCalls(connections=4, connect_seconds=1, read_seconds=read_seconds)


def send(sqs: DirectCalls) -> Any:
    return sqs.send_message_batch("https://queue", ENTRIES)


def test_what_goes_out_on_an_open_connection_is_what_botocores_session_sends(server: Scripted):
    sqs = direct_calls()
    send(sqs)
    send(sqs)
    assert len(server.connections) == 1
    (first_headers, first_body), (headers, body) = map(headers_and_body, server.requests)
    of_its_time = {"authorization", "x-amz-date"}
    assert headers.keys() == first_headers.keys()
    assert {name for name in headers if headers[name] != first_headers[name]} <= of_its_time
    assert body == first_body


def test_each_request_has_the_signature_that_botocore_gives_it(server: Scripted):
    sqs = direct_calls()
    send(sqs)
    send(sqs)
    for headers, body in map(headers_and_body, server.requests):
        authorization = headers["authorization"]
        names = authorization.partition("SignedHeaders=")[2].partition(",")[0].split(";")
        request = AWSRequest(
            "POST", f"http://{headers['host']}/", {name: headers[name] for name in names}, body
        )
        request.context["timestamp"] = headers["x-amz-date"]
        signer = SigV4Auth(Credentials("123456789012", "secret", "token"), "sqs", "eu-central-1")
        signature = signer.signature(
            signer.string_to_sign(request, signer.canonical_request(request)), request
        )
        assert authorization.endswith(f"Signature={signature}")


def headers_and_body(request: bytes) -> tuple[dict[str, str], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    headers = (line.partition(": ") for line in head.decode().split("\r\n")[1:])
    return {name.lower(): value for name, _, value in headers}, body


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([PLAIN], id="plain"),
        pytest.param([PLAIN.replace(b"Content-Length: ", b"content-length:")], id="lower case"),
        pytest.param([HEAD, b"Content-Length: 29\r\n\r\n" + CONTENT], id="head in pieces"),
        pytest.param([PLAIN[:-9], PLAIN[-9:]], id="content in pieces"),
        pytest.param([IN_CHUNKS], id="in chunks"),
        pytest.param([HEAD + b"Connection: close\r\n\r\n" + CONTENT, CLOSE], id="until the end"),
        pytest.param([PLAIN.replace(HEAD, HEAD + b"Connection: close\r\n")], id="the last one"),
        pytest.param([PLAIN.replace(HEAD, HEAD + b"x: %b\r\n" % (b"y" * 20_000))], id="long head"),
        pytest.param([b"HTTP/1.1 100 Continue\r\n\r\n", PLAIN], id="go on"),
        pytest.param([PLAIN.replace(b"1.1 200 OK", b"1.1 200 ")], id="no reason"),
        pytest.param([PLAIN.replace(b"1.1 200 OK", b"1.0 200 OK"), CLOSE], id="HTTP 1.0"),
    ],
)
def test_a_success_is_read_in_whatever_form_it_comes(server: Scripted, pieces: list[bytes]):
    sqs = direct_calls()
    send(sqs)
    server.script = [pieces]
    assert send(sqs) == {"Successful": [{"Id": "0"}]}
    assert send(sqs) == {"Successful": [{"Id": "0"}]}
    is_last = CLOSE in pieces or b"Connection: close" in pieces[0]
    assert len(server.connections) == (2 if is_last else 1)


@pytest.mark.parametrize(
    ("pieces", "error"),
    [
        ([CLOSE], ConnectionClosedError),
        # Python takes the end for that of the head.
        ([PLAIN[:20], CLOSE], UnreadableAnswerError),
        ([PLAIN[:-9], CLOSE], ConnectionClosedError),
        ([IN_CHUNKS[:-20], CLOSE], ConnectionClosedError),
        ([b"nonsense\r\n\r\n"], ConnectionClosedError),
        ([], ReadTimeoutError),
        ([PLAIN[:-9]], ReadTimeoutError),
    ],
)
def test_a_call_without_an_answer_is_botocores_error_and_the_next_one_works(
    server: Scripted, pieces: list[bytes], error: type[Exception]
):
    sqs = direct_calls(read_seconds=0.2)
    send(sqs)
    server.script = [pieces]
    with pytest.raises(error) as raised:
        send(sqs)
    assert batch_sending._is_passing(raised.value)  # pyright: ignore[reportArgumentType]
    assert len(server.requests) == 2, "what may have been accepted was sent again"
    assert send(sqs) == {"Successful": [{"Id": "0"}]}
    assert len(server.connections) == 2, "an answer that comes late would be the next one's"


def test_a_connection_that_was_closed_meanwhile_is_not_used(server: Scripted):
    sqs = direct_calls()
    for _ in range(3):
        send(sqs)
        server.connections[-1].shutdown(socket.SHUT_RDWR)
    assert len(server.connections) == len(server.requests) == 3


def test_where_connections_are_kept_in_a_way_not_known_the_session_sends_all(
    server: Scripted, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(open_connections, "PoolManager", type("Another", (), {}))
    monkeypatch.setattr(open_connections, "_exchange", None)
    sqs = direct_calls()
    for _ in range(3):
        assert send(sqs) == {"Successful": [{"Id": "0"}]}
    assert len(server.connections) == 1


def test_as_many_threads_as_connections_need_no_more_than_those(server: Scripted):
    sqs = direct_calls()
    threads = [threading.Thread(target=lambda: [send(sqs) for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.requests) == 200
    assert len(server.connections) <= 4


def test_a_proxy_gets_every_request_as_a_proxy_wants_it(
    server: Scripted, monkeypatch: pytest.MonkeyPatch
):
    set_environment(monkeypatch, "http://sqs.example")
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{server.port}")
    sqs = direct_calls()
    for _ in range(3):
        send(sqs)
    lines = {request.partition(b"\r\n")[0] for request in server.requests}
    assert lines == {b"POST http://sqs.example/ HTTP/1.1"}


def test_an_endpoint_may_have_a_path(server: Scripted, monkeypatch: pytest.MonkeyPatch):
    set_environment(monkeypatch, f"http://127.0.0.1:{server.port}/prefix")
    sqs = direct_calls()
    for _ in range(2):
        send(sqs)
    lines = {request.partition(b"\r\n")[0] for request in server.requests}
    assert lines == {b"POST /prefix/ HTTP/1.1"}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate of its own making for 127.0.0.1, in one file."""
    file = tmp_path_factory.mktemp("tls") / "own.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        f"-subj /CN=own -addext subjectAltName=IP:127.0.0.1 -keyout {file} -out {file}.crt"
    )
    subprocess.run(command.split(), check=True, capture_output=True)
    file.write_bytes(file.read_bytes() + Path(f"{file}.crt").read_bytes())
    return file


@pytest.fixture
def tls_server(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    scripted = Scripted(context)
    set_environment(monkeypatch, f"https://127.0.0.1:{scripted.port}")
    yield scripted
    scripted.close()


def test_a_certificate_that_nobody_vouches_for_is_refused(tls_server: Scripted):
    sqs = direct_calls()
    for _ in range(2):
        with pytest.raises(SSLError):
            send(sqs)
    assert tls_server.requests == []


def test_a_certificate_of_the_ca_bundle_is_good_for_its_name_only(
    tls_server: Scripted, certificate: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_CA_BUNDLE", f"{certificate}.crt")
    sqs = direct_calls()
    for _ in range(3):
        send(sqs)
    assert (len(tls_server.connections), len(tls_server.requests)) == (1, 3)
    set_environment(monkeypatch, f"https://localhost:{tls_server.port}")
    with pytest.raises((SSLError, EndpointConnectionError)):
        send(direct_calls())
    assert len(tls_server.requests) == 3


def test_a_refusal_keeps_the_connection(server: Scripted):
    sqs = direct_calls()
    send(sqs)
    content = b'{"__type": "x#RequestThrottled"}'
    refusal = b"HTTP/1.1 403 no\r\ncontent-length: %d\r\n\r\n%b" % (len(content), content)
    for _ in range(3):
        server.script = [[refusal]]
        with pytest.raises(ClientError, match="RequestThrottled"):
            send(sqs)
    assert len(server.connections) == 1
