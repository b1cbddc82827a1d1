"""SQS in memory, as strict as SQS, that fails and is killed where a test wants it to."""

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

MAX_BYTES = 1_048_576


class Killed(BaseException):
    """The process is gone: nothing that it does from here on has an effect."""


@dataclass
class Steps:
    """Counts everything that has an effect outside the process, and kills it at one of them."""

    kill_at: int | None = None
    taken: int = 0

    @property
    def is_dead(self) -> bool:
        return self.kill_at is not None and self.taken > self.kill_at

    def step(self) -> None:
        self.taken += 1
        if self.is_dead:
            raise Killed


@dataclass
class Stored:
    message_id: str
    body: str
    attributes: dict[str, Any]
    system: dict[str, str]
    receipt: str = ""
    is_hidden: bool = False


@dataclass
class Fault:
    """What goes wrong with one request: entries that fail, or no answer before or after it."""

    failing_entries: frozenset[int] = frozenset()
    sender_fault: bool = False
    breaks: str = ""


@dataclass
class FakeQueue:
    url: str
    messages: list[Stored] = field(default_factory=list)
    sent_by_deduplication_id: dict[str, str] = field(default_factory=dict)

    @property
    def is_fifo(self) -> bool:
        return self.url.endswith(".fifo")

    def receivable(self) -> Iterable[Stored]:
        blocked = {m.system.get("MessageGroupId") for m in self.messages if m.is_hidden}
        for message in self.messages:
            group = message.system.get("MessageGroupId")
            if not message.is_hidden and not (self.is_fifo and group in blocked):
                yield message

    def show_all(self) -> None:
        """Let the visibility timeout of everything run out."""
        for message in self.messages:
            message.is_hidden = False


