"""Entries that SQS has not done are asked for again; those for which that is vain are not."""

import contextlib
import threading
from pathlib import Path
from typing import Any

import pytest

from automation.deadletters.failed_entries import ask_again
from automation.deadletters.hidden_messages import HiddenMessages
from automation.deadletters.queue_to_file import drain_to_file

TROUBLE = {"Code": "InternalError", "SenderFault": False, "Message": ""}
RAN_OUT = {"Code": "ReceiptHandleIsInvalid", "SenderFault": True, "Message": ""}


class Troubled:
    """An SQS that does not do what it is asked for of some receipts, so many times."""

    def __init__(self, trouble: dict[str, int], failure: dict[str, Any] = TROUBLE) -> None:
        self.done: list[str] = []
        self.asked = 0
        self._trouble = trouble
        self._failure = failure
        self._waiting = list(trouble)

    def change_message_visibility_batch(self, *, Entries: Any, **_: object) -> Any:  # noqa: N803
        self.asked += 1
        answer: dict[str, list[Any]] = {"Successful": [], "Failed": []}
        for entry in Entries:
            receipt = entry["ReceiptHandle"]
            if self._trouble[receipt]:
                self._trouble[receipt] -= 1
                answer["Failed"].append({"Id": entry["Id"], **self._failure})
            else:
                self.done.append(receipt)
                answer["Successful"].append({"Id": entry["Id"]})
        return answer

    delete_message_batch = change_message_visibility_batch

    def receive_message(self, **_: object) -> Any:
        received = [
            {"MessageId": receipt, "ReceiptHandle": receipt, "Body": ""}
            for receipt in self._waiting
        ]
        self._waiting = []
        return {"Messages": received, "ResponseMetadata": {}}

    def get_queue_attributes(self, **_: object) -> Any:
        counts = ("", "NotVisible", "Delayed")
        return {"Attributes": {f"ApproximateNumberOfMessages{count}": "0" for count in counts}}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("automation.deadletters.failed_entries.backoff_seconds", lambda _: 0)


def test_what_is_left_after_five_attempts_is_returned() -> None:
    asked: list[list[int]] = []
    waited: list[float] = []

    def ask(items: list[int]) -> list[int]:
        asked.append(items)
        return [item for item in items if item > len(asked)]

    assert ask_again(ask, range(8), waited.append) == [6, 7]
    assert (len(asked), len(waited)) == (5, 4)


def test_messages_that_could_not_be_shown_are_asked_for_again() -> None:
    sqs: Any = Troubled({"a": 0, "b": 2, "c": 4})
    with contextlib.closing(HiddenMessages(sqs, "url")) as hidden:
        hidden.show(["a", "b", "c"])
    assert sqs.done == ["a", "b", "c"]


def test_message_that_is_visible_already_is_not_shown_again() -> None:
    sqs: Any = Troubled({"a": 9}, RAN_OUT)
    with contextlib.closing(HiddenMessages(sqs, "url")) as hidden:
        hidden.show(["a"])
    assert sqs.asked == 1


def test_purge_deletes_at_last_what_could_not_be_deleted_at_once(tmp_path: Path) -> None:
    sqs: Any = Troubled({"a": 0, "b": 3})
    report = drain_to_file(
        sqs,
        "url",
        tmp_path / "backup.jsonl",
        wait_seconds=0,
        connections=1,
        cancel=threading.Event(),
    )
    assert (report.backed_up, report.deleted, sqs.done) == (2, 2, ["a", "b"])
