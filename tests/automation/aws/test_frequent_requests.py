"""A quickened client sends, answers, refuses and repeats as botocore does."""

import contextlib
import gzip
import http.server
import json
import select
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import CredentialRetrievalError
from hypothesis import given, settings
from hypothesis import strategies as st

from automation.aws import clients as clients_module
from automation.aws.clients import Clients
from automation.deadletters.message import Message
from automation.deadletters.send_batch import Outgoing, send_batch

Answer = tuple[int, bytes, dict[str, str]]

TEXT = {"DataType": "String", "StringValue": 'quoted "null" and \u00e9\U0001f600'}
REQUESTS: dict[str, dict[str, Any]] = {
    "receive_message": {
        "QueueUrl": "http://x/1/q",
        "MaxNumberOfMessages": 10,
        "MessageAttributeNames": ["All"],
    },
    "send_message_batch": {
        "QueueUrl": "http://x/1/q",
        "Entries": [{"Id": "0", "MessageBody": "\u00e9\ud83d", "MessageAttributes": {"a": TEXT}}],
    },
    "delete_message_batch": {
        "QueueUrl": "http://x/1/q",
        "Entries": [{"Id": "0", "ReceiptHandle": "r"}],
    },
}
BINARY: list[dict[str, Any]] = [
    {
        "QueueUrl": "http://x/1/q",
        "Entries": [
            {
                "Id": "0",
                "MessageBody": "b",
                "MessageAttributes": {"a": {"DataType": "Binary", "BinaryValue": value}},
            }
        ],
    }
    for value in (b"\x00\xff", "text is taken for its bytes")
]


def delivered(attribute: dict[str, Any], body: str | None = "b") -> Answer:
    message = {"MessageId": "m", "Body": body, "MessageAttributes": {"a": attribute}}
    return 200, json.dumps({"Messages": [message]}).encode(), {}


