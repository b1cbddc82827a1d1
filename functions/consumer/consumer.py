"""Consumer Lambda: processes the stores' events; a record that can't be processed fails alone."""

from __future__ import annotations

import json
import logging
import math
import os
import random
import re
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import boto3
from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    SqsFifoPartialProcessor,
)
from aws_lambda_powertools.utilities.batch.exceptions import (
    SQSFifoMessageGroupCircuitBreakerError,
)
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import ChangeMessageVisibilityBatchRequestEntryTypeDef

STORE_IDS = frozenset({"1", "2", "3", "4", "5"})

EVENT_FIELDS: dict[str, type] = {
    "name": str,
    "dob": str,
    "gender": str,
    "ssn_no": str,
    "data_share_consent": bool,
    "evnt_time": str,
}

# What a producer may use as its run_id. Anything else comes from a stranger, may hold anything,
# and is therefore not logged.
RUN_ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}")
GROUP_PATTERN = re.compile(r"store-[1-5]")
# At most 18 digits: a seq that fits into 64 bits, and no cost in reading it.
SEQ_PATTERN = re.compile(r"[0-9]{1,18}")

# Full jitter, from "Exponential Backoff And Jitter":
# https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
# Base: ChangeMessageVisibility counts in whole seconds.
# Cap: our shortest visibility timeout by default (6 x the function's 10 s); a longer wait would
# be worse than no back-off at all.
BACKOFF_BASE_SECONDS = 1
BACKOFF_CAP_SECONDS = 60

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibilityBatch.html
MAX_ENTRIES_PER_CALL = 10

# Below this no further back-off is asked for: a function that times out has its whole batch
# delivered again, a record without back-off only comes later.
RESERVE_MILLISECONDS = 1000

logger = Logger()
# At DEBUG (POWERTOOLS_DEBUG) it writes the text of every exception, which may quote a body.
logging.getLogger("aws_lambda_powertools.utilities.batch.base").setLevel(logging.INFO)

# Made while Lambda starts the worker, outside any invocation. Short timeouts, because the good
# records of a batch are only deleted when the function returns.
sqs: SQSClient = boto3.client(  # pyright: ignore[reportUnknownMemberType]
    "sqs",
    config=Config(
        connect_timeout=1,
        read_timeout=1,
        retries={"total_max_attempts": 2, "mode": "standard"},
    ),
)


class BadRecordError(Exception):
    """A record that no retry can help. Its text is logged: it never quotes the record."""


class MissingStoreIdError(BadRecordError):
    """The message attribute `store_id` is absent."""


class UnusableStoreIdError(BadRecordError):
    """The message attribute `store_id` is there, but is not one of the stores."""


class UnreadableEventError(BadRecordError):
    """The body is not a customer event."""


@dataclass(frozen=True)
class MessageKey:
    """Who sent a message, and its number there; None where a foreign message lacks it.

    `group` is its message group; None without one, or when it is not of the form that we send.
    """

    run_id: str | None
    seq: int | None
    group: str | None = None


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
        is_final = _receive_count(record) >= self._max_receive_count
        # BatchProcessor's own does not remember the group as stopped. Both are untyped.
        above: Any = super(SqsFifoPartialProcessor, self) if is_final else super()
        return above.failure_handler(record, exception)


