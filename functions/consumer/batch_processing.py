"""The work on one batch: a failed record fails alone, or stops its message group."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from customer_events import BadRecordError, MessageKey, process_record
from sqs_records import count_receives

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqs_records import SqsRecord


# Kept for the back-off and the answer after the last try of a record; back_off.py has it too.
RESERVE_SECONDS = 6.0


class SkippedRecordError(Exception):
    """A record before this one in its message group failed and will come back."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A record that failed, or was skipped because one before it in its group failed.

    `is_final` says that it failed at its last receive: only the move to the dead-letter queue
    follows.
    """

    record: SqsRecord
    error: Exception
    is_final: bool

    @property
    def is_skipped(self) -> bool:
        return isinstance(self.error, SkippedRecordError)

    @property
    def receive_count(self) -> int:
        return count_receives(self.record)


def process_batch(
    records: Sequence[SqsRecord],
    *,
    is_fifo: bool,
    max_receive_count: float,
    seconds_left: Callable[[], float] = lambda: math.inf,
) -> tuple[list[MessageKey], list[Failure]]:
    """Process each record of a batch; return what was processed and what failed, both in order.

    In a FIFO queue a failed record that will be delivered again stops its message group: what
    comes after it in the batch is not processed and counts as failed, so that the order holds.
    SQS counts that as one of its receives. No good record is dead-lettered for it: SQS delivers a
    group from its front, so nothing in it was received more often than what comes before, and at
    its last receive (`max_receive_count`) a failed record stops its group no longer, and is tried
    as often as it may have been skipped, as far as the run's time goes (`seconds_left`).
    """
    process = process_record
    if is_fifo:
        process = functools.partial(
            _process_insistently, max_receive_count=max_receive_count, seconds_left=seconds_left
        )
    processed: list[MessageKey] = []
    failures: list[Failure] = []
    stopped_groups: set[str | None] = set()
    for record in records:
        group = record["attributes"].get("MessageGroupId")
        try:
            if group in stopped_groups:
                raise SkippedRecordError
            processed.append(process(record))
        except Exception as error:  # noqa: BLE001 whatever it is, it fails alone
            is_final = count_receives(record) >= max_receive_count
            failures.append(Failure(record=record, error=error, is_final=is_final))
            # By the queue, not by the record: standard queues may have groups too (fair queues).
            if is_fifo and not is_final:
                stopped_groups.add(group)
    return processed, failures


def _process_insistently(
    record: SqsRecord, *, max_receive_count: float, seconds_left: Callable[[], float]
) -> MessageKey:
    """Process a record; at its last receive once more for each one that skipping may have cost.

    What no retry can help is not tried again, nor what might take longer than there is time: a run
    that times out takes a receive from its whole batch.
    """
    receives = count_receives(record)
    retries = receives - 1 if receives >= max_receive_count else 0
    for _ in range(retries):
        left_before = seconds_left()
        try:
            return process_record(record)
        except BadRecordError:
            raise
        except Exception:
            left = seconds_left()
            if left < RESERVE_SECONDS + 2 * (left_before - left):
                raise
    return process_record(record)
