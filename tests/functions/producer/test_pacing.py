"""Pace: when a run sends, and when it ends."""

from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import connections
import pacing
import producer
import run_request

from .conftest import FakeSqs, FakeTime, Invoke


def test_the_default_run_sends_a_hundred_messages_evenly_over_its_five_seconds(
    invoke: Invoke, fake_sqs: FakeSqs
):
    assert invoke()["msg_cnt"] == 100
    times = [when for when, _ in fake_sqs.calls]
    assert times == pytest.approx([0.5 * n for n in range(10)])


@given(rate=st.floats(0.1, 10_000), duration=st.floats(0.01, 20))
def test_a_rate_is_never_exceeded_and_the_planned_number_is_reached(rate: float, duration: float):
    fake_time = FakeTime()
    request = run_request.read_request({"rate": rate, "duration_s": duration})
    sent = 0
    for size in islice(pacing.pace(request, clock=fake_time.clock(), deadline=2000), 200):
        elapsed = fake_time.now - 1000
        assert elapsed < duration
        assert sent <= rate * elapsed + 1e-6 * rate + 1
        assert 1 <= size <= 10
        sent += size
        is_cut_short_by_the_test = sent < rate * duration - 1
    assert is_cut_short_by_the_test or sent == max(1, round(rate * duration))


def test_a_slow_queue_is_not_waited_for_and_the_duration_ends_the_run(
    invoke: Invoke, fake_sqs: FakeSqs, fake_time: FakeTime
):
    fake_sqs.call_seconds = 1.0
    assert invoke()["msg_cnt"] == 50
    assert fake_time.slept == []


def test_unlimited_rate_ends_as_soon_as_all_are_sent(
    invoke: Invoke, fake_sqs: FakeSqs, fake_time: FakeTime
):
    assert invoke(rate=None, max_messages=2003)["msg_cnt"] == 2003
    assert fake_time.slept == []
    assert sorted(len(entries) for _, entries in fake_sqs.calls) == [3] + [10] * 200
    assert sorted(map(int, fake_sqs.sent_ids)) == list(range(2003))


def test_unlimited_rate_without_number_ends_with_the_duration(invoke: Invoke, fake_sqs: FakeSqs):
    fake_sqs.call_seconds = 0.125
    # Each connection may have a group in hand when the time is over.
    assert 400 <= invoke(rate=None)["msg_cnt"] <= 400 + 10 * connections.MAX_CONNECTIONS


@pytest.mark.parametrize(("max_messages", "expected"), [(1, 1), (15, 15), (100_000, 100)])
def test_the_smaller_of_number_and_duration_wins(invoke: Invoke, max_messages: int, expected: int):
    assert invoke(max_messages=max_messages)["msg_cnt"] == expected


def test_the_end_of_the_invocation_ends_the_run_in_time(
    invoke: Invoke, lambda_context: Any, fake_time: FakeTime
):
    lambda_context.remaining_milliseconds = 30_000
    message = invoke(duration_s=600)
    assert message["status"] is True
    assert message["msg_cnt"] == 500
    assert fake_time.now - 1000 <= 30 - producer.RESERVE_SECONDS


def test_no_time_at_all_is_said_so(invoke: Invoke, lambda_context: Any, fake_sqs: FakeSqs):
    lambda_context.remaining_milliseconds = 3000
    message = invoke()
    assert message["status"] is False
    assert message["msg_cnt"] == 0
    assert "5 s" in message["error_message"]
    assert fake_sqs.calls == []
