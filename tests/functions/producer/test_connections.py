"""Several connections: who sends what, in which order, and how much is held in memory."""

import itertools
import json
import threading
import tracemalloc
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import batch_sending
import connections
import pacing
import producer
import run_request

from .conftest import QUEUE_URL, FakeSqs, FakeTime, Invoke, accept, raise_error
from .test_batch_sending import make_client_error

FIFO_URL = f"{QUEUE_URL}.fifo"


class MeetingSqs(FakeSqs):
    """Answers a call only when as many are under way as it is told to expect."""

    def __init__(self, fake_time: FakeTime, *, expected: int) -> None:
        super().__init__(fake_time)
        self._meeting = threading.Barrier(expected, timeout=30)

    def send_message_batch(self, queue_url: str, texts: Iterable[str]) -> dict[str, Any]:
        self._meeting.wait()
        return super().send_message_batch(queue_url, texts)


def test_a_run_without_a_rate_has_sixteen_calls_under_way_at_once(
    invoke: Invoke, fake_time: FakeTime, monkeypatch: pytest.MonkeyPatch
):
    meeting = MeetingSqs(fake_time, expected=16)
    monkeypatch.setattr(batch_sending, "sqs", meeting)
    assert invoke(rate=None, max_messages=480)["msg_cnt"] == 480
    assert len(meeting.threads) == 16


@pytest.mark.parametrize(
    ("rate", "expected"), [(0.1, 1), (20, 1), (25, 1), (26, 2), (400, 16), (10_000, 16), (None, 16)]
)
def test_a_rate_gets_the_connections_that_it_needs(rate: float | None, expected: int):
    request = run_request.read_request({"rate": rate})
    assert connections.count_connections(request, is_fifo=False) == expected
    assert connections.count_connections(request, is_fifo=True) == 1


@pytest.mark.parametrize("rate", [20, 26, 60, 400])
def test_a_rate_is_held_though_each_call_takes_a_third_of_a_second(rate: int):
    request = run_request.read_request({"rate": rate})
    count = connections.count_connections(request, is_fifo=False)
    largest_group = min(pacing.MAX_GROUP_MESSAGES, rate * pacing.GROUP_SPAN_SECONDS)
    assert count * largest_group / (1 / 3) >= rate


def test_a_fifo_queue_gets_one_call_after_the_other_in_order(
    invoke: Invoke, fake_sqs: FakeSqs, monkeypatch: pytest.MonkeyPatch
):
    fake_sqs.queue_url = FIFO_URL
    monkeypatch.setenv("QUEUE_URL", FIFO_URL)
    invoke(rate=None, max_messages=2000)
    assert fake_sqs.sent_ids == [str(seq) for seq in range(2000)]
    assert len(fake_sqs.threads) == 1


def test_a_seed_gives_the_same_messages_by_however_many_connections(
    invoke: Invoke, fake_sqs: FakeSqs, fake_time: FakeTime, monkeypatch: pytest.MonkeyPatch
):
    # The time goes into a message, so none passes.
    monkeypatch.setattr(fake_time, "pass_by", lambda _: None)
    event = {"rate": None, "max_messages": 500, "seed": 7, "run_id": "r"}
    invoke(**event)
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 1)
    by_many, fake_sqs.calls = fake_sqs.calls, []
    invoke(**event)

    def sent(calls: list[tuple[float, list[dict[str, Any]]]]) -> list[dict[str, Any]]:
        return sorted((e for _, entries in calls for e in entries), key=lambda e: int(e["Id"]))

    assert len(fake_sqs.calls) == 50
    assert sent(by_many) == sent(fake_sqs.calls)


@pytest.mark.parametrize(("rate", "seconds"), [(20, 20), (333, 10), (500, 5), (2000, 5), (9999, 1)])
def test_a_rate_is_held_within_two_percent_by_several_connections(
    invoke: Invoke, fake_sqs: FakeSqs, rate: int, seconds: int
):
    message = invoke(rate=rate, duration_s=seconds)
    assert message["msg_cnt"] == rate * seconds
    # Time may pass on while a connection has a group in hand.
    in_hand = 10 * connections.MAX_CONNECTIONS
    sent = 0
    for when, entries in sorted(fake_sqs.calls, key=lambda call: call[0]):
        assert sent == pytest.approx(rate * when, rel=0.02, abs=in_hand)
        sent += len(entries)


