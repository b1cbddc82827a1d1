"""A FIFO dead-letter queue is read whole, past the messages that hold back their groups."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest

from automation.aws.clients import Clients
from automation.local.emulator import running_emulator
from automation.proof.account import Sent, account_for
from automation.proof.dead_letters import LettersFound, dead_letter_reader
from automation.proof.fifo_dead_letters import queue_aside, read_fifo_dead_letters
from automation.proof.verdict import AlarmReport, reasons_broken
from automation.target import LOCAL_PACE
from tests.unkind.faults import Fault
from tests.unkind.world import World

REGION = "eu-west-1"


@pytest.fixture
def clients(tmp_path: Path) -> Iterator[Clients]:
    session = boto3.Session(
        aws_access_key_id="123456789012", aws_secret_access_key="local", region_name=REGION
    )
    with running_emulator(tmp_path, region=REGION) as emulator:
        yield Clients(session=session, endpoint_url=emulator.endpoint_url)


def filled_queue(clients: Clients, messages: int) -> str:
    url = clients.sqs.create_queue(QueueName="dlq.fifo", Attributes={"FifoQueue": "true"})[
        "QueueUrl"
    ]
    for seq in range(messages):
        clients.sqs.send_message(
            QueueUrl=url,
            MessageBody=f"body {seq}",
            MessageGroupId=f"store-{seq % 2}",
            MessageDeduplicationId=str(seq),
            MessageAttributes={
                "run_id": {"DataType": "String", "StringValue": "run"},
                "seq": {"DataType": "Number", "StringValue": str(seq)},
            },
        )
    return url


def drained(clients: Clients, url: str) -> list[str]:
    """The bodies of what is in the queue, in its order; the queue is empty afterwards."""
    bodies: list[str] = []
    while messages := clients.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get(
        "Messages"
    ):
        for message in messages:
            bodies.append(message["Body"])
            clients.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return bodies


def test_more_than_ten_messages_of_a_group_are_all_read_and_put_back_in_order(
    clients: Clients, tmp_path: Path
) -> None:
    url, names = filled_queue(clients, 50), set[str]()

    for _ in range(2):
        # SQS refuses the name of a queue for a minute after its deletion; so each has its own.
        with queue_aside(clients, stack="mine") as aside:
            letters = read_fifo_dead_letters(
                clients, url, aside=aside, wait_seconds=0, journals=tmp_path
            )
        names.add(aside.url)
        assert sorted(letter.identity for letter in letters if letter.identity) == [
            ("run", seq) for seq in range(50)
        ]
    assert len(names) == 2
    bodies = drained(clients, url)
    for group in (0, 1):
        of_group = [body for body in bodies if int(body.split()[1]) % 2 == group]
        assert of_group == [f"body {seq}" for seq in range(group, 50, 2)]
    assert clients.sqs.list_queues()["QueueUrls"] == [url]


def test_a_second_queue_aside_has_another_name() -> None:
    world = World()
    clients = cast("Clients", SimpleNamespace(sqs=world.sqs))
    urls: set[str] = set()
    for _ in range(2):
        with queue_aside(clients, stack="s") as aside:
            urls.add(aside.url)
    assert len(urls) == 2


def test_letters_that_can_t_be_put_back_are_kept_aside_and_the_verdict_says_where(
    tmp_path: Path,
) -> None:
    world = World()
    clients: Any = SimpleNamespace(sqs=world.sqs, sender=world.sender)
    dlq = world.add_queue("dlq.fifo")
    attributes = {
        "run_id": {"DataType": "String", "StringValue": "run"},
        "seq": {"DataType": "Number", "StringValue": "0"},
    }
    world.put(dlq, [world.letter("body", attributes, MessageGroupId="a")])
    refused = Fault(failing_entries=frozenset({0}))
    target: Any = SimpleNamespace(clients=clients, pace=LOCAL_PACE)
    found = LettersFound(["run"])

    with (
        world.running(),
        dead_letter_reader(target, dlq.url, expected=1, stack="s", home=tmp_path) as read,
    ):
        # The way there goes well.
        world.faults.scripted["SendMessageBatch"].extend([Fault(), *[refused] * 50])
        found.add(read())

    sent = Sent(run_id="run", messages=1, bad=1)
    account = account_for(
        [sent],
        [],
        found.letters,
        was_read_whole=found.was_read_whole,
        reading_problem=found.problem,
    )
    (aside,) = (queue for queue in world.service.queues.values() if queue.url != dlq.url)
    rang = AlarmReport(state="ALARM", went_to_alarm=True, was_notified=True)
    (reason,) = reasons_broken(account, rang)
    assert f"{dlq.url} could not be read whole: " in reason
    assert f"what was moved out of it and not back yet is in {aside.url}" in reason
    assert len(aside.messages()) == 1
