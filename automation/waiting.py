"""Wait for a condition, with a deadline and a failure that says what was last seen; a clock."""

import sys
import time
from collections.abc import Callable
from typing import TypeVar

from automation.errors import StillWaitingError

Seen = TypeVar("Seen")


def steady_seconds() -> float:
    """Seconds of a clock that nobody sets, and that goes on while the machine sleeps.

    For what is judged by how long ago something was: for how long SQS hides a message, or how long
    silence has to last. Python's `time.monotonic` stands still while Linux or macOS sleeps, SQS
    does not.
    """
    # On macOS CLOCK_MONOTONIC goes on, and what Python takes for `monotonic` is another clock.
    clock = time.CLOCK_BOOTTIME if sys.platform == "linux" else time.CLOCK_MONOTONIC
    return time.clock_gettime(clock)


def wait_until(
    description: str,
    probe: Callable[[], tuple[bool, Seen]],
    *,
    timeout_seconds: float,
    interval_seconds: float = 0.1,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Seen:
    """Call `probe` until it says that the condition holds, and return what it saw then.

    Args:
        description: the condition in words, for the error: "the queue is settled".
        probe: returns (holds, what was seen); what was seen is put into the error.
        timeout_seconds: how long to wait at the most; the probe runs at least once.
        interval_seconds: pause between two probes, default 0.1 s.

    Raises:
        StillWaitingError: the condition did not hold in time.
    """
    deadline = clock() + timeout_seconds
    while True:
        holds, seen = probe()
        if holds:
            return seen
        left = deadline - clock()
        if left <= 0:
            raise StillWaitingError(
                f"gave up after {timeout_seconds:g} s waiting until {description}; "
                f"last seen: {seen}"
            )
        sleep(min(interval_seconds, left))
