"""SQS's own redrive, `StartMessageMoveTask`: 500 messages a second, no filter, no canary."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from automation.aws.errors import error_code, error_words
from automation.errors import AutomationError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import (
        ListMessageMoveTasksResultEntryTypeDef,
        StartMessageMoveTaskRequestTypeDef,
    )

# SQS API Reference, StartMessageMoveTask, MaxNumberOfMessagesPerSecond.
MAX_MESSAGES_PER_SECOND = 500

# How services and stand-ins say that they don't know an action.
_UNKNOWN_ACTION = frozenset(
    {
        "InvalidAction",
        "UnknownOperationException",
        "UnsupportedOperation",
        "AWS.SimpleQueueService.UnsupportedOperation",
        "NotImplemented",
    }
)
_RUNNING = ("RUNNING", "CANCELLING")


class NoNativeMoveError(AutomationError):
    """The service has no `StartMessageMoveTask`; nothing was begun."""


@dataclass(frozen=True, kw_only=True)
class NativeReport:
    """What SQS's own redrive did.

    Attributes:
        moved: messages; approximate, as SQS says.
        status: COMPLETED, CANCELLED or FAILED.
        failure: SQS's reason, when it failed.
    """

    moved: int
    status: str
    failure: str | None


def native_move(
    sqs: "SQSClient",
    *,
    source_arn: str,
    destination_arn: str | None,
    messages_per_second: int | None,
    cancel: threading.Event,
    interval_seconds: float,
    on_progress: Callable[[int, int], None] = lambda _moved, _of: None,
) -> NativeReport:
    """Run one move task to its end, or cancel it when told so.

    Args:
        sqs: client.
        source_arn: the dead-letter queue.
        destination_arn: where to; None for the queues that the messages came from.
        messages_per_second: 1 to 500; None for what SQS thinks is best.
        cancel: set it to cancel the task; what is moved stays moved.
        interval_seconds: how often to look.
        on_progress: is told how many are moved, and how many are to be moved.

    Raises:
        NoNativeMoveError: the service doesn't have it.
        AutomationError: a task runs already, or the queue is no dead-letter queue.
    """
    handle = _start(sqs, source_arn, destination_arn, messages_per_second)
    is_cancelled = False
    while True:
        task = _newest_task(sqs, source_arn)
        moved = task.get("ApproximateNumberOfMessagesMoved", 0)
        on_progress(moved, task.get("ApproximateNumberOfMessagesToMove", 0))
        status = task.get("Status", "FAILED")
        if status not in _RUNNING:
            return NativeReport(moved=moved, status=status, failure=task.get("FailureReason"))
        if cancel.wait(interval_seconds) and not is_cancelled:
            is_cancelled = True
            _cancel(sqs, handle)
        elif is_cancelled:
            # `cancel` stays set, so it no longer makes a pause.
            threading.Event().wait(interval_seconds)


def _start(sqs: "SQSClient", source_arn: str, destination_arn: str | None, rate: int | None) -> str:
    request: StartMessageMoveTaskRequestTypeDef = {"SourceArn": source_arn}
    if destination_arn:
        request["DestinationArn"] = destination_arn
    if rate:
        request["MaxNumberOfMessagesPerSecond"] = rate
    try:
        return sqs.start_message_move_task(**request)["TaskHandle"]
    except ClientError as error:
        code, words = error_code(error), error_words(error)
        if code in _UNKNOWN_ACTION:
            raise NoNativeMoveError("this service has no StartMessageMoveTask") from error
        if code == "InvalidParameterValue":
            raise AutomationError(f"SQS can't start a move task: {words}") from error
        raise


def _cancel(sqs: "SQSClient", handle: str) -> None:
    try:
        sqs.cancel_message_move_task(TaskHandle=handle)
    except ClientError as error:
        # It ended meanwhile: the next look says how.
        if error_code(error) not in (
            "ResourceNotFoundException",
            "InvalidParameterValue",
        ):
            raise


def _newest_task(sqs: "SQSClient", source_arn: str) -> "ListMessageMoveTasksResultEntryTypeDef":
    tasks = sqs.list_message_move_tasks(SourceArn=source_arn, MaxResults=1).get("Results", [])
    if not tasks:
        raise AutomationError(f"SQS no longer knows the move task of {source_arn}")
    return tasks[0]
