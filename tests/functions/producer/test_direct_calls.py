"""Direct calls: on the wire they are what botocore's client sends, and mean the same to it."""

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

import batch_sending
import producer
from automation.local.emulator import running_emulator
from direct_calls import DirectCalls

from .conftest import Invoke, accept, generate
from .test_store_messages import store_messages

ENTRIES = [
    store_messages.to_entry(message, unix_seconds=1_700_000_000, is_fifo=True)
    for message in generate(10)
]
READ: list[Any] = [json.loads(entry) for entry in ENTRIES]
ACCEPTED = accept(READ)


class Recorded(http.server.BaseHTTPRequestHandler):
    """Keeps what comes, and answers as the server is told to."""

    protocol_version = "HTTP/1.1"
    server: "Recorder"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.path, dict(self.headers.items()), json.loads(body)))
        status, headers, content = self.server.answer
        payload = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(payload))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 its own name
        pass


class Recorder(http.server.ThreadingHTTPServer):
    requests: list[tuple[str, dict[str, str], Any]]
    answer: tuple[int, dict[str, str], Any]


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    server = Recorder(("127.0.0.1", 0), Recorded)
    server.daemon_threads = True
    server.requests, server.answer = [], (200, {}, ACCEPTED)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    set_environment(monkeypatch, f"http://127.0.0.1:{server.server_address[1]}")
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def set_environment(monkeypatch: pytest.MonkeyPatch, endpoint_url: str) -> None:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint_url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "123456789012")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")


def direct_calls() -> DirectCalls:
    return DirectCalls(connections=4, connect_seconds=1, read_seconds=3)


def own_client() -> Any:
    return boto3.client("sqs", config=Config(retries={"total_max_attempts": 1}))


def signed(headers: dict[str, str]) -> tuple[str, set[str]]:
    """Credential scope and names of the signed headers, of an Authorization header."""
    parts = dict(
        part.strip().split("=", 1)
        for part in headers["Authorization"].removeprefix("AWS4-HMAC-SHA256").split(",")
    )
    return parts["Credential"], set(parts["SignedHeaders"].split(";"))


