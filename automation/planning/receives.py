"""How long a bad message takes to the dead-letter queue, by what its consumer does with it."""

from dataclasses import dataclass

# The consumer's own, functions/consumer/back_off.py, which ships alone; a test holds them equal.
BACK_OFF_BASE_SECONDS = 1
BACK_OFF_CAP_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class DeadLetterTime:
    """From the first receive of a message to its place in the dead-letter queue, in seconds.

    Nothing else waits in the queue: a backlog comes on top, once for each receive.

    Attributes:
        mean, longest: with the back-off of our consumer, which is drawn.
        without_back_off: with a consumer that only reports the failure.
    """

    mean: float
    longest: float
    without_back_off: float


def longest_back_offs(max_receive_count: int) -> list[int]:
    """The most that a message waits after each receive but its last, in seconds.

    Drawn evenly from 0 to this; after the last receive there is none.
    """
    return [
        min(BACK_OFF_CAP_SECONDS, BACK_OFF_BASE_SECONDS * 2 ** min(receive, BACK_OFF_CAP_SECONDS))
        for receive in range(max_receive_count - 1)
    ]


def dead_letter_time(
    *, receive_seconds: float, max_receive_count: int, visibility_timeout_seconds: float
) -> DeadLetterTime:
    """How long it takes.

    Args:
        receive_seconds: one receive, until its consumer has answered.
        max_receive_count: receives before the message is dead-lettered.
        visibility_timeout_seconds: after which it is seen again, when nobody asks for less.
    """
    waits = longest_back_offs(max_receive_count)
    busy = receive_seconds * max_receive_count
    return DeadLetterTime(
        mean=busy + sum(waits) / 2,
        longest=busy + sum(waits),
        without_back_off=visibility_timeout_seconds * max_receive_count,
    )
