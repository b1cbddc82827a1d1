"""An answer is read as Python's own HTTP reads it, whatever it is and however it comes."""

import datetime
import http.client
import http.server
import io
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import BotoCoreError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from automation.aws.clients import Clients
from automation.aws.errors import was_never_connected, was_never_made
from automation.aws.open_connections import PlainResponse, exchange

REQUEST = AWSPreparedRequest(
    "POST", "http://x/q", cast("Any", {"host": "x"}), b"body", stream_output=False
)
PLAIN = (
    b"HTTP/1.1 200 OK\r\nx-amzn-RequestId: a b\r\nConnection: Keep-Alive\r\n"
    b"content-length:  11\r\nEmpty:\r\n\r\n" + b'{"a": "\r\n"}'
)
OTHERS = {
    "refused": b"HTTP/1.1 400 Bad\r\nContent-Length: 2\r\n\r\n{}",
    "closes": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
    "of HTTP/1.0": b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    "without a length": b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n{}",
    "in chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "in chunks with a length": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "continue first": b"HTTP/1.1 100 Continue\r\nA: b\r\n\r\n" + PLAIN,
    "nothing to say": b"HTTP/1.1 204 None\r\n\r\n",
    "without a reason": b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}",
    "line feeds": b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}",
    "a line feed": b"HTTP/1.1 200 OK\r\nA: b\nContent-Length: 2\r\n\r\n{}",
    "folded": b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 2\r\n\r\n{}",
    "twice": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\ncontent-length: 1\r\n\r\n{}",
    "no field": b"HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 2\r\n\r\n{}",
    "no length": b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n{}",
    "no ASCII": b"HTTP/1.1 200 OK\r\nA: \xe9\x85\x0bb\r\nContent-Length: 2\r\n\r\n{}",
    "a long line": b"HTTP/1.1 200 OK\r\nA: " + b"b" * 70_000 + b"\r\nContent-Length: 2\r\n\r\n{}",
    "many lines": b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 20_000 + b"Content-Length: 2\r\n\r\n{}",
    "no HTTP": b"nonsense",
}


class Parts:
    """A socket at which an answer comes in parts, before the other end closes."""

    def __init__(self, parts: Sequence[bytes]) -> None:
        self._parts = [part for part in parts if part]
        self.sent = b""

    def sendall(self, data: bytes) -> None:
        self.sent += data

    def recv(self, most: int) -> bytes:
        if not self._parts:
            return b""
        part, self._parts[0] = self._parts[0][:most], self._parts[0][most:]
        self._parts = [part for part in self._parts if part]
        return part

    def recv_into(self, buffer: Any) -> int:
        part = self.recv(len(buffer))
        buffer[: len(part)] = part
        return len(part)

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(b"".join(self._parts))


def read(*parts: bytes) -> object:
    sock: Any = Parts(parts)
    try:
        response, stays_open = exchange(REQUEST, sock)
    except (OSError, http.client.HTTPException) as error:
        return type(error)
    headers = [(name.lower(), value) for name, value in response.headers.items()]
    return response.status_code, headers, response.content, stays_open


def read_by_python(answer: bytes) -> object:
    sock: Any = Parts([answer])
    try:
        response = http.client.HTTPResponse(sock, method="POST")
        response.begin()
        content = response.read()
    except (OSError, http.client.HTTPException) as error:
        return type(error)
    headers = {name.lower(): value for name, value in reversed(response.headers.items())}
    in_order = {name.lower(): headers[name.lower()] for name in response.headers}
    return response.status, list(in_order.items()), content, not response.will_close


@pytest.mark.parametrize("answer", [PLAIN, *OTHERS.values()], ids=["plain", *OTHERS])
def test_an_answer_is_what_python_reads(answer: bytes) -> None:
    assert read(answer) == read_by_python(answer)


def test_an_answer_is_the_same_wherever_it_is_cut() -> None:
    whole = read_by_python(PLAIN)
    assert isinstance(exchange(REQUEST, cast("Any", Parts([PLAIN])))[0], PlainResponse)
    for end in range(len(PLAIN)):
        assert read(PLAIN[:end], PLAIN[end:]) == whole
    assert read(*(bytes([byte]) for byte in PLAIN)) == whole


@pytest.mark.parametrize("answer", [PLAIN, *OTHERS.values()], ids=["plain", *OTHERS])
def test_an_answer_that_breaks_off_is_none_wherever_it_does(answer: bytes) -> None:
    for end in range(min(len(answer), 300)):
        assert read(answer[:end]) == read_by_python(answer[:end])


