"""How many messages wait in a queue, from the moment on at which a load begins."""

import itertools
from dataclasses import dataclass
from typing import Self

from automation.planning.polling import Polling

_MINUTE = 60.0


@dataclass(frozen=True, kw_only=True)
class Moment:
    """How it stands at one time; between two of them everything goes evenly.

    Attributes:
        seconds: since the load began.
        messages: that wait.
        concurrency: batches that the mapping may process at once from then on.
    """

    seconds: float
    messages: float
    concurrency: float


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """What became of it.

    Attributes:
        moments: in order; the last one is that of `drained_seconds`.
        peak: messages that waited at most.
        drained_seconds: when nothing waited any more; None when that is never.
        longest_wait_seconds: of a message, until its first receive; None as above.
    """

    moments: tuple[Moment, ...]
    peak: float
    drained_seconds: float | None
    longest_wait_seconds: float | None

    @classmethod
    def of(
        cls, moments: list[Moment], drained_seconds: float | None, longest: float | None
    ) -> Self:
        """From its moments."""
        return cls(
            moments=tuple(moments),
            peak=max(moment.messages for moment in moments),
            drained_seconds=drained_seconds,
            longest_wait_seconds=longest,
        )


def backlog(
    polling: Polling,
    *,
    messages_per_second: float,
    deliveries_per_message: float,
    burst: float,
    concurrency: float,
) -> Backlog:
    """Follow a backlog until it is gone.

    What flows is deliveries, evenly: a bad message counts as all of its receives when it comes,
    though the later ones come later, after its back-off. While anything waits at the end of a
    minute, the mapping takes `per_minute` more from then on: the careful reading of "up to 300
    more per minute".

    Args:
        polling: the mapping.
        messages_per_second: that come all the time.
        deliveries_per_message: how often each is received.
        burst: messages that wait at the beginning.
        concurrency: batches at once at the beginning.
    """
    coming = messages_per_second * deliveries_per_message
    waiting, now = burst * deliveries_per_message, 0.0
    moments: list[Moment] = []

    def note() -> None:
        messages = waiting / deliveries_per_message
        moments.append(Moment(seconds=now, messages=messages, concurrency=concurrency))

    note()
    while True:
        growing = coming - polling.received_per_second(concurrency)
        is_all = concurrency >= polling.most
        if (growing <= 0 and waiting + growing * _MINUTE <= 0) or (is_all and growing < 0):
            break
        if is_all:
            return Backlog.of(moments, None, None)
        waiting, now = waiting + growing * _MINUTE, now + _MINUTE
        note()
        # Each new poller takes a batch at once.
        added = min(polling.most - concurrency, polling.per_minute)
        concurrency, waiting = concurrency + added, max(0.0, waiting - added * polling.batch_size)
        note()
    if waiting:
        now, waiting = now + waiting / -growing, 0.0
        note()
    return Backlog.of(moments, now, _longest_wait(moments, messages_per_second, burst))


def _longest_wait(moments: list[Moment], coming: float, burst: float) -> float:
    """Of a message until its first receive, when the queue is read in order.

    Who is received while D messages wait came D / coming ago, or with the burst. That is longest
    where a stretch begins, or where the burst's last one is received.
    """
    waits = [0.0]
    for start, end in itertools.pairwise(moments):
        if coming:
            waits.append(min(start.seconds, start.messages / coming))
        received, until = (
            burst + coming * moment.seconds - moment.messages for moment in (start, end)
        )
        # Of what is calculated from time the last digits are not exact.
        if received < burst <= until + 1e-6 * burst and end.seconds > start.seconds:
            speed = (until - received) / (end.seconds - start.seconds)
            waits.append(start.seconds + (burst - received) / speed)
    return max(waits)
