"""What is asked of a queue: messages, how long they take, and how many can't be processed."""

from dataclasses import dataclass

from automation.errors import AutomationError
from components import limits

# Beyond what any queue is asked for; numbers of hundreds of digits help nobody.
_MOST_A_SECOND = 1e9
_LARGEST_BURST = 1e12


@dataclass(frozen=True, kw_only=True)
class Load:
    """A load, as its sender and its consumer see it.

    Attributes:
        rate_per_second: messages sent at the busiest time, 0 to 1e9.
        mean_rate_per_second: the same over a whole month, which is what is paid for.
        duration_seconds: how long the consumer works on one message, above 0 and up to 900. A
            batch takes as long as its messages together.
        bad_ratio: share of the messages that fail at every receive, 0 to 1.
        burst: messages that come at once, beside the rate, 0 to 1e12.
        message_bytes: body and attributes, 1 to 1,048,576.
        send_batch_size: messages that the sender puts into one call, 1 to 10.
        max_receive_count: receives before a message is dead-lettered, 1 to 1,000.
        groups: message groups that are active at the same time, which makes it a FIFO queue; None
            (default) for a standard queue.

    Raises:
        AutomationError: one is out of its range.
    """

    rate_per_second: float
    duration_seconds: float
    mean_rate_per_second: float
    bad_ratio: float = 0.0
    burst: int = 0
    message_bytes: int = 1_024
    send_batch_size: int = 10
    max_receive_count: int = 2
    groups: int | None = None

    def __post_init__(self) -> None:
        _check("--rate", self.rate_per_second, 0, _MOST_A_SECOND, "messages a second")
        _check(
            "--mean-rate", self.mean_rate_per_second, 0, self.rate_per_second, "messages a second"
        )
        longest = limits.FUNCTION_TIMEOUT.maximum
        _check("--duration-ms", self.duration_seconds * 1_000, 0.001, longest * 1_000, "ms")
        _check("--bad-ratio", self.bad_ratio, 0, 1, "of the messages")
        _check("--burst", self.burst, 0, _LARGEST_BURST, "messages")
        _check("--message-bytes", self.message_bytes, 1, limits.MESSAGE_BYTES.maximum, "bytes")
        _check("--send-batch-size", self.send_batch_size, 1, 10, "messages")
        most = limits.MAX_RECEIVE_COUNT
        _check("--max-receive-count", self.max_receive_count, most.minimum, most.maximum, most.unit)
        if self.groups is not None:
            _check("--groups", self.groups, 1, _LARGEST_BURST, "message groups")

    @property
    def is_fifo(self) -> bool:
        """Whether the queue has to be a FIFO queue."""
        return self.groups is not None

    @property
    def deliveries_per_message(self) -> float:
        """How often a message is received on average: a bad one at each of its receives."""
        return 1 + self.bad_ratio * (self.max_receive_count - 1)

    @property
    def deliveries_per_second(self) -> float:
        """Messages that the consumer is given, those that come again among them."""
        return self.rate_per_second * self.deliveries_per_message


def _check(flag: str, value: float, least: float, most: float, unit: str) -> None:
    # No comparison with NaN is true.
    if not least <= value <= most:
        allowed = f"{least:,.13g} to {most:,.13g} {unit}"
        raise AutomationError(f"{flag} = {value:,.13g} is out of range; allowed: {allowed}")