@pytest.mark.parametrize("trace_id", [None, "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"])
def test_a_call_is_what_botocores_client_sends(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch, trace_id: str | None
):
    if trace_id:
        monkeypatch.setenv("_X_AMZN_TRACE_ID", trace_id)
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "producer")
    url = "https://sqs.eu-central-1.amazonaws.com/123456789012/events.fifo"
    theirs = own_client().send_message_batch(QueueUrl=url, Entries=READ)
    ((path, headers, body),) = recorder.requests
    sqs = direct_calls()
    # The second call goes out on the connection that the first one has opened.
    for ours in [sqs.send_message_batch(url, ENTRIES) for _ in range(2)]:
        assert ours["Successful"] == theirs["Successful"]
    same = ("Host", "Content-Type", "X-Amz-Target", "X-Amz-Security-Token", "X-Amzn-Trace-Id")
    scope, names = signed(headers)
    for our_path, our_headers, our_body in recorder.requests[1:]:
        assert (our_path, our_body) == (path, body)
        assert [our_headers.get(name) for name in same] == [headers.get(name) for name in same]
        our_scope, our_names = signed(our_headers)
        assert our_scope == scope
        # What is about repeating and protocols is the client's own.
        assert names ^ our_names <= {
            "amz-sdk-invocation-id", "amz-sdk-request", "x-amzn-query-mode"
        }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "headers", "content"),
    [
        (400, {"x-amzn-query-error": "AWS.SimpleQueueService.NonExistentQueue;Sender"},
         {"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "no queue"}),
        (403, {}, {"__type": "com.amazon.coral.service#AccessDeniedException", "message": "no"}),
        (403, {}, {"__type": "RequestThrottled", "message": "slower"}),
        (503, {}, {"message": "out"}),
        (500, {}, {}),
        (502, {}, b"<html>Bad gateway</html>"),
        (504, {}, b""),
    ],
)  # fmt: skip
def test_a_refusal_has_the_code_and_status_that_botocores_client_finds(
    recorder: Recorder, status: int, headers: dict[str, str], content: Any
):
    recorder.answer = (status, headers, content)
    refusals: list[Any] = []
    sqs = direct_calls()
    for call in (
        *[lambda: sqs.send_message_batch("https://queue", ENTRIES)] * 2,
        lambda: own_client().send_message_batch(QueueUrl="https://queue", Entries=READ),
    ):
        with pytest.raises(ClientError) as refusal:
            call()
        refusals.append(refusal.value)
    first, second, theirs = (
        (r.response["Error"]["Code"], r.response["ResponseMetadata"]["HTTPStatusCode"])
        for r in refusals
    )
    assert first == second == theirs
    assert len({batch_sending._is_passing(refusal) for refusal in refusals}) == 1


@pytest.mark.parametrize("content", [b"[]", b'"out"', b"null", b'{"__type": null}'])
def test_a_refusal_whose_body_is_none_of_sqs_has_its_status_for_a_code(
    recorder: Recorder, content: bytes
):
    recorder.answer = (503, {}, content)
    with pytest.raises(ClientError) as refusal:
        direct_calls().send_message_batch("https://queue", ENTRIES)
    assert refusal.value.response["Error"]["Code"] == "503"
    assert batch_sending._is_passing(refusal.value)


@pytest.mark.parametrize("content", [b"<html>Log in</html>", b"[]", b"null", b""])
def test_an_answer_that_is_none_of_sqs_counts_nothing_as_sent_and_names_all(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch, invoke: Invoke, content: bytes
):
    recorder.answer = (200, {}, content)
    monkeypatch.setattr(batch_sending, "sqs", direct_calls())
    message = invoke(rate=None, max_messages=1000, bad_ratio=0)
    assert (message["status"], message["msg_cnt"]) == (False, 0)
    unsent = message["error_message"].partition(" ")[0]
    assert f"UnreadableAnswerError ({unsent})" in message["error_message"]
    sent = {entry["Id"] for _, _, body in recorder.requests for entry in body["Entries"]}
    assert len(sent) == int(unsent) < 1000


def test_all_parts_of_a_call_s_credentials_are_of_one_time(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
):
    renewed = iter(range(1000))

    class Renewing:
        """Credentials that are others each time that one looks."""

        def get_frozen_credentials(self) -> ReadOnlyCredentials:
            number = next(renewed)
            return ReadOnlyCredentials(f"key-{number}", f"secret-{number}", f"token-{number}")

        access_key = property(lambda self: self.get_frozen_credentials().access_key)
        secret_key = property(lambda self: self.get_frozen_credentials().secret_key)
        token = property(lambda self: self.get_frozen_credentials().token)

    sqs = direct_calls()
    monkeypatch.setattr(sqs, "_credentials", Renewing())
    sqs.send_message_batch("https://queue", ENTRIES)
    ((_, headers, _),) = recorder.requests
    number = headers["X-Amz-Security-Token"].removeprefix("token-")
    assert signed(headers)[0].startswith(f"key-{number}/")


def test_no_answer_is_botocores_error(monkeypatch: pytest.MonkeyPatch):
    set_environment(monkeypatch, "http://127.0.0.1:1")
    with pytest.raises(EndpointConnectionError):
        direct_calls().send_message_batch("https://queue", ENTRIES)


def test_no_credentials_are_said_so(recorder: Recorder, monkeypatch: pytest.MonkeyPatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    with pytest.raises(NoCredentialsError):
        direct_calls().send_message_batch("https://queue", ENTRIES)
    assert recorder.requests == []


def test_what_a_queue_holds_is_what_the_answer_says(
    tmp_path: Path,
    lambda_context: Any,
    start_worker: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
):
    with running_emulator(tmp_path, region="eu-central-1") as emulator:
        set_environment(monkeypatch, emulator.endpoint_url)
        aws = boto3.client("sqs")
        queue_url = aws.create_queue(QueueName="events")["QueueUrl"]
        monkeypatch.setenv("QUEUE_URL", queue_url)
        event = {"rate": None, "max_messages": 195, "run_id": "run-1", "bad_ratio": 0.5}
        answer = start_worker(producer).handler(event, lambda_context)
        received: list[Any] = []
        while batch := aws.receive_message(
            QueueUrl=queue_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages"):
            received += batch
    message = json.loads(answer["body"])["message"]
    attributes = [found["MessageAttributes"] for found in received]
    assert message["msg_cnt"] == len(received) == 195
    assert message["bad_msg"] == sum("store_id" not in found for found in attributes)
    assert sorted(int(found["seq"]["StringValue"]) for found in attributes) == list(range(195))
    assert {found["run_id"]["StringValue"] for found in attributes} == {"run-1"}
