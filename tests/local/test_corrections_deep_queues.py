"""With the index a queue does what it does without, request by request; only not slower when deep.

Two copies of the emulator's module are driven with the same requests at the same times.
"""

import contextlib
import itertools
import json
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ministack.core.persistence import (  # pyright: ignore[reportMissingTypeStubs] it has none
    _json_default,
    _json_object_hook,
)
from ministack.core.responses import (  # pyright: ignore[reportMissingTypeStubs] it has none
    request_scope,
)

from automation.local.corrections.deep_queues import correct
from automation.local.corrections.message_index import Message, Messages
from automation.local.corrections.receipts import ReceiptRules, Refusal
from tests.local.conftest import own_copy

PAIRS = (("standard", "dead"), ("group.fifo", "dead.fifo"))


class EmulatorsOwn(ReceiptRules):
    """What the emulator does with receipts by itself; test_corrections_receipts has SQS's rules."""

    def __init__(self, module: Any) -> None:
        self._module = module

    def new(self, *_: object) -> str:
        return self._module.new_uuid()

    def why_not_deleted(self, _: Any, messages: Messages, receipt: str) -> Refusal | None:
        known = messages.received_with(receipt)
        words = "The input receipt handle is invalid."
        return None if known else ("ReceiptHandleIsInvalid", words)

    why_not_changed = why_not_deleted


class Service:
    """A copy of the emulator's SQS with a clock, ids and queues of its own."""

    def __init__(self, pair: tuple[str, str], *, is_corrected: bool) -> None:
        self.module = own_copy("ministack.services.sqs")
        self.now = 1_000_000.0
        self.module.time = SimpleNamespace(time=lambda: self.now)
        ids = map("id-{}".format, itertools.count())
        self.module.new_uuid = lambda: next(ids)
        # The receipts of a queue's messages, the newest last; they may be of use no more.
        self.receipts: dict[str, list[str]] = {name: ["made-up"] for name in pair}
        if is_corrected:
            correct(self.module, EmulatorsOwn(self.module))
        for name in reversed(pair):
            self.make(name)

    def make(self, name: str) -> None:
        attributes = {"VisibilityTimeout": "5", "MessageRetentionPeriod": "300"}
        attributes |= redrive_policy(name, receives=2)
        self.call("CreateQueue", name, QueueName=name, Attributes=attributes)

    def call(self, action: str, queue: str, **request: Any) -> Any:
        data = {"QueueUrl": self.module._queue_url(queue), **request}
        try:
            self.module._dispatch(action, data, "").send(None)
        except StopIteration as answered:
            return answered.value
        except self.module._Err as error:
            return error.code, error.message
        raise AssertionError("nothing here waits")

    def receive(self, queue: str, most: int, **request: Any) -> Any:
        answer = self.call(
            "ReceiveMessage",
            queue,
            MaxNumberOfMessages=most,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
            **request,
        )
        self.receipts[queue] += [each["ReceiptHandle"] for each in answer.get("Messages", [])]
        return answer

    def receive_for_mapping(self, queue: str) -> list[Any]:
        batch = self.module._receive_messages_for_esm(self.module._queue_url(queue), 10)
        self.receipts[queue] += [message["receipt_handle"] for message in batch]
        return [dict(message) for message in batch]

    def delete_for_mapping(self, queue: str, receipts: list[str]) -> None:
        self.module._delete_messages_for_esm(self.module._queue_url(queue), set(receipts))

    def drop_filtered(self, queue: str) -> None:
        """What a mapping does with messages that its filter leaves out."""
        url = self.module._queue_url(queue)
        for message in self.module._receive_messages_for_esm(url, 3):
            self.module._queues[url]["messages"].remove(message)

    def deliver(self, queue: str, body: str) -> None:
        """What other services of the emulator do: they append, and leave some of it out."""
        message = {"id": "of-topic", "body": body, "sent_at": self.now, "visible_at": self.now}
        self.module._queues[self.module._queue_url(queue)]["messages"].append(message)
        self.module._ensure_msg_fields(message)

    def saved(self) -> str:
        return json.dumps(self.module.get_state(), default=_json_default)

    def restart(self) -> None:
        state = json.loads(self.saved(), object_hook=_json_object_hook)
        self.module.reset()
        self.module.load_persisted_state(state)


seconds = st.sampled_from([0, 0, 1, 5, 30])
places = st.lists(st.integers(1, 12), min_size=1, max_size=4, unique=True)


def operations(pair: tuple[str, str]) -> st.SearchStrategy[tuple[Any, ...]]:
    """Whatever can happen to a queue and its dead-letter queue."""
    names, source, counts = st.sampled_from(pair), st.just(pair[0]), st.integers(1, 10)
    return st.one_of(
        st.tuples(st.just("send"), names, st.integers(0, 30), st.integers(0, 3), seconds),
        st.tuples(st.just("send_many"), source, st.integers(0, 3)),
        st.tuples(st.just("receive"), names, counts, st.none() | seconds),
        st.tuples(st.just("exhaust"), source),
        st.tuples(st.just("delete"), names, places),
        st.tuples(st.just("delete_one"), names, places),
        st.tuples(st.just("change"), names, places, seconds),
        st.tuples(st.just("change_one"), names, places, seconds),
        st.tuples(st.just("map"), names, places),
        st.tuples(st.just("filter"), names),
        st.tuples(st.just("deliver"), names),
        st.tuples(st.just("pass"), st.sampled_from([0.5, 1, 5, 30, 60, 240, 300])),
        st.tuples(st.just("count"), names),
        st.tuples(st.just("set"), names, st.integers(1, 3), st.sampled_from([60, 300])),
        st.tuples(st.just("unset"), source),
        st.tuples(st.just("purge"), names),
        st.tuples(st.just("remake"), names),
        st.tuples(st.just("restart")),
    )


