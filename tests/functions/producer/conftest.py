"""An SQS that answers as scripted, and a time that passes when told."""

import io
import json
import threading
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

import pytest

import batch_sending
import pacing
import producer
import store_messages

QUEUE_URL = "https://queue"


class FakeTime:
    """Seconds that pass only when somebody sleeps or a call takes them."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.slept.append(seconds)
        self.pass_by(seconds)

    def pass_by(self, seconds: float) -> None:
        with self._lock:
            self.now += seconds

    def clock(self) -> pacing.Clock:
        return pacing.Clock(
            monotonic=lambda: self.now, unix=lambda: 1_700_000_000 + self.now, sleep=self.sleep
        )


Answer = Callable[[list[dict[str, Any]]], dict[str, Any]]


def accept(entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Successful": [{"Id": entry["Id"]} for entry in entries], "Failed": []}


def fail_ids(*ids: str, is_sender_fault: bool = False) -> Answer:
    """An answer that accepts everything but the entries with these ids."""

    def answer(entries: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "Successful": [{"Id": e["Id"]} for e in entries if e["Id"] not in ids],
            "Failed": [
                {"Id": e["Id"], "Code": "InternalError", "SenderFault": is_sender_fault}
                for e in entries
                if e["Id"] in ids
            ],
        }

    return answer


def raise_error(error: Exception) -> Answer:
    def answer(_: list[dict[str, Any]]) -> dict[str, Any]:
        raise error

    return answer


class FakeSqs:
    """Answers one call after the other as scripted, then accepts everything.

    Calls of several threads are taken one by one, so that what comes of them is not chance.
    """

    def __init__(self, fake_time: FakeTime) -> None:
        self.time = fake_time
        self.queue_url = QUEUE_URL
        self.script: list[Answer] = []
        self.always: Answer = accept
        self.call_seconds = 0.0
        self.calls: list[tuple[float, list[dict[str, Any]]]] = []
        self.threads: set[int] = set()
        self._lock = threading.Lock()

    def send_message_batch(self, queue_url: str, texts: Iterable[str]) -> dict[str, Any]:
        assert queue_url == self.queue_url
        entries = [json.loads(text) for text in texts]
        with self._lock:
            self.threads.add(threading.get_ident())
            self.calls.append((self.time.now - 1000, entries))
            self.time.pass_by(self.call_seconds)
            answer = self.script.pop(0) if self.script else self.always
            return answer(entries)

    @property
    def sent_ids(self) -> list[str]:
        return [entry["Id"] for _, entries in self.calls for entry in entries]


@pytest.fixture
def fake_time() -> FakeTime:
    return FakeTime()


@pytest.fixture(autouse=True)
def fake_sqs(fake_time: FakeTime, monkeypatch: pytest.MonkeyPatch) -> FakeSqs:
    fake = FakeSqs(fake_time)
    monkeypatch.setattr(batch_sending, "sqs", fake)
    return fake


@pytest.fixture(autouse=True)
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stream = io.StringIO()
    for handler in producer.logger.handlers:
        monkeypatch.setattr(handler, "stream", stream)
    return stream


@pytest.fixture
def invoke(
    fake_time: FakeTime, lambda_context: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, Any]]:
    """Call the handler with an event's fields and return the `message` of its answer."""
    monkeypatch.setenv("QUEUE_URL", QUEUE_URL)
    clock = fake_time.clock()
    monkeypatch.setattr(producer, "Clock", lambda: clock)

    def call(**event: Any) -> dict[str, Any]:
        answer = producer.handler(event, lambda_context)
        assert set(answer) == {"statusCode", "body"}
        assert answer["statusCode"] == 200
        return json.loads(answer["body"])["message"]

    return call


Invoke = Callable[..., dict[str, Any]]


def generate(n: int, **arguments: Any) -> list[store_messages.Message]:
    defaults = {"run_id": "run-1", "bad_ratio": 0.25, "seed": 1}
    return list(islice(store_messages.generate_messages(**(defaults | arguments)), n))
