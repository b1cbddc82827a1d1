"""The work on one batch: a failed record fails alone, or stops its message group."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    SqsFifoPartialProcessor,
)
from aws_lambda_powertools.utilities.batch.exceptions import (
    SQSFifoMessageGroupCircuitBreakerError,
)

from customer_events import BadRecordError, MessageKey, process_record

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord


# Kept for the back-off and the answer after the last try of a record; back_off.py has it too.
RESERVE_SECONDS = 6.0


@dataclass(frozen=True)
class Failure:
    """A record that failed, or was skipped because one before it in its group failed.

    `is_final` says that it failed at its last receive: only the move to the dead-letter queue
    follows.
    """

    record: SQSRecord
    error: BaseException
    is_final: bool

    @property
    def is_skipped(self) -> bool:
        return isinstance(self.error, SQSFifoMessageGroupCircuitBreakerError)

    @property
    def receive_count(self) -> int:
        return count_receives(self.record)


class FifoProcessor(SqsFifoPartialProcessor):
    """Stops a message group at a failed record that will come back, and at no other.

    A record that failed at its last receive is dead-lettered before its group is delivered again:
    those behind it have nothing to wait for, and skipping them would only cost one of their
    receives.
    """

    def __init__(self, max_receive_count: float) -> None:
        super().__init__(skip_group_on_error=True)  # pyright: ignore[reportUnknownMemberType]
        self.raise_on_entire_batch_failure = False  # the constructor above does not take it
        self._max_receive_count = max_receive_count

    def failure_handler(self, record: SQSRecord, exception: Any) -> Any:
        is_final = count_receives(record) >= self._max_receive_count
        # BatchProcessor's own does not remember the group as stopped. Both are untyped.
        above: Any = BatchProcessor if is_final else SqsFifoPartialProcessor
        return above.failure_handler(self, record, exception)


def process_batch(
    records: list[dict[str, Any]],
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
    # Powertools leaves its lists of records untyped.
    processor = cast("Any", _new_processor(is_fifo=is_fifo, max_receive_count=max_receive_count))
    with processor(records=records, handler=process):
        results = processor.process()
    processed = [result for status, result, _ in results if status == "success"]
    errors = [error for _, error, _ in processor.exceptions]
    failures = [
        Failure(record=record, error=error, is_final=count_receives(record) >= max_receive_count)
        for record, error in zip(processor.fail_messages, errors, strict=True)
    ]
    return processed, failures


def count_receives(record: SQSRecord) -> int:
    """How often SQS delivered a record, this time among them."""
    return int(record.attributes.approximate_receive_count)


def _process_insistently(
    record: SQSRecord, *, max_receive_count: float, seconds_left: Callable[[], float]
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


def _new_processor(*, is_fifo: bool, max_receive_count: float) -> BatchProcessor:
    # By the queue, not by the record: standard queues may carry group ids too (fair queues).
    if is_fifo:
        return FifoProcessor(max_receive_count)
    return BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
