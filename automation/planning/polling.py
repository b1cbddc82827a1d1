"""How an event source mapping takes messages from a queue: how many at once, and how fast."""

import math
from dataclasses import dataclass

from automation.planning.load import Load
from automation.planning.receives import longest_back_offs


@dataclass(frozen=True, kw_only=True)
class Polling:
    """A mapping and its function.

    Attributes:
        first: batches that it processes at once from the start.
        per_minute: how many more it takes each minute while messages wait.
        most: batches at once in the end.
        batch_size: messages in a full batch.
        window_seconds: how long it gathers one that isn't full.
        gap_seconds: from the end of an invocation to the next one by the same poller.
        duration_seconds: the function's work on one message.
        ceiling_per_second: messages that are received at most, whatever `most` is: what message
            groups let through. Infinite (default) for a standard queue.
        calls_each_per_second: receives at most for each batch at once: a tenth of a provisioned
            poller's. Infinite (default) without.
        each_per_second: messages that are received at most for each batch at once, however short
            the work is: a tenth of what a provisioned poller carries. Infinite (default) without.
    """

    first: float
    per_minute: float
    most: float
    batch_size: int
    window_seconds: float
    gap_seconds: float
    duration_seconds: float
    ceiling_per_second: float = math.inf
    calls_each_per_second: float = math.inf
    each_per_second: float = math.inf

    def received_per_second(self, concurrency: float) -> float:
        """Messages that are received while there are enough for full batches."""
        batch_seconds = self.gap_seconds + self.batch_size * self.duration_seconds
        each = min(self.batch_size / batch_seconds, self.each_per_second)
        return min(concurrency * each, self.ceiling_per_second)

    def needed(self, received_per_second: float) -> float:
        """Batches at once that keep up with a stream of messages, each batch full."""
        return received_per_second * (self.gap_seconds / self.batch_size + self.duration_seconds)

    def kept(self, received_per_second: float) -> float:
        """The same, of pollers that also have to receive the stream before it is processed."""
        return max(self.needed(received_per_second), received_per_second / self.each_per_second)

    def steady_batch(self, received_per_second: float) -> float:
        """Messages in a batch on average, once nothing waits.

        Pollers share what comes: each receives again as soon as it has done its batch, so batches
        are only as large as what comes in between, or within the window. How many pollers Lambda
        keeps when it has caught up it doesn't tell: all that it has started are counted here, so
        real batches are not smaller.
        """
        busy = received_per_second * self.duration_seconds
        pollers = self.first if self.kept(received_per_second) <= self.first else self.most
        if busy >= pollers:
            return self.batch_size
        spare = pollers - busy
        gathered = received_per_second * self.gap_seconds / spare
        if self.window_seconds:
            gathered = 1 + received_per_second * self.window_seconds / spare
        a_call = received_per_second / pollers / self.calls_each_per_second
        return min(self.batch_size, max(1, gathered, a_call))


def groups_ceiling(load: Load, *, batch_size: int, gap_seconds: float) -> float:
    """Messages that the message groups let through in a second; infinite for a standard queue.

    A group is in one batch at a time. A bad message in it stops the group, which waits for its
    back-off; what is behind it was received as well, so that the other bad ones of the batch are on
    their last receive when it comes again: all of a batch's bad ones cost one round of receives.
    All groups are counted as equally busy.
    """
    if load.groups is None:
        return math.inf
    stopped = 1 - (1 - load.bad_ratio) ** batch_size
    again = stopped * (load.max_receive_count - 1)
    batch_seconds = (
        gap_seconds * (1 + again)
        + load.duration_seconds * (batch_size + again)
        + stopped * sum(longest_back_offs(load.max_receive_count)) / 2
    )
    messages_per_second = load.groups * batch_size / batch_seconds
    return messages_per_second * load.deliveries_per_message
