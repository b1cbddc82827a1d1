"""Back-off: when SQS shall deliver failed records again."""

from __future__ import annotations

import functools
import random
from typing import TYPE_CHECKING, cast

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from log_records import logger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import ChangeMessageVisibilityBatchRequestEntryTypeDef

    from batch_processing import Failure

# Full jitter, from "Exponential Backoff And Jitter":
# https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
# Base: ChangeMessageVisibility counts in whole seconds.
# Cap: our shortest visibility timeout by default (6 x the function's 10 s); a longer wait would
# be worse than no back-off at all.
BACKOFF_BASE_SECONDS = 1
BACKOFF_CAP_SECONDS = 60

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibilityBatch.html
MAX_ENTRIES_PER_CALL = 10

CALL_SECONDS = 1
CALL_ATTEMPTS = 2

# Below this no further back-off is asked for: a function that times out has its whole batch
# delivered again, a record without back-off only comes later. It is what a call may take when
# nobody answers: both attempts' connection and answer, the pause between them of up to 1 s (Boto3
# Guide, Retries, Standard retry mode), and a second for making the client and for our own answer.
RESERVE_MILLISECONDS = 1000 * (CALL_ATTEMPTS * 2 * CALL_SECONDS + 1 + 1)


@functools.cache
def sqs_client() -> SQSClient:
    """The client of this worker, made at the first failure that it meets.

    Its modules are imported while Lambda starts the worker, at full speed. To make the client costs
    half as much again as all of them, for nothing where no record fails: docs/performance.md has
    both. Short timeouts, because a batch's good records are only deleted when the function returns.
    """
    return cast(
        "SQSClient",
        botocore.session.get_session().create_client(
            "sqs",
            config=Config(
                connect_timeout=CALL_SECONDS,
                read_timeout=CALL_SECONDS,
                retries={"total_max_attempts": CALL_ATTEMPTS, "mode": "standard"},
            ),
        ),
    )


def back_off(
    failures: Sequence[Failure], *, queue_url: str, is_fifo: bool, context: LambdaContext
) -> None:
    """Ask SQS to deliver failed records after their back-off; what can't be asked comes later.

    Without it, or when it fails, a record comes back after the queue's visibility timeout.
    """
    plan = plan_backoff(failures, is_fifo=is_fifo)
    for start in range(0, len(plan), MAX_ENTRIES_PER_CALL):
        entries = plan[start : start + MAX_ENTRIES_PER_CALL]
        if context.get_remaining_time_in_millis() < RESERVE_MILLISECONDS:
            logger.warning("No time left for the back-off of all failed records")
            return
        try:
            response = sqs_client().change_message_visibility_batch(
                QueueUrl=queue_url, Entries=entries
            )
        # botocore says with a ValueError that AWS_ENDPOINT_URL is none. Raised from here, it would
        # have the good records of the batch delivered again.
        except (ClientError, BotoCoreError, ValueError):
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
            delay_seconds = choose_backoff_seconds(failure.receive_count)
            if is_fifo:
                group = failure.record["attributes"].get("MessageGroupId")
                delay_seconds = delay_of_group.setdefault(group, delay_seconds)
        entries.append(
            {
                "Id": str(index),
                "ReceiptHandle": failure.record["receiptHandle"],
                "VisibilityTimeout": delay_seconds,
            }
        )
    return entries


def choose_backoff_seconds(receive_count: int) -> int:
    """Draw how long a failed record waits: 0 to base * 2^(receives - 1), capped (full jitter)."""
    ceiling = min(BACKOFF_CAP_SECONDS, BACKOFF_BASE_SECONDS * 2 ** (receive_count - 1))
    return random.randint(0, ceiling)  # noqa: S311 - it spreads load and protects nothing