@given(
    rate=st.integers(1, 10_000),
    delays=st.lists(st.floats(0, 0.02), min_size=1, max_size=20),
)
def test_a_rate_is_caught_up_with_after_slow_moments(rate: int, delays: list[float]):
    fake_time = FakeTime()
    request = run_request.read_request({"rate": rate, "duration_s": 10})
    sent = 0
    waits = itertools.cycle([*delays, 0, 0])
    for size in pacing.pace(request, clock=fake_time.clock(), deadline=2000):
        # Longer than a group lasts at the highest rates: what is due meanwhile comes after.
        fake_time.now += min(next(waits), 5 / rate)
        sent += size
    assert sent == pytest.approx(rate * 10, rel=0.02, abs=1)


def test_no_connection_sends_on_when_one_finds_the_queue_unusable(
    invoke: Invoke, fake_sqs: FakeSqs
):
    fake_sqs.script = [accept, accept]
    fake_sqs.always = raise_error(make_client_error("AccessDenied", 403))
    message = invoke(rate=None, bad_ratio=0)
    assert 3 <= len(fake_sqs.calls) <= 2 + connections.MAX_CONNECTIONS
    assert (message["status"], message["msg_cnt"]) == (False, 20)
    unsent = 10 * (len(fake_sqs.calls) - 2)
    assert message["error_message"] == (
        f"{unsent} of {unsent + 20} messages could not be sent: AccessDenied ({unsent})"
    )


def test_no_connection_begins_a_call_after_the_deadline(
    invoke: Invoke, fake_sqs: FakeSqs, lambda_context: Any
):
    lambda_context.remaining_milliseconds = 8_000
    fake_sqs.call_seconds = 0.3
    message = invoke(rate=None, duration_s=600)
    assert message["msg_cnt"] == 10 * len(fake_sqs.calls)
    # A group is taken before the deadline; those that the others took wait for this fake's lock.
    last = 8 - producer.RESERVE_SECONDS + 0.3 * connections.MAX_CONNECTIONS
    assert all(when < last for when, _ in fake_sqs.calls)


def test_an_error_of_ours_in_one_connection_is_not_swallowed(invoke: Invoke, fake_sqs: FakeSqs):
    fake_sqs.script = [accept, raise_error(RuntimeError("a bug"))]
    with pytest.raises(RuntimeError, match="a bug"):
        invoke(rate=None, max_messages=100)


def test_memory_is_the_same_for_any_number_of_messages(
    invoke: Invoke, fake_sqs: FakeSqs, monkeypatch: pytest.MonkeyPatch
):
    def accept_all(_: str, texts: Iterable[str]) -> dict[str, Any]:
        return accept([json.loads(text) for text in texts])

    monkeypatch.setattr(fake_sqs, "send_message_batch", accept_all)

    def peak_bytes(messages: int) -> int:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        invoke(rate=None, max_messages=messages, duration_s=890)
        return tracemalloc.get_traced_memory()[1] - before

    tracemalloc.start()
    try:
        peak_bytes(100)
        assert peak_bytes(6000) < 2 * peak_bytes(600) < 2_000_000
    finally:
        tracemalloc.stop()


def test_each_group_goes_to_one_taker_in_order():
    def groups() -> Iterator[int]:
        yield from range(3000)

    supply = connections.Supply(groups())
    taken: list[list[int]] = [[] for _ in range(4)]

    def take(into: list[int]) -> None:
        into.extend(supply)

    threads = [threading.Thread(target=take, args=(into,)) for into in taken]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(itertools.chain(*taken)) == list(range(3000))
    assert all(into == sorted(into) for into in taken)


def test_an_ended_supply_gives_nothing_more():
    supply = connections.Supply(iter(range(10)))
    assert next(supply) == 0
    supply.end()
    assert list(supply) == []


def test_a_thread_that_breaks_ends_the_others_soon(invoke: Invoke, fake_sqs: FakeSqs):
    fake_sqs.script = [raise_error(MemoryError())]
    with pytest.raises(MemoryError):
        invoke(rate=None, max_messages=100_000)
    assert len(fake_sqs.calls) < 1_000