PIECES = [
    *(b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 200 OK\r\n", b"HTTP/1.1 500 x\r\n"),
    *(b"Content-Length: 3\r\n", b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n"),
    *(b"Connection: close\r\n", b"connection: keep-alive\r\n", b"A: b\r\n", b"A: b\n", b": \r\n"),
    *(b"\r\n", b"\n", b"\r", b" ", b"{}\r", b"1\r\n", b"0\r\n", b"\xff", b"\x0b"),
]


@given(pieces=st.lists(st.sampled_from(PIECES), max_size=9), data=st.data())
def test_any_answer_is_what_python_reads(pieces: list[bytes], data: st.DataObject) -> None:
    answer = b"HTTP/1.1 200 OK\r\n" + b"".join(pieces)
    cut = data.draw(st.integers(0, len(answer)))
    ours, pythons = read(answer[:cut], answer[cut:]), read_by_python(answer)
    if isinstance(ours, tuple) and isinstance(pythons, tuple):
        # Where more came than was announced Python keeps the connection, and loses what came.
        *ours, stays_open = ours
        *pythons, python_keeps_it = pythons
        assert stays_open <= python_keeps_it
    assert ours == pythons


def test_a_length_that_no_memory_holds_is_not_believed() -> None:
    # Python takes the memory first.
    assert read(PLAIN.replace(b" 11", b" " + b"9" * 18)) is http.client.IncompleteRead
    of_no_number = PLAIN.replace(b" 11", b" " + b"9" * 5_000)
    assert read(of_no_number) == read_by_python(of_no_number)


def test_what_comes_after_an_answer_ends_the_connection() -> None:
    sock: Any = Parts([PLAIN + b"more"])
    response, stays_open = exchange(REQUEST, sock)
    assert (response.content, stays_open) == (PLAIN[-11:], False)


def test_a_request_goes_out_in_one_piece() -> None:
    sock: Any = Parts([PLAIN])
    exchange(REQUEST, sock)
    assert sock.sent == b"POST /q HTTP/1.1\r\nhost: x\r\naccept-encoding: identity\r\n\r\nbody"


@pytest.fixture
def encrypted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """URL of a server with a certificate that botocore is told to trust."""
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate(tmp_path)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path))
    serving = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Lengths)
    serving.socket = context.wrap_socket(serving.socket, server_side=True)
    serving.daemon_threads = True
    thread = threading.Thread(target=serving.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{serving.server_port}"
    finally:
        serving.shutdown()
        serving.server_close()


class Lengths(http.server.BaseHTTPRequestHandler):
    """Answers with a message as long as what was asked, named by the connection.

    At `xxx` the answer breaks off, at `yyy` it says that it is the last one there.
    """

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        message = {"MessageId": str(self.client_address), "Body": "b" * len(asked)}
        content = json.dumps({"Messages": [message]}).encode()
        self.send_response_only(200)
        self.send_header("Content-Length", str(len(content)))
        if b"yyy" in asked:
            self.send_header("Connection", "close")
            self.close_connection = False
        self.end_headers()
        if b"xxx" in asked:
            self.wfile.write(content[:-1])
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


def certificate(folder: Path) -> Path:
    """Of this machine's loopback, for an hour, with its key."""
    path = folder / "certificate.pem"
    if path.exists():
        return path
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return path


def test_an_encrypted_connection_is_used_for_all_lengths(encrypted: str) -> None:
    session = boto3.Session("test", "test", region_name="us-east-1")
    sqs = Clients(session=session, endpoint_url=encrypted).sqs
    found = [
        sqs.receive_message(QueueUrl="q" * length)["Messages"][0]
        for length in (1, 1, 100, 20_000, 3_000_000, 1)
    ]
    lengths = [len(message["Body"]) for message in found]
    assert [length - lengths[0] for length in lengths] == [0, 0, 99, 19_999, 2_999_999, 0]
    assert len({message["MessageId"] for message in found}) == 1


def test_where_an_answer_is_said_to_be_the_last_another_connection_is_opened(
    encrypted: str,
) -> None:
    session = boto3.Session("test", "test", region_name="us-east-1")
    sqs = Clients(session=session, endpoint_url=encrypted).sqs
    first, last, other = (
        sqs.receive_message(QueueUrl=queue)["Messages"][0]["MessageId"]
        for queue in ("q", "yyy", "q")
    )
    assert first == last
    assert other != last


def test_an_encrypted_answer_that_breaks_off_is_none(encrypted: str) -> None:
    session = boto3.Session("test", "test", region_name="us-east-1")
    found: list[str] = []
    for is_quick in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            if not is_quick:
                patch.setattr("automation.aws.clients.quicken", lambda *_: None)
            sender = Clients(session=session, endpoint_url=encrypted).sender
        sender.receive_message(QueueUrl="q")
        with pytest.raises(BotoCoreError) as caught:
            sender.receive_message(QueueUrl="xxx")
        assert not was_never_connected(caught.value)
        assert not was_never_made(caught.value)
        found.append(type(caught.value).__name__)
        assert sender.receive_message(QueueUrl="q")["Messages"]
    assert found[0] == found[1]
