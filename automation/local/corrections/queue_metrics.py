"""The metrics that SQS tells of a queue itself, read from the emulator's messages."""

from collections.abc import Mapping, Sequence
from typing import Any

# Amazon SQS Developer Guide, Available CloudWatch metrics for Amazon SQS, with their units.
UNITS = {
    "ApproximateNumberOfMessagesVisible": "Count",
    "ApproximateNumberOfMessagesNotVisible": "Count",
    "ApproximateNumberOfMessagesDelayed": "Count",
    "ApproximateAgeOfOldestMessage": "Seconds",
}
# The same: from so many receives on a standard queue's message counts as a poison pill, and its
# age is left out.
_RECEIVES_OF_A_POISON_PILL = 3


def queue_metrics(
    messages: Sequence[dict[str, Any]], *, is_fifo: bool, now: float
) -> Mapping[str, float]:
    """The value of each metric in `UNITS`; ages are real seconds.

    Marks each message that came by a redrive policy with the time and the receives of its first
    sight: its age counts from the move (Amazon SQS Developer Guide, Setting up dead-letter queue
    retention).
    """
    visible = delayed = in_flight = 0
    oldest = now
    for message in messages:
        receives = message.get("receive_count", 0)
        if message.get("visible_at", now) <= now:
            visible += 1
        elif receives:
            in_flight += 1
        else:
            delayed += 1
        arrived_at, receives_before = _arrival(message, now)
        if is_fifo or receives - receives_before < _RECEIVES_OF_A_POISON_PILL:
            oldest = min(oldest, arrived_at)
    return {
        "ApproximateNumberOfMessagesVisible": visible,
        "ApproximateNumberOfMessagesNotVisible": in_flight,
        "ApproximateNumberOfMessagesDelayed": delayed,
        "ApproximateAgeOfOldestMessage": now - oldest,
    }


class QueueSampler:
    """Reads each queue once for all the alarms that look at the same moment.

    Args:
        sqs: the emulator's module.
        now: the moment, Unix time in seconds.
    """

    def __init__(self, sqs: Any, now: float) -> None:
        self._sqs = sqs
        self._now = now
        self._known: dict[tuple[str, str, str], Mapping[str, float]] = {}

    def value(self, account_id: str, region: str, queue_name: str, metric: str) -> float | None:
        """The value of a metric; None without such a queue or metric."""
        key = (account_id, region, queue_name)
        url = self._sqs._queue_name_to_url.get_scoped(*key)
        queue = self._sqs._queues.get_scoped(account_id, region, url) if url else None
        if queue is None:
            return None
        if key not in self._known:
            # A copy: other threads add and remove meanwhile.
            messages = list(queue["messages"])
            self._known[key] = queue_metrics(messages, is_fifo=queue["is_fifo"], now=self._now)
        return self._known[key].get(metric)


def _arrival(message: dict[str, Any], now: float) -> tuple[float, int]:
    """When the message came to this queue, and how often it had been received until then."""
    if "DeadLetterQueueSourceArn" not in message.get("sys", {}):
        return message.get("sent_at", now), 0
    return message.setdefault("seen_first", (now, message.get("receive_count", 0)))
