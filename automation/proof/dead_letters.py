"""The dead letters of a run: the queue read whole, as often as somebody looks."""

import contextlib
import time
from collections.abc import Callable, Collection, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from automation.aws.consumer_log import Identity
from automation.aws.queue_depth import queue_depth
from automation.deadletters.reading import QueueReading
from automation.deadletters.receiving import hiding_seconds
from automation.proof.account import DeadLetter, dead_letter
from automation.proof.fifo_dead_letters import (
    PartlyReadError,
    QueueAside,
    queue_aside,
    read_fifo_dead_letters,
)
from automation.target import Target
from components import limits

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

ANSWERS_LOST = (
    "the dead-letter queue could not be read to its end: each time an answer of SQS got lost, and "
    "nobody knows which messages it has hidden"
)
# How often a queue is read when an answer gets lost each time.
_MOST_READINGS = 5

# Fewer messages than this a connection are not worth another one.
_MESSAGES_PER_CONNECTION = 100


@dataclass(frozen=True, kw_only=True)
class LettersRead:
    """What one look at a dead-letter queue has found.

    Attributes:
        letters: each once.
        is_whole: the queue was read to its end, so there are no others.
        problem: why it was not, where more is known than that it is too full; None (default) else.
    """

    letters: Sequence[DeadLetter]
    is_whole: bool
    problem: str | None = None


class LettersFound:
    """What several looks have found together: nothing leaves the queue between them.

    Args:
        run_ids: the runs whose messages are no strangers.

    Attributes:
        was_read_whole: the newest look saw the queue's end.
        problem: why it did not, where known.
    """

    def __init__(self, run_ids: Collection[str]) -> None:
        self.was_read_whole = False
        self.problem: str | None = None
        self._run_ids = frozenset(run_ids)
        self._own: dict[tuple[Identity, bool], DeadLetter] = {}
        self._strangers: Sequence[DeadLetter] = ()

    def add(self, read: LettersRead) -> None:
        """Take in one look."""
        self.was_read_whole, self.problem = read.is_whole, read.problem
        strangers: dict[str, DeadLetter] = {}
        for letter in read.letters:
            if letter.identity and letter.identity[0] in self._run_ids:
                self._own.setdefault((letter.identity, letter.has_store_id), letter)
            else:
                strangers[letter.message_id] = letter
        # A look at a FIFO queue gives each message a new id, and a stranger has nothing else.
        self._strangers = max(self._strangers, list(strangers.values()), key=len)

    @property
    def letters(self) -> list[DeadLetter]:
        """Each once."""
        return [*self._own.values(), *self._strangers]


@contextlib.contextmanager
def dead_letter_reader(
    target: Target,
    dlq_url: str,
    *,
    expected: int,
    stack: str,
    home: Path,
    sleep: Callable[[float], None] = time.sleep,
) -> Generator[Callable[[], LettersRead]]:
    """What reads the whole dead-letter queue, as often as it is called in the block.

    Args:
        target: where.
        dlq_url: the queue.
        expected: how many messages there should be.
        stack: its name, for the name of the queue that a FIFO queue is read through.
        home: folder for the journals of what is moved aside meanwhile.
        sleep: seconds; by default the machine's.
    """
    clients, pace = target.clients, target.pace
    if not limits.is_fifo(dlq_url):
        yield lambda: read_dead_letters(
            clients.sqs,
            dlq_url,
            wait_seconds=pace.receive_wait_seconds,
            connections=pace.connections,
            expected=expected,
            sleep=sleep,
        )
        return
    with queue_aside(clients, stack=stack) as aside:
        yield lambda: _read_fifo(target, dlq_url, aside, home)


def _read_fifo(target: Target, queue_url: str, aside: QueueAside, home: Path) -> LettersRead:
    try:
        letters = read_fifo_dead_letters(
            target.clients,
            queue_url,
            aside=aside,
            wait_seconds=target.pace.receive_wait_seconds,
            connections=target.pace.connections,
            journals=home,
        )
    except PartlyReadError as error:
        # The next look may go better; if none does, that is for the verdict to say.
        return LettersRead(letters=error.letters, is_whole=False, problem=str(error))
    return LettersRead(letters=letters, is_whole=True)


def read_dead_letters(
    sqs: "SQSClient",
    queue_url: str,
    *,
    wait_seconds: int,
    connections: int = 1,
    expected: int = 0,
    sleep: Callable[[float], None] = time.sleep,
) -> LettersRead:
    """Receive until nothing more comes, give every message back, and say what was there.

    A message is hidden for as long as reading so many takes, should this process be killed
    meanwhile. When SQS's answer to a receive got lost, what was in it is hidden and nobody has seen
    it: the queue is read once more when that is over.

    Args:
        sqs: client; it needs as many connections.
        queue_url: the dead-letter queue, a standard one.
        wait_seconds: long polling of one receive, 0 to 20 s.
        connections: how many requests to make at once, at the most, default 1.
        expected: how many messages there should be; default 0, as many as SQS counts.
        sleep: seconds; by default the machine's.
    """
    # The count may lag behind by a minute.
    expected = max(expected, queue_depth(sqs, queue_url).total)
    letters: dict[str, DeadLetter] = {}
    for number in range(_MOST_READINGS):
        reading = QueueReading(
            sqs,
            queue_url,
            wait_seconds=wait_seconds,
            hidden_seconds=hiding_seconds(expected),
            connections=min(connections, 1 + expected // _MESSAGES_PER_CONNECTION),
        )
        letters |= {message.message_id: dead_letter(message) for message in reading}
        unseen_seconds = reading.unseen_seconds
        if not unseen_seconds:
            return LettersRead(letters=list(letters.values()), is_whole=reading.is_whole)
        if number < _MOST_READINGS - 1:
            sleep(unseen_seconds)
    return LettersRead(letters=list(letters.values()), is_whole=False, problem=ANSWERS_LOST)
