"""The second SQS's move tasks answer as AWS was recorded to, so that it may be a judge of ours.

What AWS answered in April 2024 is in LocalStack's snapshots, `test_sqs_move_task.snapshot.json`.
"""

import base64
import json
import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from automation.deadletters.native_move import native_move
from automation.waiting import wait_until
from tests.second_sqs.stack import Stack

BODIES = [f"body-{number}" for number in range(10)]


def listed(stack: Stack) -> dict[str, Any]:
    (task,) = stack.sqs.list_message_move_tasks(SourceArn=stack.dlq_arn)["Results"]
    return dict(task)


def when(stack: Stack, description: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The task once that is true of it."""

    def probe() -> tuple[bool, dict[str, Any]]:
        task = listed(stack)
        return holds(task), task

    return wait_until(description, probe, timeout_seconds=60, interval_seconds=0.05)


def when_it_is(status: str, stack: Stack) -> dict[str, Any]:
    return when(stack, f"the task is {status}", lambda task: task["Status"] == status)


def when_it_has_moved(count: int, stack: Stack) -> dict[str, Any]:
    moved = "ApproximateNumberOfMessagesMoved"
    return when(stack, f"the task has moved {count}", lambda task: task[moved] >= count)


def handle(task_id: str, source_arn: str) -> str:
    text = json.dumps({"taskId": task_id, "sourceArn": source_arn})
    return base64.b64encode(text.encode()).decode()


def start_from_no_dlq(stack: Stack) -> None:
    stack.sqs.start_message_move_task(SourceArn=stack.queue_arn)


def start_to_nowhere(stack: Stack) -> None:
    stack.sqs.start_message_move_task(
        SourceArn=stack.dlq_arn, DestinationArn=f"{stack.queue_arn}-gone"
    )


def start_twice(stack: Stack) -> None:
    for _ in range(2):
        stack.sqs.start_message_move_task(
            SourceArn=stack.dlq_arn, DestinationArn=stack.queue_arn, MaxNumberOfMessagesPerSecond=1
        )


def cancel_nonsense(stack: Stack) -> None:
    stack.sqs.cancel_message_move_task(TaskHandle="foobared")


def cancel_in_no_queue(stack: Stack) -> None:
    task = handle(str(uuid.uuid4()), f"{stack.dlq_arn}-gone")
    stack.sqs.cancel_message_move_task(TaskHandle=task)


def cancel_no_task(stack: Stack) -> None:
    stack.sqs.cancel_message_move_task(TaskHandle=handle(str(uuid.uuid4()), stack.dlq_arn))


@pytest.mark.parametrize(
    ("ask", "code", "status", "words"),
    [
        (
            start_from_no_dlq,
            "InvalidParameterValue",
            400,
            "Source queue must be configured as a Dead Letter Queue.",
        ),
        (
            start_to_nowhere,
            "ResourceNotFoundException",
            404,
            "The resource that you specified for the DestinationArn parameter doesn't exist.",
        ),
        (
            start_twice,
            "InvalidParameterValue",
            400,
            "There is already a task running. Only one active task is allowed for a source queue "
            "arn at a given time.",
        ),
        (
            cancel_nonsense,
            "InvalidParameterValue",
            400,
            "Value for parameter TaskHandle is invalid.",
        ),
        (
            cancel_in_no_queue,
            "ResourceNotFoundException",
            404,
            "The resource that you specified for the SourceArn parameter doesn't exist.",
        ),
        (cancel_no_task, "ResourceNotFoundException", 404, "Task does not exist."),
    ],
)
def test_refusal_is_awss(
    stack: Stack, ask: Callable[[Stack], None], code: str, status: int, words: str
) -> None:
    stack.fill(stack.dlq_url, BODIES)
    with pytest.raises(ClientError) as refused:
        ask(stack)
    answer = refused.value.response
    assert (answer["Error"]["Code"], answer["Error"]["Message"]) == (code, words)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status


def test_finished_task_has_no_handle(stack: Stack) -> None:
    stack.fill(stack.dlq_url, BODIES)
    stack.sqs.start_message_move_task(SourceArn=stack.dlq_arn, DestinationArn=stack.queue_arn)
    task = when_it_is("COMPLETED", stack)
    assert task.pop("StartedTimestamp") > 0
    assert task == {
        "ApproximateNumberOfMessagesMoved": 10,
        "ApproximateNumberOfMessagesToMove": 10,
        "DestinationArn": stack.queue_arn,
        "SourceArn": stack.dlq_arn,
        "Status": "COMPLETED",
    }


def test_letters_go_back_to_where_they_came_from(stack: Stack) -> None:
    stack.fail(BODIES, reason="no store_id")
    stack.sqs.start_message_move_task(SourceArn=stack.dlq_arn)
    assert "DestinationArn" not in when_it_is("COMPLETED", stack)
    assert sorted(stack.bodies(stack.queue_url)) == BODIES


def test_cancelled_task_keeps_what_it_has_moved(stack: Stack) -> None:
    stack.fill(stack.dlq_url, BODIES)
    task_handle = stack.sqs.start_message_move_task(
        SourceArn=stack.dlq_arn, DestinationArn=stack.queue_arn, MaxNumberOfMessagesPerSecond=5
    )["TaskHandle"]
    assert when_it_has_moved(2, stack)["TaskHandle"] == task_handle
    stack.sqs.cancel_message_move_task(TaskHandle=task_handle)
    task = when_it_is("CANCELLED", stack)
    assert 2 <= task["ApproximateNumberOfMessagesMoved"] < 10
    assert "TaskHandle" not in task
    assert sorted(stack.bodies(stack.queue_url) + stack.bodies(stack.dlq_url)) == BODIES


def test_task_whose_destination_is_deleted_fails(stack: Stack) -> None:
    stack.fill(stack.dlq_url, BODIES)
    aside_url, aside_arn = stack.add_queue("aside")
    stack.sqs.start_message_move_task(
        SourceArn=stack.dlq_arn, DestinationArn=aside_arn, MaxNumberOfMessagesPerSecond=5
    )
    when_it_has_moved(1, stack)
    stack.sqs.delete_queue(QueueUrl=aside_url)
    # AWS's reason is AWS.SimpleQueueService.NonExistentQueue (docs/second-sqs.md).
    assert when_it_is("FAILED", stack)["FailureReason"] == "QueueDoesNotExist"


def test_progress_of_a_task_is_told(stack: Stack) -> None:
    stack.fill(stack.dlq_url, BODIES)
    seen: list[tuple[int, int]] = []
    report = native_move(
        stack.sqs,
        source_arn=stack.dlq_arn,
        destination_arn=stack.queue_arn,
        messages_per_second=10,
        cancel=threading.Event(),
        interval_seconds=0.05,
        on_progress=lambda moved, of: seen.append((moved, of)),
    )
    assert (report.moved, report.status, report.failure) == (10, "COMPLETED", None)
    assert seen == sorted(seen)
    assert any(0 < moved < 10 for moved, _ in seen)
    assert seen[-1] == (10, 10)
