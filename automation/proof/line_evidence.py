"""What has been seen of a file's messages: in the dead-letter queue, in the log, in the queue."""

import contextlib
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from pathlib import Path

from botocore.exceptions import ClientError

from automation.aws.consumer_log import Identity, LogReader
from automation.aws.errors import is_gone
from automation.aws.queue_depth import queue_depth
from automation.deadletters.looking_up import MOST_LOOKED_UP
from automation.deadletters.message import MAX_BATCH_ENTRIES
from automation.deadletters.reasons import Failures
from automation.deadletters.verdicts import Sureness
from automation.errors import StillWaitingError
from automation.operations.wiring import Wiring
from automation.proof.account import DeadLetter
from automation.proof.dead_letters import LettersRead, dead_letter_reader
from automation.proof.expected import Line
from automation.proof.line_account import LineAccount, Posted, Sightings, account_for_lines
from automation.target import Target
from automation.waiting import wait_until
from components import limits

# While a message is looked at, after the time is up, it need not come again.
_HIDDEN_SECONDS = 30


class _Letters:
    """What several looks into a dead-letter queue have found together, by message id.

    A look into a FIFO queue gives each message a new id, so there is one; should another message
    come after it, the queue's depth tells, and nobody knows which that is.
    """

    def __init__(self, target: Target, dlq_url: str) -> None:
        self._target = target
        self._dlq_url = dlq_url
        self._found: dict[str, DeadLetter] = {}
        self._has_looked = False
        self.was_read_whole = False
        self.problem: str | None = None

    @property
    def letters(self) -> list[DeadLetter]:
        return list(self._found.values())

    def look(self, read: Callable[[], LettersRead]) -> None:
        if limits.is_fifo(self._dlq_url) and self._has_looked:
            depth = queue_depth(self._target.clients.sqs, self._dlq_url).total
            self.was_read_whole = self.was_read_whole and depth == len(self._found)
            return
        self._has_looked = True
        found = read()
        self._found |= {letter.message_id: letter for letter in found.letters}
        self.was_read_whole, self.problem = found.is_whole, found.problem


class _Log:
    """What the consumers' logs name as processed."""

    def __init__(self, target: Target, log_groups: Iterable[str], since_ms: int) -> None:
        self._readers = [
            LogReader(target.clients.logs, group, since_ms=since_ms) for group in log_groups
        ]
        self.processed: set[Identity] = set()
        self.tells = False

    def read(self) -> None:
        """Take in what is new."""
        for reader in self._readers:
            with _without_log_group():
                for event in reader.new_events():
                    self.tells = self.tells or isinstance(event.record.get("processed"), dict)
                    self.processed.update(done.identity for done in event.processed)


@contextlib.contextmanager
def _without_log_group() -> Generator[None]:
    """Lambda makes a log group with the first record; until then there is nothing to read."""
    try:
        yield
    except ClientError as error:
        if not is_gone(error):
            raise


def take_line_account(
    target: Target,
    wiring: Wiring,
    lines: Sequence[Line],
    posted: Posted,
    *,
    settle_failure: str | None,
    stack: str,
    home: Path,
    since_ms: int,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> LineAccount:
    """Look until every line has ended as expected, or nothing more can show up late.

    Args:
        target, wiring: where, and what belongs to the queue.
        lines: of the file.
        posted: what was sent of them.
        settle_failure: why the queue did not settle; None when it did.
        stack: its name, for that of the queue that a FIFO queue is read through.
        home: folder for the journals of what is moved aside while a FIFO queue is read.
        since_ms: Unix time in milliseconds from which on the consumers' logs count.
        clock, sleep: seconds; by default the machine's.
    """
    pace, dlq_url = target.pace, wiring.require_dlq().url
    began = clock()
    letters = _Letters(target, dlq_url)
    log = _Log(target, wiring.log_groups, since_ms)
    queued: set[str] = set()
    reasons: dict[str, str] = {}

    def account() -> LineAccount:
        seen = Sightings(
            letters=letters.letters,
            was_read_whole=letters.was_read_whole,
            reading_problem=letters.problem,
            logged=log.processed,
            log_tells=log.tells,
            settle_failure=settle_failure,
            queued=queued,
            reasons=reasons,
        )
        return account_for_lines(lines, posted, seen)

    expected = sum(line.expect == "dead-lettered" for line in lines)
    reader = dead_letter_reader(
        target, dlq_url, expected=expected, stack=stack, home=home, sleep=sleep
    )
    with reader as read_letters:

        def probe() -> tuple[bool, LineAccount]:
            # While a queue is read its alarm sees less in it: no oftener than needed.
            if not account().is_complete:
                letters.look(read_letters)
            log.read()
            found = account()
            if found.misses_reasons:
                reasons.update(_reasons(target, wiring, posted, letters, since_ms))
                found = account()
            is_final = clock() - began >= pace.late_log_seconds
            return found.is_complete and not found.misses_reasons and is_final, found

        # Something may be missing for good: the verdict says what.
        with contextlib.suppress(StillWaitingError):
            wait_until(
                "every line is accounted for",
                probe,
                timeout_seconds=pace.log_delay_seconds,
                interval_seconds=pace.poll_interval_seconds,
                clock=clock,
                sleep=sleep,
            )
    if settle_failure:
        queued |= _seen_in_queue(target, wiring.require_queue().url, clock, sleep)
    reasons.update(_reasons(target, wiring, posted, letters, since_ms))
    return account()


def _reasons(
    target: Target, wiring: Wiring, posted: Posted, letters: _Letters, since_ms: int
) -> dict[str, str]:
    """Why messages failed, by id, as the consumers' logs say."""
    logs, ids = target.clients.logs, frozenset(posted.message_ids.values())
    failures = Failures(is_letter=ids.__contains__)
    with contextlib.closing(failures):

        def known(message_id: str) -> str | None:
            failure = failures.of(message_id, None, None)
            is_told = failure is not None and failure.sureness is not Sureness.UNNAMED
            return failure.reason if failure and is_told else None

        for group in wiring.log_groups:
            with _without_log_group():
                failures.load(logs, [group], since_ms=since_ms)
                dead = (letter.message_id for letter in letters.letters)
                untold = [each for each in dead if each in ids and not known(each)]
                failures.look_up(logs, [group], untold[:MOST_LOOKED_UP], since_ms=since_ms)
        return {each: reason for each in ids if (reason := known(each))}


def _seen_in_queue(
    target: Target, queue_url: str, clock: Callable[[], float], sleep: Callable[[float], None]
) -> set[str]:
    """Ids of messages that are in a queue that should be empty; the consumer competes for them.

    It takes receives from them, which only a verdict that is broken anyway may do.
    """
    sqs, pace = target.clients.sqs, target.pace
    seen: set[str] = set()
    deadline = clock() + pace.log_delay_seconds
    while clock() < deadline and len(seen) < queue_depth(sqs, queue_url).total:
        answer = sqs.receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=MAX_BATCH_ENTRIES,
            VisibilityTimeout=_HIDDEN_SECONDS,
            WaitTimeSeconds=pace.receive_wait_seconds,
        )
        found = {message.get("MessageId", "") for message in answer.get("Messages", [])}
        seen |= found
        if not found:
            sleep(pace.poll_interval_seconds)
    return seen