# POWERTOOLS_LOGGER_LOG_EVENT would put whole events, bodies too, into the log; it can't here.
@logger.inject_lambda_context(log_event=False)
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Process one batch of an SQS event source mapping with `ReportBatchItemFailures`.

    Args:
        event: the mapping's event, `{"Records": [...]}`.
        context: the invocation's context; its remaining time bounds the back-off.

    Returns:
        `{"batchItemFailures": [{"itemIdentifier": message id}, ...]}`, exactly the records that
        SQS shall deliver again. Also when all failed: raising instead would have the same effect
        on them, but lose their back-off and cost the worker.

    Environment: `QUEUE_URL`, and where the queue has a dead-letter queue `MAX_RECEIVE_COUNT`, its
    `maxReceiveCount`. A record that fails at its last receive is given back without back-off, so
    that it is dead-lettered at once. Without the variable each receive counts as one of many.

    Raises:
        KeyError: when the event has no `Records` or the function no `QUEUE_URL`.
        ValueError: when `MAX_RECEIVE_COUNT` is no number.
    """
    queue_url = os.environ["QUEUE_URL"]
    max_receive_count = float(os.environ.get("MAX_RECEIVE_COUNT", math.inf))
    records: list[dict[str, Any]] = event["Records"]
    is_fifo = bool(records) and records[0]["eventSourceARN"].endswith(".fifo")
    processed, failures = process_batch(
        records, is_fifo=is_fifo, max_receive_count=max_receive_count
    )
    for failure in failures:
        _log_failure(failure)
    _log_batch(processed, failures, is_fifo=is_fifo)
    _back_off(failures, queue_url=queue_url, is_fifo=is_fifo, context=context)
    return {"batchItemFailures": [{"itemIdentifier": f.record.message_id} for f in failures]}


def process_batch(
    records: list[dict[str, Any]], *, is_fifo: bool, max_receive_count: float = math.inf
) -> tuple[list[MessageKey], list[Failure]]:
    """Process each record of a batch; return what was processed and what failed, both in order.

    In a FIFO queue a failed record that will be delivered again stops its message group: what
    comes after it in the batch is not processed and counts as failed, so that the order holds.
    SQS counts that as one of its receives. No good record is dead-lettered for it: SQS delivers a
    group from its front, so nothing in it was received more often than what comes before, and at
    its last receive (`max_receive_count`) a failed record stops its group no longer.
    """
    # Powertools leaves its lists of records untyped.
    processor = cast("Any", _new_processor(is_fifo=is_fifo, max_receive_count=max_receive_count))
    with processor(records=records, handler=process_record):
        results = processor.process()
    processed = [result for status, result, _ in results if status == "success"]
    errors = [error for _, error, _ in processor.exceptions]
    failures = [
        Failure(record=record, error=error, is_final=_receive_count(record) >= max_receive_count)
        for record, error in zip(processor.fail_messages, errors, strict=True)
    ]
    return processed, failures


def process_record(record: SQSRecord) -> MessageKey:
    """Process one message.

    The worked case's work is to read and check the event. It changes nothing, so a message that
    is delivered twice does no harm.

    Raises:
        BadRecordError: what is wrong with the message, without quoting it.
    """
    _check_store_id(record)
    _check_event(record.body)
    return read_message_key(record)


def read_message_key(record: SQSRecord) -> MessageKey:
    """Read a message's key; what is absent or not of the form that we send is None."""
    run_id = _read_attribute(record, "run_id") or ""
    seq = _read_attribute(record, "seq") or ""
    group = record.attributes.message_group_id or ""
    return MessageKey(
        run_id=run_id if RUN_ID_PATTERN.fullmatch(run_id) else None,
        seq=int(seq) if SEQ_PATTERN.fullmatch(seq) else None,
        group=group if GROUP_PATTERN.fullmatch(group) else None,
    )


def choose_backoff_seconds(receive_count: int) -> int:
    """Draw how long a failed record waits: 0 to base * 2^(receives - 1), capped (full jitter)."""
    ceiling = min(BACKOFF_CAP_SECONDS, BACKOFF_BASE_SECONDS * 2 ** (receive_count - 1))
    return random.randint(0, ceiling)  # noqa: S311 - it spreads load and protects nothing


def plan_backoff(
    failures: Sequence[Failure], *, is_fifo: bool
) -> list[ChangeMessageVisibilityBatchRequestEntryTypeDef]:
    """Choose for each failed record, in the batch's order, when SQS shall deliver it again.

    At once, when that was its last receive: SQS moves it to the dead-letter queue instead.
    In a FIFO queue a message in flight holds back its whole group, so a failed record that
    becomes visible early waits for those skipped behind it, and none can overtake it:
    https://repost.aws/knowledge-center/sqs-fifo-messages-not-returned
    Therefore all others of a group get the delay of the record that stopped it.
    """
    delay_of_group: dict[str | None, int] = {}
    entries: list[ChangeMessageVisibilityBatchRequestEntryTypeDef] = []
    for index, failure in enumerate(failures):
        delay_seconds = 0
        if failure.is_skipped or not failure.is_final:
            delay_seconds = choose_backoff_seconds(_receive_count(failure.record))
            if is_fifo:
                group = failure.record.attributes.message_group_id
                delay_seconds = delay_of_group.setdefault(group, delay_seconds)
        entries.append(
            {
                "Id": str(index),
                "ReceiptHandle": failure.record.receipt_handle,
                "VisibilityTimeout": delay_seconds,
            }
        )
    return entries


def _new_processor(*, is_fifo: bool, max_receive_count: float) -> BatchProcessor:
    # By the queue, not by the record: standard queues may carry group ids too (fair queues).
    if is_fifo:
        return FifoProcessor(max_receive_count)
    return BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


