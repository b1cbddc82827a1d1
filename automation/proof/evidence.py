"""The account of a run, taken from the dead-letter queue itself and from the consumer's log."""

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from automation.aws.consumer_log import LogReader, Processing
from automation.aws.queue_depth import queue_depth
from automation.deadletters.reading import read_messages
from automation.deadletters.survey import hiding_seconds
from automation.errors import StillWaitingError
from automation.proof.account import (
    Account,
    DeadLetter,
    Sent,
    account_for,
    count_reordered,
    dead_letter,
)
from automation.proof.fifo_dead_letters import queue_aside, read_fifo_dead_letters
from automation.target import Target
from automation.waiting import wait_until
from components import limits
from components.outputs import StackOutputs

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

# Fewer messages than this a connection are not worth another one.
_MESSAGES_PER_CONNECTION = 100


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What an account rests on.

    Attributes:
        account: of every message.
        processed: the deliveries that the consumer logged as done, those of other runs too.
        dead_letters: what was found in the dead-letter queue.
        failed_batches: how often an invocation of the consumer failed as a whole, by what Lambda
            says of it.
    """

    account: Account
    processed: Sequence[Processing]
    dead_letters: Sequence[DeadLetter]
    failed_batches: Mapping[str, int]


class _Found:
    """Dead letters that were seen, in one reading or another: none leaves the queue meanwhile."""

    def __init__(self) -> None:
        self._own: dict[tuple[object, str], DeadLetter] = {}
        self._strangers: list[DeadLetter] = []

    def add(self, letters: Iterable[DeadLetter], run_id: str) -> None:
        """Take in one reading."""
        strangers: dict[str, DeadLetter] = {}
        for letter in letters:
            if letter.identity and letter.identity[0] == run_id:
                self._own.setdefault((letter.identity, str(letter.has_store_id)), letter)
            else:
                strangers[letter.message_id] = letter
        # Reading a FIFO queue gives a message a new id, and strangers are known by nothing else.
        self._strangers = max(self._strangers, list(strangers.values()), key=len)

    @property
    def letters(self) -> list[DeadLetter]:
        """Each once."""
        return [*self._own.values(), *self._strangers]


def take_account(
    target: Target,
    outputs: StackOutputs,
    sent: Sent,
    *,
    stack: str,
    home: Path,
    since_ms: int,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Evidence:
    """Read the dead-letter queue and the consumer's log until every message has been found.

    Log records and messages may show up late, and a reading may miss some, so an account with
    something missing is taken again until the target's log delay is over; what one reading has
    found is not forgotten by the next.

    Args:
        target, outputs: where.
        sent: the producer's report.
        stack: its name.
        home: folder for the journal of what is moved aside while a FIFO queue is read.
        since_ms: Unix time in milliseconds from which on the consumer's log counts.
    """
    found = _Found()

    with _dead_letter_reader(target, outputs, sent, stack, home) as read:

        def probe() -> tuple[bool, Evidence]:
            found.add(read(), sent.run_id)
            evidence = _evidence(target, outputs, sent, found.letters, since_ms)
            return evidence.account.is_complete, evidence

        try:
            return wait_until(
                "every message is accounted for",
                probe,
                timeout_seconds=target.pace.log_delay_seconds,
                interval_seconds=target.pace.poll_interval_seconds,
                clock=clock,
                sleep=sleep,
            )
        except StillWaitingError:
            # Something is missing for good, or counted wrong: the verdict says what.
            return probe()[1]


def _evidence(
    target: Target,
    outputs: StackOutputs,
    sent: Sent,
    dead_letters: Sequence[DeadLetter],
    since_ms: int,
) -> Evidence:
    processed: list[Processing] = []
    failed_batches: Counter[str] = Counter()
    log = LogReader(target.clients.logs, outputs.consumer_log_group_name, since_ms=since_ms)
    for event in log.new_events():
        processed += event.processed
        if event.is_ending:
            failed_batches[str(event.record["message"])] += 1
    is_fifo = limits.is_fifo(outputs.queue_url)
    return Evidence(
        account=account_for(
            sent,
            [done.identity for done in processed],
            dead_letters,
            reordered=_count_reordered(processed, sent) if is_fifo else None,
        ),
        processed=processed,
        dead_letters=dead_letters,
        failed_batches=failed_batches,
    )


def _count_reordered(processed: Sequence[Processing], sent: Sent) -> int:
    # The sort is stable: records of one millisecond stay as the log has them.
    in_order = sorted(processed, key=lambda done: done.at_ms)
    return count_reordered(
        (done.group or "", done.identity[1]) for done in in_order if done.identity[0] == sent.run_id
    )


@contextlib.contextmanager
def _dead_letter_reader(
    target: Target, outputs: StackOutputs, sent: Sent, stack: str, home: Path
) -> Generator[Callable[[], list[DeadLetter]]]:
    """What reads the whole dead-letter queue, as often as it is called in the block."""
    clients, pace = target.clients, target.pace
    if not limits.is_fifo(outputs.dlq_url):
        yield lambda: read_dead_letters(
            clients.sqs,
            outputs.dlq_url,
            wait_seconds=pace.receive_wait_seconds,
            connections=pace.connections,
            expected=sent.bad,
        )
        return
    with queue_aside(clients, stack=stack) as aside_url:
        yield lambda: read_fifo_dead_letters(
            clients,
            outputs.dlq_url,
            aside_url=aside_url,
            wait_seconds=pace.receive_wait_seconds,
            journals=home,
        )


def read_dead_letters(
    sqs: "SQSClient",
    queue_url: str,
    *,
    wait_seconds: int,
    connections: int = 1,
    expected: int = 0,
) -> list[DeadLetter]:
    """Receive until nothing more comes, give every message back, and say what was there.

    A message is hidden for as long as reading so many takes, should this process be killed
    meanwhile.

    Args:
        sqs: client.
        queue_url: the dead-letter queue.
        wait_seconds: long polling of one receive, 0 to 20 s.
        connections: how many requests to make at once, at the most, default 1.
        expected: how many messages there should be; default 0, as many as SQS counts.
    """
    # The count may lag behind by a minute.
    expected = max(expected, queue_depth(sqs, queue_url).total)
    messages = read_messages(
        sqs,
        queue_url,
        wait_seconds=wait_seconds,
        hidden_seconds=hiding_seconds(expected),
        connections=min(connections, 1 + expected // _MESSAGES_PER_CONNECTION),
    )
    return [dead_letter(message) for message in messages]
