"""SQS's own redrive, against what AWS was recorded to answer."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError

from automation.deadletters.native_move import NativeReport, NoNativeMoveError, native_move
from automation.errors import AutomationError

RUNNING = {
    "ApproximateNumberOfMessagesMoved": 2,
    "ApproximateNumberOfMessagesToMove": 10,
    "Status": "RUNNING",
    "TaskHandle": "handle",
}
COMPLETED = {**RUNNING, "ApproximateNumberOfMessagesMoved": 10, "Status": "COMPLETED"}
CANCELLED = {**RUNNING, "ApproximateNumberOfMessagesMoved": 8, "Status": "CANCELLED"}
FAILED = {
    **RUNNING,
    "Status": "FAILED",
    "FailureReason": "AWS.SimpleQueueService.NonExistentQueue",
}


class Service:
    """Answers what it is told to, one listing after the other."""

    def __init__(
        self,
        *listings: Mapping[str, Any] | None,
        before: Sequence[Mapping[str, Any]] = (),
        refusal: tuple[str, str] | None = None,
    ) -> None:
        self.listings = list(listings)
        self.before = list(before)
        self.listed: dict[str, Any] = {}
        self.refusal = refusal
        self.started: dict[str, Any] = {}
        self.cancelled: list[str] = []

    def start_message_move_task(self, **request: Any) -> dict[str, Any]:
        if self.refusal:
            code, message = self.refusal
            raise ClientError({"Error": {"Code": code, "Message": message}}, "StartMessageMoveTask")
        self.started = request
        return {"TaskHandle": "handle"}

    def list_message_move_tasks(self, **request: Any) -> dict[str, Any]:
        self.listed = request
        if not self.started:
            return {"Results": self.before}
        task = self.listings.pop(0)
        return {"Results": [*self.before, *([task] if task else [])]}

    def cancel_message_move_task(self, **request: Any) -> dict[str, Any]:
        self.cancelled.append(request["TaskHandle"])
        return {"ApproximateNumberOfMessagesMoved": 2}


def run(service: Service, cancel: threading.Event | None = None, **arguments: Any) -> NativeReport:
    return native_move(
        service,  # type: ignore[arg-type]
        **{
            "source_arn": "arn:dlq",
            "destination_arn": None,
            "messages_per_second": None,
            "cancel": cancel or threading.Event(),
            "interval_seconds": 0,
            **arguments,
        },
    )


def test_task_is_followed_to_its_end() -> None:
    seen: list[tuple[int, int]] = []
    service = Service(RUNNING, COMPLETED)
    report = run(
        service,
        destination_arn="arn:queue",
        messages_per_second=500,
        on_progress=lambda moved, of: seen.append((moved, of)),
    )
    assert report == NativeReport(moved=10, status="COMPLETED", failure=None)
    assert seen == [(2, 10), (10, 10)]
    assert service.started == {
        "SourceArn": "arn:dlq",
        "DestinationArn": "arn:queue",
        "MaxNumberOfMessagesPerSecond": 500,
    }


def test_cancelled_task_is_cancelled_once() -> None:
    cancel = threading.Event()
    cancel.set()
    service = Service(RUNNING, RUNNING, CANCELLED)
    assert run(service, cancel) == NativeReport(moved=8, status="CANCELLED", failure=None)
    assert service.cancelled == ["handle"]


def test_failed_task_says_why() -> None:
    report = run(Service(FAILED))
    assert (report.status, report.failure) == ("FAILED", "AWS.SimpleQueueService.NonExistentQueue")


@pytest.mark.parametrize("code", ["InvalidAction", "UnknownOperationException"])
def test_service_without_it_is_recognised(code: str) -> None:
    with pytest.raises(NoNativeMoveError):
        run(Service(refusal=(code, "The action StartMessageMoveTask is not valid.")))


def test_what_aws_won_t_do_now_is_not_done_in_another_way_beside_it() -> None:
    with pytest.raises(AutomationError, match=r"can't run a move task: Not now\.") as refused:
        run(Service(refusal=("AWS.SimpleQueueService.UnsupportedOperation", "Not now")))
    assert not isinstance(refused.value, NoNativeMoveError)


def test_task_that_is_not_listed_at_once_is_waited_for() -> None:
    assert run(Service(None, None, RUNNING, COMPLETED)).status == "COMPLETED"


def test_older_task_is_not_taken_for_ours() -> None:
    older = {**COMPLETED, "ApproximateNumberOfMessagesMoved": 99, "StartedTimestamp": 1}
    del older["TaskHandle"]
    ours = {**COMPLETED, "StartedTimestamp": 2}
    del ours["TaskHandle"]
    service = Service(None, {**RUNNING, "StartedTimestamp": 2}, ours, before=[older])
    assert run(service) == NativeReport(moved=10, status="COMPLETED", failure=None)
    assert service.listed["MaxResults"] == 10


def test_task_that_is_never_listed_is_not_called_done() -> None:
    now = iter(range(0, 1000, 7))
    report = run(Service(*[None] * 100), clock=lambda: float(next(now)))
    assert report.status == "UNKNOWN"


@pytest.mark.parametrize(
    "words",
    [
        "Source queue must be configured as a Dead Letter Queue.",
        "There is already a task running. Only one active task is allowed for a source queue arn "
        "at a given time.",
    ],
)
def test_refusal_is_told_in_awss_words(words: str) -> None:
    with pytest.raises(AutomationError, match=words[:30]):
        run(Service(refusal=("InvalidParameterValue", words)))
