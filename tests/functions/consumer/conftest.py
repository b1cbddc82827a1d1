"""Records as a mapping delivers them, an SQS that takes back-off, and what is logged."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import back_off
import consumer
import log_records

STANDARD_ARN = "arn:aws:sqs:eu-central-1:123456789012:events"
EVENT = {
    "name": "Quillaume",
    "dob": "1945-10-17",
    "gender": "F",
    "ssn_no": "396144610",
    "data_share_consent": False,
    "evnt_time": "2021-02-06T18:56:59.165483",
}
PERSONAL = ("Quillaume", "1945-10-17", "396144610", "18:56:59", "stores@example.com")


def make_record(
    seq: int | str | None = 0,
    *,
    store_id: str | None = "3",
    run_id: str | None = "run-1",
    body: str | None = None,
    receive_count: int = 1,
    group: str | None = None,
) -> dict[str, Any]:
    texts = {"store_id": store_id, "run_id": run_id, "seq": None if seq is None else str(seq)}
    record: dict[str, Any] = {
        "messageId": f"id-{seq}",
        "receiptHandle": f"handle-{seq}",
        "body": json.dumps(EVENT) if body is None else body,
        "attributes": {"ApproximateReceiveCount": str(receive_count)},
        "messageAttributes": {
            name: {"stringValue": text, "dataType": "String"}
            for name, text in {**texts, "contact_me": "stores@example.com"}.items()
            if text is not None
        },
        "eventSource": "aws:sqs",
        "eventSourceARN": STANDARD_ARN,
    }
    if group is not None:
        record["attributes"]["MessageGroupId"] = group
        record["eventSourceARN"] = f"{STANDARD_ARN}.fifo"
    return record


class FakeSqs:
    """Takes the calls that change a message's visibility; refuses or breaks them when told."""

    def __init__(self) -> None:
        self.calls: list[list[dict[str, Any]]] = []
        self.error: Exception | None = None
        self.refused: list[dict[str, Any]] = []

    def change_message_visibility_batch(self, **request: Any) -> dict[str, Any]:
        assert request["QueueUrl"] == "https://queue"
        self.calls.append(request["Entries"])
        if self.error is not None:
            raise self.error
        return {"Successful": [], "Failed": self.refused}

    @property
    def delays(self) -> dict[str, int]:
        return {e["ReceiptHandle"]: e["VisibilityTimeout"] for call in self.calls for e in call}


REAL_SQS_CLIENT = back_off.sqs_client


@pytest.fixture(autouse=True)
def fake_sqs(monkeypatch: pytest.MonkeyPatch) -> FakeSqs:
    fake = FakeSqs()
    monkeypatch.setattr(back_off, "sqs_client", lambda: fake)
    return fake


@pytest.fixture(autouse=True)
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Everything that the function and Powertools itself write, at the most talkative level."""
    stream = io.StringIO()
    for handler in log_records.logger.handlers:
        monkeypatch.setattr(handler, "stream", stream)
    everything = logging.StreamHandler(stream)
    powertools = logging.getLogger("aws_lambda_powertools")
    level_before = powertools.level
    powertools.setLevel(logging.DEBUG)
    powertools.addHandler(everything)
    logging.getLogger().addHandler(everything)
    yield stream
    powertools.setLevel(level_before)
    powertools.removeHandler(everything)
    logging.getLogger().removeHandler(everything)


Run = Callable[..., list[str]]


@pytest.fixture
def run(lambda_context: Any, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Handle records and return the message ids that the function reports as failed."""
    monkeypatch.setenv("QUEUE_URL", "https://queue")

    def handle(*records: dict[str, Any]) -> list[str]:
        response = consumer.handler({"Records": list(records)}, lambda_context)
        assert set(response) == {"batchItemFailures"}
        return [item["itemIdentifier"] or "" for item in response["batchItemFailures"]]

    return handle


def read_log(log: io.StringIO, level: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in log.getvalue().splitlines() if line.startswith("{")]
    return [line for line in lines if line["level"] == level]


@pytest.fixture
def long_backoff(monkeypatch: pytest.MonkeyPatch) -> int:
    """What each record waits that is delivered again, in seconds."""
    monkeypatch.setattr(back_off, "choose_backoff_seconds", lambda _: 7)
    return 7