class FakeSqs:
    """The calls of an SQS client that a mover makes."""

    def __init__(self, *queues: FakeQueue) -> None:
        self.queues = {queue.url: queue for queue in queues}
        self.steps = Steps()
        self.send_faults: list[Fault] = []
        self.delete_faults: list[Fault] = []
        self.before_receive: Callable[[], None] = lambda: None
        self._ids = itertools.count()

    def new_id(self) -> str:
        return f"id-{next(self._ids)}"

    def receive_message(self, **request: Any) -> dict[str, Any]:
        self.steps.step()
        self.before_receive()
        assert request["MessageAttributeNames"] == request["MessageSystemAttributeNames"] == ["All"]
        queue = self.queues[request["QueueUrl"]]
        found = list(itertools.islice(queue.receivable(), request["MaxNumberOfMessages"]))
        for message in found:
            message.is_hidden, message.receipt = True, self.new_id()
        self.steps.step()
        return {
            "Messages": [
                {
                    "MessageId": message.message_id,
                    "Body": message.body,
                    "MessageAttributes": message.attributes,
                    "Attributes": message.system,
                    "ReceiptHandle": message.receipt,
                }
                for message in found
            ]
        }

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        queue, entries = self.queues[request["QueueUrl"]], request["Entries"]
        self.steps.step()
        fault = self.send_faults.pop() if self.send_faults else Fault()
        self._check(entries, queue)
        if fault.breaks == "before":
            raise ReadTimeoutError(endpoint_url="")
        if fault.breaks == "throttled":
            raise client_error("RequestThrottled", 400)
        successful: list[dict[str, Any]] = []
        failed: list[dict[str, Any]] = []
        for number, entry in enumerate(entries):
            if number in fault.failing_entries:
                failed.append(_failure(entry["Id"], "InternalError", fault.sender_fault))
            else:
                successful.append({"Id": entry["Id"], "MessageId": self._accept(queue, entry)})
        self.steps.step()
        if fault.breaks == "after":
            raise ReadTimeoutError(endpoint_url="")
        if fault.breaks == "after with 500":
            raise client_error("InternalFailure", 500)
        return {"Successful": successful, "Failed": failed}

    def delete_message_batch(self, **request: Any) -> dict[str, Any]:
        queue, entries = self.queues[request["QueueUrl"]], request["Entries"]
        self.steps.step()
        assert 1 <= len(entries) <= 10
        fault = self.delete_faults.pop() if self.delete_faults else Fault()
        successful: list[dict[str, Any]] = []
        failed: list[dict[str, Any]] = []
        for number, entry in enumerate(entries):
            if number in fault.failing_entries:
                code = "ReceiptHandleIsInvalid" if fault.sender_fault else "InternalError"
                failed.append(_failure(entry["Id"], code, fault.sender_fault))
                continue
            queue.messages = [m for m in queue.messages if m.receipt != entry["ReceiptHandle"]]
            successful.append({"Id": entry["Id"]})
        self.steps.step()
        return {"Successful": successful, "Failed": failed}

    def change_message_visibility_batch(self, **request: Any) -> dict[str, Any]:
        self.steps.step()
        receipts = {entry["ReceiptHandle"] for entry in request["Entries"]}
        for message in self.queues[request["QueueUrl"]].messages:
            if message.receipt in receipts:
                message.is_hidden = False
        return {}

    def get_queue_attributes(self, **request: Any) -> dict[str, Any]:
        self.steps.step()
        messages = self.queues[request["QueueUrl"]].messages
        hidden = sum(message.is_hidden for message in messages)
        return {
            "Attributes": {
                "ApproximateNumberOfMessages": str(len(messages) - hidden),
                "ApproximateNumberOfMessagesNotVisible": str(hidden),
                "ApproximateNumberOfMessagesDelayed": "0",
            }
        }

    def _check(self, entries: list[dict[str, Any]], queue: FakeQueue) -> None:
        assert 1 <= len(entries) <= 10
        assert len({entry["Id"] for entry in entries}) == len(entries)
        assert sum(size_bytes(e["MessageBody"], e["MessageAttributes"]) for e in entries) <= (
            MAX_BYTES
        )
        for entry in entries:
            assert len(entry["MessageAttributes"]) <= 10
            assert ("MessageDeduplicationId" in entry) == queue.is_fifo
            assert "MessageGroupId" in entry or not queue.is_fifo

    def _accept(self, queue: FakeQueue, entry: dict[str, Any]) -> str:
        deduplication_id = entry.get("MessageDeduplicationId")
        if deduplication_id in queue.sent_by_deduplication_id:
            return queue.sent_by_deduplication_id[deduplication_id]
        system = {"SentTimestamp": "1700000000000", "ApproximateReceiveCount": "1"}
        if "MessageGroupId" in entry:
            system["MessageGroupId"] = entry["MessageGroupId"]
        if trace := entry.get("MessageSystemAttributes", {}).get("AWSTraceHeader"):
            system["AWSTraceHeader"] = trace["StringValue"]
        stored = Stored(
            message_id=self.new_id(),
            body=entry["MessageBody"],
            attributes=dict(entry["MessageAttributes"]),
            system=system,
        )
        queue.messages.append(stored)
        if deduplication_id:
            queue.sent_by_deduplication_id[deduplication_id] = stored.message_id
        return stored.message_id


def _failure(entry_id: str, code: str, sender_fault: bool) -> dict[str, Any]:
    return {"Id": entry_id, "Code": code, "Message": "injected", "SenderFault": sender_fault}


def client_error(code: str, status: int) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": "injected"},
            "ResponseMetadata": {"HTTPStatusCode": status},
        },  # type: ignore[typeddict-item]
        "SendMessageBatch",
    )


def size_bytes(body: str, attributes: dict[str, Any]) -> int:
    return len(body.encode()) + sum(
        len(name.encode())
        + len(value["DataType"].encode())
        + len(value.get("StringValue", "").encode())
        + len(value.get("BinaryValue", b""))
        for name, value in attributes.items()
    )
