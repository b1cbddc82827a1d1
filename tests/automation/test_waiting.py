"""Waiting ends with the condition or with the deadline, and says what was last seen."""

import pytest

from automation.errors import StillWaitingError
from automation.waiting import wait_until


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
