"""How many messages a run may still move, and how fast."""

import math
import threading
import time
from collections.abc import Callable

from automation.deadletters.message import MAX_BATCH_ENTRIES

# One connection moves more than this, here and at AWS.
_MESSAGES_PER_SECOND_AND_WORKER = 50

# What slow answers delay is made up for, as far as that is no burst.
_CATCHES_UP_SECONDS = 1.0


class Allowance:
    """A number of messages that workers share; what one doesn't use another gets.

    Args:
        limit: messages; None for no limit.
    """

    def __init__(self, limit: int | None) -> None:
        self._left = limit
        self._lent = 0
        self._changed = threading.Condition()

    def take(self, wanted: int, is_ending: Callable[[], bool]) -> int:
        """Take up to `wanted`; wait while none is left but may come back; 0 when all are used."""
        if self._left is None:
            return wanted
        with self._changed:
            while self._left == 0 and self._lent and not is_ending():
                self._changed.wait(0.1)
            granted = min(wanted, self._left)
            self._left -= granted
            self._lent += granted
            return granted

    def give_back(self, granted: int, *, used: int) -> None:
        """Return what was taken, less what was used."""
        if self._left is None:
            return
        with self._changed:
            self._left += granted - used
            self._lent -= granted
            self._changed.notify_all()


class Pacer:
    """Lets messages pass at a rate that workers share.

    Args:
        messages_per_second: None for no limit.
        pause: waits a number of seconds.
        clock: seconds since any time; None (default) for the machine's own.
    """

    def __init__(
        self,
        messages_per_second: float | None,
        pause: Callable[[float], object],
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._messages_per_second = messages_per_second
        self._pause = pause
        self._clock = clock or time.monotonic
        self._lock = threading.Lock()
        self._next_at = self._clock()

    def useful_workers(self, connections: int) -> int:
        """How many workers the rate needs; a worker that waits hides messages for nothing."""
        if self._messages_per_second is None:
            return connections
        return min(
            connections, math.ceil(self._messages_per_second / _MESSAGES_PER_SECOND_AND_WORKER)
        )

    @property
    def batch_messages(self) -> int:
        """How many messages to receive at once: what passes within about a second."""
        rate = self._messages_per_second
        return MAX_BATCH_ENTRIES if rate is None else max(1, min(MAX_BATCH_ENTRIES, int(rate)))

    def wait_for(self, messages: int) -> None:
        """Wait until so many messages may pass."""
        if self._messages_per_second is None:
            return
        with self._lock:
            now = self._clock()
            starts_at = max(now - _CATCHES_UP_SECONDS, self._next_at)
            self._next_at = starts_at + messages / self._messages_per_second
        if starts_at > now:
            self._pause(starts_at - now)
