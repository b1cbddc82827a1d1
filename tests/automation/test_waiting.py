"""Waiting ends with the condition or with the deadline, and says what was last seen."""

import inspect
import time
from collections.abc import Callable

import pytest

from automation.deadletters.canary import watch_canary
from automation.deadletters.queue_to_file import drain_to_file, purge_queue
from automation.deadletters.queue_to_queue import move_messages
from automation.deadletters.reading import QueueReading
from automation.deadletters.receiving import Sweep
from automation.errors import StillWaitingError
from automation.waiting import steady_seconds, wait_until


class FakeTime:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_returns_what_was_seen_when_the_condition_holds() -> None:
    time = FakeTime()
    seen = wait_until(
        "it is late",
        lambda: (time.now >= 3, time.now),
        timeout_seconds=10,
        interval_seconds=1,
        clock=time.clock,
        sleep=time.sleep,
    )
    assert seen == 3


def test_failure_names_the_condition_the_limit_and_what_was_last_seen() -> None:
    time = FakeTime()
    with pytest.raises(StillWaitingError, match=r"after 2 s waiting until it rains; .*seen: sun"):
        wait_until(
            "it rains",
            lambda: (False, "sun"),
            timeout_seconds=2,
            clock=time.clock,
            sleep=time.sleep,
        )
    assert time.now == pytest.approx(2)


def test_looks_once_even_without_time() -> None:
    assert wait_until("it is so", lambda: (True, 1), timeout_seconds=0) == 1


@pytest.mark.parametrize(
    "judge", [watch_canary, move_messages, drain_to_file, purge_queue, QueueReading, Sweep]
)
def test_how_long_ago_something_was_is_judged_by_a_clock_that_nobody_sets(
    judge: Callable[..., object],
) -> None:
    assert inspect.signature(judge).parameters["clock"].default is steady_seconds


def test_steady_clock_goes_on_when_the_other_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before = steady_seconds()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert 0 <= steady_seconds() - before < 60
