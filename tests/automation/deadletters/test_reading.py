"""A dead-letter queue is read whole and left as it was."""

import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from automation.deadletters.reading import read_messages
from automation.proof.dead_letters import read_dead_letters
from tests.unkind.queue import Queue
from tests.unkind.world import World

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@pytest.fixture
def sqs() -> "Iterator[SQSClient]":
    with mock_aws():
        yield boto3.client(
            "sqs",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )


def send(sqs: "SQSClient", url: str, seq: int, *, store_id: int | None = None) -> None:
    attributes = {
        "run_id": {"DataType": "String", "StringValue": "run"},
        "seq": {"DataType": "Number", "StringValue": str(seq)},
    }
    if store_id:
        attributes["store_id"] = {"DataType": "Number", "StringValue": str(store_id)}
    sqs.send_message(QueueUrl=url, MessageBody="{}", MessageAttributes=attributes)  # type: ignore[arg-type]


def test_every_message_is_read_once_with_its_identity(sqs: "SQSClient") -> None:
    url = sqs.create_queue(QueueName="dlq")["QueueUrl"]
    for seq in range(25):
        send(sqs, url, seq, store_id=3 if seq == 7 else None)

    letters = read_dead_letters(sqs, url, wait_seconds=0).letters

    assert sorted(letter.identity for letter in letters if letter.identity) == [
        ("run", seq) for seq in range(25)
    ]
    assert [letter.identity for letter in letters if letter.has_store_id] == [("run", 7)]


def test_what_a_receive_brings_while_another_fails_is_given_back_too(
    sqs: "SQSClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    url = sqs.create_queue(QueueName="dlq")["QueueUrl"]
    send(sqs, url, 1)
    receive, both = sqs.receive_message, threading.Barrier(2)

    def failing(**request: Any) -> Any:
        both.wait()
        if threading.current_thread().name == "reader_0":
            # As Ctrl-C does in the thread that waits.
            raise KeyboardInterrupt
        time.sleep(0.2)
        return receive(**request)

    monkeypatch.setattr(sqs, "receive_message", failing)
    with pytest.raises(KeyboardInterrupt):
        list(read_messages(sqs, url, wait_seconds=0, connections=2))
    assert len(receive(QueueUrl=url).get("Messages", [])) == 1


def test_every_message_is_visible_again_afterwards(sqs: "SQSClient") -> None:
    url = sqs.create_queue(QueueName="dlq")["QueueUrl"]
    for seq in range(25):
        send(sqs, url, seq)

    first = read_dead_letters(sqs, url, wait_seconds=0).letters
    second = read_dead_letters(sqs, url, wait_seconds=0).letters

    assert {letter.message_id for letter in first} == {letter.message_id for letter in second}


def test_foreign_message_has_no_identity(sqs: "SQSClient") -> None:
    url = sqs.create_queue(QueueName="dlq")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="from somewhere else")
    (letter,) = read_dead_letters(sqs, url, wait_seconds=0).letters
    assert letter.identity is None
    assert not letter.has_store_id


def test_messages_come_back_when_reading_fails(sqs: "SQSClient") -> None:
    url = sqs.create_queue(QueueName="dlq")["QueueUrl"]
    for seq in range(3):
        send(sqs, url, seq)
    receive = sqs.receive_message

    def once_then_fail(**arguments: object) -> object:
        sqs.receive_message = fail  # type: ignore[method-assign]
        return receive(**arguments)  # type: ignore[arg-type]

    def fail(**_: object) -> object:
        raise ConnectionError("gone")

    sqs.receive_message = once_then_fail  # type: ignore[method-assign,assignment]
    with pytest.raises(ConnectionError):
        read_dead_letters(sqs, url, wait_seconds=0)
    sqs.receive_message = receive  # type: ignore[method-assign]

    assert len(read_dead_letters(sqs, url, wait_seconds=0).letters) == 3


def filled(world: World, count: int) -> Queue:
    dlq = world.add_queue("dlq")
    world.put(dlq, [world.letter("x", message_id=str(number)) for number in range(count)])
    return dlq


@pytest.mark.parametrize("count", [1, 9, 10, 25, 40])
@pytest.mark.parametrize("connections", [1, 2])
def test_some_are_visible_while_the_end_is_made_sure_of(count: int, connections: int) -> None:
    world = World()
    dlq = filled(world, count)
    visible: list[int] = []
    world.before_each_receive(lambda: visible.append(dlq.visible))

    with world.running():
        read = list(read_messages(world.sqs, dlq.url, wait_seconds=0, connections=connections))

    # Requests at the same time are answered in any order.
    assert sorted(int(message.message_id) for message in read) == list(range(count))
    assert visible[-connections] > 0
    assert dlq.in_flight == 0


def test_reading_that_is_given_up_shows_everything_again() -> None:
    world = World()
    dlq = filled(world, 25)
    with world.running():
        messages = read_messages(world.sqs, dlq.url, wait_seconds=0)
        next(messages)
        messages.close()
    assert (dlq.visible, dlq.in_flight) == (25, 0)
