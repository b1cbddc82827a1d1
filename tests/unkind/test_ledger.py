"""The ledger knows what became of each message, and says when the law is broken."""

import pytest

from tests.unkind.queue import Queue
from tests.unkind.world import World


def prepared() -> tuple[World, Queue, Queue]:
    world = World()
    dlq, queue = world.add_queue("dlq"), world.add_queue("q")
    world.put(dlq, [world.letter("a", message_id="a"), world.letter("b", message_id="b")])
    return world, dlq, queue


def delete_all(world: World, dlq: Queue) -> None:
    found = world.sqs.receive_message(QueueUrl=dlq.url, MaxNumberOfMessages=10)["Messages"]
    entries = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(found)]
    world.sqs.delete_message_batch(QueueUrl=dlq.url, Entries=entries)


def send(world: World, queue: Queue, *bodies: str) -> None:
    for body in bodies:
        world.sender.send_message(QueueUrl=queue.url, MessageBody=body)


def test_what_is_moved_is_neither_lost_nor_doubled() -> None:
    world, dlq, queue = prepared()
    send(world, queue, "a", "b")
    assert world.ledger.doubled() == {"a", "b"}
    delete_all(world, dlq)
    world.ledger.assert_law()
    assert world.ledger.unsafe_deletions == []


def test_what_was_deleted_without_a_copy_is_lost() -> None:
    world, dlq, queue = prepared()
    send(world, queue, "a")
    delete_all(world, dlq)
    assert world.ledger.lost() == ["b"]
    assert [content[0] for content in world.ledger.unsafe_deletions] == ["b"]
    with pytest.raises(AssertionError, match="1 lost"):
        world.ledger.assert_law()


def test_what_was_deleted_before_it_was_sent_is_unsafe_though_nothing_is_lost() -> None:
    world, dlq, queue = prepared()
    delete_all(world, dlq)
    send(world, queue, "a", "b")
    world.ledger.assert_law()
    assert len(world.ledger.unsafe_deletions) == 2


def test_what_arrives_otherwise_is_altered() -> None:
    world, _, queue = prepared()
    send(world, queue, "a", "b with more")
    with pytest.raises(AssertionError, match="1 altered"):
        world.ledger.assert_law()


def test_what_is_there_twice_has_to_be_named() -> None:
    world, _, queue = prepared()
    send(world, queue, "a")
    with pytest.raises(AssertionError, match="1 doubled"):
        world.ledger.assert_law()
    world.ledger.assert_law(doubled_are_named={"a"})


def test_redrive_count_alters_nothing() -> None:
    world, _, queue = prepared()
    count = {"redrive_count": {"DataType": "Number", "StringValue": "1"}}
    world.sender.send_message(QueueUrl=queue.url, MessageBody="a", MessageAttributes=count)
    assert world.ledger.altered() == []


def test_what_is_safe_in_a_file_is_not_lost() -> None:
    world, dlq, _ = prepared()
    in_file = [message.content for message in dlq.messages()]
    delete_all(world, dlq)
    world.ledger.assert_law(elsewhere=in_file)