def done(service: Service, operation: tuple[Any, ...]) -> Any:
    """Do it and return all that can be seen of it."""
    match operation:
        case ("send", name, number, group, delay):
            return service.call("SendMessage", name, **sent(name, number, group, delay))
        case ("send_many", name, group):
            entries = [{"Id": str(n), **sent(name, n, (n + group) % 4, 0)} for n in range(10)]
            return service.call("SendMessageBatch", name, Entries=entries)
        case ("receive", name, most, hidden):
            request = {} if hidden is None else {"VisibilityTimeout": hidden}
            return service.receive(name, most, **request)
        case ("exhaust", name):
            return [service.receive(name, 10, VisibilityTimeout=0) for _ in range(2)]
        case ("delete", name, places):
            return service.call(
                "DeleteMessageBatch", name, Entries=entries_of(service, name, places)
            )
        case ("delete_one", name, places):
            return service.call("DeleteMessage", name, **entries_of(service, name, places)[0])
        case ("change", name, places, hidden):
            entries = entries_of(service, name, places, VisibilityTimeout=hidden)
            return service.call("ChangeMessageVisibilityBatch", name, Entries=entries)
        case ("change_one", name, places, hidden):
            entry = entries_of(service, name, places, VisibilityTimeout=hidden)[0]
            return service.call("ChangeMessageVisibility", name, **entry)
        case ("map", name, places):
            batch = service.receive_for_mapping(name)
            receipts = [entry["ReceiptHandle"] for entry in entries_of(service, name, places)]
            return batch, service.delete_for_mapping(name, receipts)
        case ("filter", name):
            return service.drop_filtered(name)
        case ("deliver", name):
            return service.deliver(name, "from elsewhere")
        case ("pass", passing):
            service.now += passing
        case ("count", name):
            return service.call("GetQueueAttributes", name, AttributeNames=["All"])
        case ("set", name, receives, retention):
            attributes = {"MessageRetentionPeriod": str(retention)}
            attributes |= redrive_policy(name, receives=receives)
            return service.call("SetQueueAttributes", name, Attributes=attributes)
        case ("unset", name):
            return service.call("SetQueueAttributes", name, Attributes={"RedrivePolicy": ""})
        case ("purge", name):
            return service.call("PurgeQueue", name)
        case ("remake", name):
            return service.call("DeleteQueue", name), service.make(name)
        case _:
            service.restart()
    return None


def redrive_policy(name: str, *, receives: int) -> dict[str, str]:
    """Of a source; a dead-letter queue has none."""
    if name.startswith("dead"):
        return {}
    dead = f"arn:aws:sqs:us-east-1:000000000000:{dict(PAIRS)[name]}"
    policy = {"deadLetterTargetArn": dead, "maxReceiveCount": receives}
    return {"RedrivePolicy": json.dumps(policy)}


def sent(name: str, number: int, group: int, delay: int) -> dict[str, Any]:
    if not name.endswith(".fifo"):
        return {"MessageBody": f"body {number}", "DelaySeconds": delay}
    ids = {"MessageGroupId": f"g{group}", "MessageDeduplicationId": f"{group} {number}"}
    return {"MessageBody": f"body {number}", **ids}


def entries_of(service: Service, name: str, places: list[int], **more: Any) -> list[dict[str, Any]]:
    receipts = service.receipts[name]
    return [
        {"Id": str(place), "ReceiptHandle": receipts[-min(place, len(receipts))], **more}
        for place in places
    ]


@given(st.data())
@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair[0])
def test_every_answer_and_all_that_is_kept_is_the_same(
    pair: tuple[str, str], data: st.DataObject
) -> None:
    steps = data.draw(st.lists(operations(pair), min_size=10, max_size=50))
    with request_scope("000000000000", "us-east-1"):
        plain, corrected = Service(pair, is_corrected=False), Service(pair, is_corrected=True)
        for step in steps:
            assert done(corrected, step) == done(plain, step), step
            assert json.loads(corrected.saved()) == json.loads(plain.saved()), step


@contextlib.contextmanager
def switching_often() -> Iterator[None]:
    """Python gives another thread its turn in the middle of everything."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def test_threads_lose_nothing_and_meet_nothing_twice() -> None:
    sqs = own_copy("ministack.services.sqs")
    messages = Messages(
        [], is_fifo=False, complete=sqs._ensure_msg_fields, clock=itertools.count().__next__
    )
    met: list[str] = []

    def new_receipt(_: Message) -> str:
        return sqs.new_uuid()

    is_sent = threading.Event()

    def send(sender: int) -> None:
        for number in range(1_500):
            messages.append({"id": f"{sender} {number}", "sent_at": 0, "visible_at": 0})

    def take() -> None:
        has_more = True
        while has_more:
            has_more = not is_sent.is_set()
            while received := messages.receive(3, 1_000_000, new_receipt):
                met.extend(message["id"] for message in received)
                assert all(messages.delete(message["receipt_handle"]) for message in received)

    with switching_often(), ThreadPoolExecutor(8) as pool:
        senders = [pool.submit(send, number) for number in range(4)]
        takers = [pool.submit(take) for _ in range(4)]
        wait(senders)
        is_sent.set()
        for each in (*senders, *takers):
            each.result()
    assert len(met) == len(set(met)) == 6_000
    assert len(messages) == 0