def _check_store_id(record: SQSRecord) -> None:
    if record.message_attributes["store_id"] is None:
        raise MissingStoreIdError("the message attribute store_id is missing")
    if _read_attribute(record, "store_id") not in STORE_IDS:
        raise UnusableStoreIdError("the message attribute store_id is not an integer from 1 to 5")


def _check_event(body: str) -> None:
    try:
        event: Any = json.loads(body)
    except (ValueError, RecursionError):
        # Not chained: a JSONDecodeError carries the whole body.
        raise UnreadableEventError("the body is not JSON") from None
    if not isinstance(event, dict):
        raise UnreadableEventError("the body is not a JSON object")
    fields = cast("dict[str, object]", event)
    for name, kind in EVENT_FIELDS.items():
        if not isinstance(fields.get(name), kind):
            raise UnreadableEventError(f"the body's field {name} is missing or of a wrong type")


def _read_attribute(record: SQSRecord, name: str) -> str | None:
    attribute = record.message_attributes[name]
    return None if attribute is None else attribute.get("stringValue")


def _receive_count(record: SQSRecord) -> int:
    return int(record.attributes.approximate_receive_count)


def _log_failure(failure: Failure) -> None:
    record, error = failure.record, failure.error
    key = read_message_key(record)
    fields: dict[str, Any] = {
        "message_id": record.message_id,
        "receive_count": _receive_count(record),
        "run_id": key.run_id,
        "seq": key.seq,
        "exception_name": type(error).__name__,
    }
    if failure.is_skipped:
        logger.warning("Skipped: a record before it in its message group failed", extra=fields)
        return
    fields["missing_store_id"] = isinstance(error, MissingStoreIdError)
    if isinstance(error, BadRecordError):
        fields["reason"] = str(error)
    else:
        # A defect of ours. Where it happened is logged, its text is not: it may quote the body.
        fields["stack"] = traceback.format_tb(error.__traceback__)
    logger.error("Record failed", extra=fields)


def _log_batch(
    processed: Sequence[MessageKey], failures: Sequence[Failure], *, is_fifo: bool
) -> None:
    seqs_of_run: dict[str, list[int]] = {}
    seqs_of_group: dict[str, dict[str, list[int]]] = {}
    for key in processed:
        if key.run_id is not None and key.seq is not None:
            seqs_of_run.setdefault(key.run_id, []).append(key.seq)
            if key.group is not None:
                groups = seqs_of_group.setdefault(key.run_id, {})
                groups.setdefault(key.group, []).append(key.seq)
    resp = {
        "status": True,
        "tot_msgs": len(processed) + len(failures),
        "f_msgs": len(failures),
        "s_msgs": len(processed),
    }
    fields: dict[str, Any] = {"resp": resp, "processed": seqs_of_run}
    if is_fifo:
        # In the order of processing: what proves that a group kept its order.
        fields["groups"] = seqs_of_group
    logger.info("Batch processed", extra=fields)


def _back_off(
    failures: Sequence[Failure], *, queue_url: str, is_fifo: bool, context: LambdaContext
) -> None:
    """Ask SQS to deliver failed records after their back-off; what can't be asked comes later.

    Without it, or when it fails, a record comes back after the queue's visibility timeout.
    """
    for entries in _in_calls(plan_backoff(failures, is_fifo=is_fifo)):
        if context.get_remaining_time_in_millis() < RESERVE_MILLISECONDS:
            logger.warning("No time left for the back-off of all failed records")
            return
        try:
            response = sqs.change_message_visibility_batch(QueueUrl=queue_url, Entries=entries)
        except (ClientError, BotoCoreError):
            logger.warning(
                "Back-off failed; records come back after the visibility timeout",
                exc_info=True,
                extra={"records": len(entries)},
            )
            continue
        if refused := response.get("Failed"):
            logger.warning(
                "Back-off refused; records come back after the visibility timeout",
                extra={"records": len(refused), "codes": sorted({e["Code"] for e in refused})},
            )


def _in_calls(
    entries: list[ChangeMessageVisibilityBatchRequestEntryTypeDef],
) -> Iterator[list[ChangeMessageVisibilityBatchRequestEntryTypeDef]]:
    for start in range(0, len(entries), MAX_ENTRIES_PER_CALL):
        yield entries[start : start + MAX_ENTRIES_PER_CALL]
