"""When the messages of a run are due."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from run_request import Request

# A group at most; as many as one call to SQS takes, so that a group is one call.
MAX_GROUP_MESSAGES = 10
# A group holds at most this much of the rate, so that a slow rate is not sent in lumps.
GROUP_SPAN_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class Clock:
    """The times that a run depends on, in seconds."""

    monotonic: Callable[[], float] = time.monotonic
    unix: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


def pace(request: Request, *, clock: Clock, deadline: float) -> Iterator[int]:
    """Wait for each moment at which messages are due, and say how many are: 1 to 10.

    With a rate, a run sends rate x duration messages in evenly spaced groups; when sending is
    slower than that, what is due is sent without a pause. Ends at the run's duration or at
    `deadline` (on the monotonic clock), whichever comes first.
    """
    started = clock.monotonic()
    end = min(started + request.duration_seconds, deadline)
    rate = request.rate_per_second
    planned = math.inf if request.max_messages is None else request.max_messages
    group_size = MAX_GROUP_MESSAGES
    if rate is not None:
        planned = min(planned, max(1, round(rate * request.duration_seconds)))
        group_size = min(group_size, math.ceil(rate * GROUP_SPAN_SECONDS))
    done = 0
    while done < planned:
        now = clock.monotonic()
        due = now if rate is None else started + done / rate
        if max(now, due) >= end:
            return
        if due > now:
            clock.sleep(due - now)
        size = int(min(group_size, planned - done))
        yield size
        done += size
