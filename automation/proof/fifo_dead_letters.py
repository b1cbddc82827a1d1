"""Read a FIFO dead-letter queue whole: move everything out, and back again in the same order.

A message in flight holds back its whole group, so nothing shows more than the first ten messages
of a group unless those are deleted (SQS Developer Guide, "FIFO queue delivery logic").
"""

import contextlib
import threading
from collections.abc import Callable, Generator
from pathlib import Path

from automation.aws.clients import Clients
from automation.deadletters.journal import Journal
from automation.deadletters.message import Message
from automation.deadletters.move_plan import Plan
from automation.deadletters.queue_to_queue import move_messages
from automation.errors import AutomationError
from automation.proof.account import DeadLetter, dead_letter


def read_fifo_dead_letters(
    clients: Clients, queue_url: str, *, aside_name: str, wait_seconds: int, journals: Path
) -> list[DeadLetter]:
    """Say what is in a FIFO queue; everything is in it again afterwards, in the order it was.

    The messages get new ids and begin their retention anew, and the queue is empty for a while:
    this is for a queue of one's own. After a failure the messages are in one of the two queues.

    Args:
        clients: of the target.
        queue_url: the queue.
        aside_name: name of the queue that is created to hold the messages meanwhile; `.fifo`.
        wait_seconds: long polling of one receive, 0 to 20 s.
        journals: existing folder for the movers' journals.

    Raises:
        AutomationError: not everything could be moved; it says where the rest is.
    """
    letters: dict[str, DeadLetter] = {}

    def seen(message: Message) -> Message:
        letters[message.message_id] = dead_letter(message)
        return message

    with _queue_aside(clients, aside_name) as aside_url:
        _move_all(clients, queue_url, aside_url, seen, wait_seconds, journals)
        _move_all(clients, aside_url, queue_url, _unchanged, wait_seconds, journals)
    return list(letters.values())


def _unchanged(message: Message) -> Message:
    return message


@contextlib.contextmanager
def _queue_aside(clients: Clients, name: str) -> Generator[str]:
    url = clients.sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"})["QueueUrl"]
    yield url
    # Only when everything has been moved back: an exception leaves the queue with what is in it.
    clients.sqs.delete_queue(QueueUrl=url)


def _move_all(
    clients: Clients,
    source_url: str,
    destination_url: str,
    change: Callable[[Message], Message],
    wait_seconds: int,
    journals: Path,
) -> None:
    plan = Plan(
        source_url=source_url,
        destination_url=destination_url,
        change=change,
        wait_seconds=wait_seconds,
    )
    path = journals / f"reading-{source_url.rpartition('/')[2]}.jsonl"
    with Journal(path, purpose="reading", source=source_url) as journal:
        report = move_messages(clients.sqs, clients.sender, plan, journal, cancel=threading.Event())
    if report.ended != "empty":
        raise AutomationError(
            f"could not read {source_url} whole: {report.explanation or report.ended}; what was "
            f"moved is in {destination_url}"
        )
