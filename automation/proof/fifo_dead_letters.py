"""Read a FIFO dead-letter queue whole: move everything out, and back again in the same order.

A message in flight holds back its whole group, so nothing shows more than the first ten messages
of a group unless those are deleted (SQS Developer Guide, "FIFO queue delivery logic").
"""

import contextlib
import dataclasses
import secrets
import sys
import threading
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from automation.aws.clients import Clients
from automation.deadletters.journal import Journal
from automation.deadletters.message import Message
from automation.deadletters.move_plan import Plan
from automation.deadletters.queue_to_queue import move_messages
from automation.errors import AutomationError
from automation.proof.account import DeadLetter, dead_letter
from automation.stacks import ASIDE_ENDING, STACK_TAG
from components import limits

# A sending that SQS refuses, or of which nobody knows, is made again by the next attempt.
_ATTEMPTS = 5
_NEVER_SECONDS = 86_400


class PartlyReadError(AutomationError):
    """Not everything could be moved; `letters` are those that were seen."""

    def __init__(self, words: str, letters: Sequence[DeadLetter]) -> None:
        super().__init__(words)
        self.letters = letters


@dataclass(kw_only=True)
class QueueAside:
    """The queue through which a FIFO queue is read.

    Attributes:
        url: of the queue.
        holds_letters: something in it could not be moved back, so it is not to be deleted.
    """

    url: str
    holds_letters: bool = False


def read_fifo_dead_letters(
    clients: Clients,
    queue_url: str,
    *,
    aside: QueueAside,
    wait_seconds: int,
    journals: Path,
    connections: int = 1,
) -> list[DeadLetter]:
    """Say what is in a FIFO queue; everything is in it again afterwards, in the order it was.

    The messages get new ids and begin their retention anew, and the queue is empty for a while:
    this is for a queue of one's own. After a failure the messages are in one of the two queues.

    Args:
        clients: of the target.
        queue_url: the queue.
        aside: the queue that holds the messages meanwhile; what is in it is moved too.
        wait_seconds: long polling of one receive, 0 to 20 s.
        journals: existing folder for the movers' journals.
        connections: how many requests to make at once, default 1; groups keep their order.

    Raises:
        PartlyReadError: not everything could be moved; it says where the rest is.
    """
    letters: dict[str, DeadLetter] = {}

    def seen(message: Message) -> Message:
        letters[message.message_id] = dead_letter(message)
        return message

    there = Plan(
        source_url=queue_url,
        destination_url=aside.url,
        change=seen,
        wait_seconds=wait_seconds,
        connections=connections,
        # Whatever a message went through, it is to be seen; and nobody fills this queue for ever.
        max_redrives=sys.maxsize,
        refill_check_seconds=_NEVER_SECONDS,
    )
    back = dataclasses.replace(
        there, source_url=aside.url, destination_url=queue_url, change=_unchanged
    )
    aside.holds_letters = True
    for plan in (there, back):
        if problem := _move_all(clients, plan, journals):
            raise PartlyReadError(
                f"{queue_url} could not be read whole: {problem}; what was moved out of it and not "
                f"back yet is in {aside.url}",
                list(letters.values()),
            )
    aside.holds_letters = False
    return list(letters.values())


def _unchanged(message: Message) -> Message:
    return message


@contextlib.contextmanager
def queue_aside(clients: Clients, *, stack: str) -> Generator[QueueAside]:
    """A FIFO queue for `read_fifo_dead_letters`, for as many readings as the block makes.

    It stays, with what is in it, when the last reading could not move everything back, and after
    an exception.
    """
    # A new name each time: for 60 s after a queue was deleted its name can't be used (SQS API
    # Reference, CreateQueue, QueueDeletedRecently).
    url = clients.sqs.create_queue(
        QueueName=f"{stack}{ASIDE_ENDING}-{secrets.token_hex(3)}{limits.FIFO_SUFFIX}",
        Attributes={"FifoQueue": "true"},
        tags={STACK_TAG: stack},
    )["QueueUrl"]
    aside = QueueAside(url=url)
    yield aside
    if not aside.holds_letters:
        clients.sqs.delete_queue(QueueUrl=url)


def _move_all(clients: Clients, plan: Plan, journals: Path) -> str | None:
    """Move until the source is empty; return what hinders it, should anything."""
    path = journals / f"reading-{plan.source_url.rpartition('/')[2]}.jsonl"
    words = ""
    for _ in range(_ATTEMPTS):
        with Journal(path, purpose="reading", source=plan.source_url) as journal:
            report = move_messages(
                clients.sqs, clients.sender, plan, journal, cancel=threading.Event()
            )
        if report.ended == "empty" and not report.counts.failed:
            return None
        words = report.explanation or "; ".join(report.failures.values()) or report.ended
    return words
