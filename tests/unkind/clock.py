"""Virtual time: it passes when somebody waits or a request travels, and at no other moment."""

import heapq
import itertools
from collections.abc import Callable
from threading import RLock
from typing import Protocol

STARTS_AT_SECONDS = 1_790_000_000.0
"""Unix time at which each world begins."""


class TooLateError(Exception):
    """So much virtual time has passed that what runs here would never have come to its end."""


class Waiter(Protocol):
    """Knows which threads are there, so that time passes for all of them alike."""

    def sleep(self, seconds: float) -> bool:
        """Let the calling thread wait; False when it isn't one of those."""
        ...


class Clock:
    """The world's time, and what is going to happen in it.

    Args:
        gives_up_after_seconds: virtual time after which a wait raises TooLateError, default 60
            days: what waits for ever must not hang a test.
    """

    def __init__(self, *, gives_up_after_seconds: float = 60 * 86_400) -> None:
        self.now = STARTS_AT_SECONDS
        self.lock = RLock()
        self.waiter: Waiter | None = None
        self._ends_at = self.now + gives_up_after_seconds
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def at(self, when: float, action: Callable[[], None]) -> None:
        """Have something happen at a time; at once when that is over, but never before now."""
        heapq.heappush(self._agenda, (max(when, self.now), next(self._numbers), action))

    def wait(self, seconds: float) -> None:
        """Let time pass for the calling thread; without a scheduler for everybody."""
        if self.waiter and self.waiter.sleep(seconds):
            return
        with self.lock:
            self.pass_until(self.now + max(0.0, seconds))

    def pass_until(self, when: float) -> None:
        """Let happen what is due until then."""
        if when > self._ends_at:
            raise TooLateError(f"{when - STARTS_AT_SECONDS:.0f} s have passed without an end")
        while self._agenda and self._agenda[0][0] <= when:
            self.now, _, action = heapq.heappop(self._agenda)
            action()
        self.now = max(self.now, when)
