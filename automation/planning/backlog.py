"""How many messages wait in a queue, from the moment on at which a load begins."""

import itertools
from dataclasses import dataclass

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
    drained: float | None = None
    while drained is None:
        moments.append(
            Moment(seconds=now, messages=waiting / deliveries_per_message, concurrency=concurrency)
        )
        growing = coming - polling.received_per_second(concurrency)
        is_all = concurrency >= polling.most
        if (growing <= 0 and waiting + growing * _MINUTE <= 0) or (is_all and growing < 0):
            drained = now + (waiting / -growing if waiting else 0.0)
        elif is_all:
            break
        else:
            waiting, now = waiting + growing * _MINUTE, now + _MINUTE
            concurrency = min(polling.most, concurrency + polling.per_minute)
    if drained is not None and drained > now:
        moments.append(Moment(seconds=drained, messages=0.0, concurrency=concurrency))
    longest = None
    if drained is not None:
        longest = _longest_wait(polling, moments, coming, burst * deliveries_per_message)
    return Backlog(
        moments=tuple(moments),
        peak=max(moment.messages for moment in moments),
        drained_seconds=drained,
        longest_wait_seconds=longest,
    )


def _longest_wait(polling: Polling, moments: list[Moment], coming: float, burst: float) -> float:
    """Of a message until its first receive, when the queue is read in order.

    Who is received while D deliveries wait came D / coming ago, or with the burst. That is longest
    where a stretch begins, or where the burst's last one is received.
    """
    waits = [0.0]
    served, deliveries = 0.0, burst
    for start, end in itertools.pairwise(moments):
        speed = polling.received_per_second(start.concurrency)
        seconds = end.seconds - start.seconds
        if coming:
            waits.append(min(start.seconds, deliveries / coming))
        if served < burst <= served + speed * seconds * (1 + 1e-9):
            waits.append(start.seconds + (burst - served) / speed)
        served += speed * seconds
        deliveries += (coming - speed) * seconds
    return max(waits)
