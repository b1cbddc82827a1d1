"""SQS's own redrive, `StartMessageMoveTask`: 500 messages a second, no filter, no canary."""

import threading
import time
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

# How services and stand-ins say that they don't know an action. `UnsupportedOperation` is none of
# them: SQS says it when it knows the action and won't do it now (SQS API Reference,
# StartMessageMoveTask, Errors).
_UNKNOWN_ACTION = frozenset({"InvalidAction", "UnknownOperationException", "NotImplemented"})
_UNSUPPORTED = frozenset({"UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation"})
_RUNNING = ("RUNNING", "CANCELLING")
# SQS API Reference, ListMessageMoveTasks, MaxResults: 1 to 10, the most recent tasks.
_LISTED_TASKS = 10
# A task is not always listed at once.
_LISTED_AFTER_SECONDS = 60


class NoNativeMoveError(AutomationError):
    """The service has no `StartMessageMoveTask`; nothing was begun."""


@dataclass(frozen=True, kw_only=True)
class NativeReport:
    """What SQS's own redrive did.

    Attributes:
        moved: messages; approximate, as SQS says.
        status: COMPLETED, CANCELLED, FAILED, or UNKNOWN when SQS no longer tells.
        failure: SQS's reason, when it failed; ours, when it is unknown.
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
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], object] | None = None,
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
        clock: seconds.
        pause: waits a number of seconds; by default no longer than until `cancel` is set.

    Raises:
        NoNativeMoveError: the service doesn't have it.
        AutomationError: a task runs already, or the queue is no dead-letter queue.
    """
    # Read before ours begins, so that an older task is never taken for it.
    before = _finished_tasks(sqs, source_arn)
    handle = _start(sqs, source_arn, destination_arn, messages_per_second)
    watch = _Watch(sqs, source_arn, handle, before, clock)
    is_cancelled = False
    while True:
        report = watch.look(on_progress)
        if report is not None:
            return report
        # Once `cancel` is set, waiting for it makes no pause.
        (pause or (time.sleep if is_cancelled else cancel.wait))(interval_seconds)
        if cancel.is_set() and not is_cancelled:
            is_cancelled = True
            _cancel(sqs, handle)


class _Watch:
    def __init__(
        self,
        sqs: "SQSClient",
        source_arn: str,
        handle: str,
        before: frozenset[int],
        clock: Callable[[], float],
    ) -> None:
        self._sqs = sqs
        self._source_arn = source_arn
        self._handle = handle
        self._before = before
        self._clock = clock
        self._last_seen_at = clock()
        self._moved = 0

    def look(self, on_progress: Callable[[int, int], None]) -> NativeReport | None:
        """Look once; return how the task has ended, None while it hasn't."""
        task = self._task()
        if task is None:
            return self._unlisted()
        self._last_seen_at = self._clock()
        self._moved = task.get("ApproximateNumberOfMessagesMoved", 0)
        on_progress(self._moved, task.get("ApproximateNumberOfMessagesToMove", 0))
        status = task.get("Status", "")
        if status in _RUNNING:
            return None
        return NativeReport(moved=self._moved, status=status, failure=task.get("FailureReason"))

    def _unlisted(self) -> NativeReport | None:
        if self._clock() - self._last_seen_at < _LISTED_AFTER_SECONDS:
            return None
        return NativeReport(
            moved=self._moved,
            status="UNKNOWN",
            failure=f"SQS has not listed the move task for {_LISTED_AFTER_SECONDS} s",
        )

    def _task(self) -> "ListMessageMoveTasksResultEntryTypeDef | None":
        """Ours: the running one has our handle; of those that ended, the one that wasn't there."""
        tasks = _tasks(self._sqs, self._source_arn)
        for task in tasks:
            if task.get("TaskHandle") == self._handle:
                return task
        # SQS tells the handle of running tasks only (SQS API Reference, ListMessageMoveTasks).
        ended = [
            task
            for task in tasks
            if task.get("Status") not in _RUNNING and _began_ms(task) not in self._before
        ]
        return max(ended, key=_began_ms, default=None)


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
        if code in _UNSUPPORTED or code == "InvalidParameterValue":
            raise _told(words) from error
        raise


def _told(words: str) -> AutomationError:
    return AutomationError(
        f"SQS can't run a move task: {words}. If one runs already, wait for its end; to move the "
        "messages one by one instead, say --max-redrives 3"
    )


def _cancel(sqs: "SQSClient", handle: str) -> None:
    try:
        sqs.cancel_message_move_task(TaskHandle=handle)
    except ClientError as error:
        # It ended meanwhile: the next look says how.
        if error_code(error) not in ("ResourceNotFoundException", "InvalidParameterValue"):
            raise


def _finished_tasks(sqs: "SQSClient", source_arn: str) -> frozenset[int]:
    """When those that have ended began; also the test of whether the service has move tasks."""
    try:
        tasks = _tasks(sqs, source_arn)
    except ClientError as error:
        if error_code(error) in _UNKNOWN_ACTION:
            raise NoNativeMoveError("this service has no StartMessageMoveTask") from error
        if error_code(error) in _UNSUPPORTED:
            raise _told(error_words(error)) from error
        raise
    return frozenset(_began_ms(task) for task in tasks if task.get("Status") not in _RUNNING)


def _tasks(sqs: "SQSClient", source_arn: str) -> "list[ListMessageMoveTasksResultEntryTypeDef]":
    answer = sqs.list_message_move_tasks(SourceArn=source_arn, MaxResults=_LISTED_TASKS)
    return list(answer.get("Results", []))


def _began_ms(task: "ListMessageMoveTasksResultEntryTypeDef") -> int:
    return task.get("StartedTimestamp", 0)
