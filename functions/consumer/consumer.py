"""Consumer Lambda: processes the stores' events; a record that can't be processed fails alone."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

from back_off import back_off
from batch_processing import process_batch
from log_records import log_batch, log_failure, logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from sqs_records import SqsRecord


# POWERTOOLS_LOGGER_LOG_EVENT would put whole events, bodies too, into the log; it can't here.
@logger.inject_lambda_context(log_event=False)
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Process one batch of an SQS event source mapping with `ReportBatchItemFailures`.

    Environment: `QUEUE_URL`, and where the queue has a dead-letter queue `MAX_RECEIVE_COUNT`, its
    `maxReceiveCount`. A record that fails at its last receive is given back without back-off, so
    that it is dead-lettered at once. Without the variable each receive counts as one of many.

    Args:
        event: the mapping's event, `{"Records": [...]}`.
        context: the invocation's context; its remaining time bounds the back-off.

    Returns:
        `{"batchItemFailures": [{"itemIdentifier": message id}, ...]}`, exactly the records that
        SQS shall deliver again. Also when all failed: raising instead would have the same effect
        on them, but lose their back-off and cost the worker.

    Raises:
        KeyError: when the event has no `Records` or the function no `QUEUE_URL`.
        ValueError: when `MAX_RECEIVE_COUNT` is no number.
    """
    queue_url = os.environ["QUEUE_URL"]
    max_receive_count = float(os.environ.get("MAX_RECEIVE_COUNT", math.inf))
    records: list[SqsRecord] = event["Records"]
    is_fifo = bool(records) and records[0]["eventSourceARN"].endswith(".fifo")
    processed, failures = process_batch(
        records,
        is_fifo=is_fifo,
        max_receive_count=max_receive_count,
        seconds_left=lambda: context.get_remaining_time_in_millis() / 1000,
    )
    for failure in failures:
        log_failure(failure)
    log_batch(processed, failures, is_fifo=is_fifo)
    back_off(failures, queue_url=queue_url, is_fifo=is_fifo, context=context)
    return {"batchItemFailures": [{"itemIdentifier": f.record["messageId"]} for f in failures]}
