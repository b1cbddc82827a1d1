"""How long two queues keep messages, and how often one is tried: what alarms and consumers know."""

from dataclasses import dataclass

import pulumi

from .unknowns import computed


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What holds for a queue and its dead-letter queue; outputs where the queue exists already.

    is_fifo: of both.
    retention_seconds, dlq_retention_seconds: how long each keeps a message.
    max_receive_count: receives before a message is dead-lettered.
    """

    is_fifo: pulumi.Input[bool]
    retention_seconds: pulumi.Input[int]
    dlq_retention_seconds: pulumi.Input[int]
    max_receive_count: pulumi.Input[int]

    @property
    def dead_letter_life_seconds(self) -> pulumi.Input[int]:
        """How long a dead letter may be left at least.

        A standard queue's dead letters keep their age, which may be all of the queue's retention;
        of two queues that exist that may be as long as the other.
        """

        def left(is_fifo: bool, retention: int, dlq_retention: int) -> int:
            return max(0, dlq_retention - (0 if is_fifo else retention))

        return computed(left, self.is_fifo, self.retention_seconds, self.dlq_retention_seconds)
