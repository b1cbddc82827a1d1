"""The world's move tasks answer as AWS was recorded to."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.unkind.behaviour import Behaviour
from tests.unkind.queue import Queue
from tests.unkind.world import World


def prepared(count: int = 10, **behaviour: Any) -> tuple[World, Queue, Queue]:
    world = World(Behaviour(**behaviour))
    dlq = world.add_queue("dlq")
    queue = world.add_queue("q", dead_letters=dlq)
    system = {"DeadLetterQueueSourceArn": queue.arn}
    world.put(dlq, [world.letter(f"{n}", age_seconds=1000, **system) for n in range(count)])
    return world, dlq, queue


def listed(world: World, dlq: Queue) -> list[dict[str, Any]]:
    return world.sqs.list_message_move_tasks(SourceArn=dlq.arn, MaxResults=10)["Results"]


def test_messages_move_with_time_and_are_new_ones() -> None:
    world, dlq, queue = prepared()
    before = {message.message_id for message in dlq.messages()}
    request = {"SourceArn": dlq.arn, "MaxNumberOfMessagesPerSecond": 2}
    world.sqs.start_message_move_task(**request)
    (task,) = listed(world, dlq)
    assert (task["Status"], task["ApproximateNumberOfMessagesToMove"]) == ("RUNNING", 10)
    assert task["TaskHandle"]
    world.pause(3)
    assert 4 <= len(queue.messages()) <= 6
    world.pause(5)
    (task,) = listed(world, dlq)
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 10)
    assert "TaskHandle" not in task
    assert not before & {message.message_id for message in queue.messages()}
    assert min(message.sent_at for message in queue.messages()) > world.time.now - 60
    world.ledger.assert_law()


def test_one_task_at_a_time() -> None:
    world, dlq, _ = prepared()
    world.sqs.start_message_move_task(SourceArn=dlq.arn, MaxNumberOfMessagesPerSecond=1)
    with pytest.raises(ClientError, match="already a task running"):
        world.sqs.start_message_move_task(SourceArn=dlq.arn)


def test_refusal_of_a_second_task_may_have_another_code() -> None:
    code = "AWS.SimpleQueueService.UnsupportedOperation"
    world, dlq, _ = prepared(running_task_error=code)
    world.sqs.start_message_move_task(SourceArn=dlq.arn, MaxNumberOfMessagesPerSecond=1)
    with pytest.raises(ClientError, match=code):
        world.sqs.start_message_move_task(SourceArn=dlq.arn)


def test_source_must_be_a_dead_letter_queue() -> None:
    world, _, queue = prepared()
    with pytest.raises(ClientError, match="must be configured as a Dead Letter Queue"):
        world.sqs.start_message_move_task(SourceArn=queue.arn)


def test_unknown_destination_is_refused() -> None:
    world, dlq, _ = prepared()
    with pytest.raises(ClientError, match="DestinationArn parameter doesn't exist"):
        world.sqs.start_message_move_task(SourceArn=dlq.arn, DestinationArn=f"{dlq.arn}-x")


def test_cancelled_task_keeps_what_it_has_moved() -> None:
    world, dlq, queue = prepared()
    request = {"SourceArn": dlq.arn, "MaxNumberOfMessagesPerSecond": 1}
    handle = world.sqs.start_message_move_task(**request)["TaskHandle"]
    world.pause(3)
    world.sqs.cancel_message_move_task(TaskHandle=handle)
    world.pause(2)
    assert listed(world, dlq)[0]["Status"] == "CANCELLED"
    assert len(queue.messages()) + len(dlq.messages()) == 10
    assert queue.messages()
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        world.sqs.cancel_message_move_task(TaskHandle=handle)


def test_task_is_not_listed_at_once() -> None:
    world, dlq, _ = prepared(task_listed_after_seconds=5)
    world.sqs.start_message_move_task(SourceArn=dlq.arn)
    assert listed(world, dlq) == []
    world.pause(5)
    assert len(listed(world, dlq)) == 1


def test_finished_task_of_before_may_come_first() -> None:
    world, dlq, queue = prepared(lists_oldest_task_first=True)
    world.sqs.start_message_move_task(SourceArn=dlq.arn)
    world.pause(10)
    world.put(dlq, [world.letter("again", DeadLetterQueueSourceArn=queue.arn)])
    world.sqs.start_message_move_task(SourceArn=dlq.arn)
    assert [task["Status"] for task in listed(world, dlq)] == ["COMPLETED", "RUNNING"]


def test_task_may_fail_on_its_way() -> None:
    world, dlq, queue = prepared(task_fails_after=4)
    world.sqs.start_message_move_task(SourceArn=dlq.arn)
    world.pause(5)
    (task,) = listed(world, dlq)
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("FAILED", 4)
    assert task["FailureReason"] == "AWS.SimpleQueueService.NonExistentQueue"
    left = world.sqs.receive_message(QueueUrl=dlq.url, MaxNumberOfMessages=10)["Messages"]
    assert (len(queue.messages()), len(left)) == (4, 6)


def test_task_may_complete_without_having_moved_anything() -> None:
    world, dlq, _ = prepared(task_moves_nothing=True)
    world.sqs.start_message_move_task(SourceArn=dlq.arn)
    world.pause(5)
    (task,) = listed(world, dlq)
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 0)
    assert len(dlq.messages()) == 10