OK: Answer = (200, b"{}", {})
# botocore leaves out what isn't in the service's model.
MEMBERS = {
    "receive_message": ("Messages", "ResponseMetadata"),
    "send_message_batch": ("Successful", "Failed", "ResponseMetadata"),
    "delete_message_batch": ("Successful", "Failed", "ResponseMetadata"),
}
FAILED: Answer = (500, b"<html>", {})
CLOSED: Answer = (0, b"", {})
SILENT: Answer = (-2, b"", {})
BROKEN_OFF: Answer = (200, b"{}", {"Content-Length": "9"})
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
CHUNKED = {"Transfer-Encoding": "chunked"}
ANSWERS: dict[str, list[Answer]] = {
    "success": [OK],
    "taken": [(200, b'{"Successful": [{"Id": "0"}], "Failed": [{"Id": "1", "Code": "c"}]}', {})],
    "texts": [delivered(TEXT, 'x": null, "Binary')],
    "bytes": [delivered({"DataType": "Binary", "BinaryValue": "AP8="})],
    "null": [delivered({"DataType": "String", "StringValue": "x", "BinaryListValues": None}, None)],
    "no list": [(200, b'{"Messages": null}', {})],
    "no object": [(200, b"[]", {}), OK],
    "nothing": [(200, b"", {})],
    "no JSON": [(200, b"<html>", {}), OK],
    "no UTF-8": [(200, b'{"\xff": 1}', {}), OK],
    "error in a success": [(200, b'{"__type": "x#InternalError", "message": "m"}', {})],
    "redirected": [(307, b"", {"Location": "/elsewhere"}), OK],
    "in chunks": [(200, b"2\r\n{}\r\n0\r\n\r\n", CHUNKED), OK],
    "in chunks, broken off": [(200, b"2\r\n{}\r\n", CHUNKED), OK],
    "compressed": [(200, gzip.compress(b"{}"), {"Content-Encoding": "gzip"}), OK],
    "nothing to say": [(204, b"", {}), OK],
    "closes": [(200, b"{}", {"Connection": "close"}), OK],
    "in capitals": [(200, b"{}", {"CONNECTION": "Keep-Alive"}), OK],
    "continue first": [(-1, CONTINUE + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", {}), OK],
    "until the end": [(-1, b"HTTP/1.1 200 OK\r\n\r\n{}", {}), OK],
    "of HTTP/1.0": [(-1, b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", {}), OK],
    "broken off in the head": [(-1, b"HTTP/1.1 200 OK\r\nContent-Le", {}), OK],
    "refused": [
        (
            400,
            b'{"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "gone"}',
            {"x-amzn-query-error": "AWS.SimpleQueueService.NonExistentQueue;Sender"},
        )
    ],
    "throttled": [(403, b'{"__type": "RequestThrottled", "message": "slower"}', {}), OK],
    "failed once": [FAILED, OK],
    "failed always": [FAILED] * 9,
    "closed once": [CLOSED, OK],
    "broken off": [BROKEN_OFF, OK],
    "no HTTP": [(-1, b"nonsense", {})],
    "closed always": [CLOSED] * 9,
}


@contextlib.contextmanager
def server() -> Iterator[tuple[str, list[Answer], list[tuple[dict[str, str], bytes]]]]:
    """A URL, what is answered there (then OK), and what was asked; no status closes."""
    script: list[Answer] = []
    asked: list[tuple[dict[str, str], bytes]] = []
    until_the_end = threading.Event()

    class Scripted(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append(({k.lower(): v for k, v in self.headers.items()}, body))
            status, content, headers = script.pop(0) if script else OK
            is_cut = "Content-Length" in headers or "Transfer-Encoding" in headers
            self.close_connection = status <= 0 or is_cut
            if status == SILENT[0]:
                until_the_end.wait(5)
            if status <= 0:
                self.wfile.write(content)
                return
            self.send_response_only(status)
            length = {} if headers is CHUNKED else {"Content-Length": str(len(content))}
            for name, value in {**length, **headers}.items():
                self.send_header(name, value)
            self.send_header("x-amzn-RequestId", "of the request")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    serving = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Scripted)
    serving.daemon_threads = True
    thread = threading.Thread(target=serving.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{serving.server_port}", script, asked
    finally:
        until_the_end.set()
        serving.shutdown()
        serving.server_close()


@pytest.fixture(autouse=True)
def no_pauses_and_one_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    for module in ("botocore.auth", "automation.aws.request_pattern"):
        monkeypatch.setattr(
            f"{module}.get_current_datetime", lambda *_: datetime(2026, 11, 29, tzinfo=UTC)
        )


def both(url: str, kind: str) -> tuple[Any, Any]:
    """A client of ours, and the same as botocore makes it."""
    session = boto3.Session("test", "test", "token", region_name="us-east-1")
    quick = getattr(Clients(session=session, endpoint_url=url), kind)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clients_module, "quicken", lambda *_: None)
        return quick, getattr(Clients(session=session, endpoint_url=url), kind)


def outcome(client: Any, operation: str, request: dict[str, Any]) -> object:
    try:
        answer = getattr(client, operation)(**request)
        # Said of a success too, where no request is repeated.
        answer["ResponseMetadata"].pop("MaxAttemptsReached", None)
        return {name: value for name, value in answer.items() if name in MEMBERS[operation]}
    except Exception as error:  # noqa: BLE001 it is compared
        return type(error).__name__, str(error), getattr(error, "response", None)


@pytest.fixture(scope="module")
def scripted() -> Iterator[tuple[dict[str, tuple[Any, Any]], list[Answer], list[Any]]]:
    """Both clients of each kind, what they are answered, and what they asked."""
    with server() as (url, script, asked):
        yield {kind: both(url, kind) for kind in ("sqs", "sender")}, script, asked


@pytest.mark.parametrize("kind", ["sqs", "sender"])
@pytest.mark.parametrize("operation", REQUESTS)
@pytest.mark.parametrize("answers", ANSWERS.values(), ids=ANSWERS)
def test_outcome_and_repetitions_are_those_of_botocore(
    scripted: tuple[dict[str, tuple[Any, Any]], list[Answer], list[Any]],
    kind: str,
    operation: str,
    answers: list[Answer],
) -> None:
    clients, script, asked = scripted
    found: list[object] = []
    for client in clients[kind]:
        # Of the first one botocore's is the pattern.
        outcome(client, operation, REQUESTS[operation])
        before = len(asked)
        script[:] = answers
        found.append((outcome(client, operation, REQUESTS[operation]), len(asked) - before))
        script.clear()
    assert found[0] == found[1]


@pytest.mark.parametrize("operation", REQUESTS)
def test_silence_is_the_time_out_of_botocore(
    operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        Clients, "_config", lambda *_, **__: Config(read_timeout=0.1, retries={"max_attempts": 0})
    )
    found: list[Any] = []
    with server() as (url, script, _):
        for client in both(url, "sender"):
            assert outcome(client, operation, REQUESTS[operation])["ResponseMetadata"]  # type: ignore[index]
            script[:] = [SILENT]
            found.append(outcome(client, operation, REQUESTS[operation]))
    assert found[0] == found[1]
    assert found[0][0] == "ReadTimeoutError"


@pytest.mark.parametrize("operation", REQUESTS)
def test_a_connection_that_the_server_has_closed_is_not_used_again(operation: str) -> None:
    and_closes: Answer = (200, b"{}", {"Content-Length": "2"})
    with server() as (url, script, asked):
        sender, _ = both(url, "sender")
        pool = sender._endpoint.http_session._manager.connection_from_url(url)
        for number in range(3):
            script[:] = [and_closes]
            getattr(sender, operation)(**REQUESTS[operation])
            connection = pool.pool.queue[-1]
            closed, _, _ = select.select([connection.sock], [], [], 10)
            assert (closed, len(asked)) == ([connection.sock], number + 1)


def test_a_proxy_stays_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    with server() as (url, _, asked):
        monkeypatch.setattr(Clients, "_config", lambda *_, **__: Config(proxies={"http": url}))
        for client in both("http://elsewhere.invalid", "sqs"):
            for _ in range(2):
                client.receive_message(QueueUrl="q")
    assert [headers["host"] for headers, _ in asked] == ["elsewhere.invalid"] * 4


@pytest.mark.parametrize("operation", REQUESTS)
def test_where_nobody_listens_any_more_the_error_is_that_of_botocore(operation: str) -> None:
    with server() as (url, _, _):
        clients = both(url, "sender")
        for client in clients:
            outcome(client, operation, REQUESTS[operation])
            client._endpoint.http_session.close()
    quick, thorough = (outcome(client, operation, REQUESTS[operation]) for client in clients)
    assert quick == thorough
    assert quick[0] == "EndpointConnectionError"  # type: ignore[index]


@pytest.mark.parametrize(
    ("operation", "request_"),
    [*REQUESTS.items(), *(("send_message_batch", binary) for binary in BINARY)],
)
def test_request_is_what_botocore_sends_with_the_same_signature(
    operation: str, request_: dict[str, Any]
) -> None:
    with server() as (url, _, asked):
        for client in both(url, "sender"):
            outcome(client, operation, REQUESTS[operation])
            outcome(client, operation, request_)
    (quick, quick_body), (thorough, thorough_body) = asked[1], asked[3]
    assert quick_body == thorough_body
    statistics = {"amz-sdk-invocation-id", "amz-sdk-request"}
    assert {k: v for k, v in thorough.items() if k not in statistics} == {
        k: v for k, v in quick.items() if k not in statistics
    }
    assert "x-amz-security-token" in quick
    # Only what botocore made is numbered.
    assert ("amz-sdk-request" in quick) == (request_ in BINARY)


def test_credentials_are_asked_for_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    session = boto3.Session("first", "secret", region_name="us-east-1")
    with server() as (url, _, asked):
        sqs = Clients(session=session, endpoint_url=url).sqs
        sqs.receive_message(QueueUrl="q")
        sqs.receive_message(QueueUrl="q")
        for token in ("renewed", "again", None, ""):
            renewed = Credentials("new", "x", token)
            monkeypatch.setattr(sqs._request_signer, "_credentials", renewed)  # type: ignore[attr-defined]
            sqs.receive_message(QueueUrl="q")
            sqs.receive_message(QueueUrl="q")
    headers = [headers for headers, _ in asked]
    signers = [each["authorization"].split("=")[1].split("/")[0] for each in headers]
    assert signers == ["first"] * 2 + ["new"] * 8
    tokens = [each.get("x-amz-security-token") for each in headers]
    assert tokens == [None] * 2 + ["renewed"] * 2 + ["again"] * 2 + [None] * 4
    # Only what botocore made is numbered; to be without a token has two spellings.
    assert [("amz-sdk-request" in each) for each in headers] == [True, False] * 4 + [False] * 2


def test_a_secret_that_is_corrected_signs_the_next_request(monkeypatch: pytest.MonkeyPatch) -> None:
    with server() as (url, _, asked):
        for client in both(url, "sqs"):
            client.receive_message(QueueUrl="q")
            corrected = Credentials("test", "corrected", "token")
            monkeypatch.setattr(client._request_signer, "_credentials", corrected)
            client.receive_message(QueueUrl="q", MaxNumberOfMessages=1)
    before, quick, _, thorough = (headers["authorization"] for headers, _ in asked)
    assert quick == thorough
    assert quick != before


@pytest.mark.parametrize("answer", [CLOSED, FAILED, (200, b"<html>", {})])
def test_what_was_sent_is_not_said_to_be_unsent_when_credentials_run_out_meanwhile(
    answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    class RunOut(Credentials):
        is_over = False

        def get_frozen_credentials(self) -> Any:
            if self.is_over:
                raise CredentialRetrievalError(provider="sso", error_msg="sign in again")
            # The request goes out with good ones; by the time that it has failed they are gone.
            self.is_over = True
            return super().get_frozen_credentials()

    entries: Any = REQUESTS["send_message_batch"]["Entries"]
    message = Message(message_id="m", body="b", receipt_handle="r", attributes={}, system={})
    with server() as (url, script, asked):
        sender, _ = both(url, "sender")
        sender.send_message_batch(QueueUrl="q", Entries=entries)
        credentials = RunOut("test", "test", "token")
        monkeypatch.setattr(sender._request_signer, "_credentials", credentials)
        script[:] = [answer]
        outcome = send_batch(sender, "q", [Outgoing(message=message)])
    assert len(asked) == 2
    assert outcome.unknown.keys() == {"m"}


def test_hooks_see_each_request_and_each_answer() -> None:
    with server() as (url, _, asked):
        for client in both(url, "sqs"):
            seen: list[object] = []
            client.meta.events.register(
                "after-call.sqs",
                lambda parsed, http_response, model, seen=seen, **_: seen.append(
                    (parsed["ResponseMetadata"], http_response.status_code, model.name)
                ),
            )
            outcome(client, "receive_message", {"QueueUrl": "q"})
            client.meta.events.register(
                "before-send.sqs",
                lambda request, **_: AWSResponse(
                    request.url, 200, HEADERS, Raw(b'{"Messages": [{}]}')
                ),
            )
            answer = outcome(client, "receive_message", {"QueueUrl": "q"})
            assert answer["Messages"] == [{}]  # type: ignore[index]
            assert len(seen) == 2
    assert len(asked) == 2


HEADERS = {"x-amzn-requestid": "of the request"}


class Raw:
    """A body as urllib3 gives it."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self._content


TEXTS = st.text() | st.sampled_from(["null", '"Binary', '": null', "\\"])
VALUES = st.fixed_dictionaries(
    {"DataType": st.sampled_from(["String", "Number", "Binary", "String.null"])},
    optional={
        "StringValue": TEXTS | st.none(),
        "BinaryValue": st.sampled_from(["", "AP8=", None]),
        "StringListValues": st.just([]) | st.none(),
    },
)
DELIVERIES = st.fixed_dictionaries(
    {"MessageId": TEXTS, "ReceiptHandle": TEXTS, "Body": TEXTS | st.none()},
    optional={
        "MD5OfBody": TEXTS,
        "Attributes": st.dictionaries(st.sampled_from(["SentTimestamp", "SenderId"]), TEXTS),
        "MessageAttributes": st.dictionaries(TEXTS, VALUES) | st.none(),
    },
)


@pytest.fixture(scope="module")
def unconnected() -> tuple[Any, Any, list[bytes]]:
    """A quick client and botocore's, and the content of what both are answered."""
    clients = both("http://127.0.0.1:1", "sqs")
    content = [b"{}"]
    for client in clients:
        client.meta.events.register(
            "before-send.sqs",
            lambda request, **_: AWSResponse(request.url, 200, HEADERS, Raw(content[0])),
        )
        client.receive_message(QueueUrl="q")
    return *clients, content


@settings(deadline=None)
@given(deliveries=st.none() | st.lists(DELIVERIES, max_size=3))
def test_any_messages_are_read_as_botocore_reads_them(
    unconnected: tuple[Any, Any, list[bytes]], deliveries: object
) -> None:
    quick, thorough, content = unconnected
    content[0] = json.dumps({"Messages": deliveries}).encode()
    assert quick.receive_message(QueueUrl="q") == thorough.receive_message(QueueUrl="q")
