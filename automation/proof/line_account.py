"""What became of each line of a file of messages, and the verdict; by SQS's own message ids."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal

from automation.aws.consumer_log import Identity
from automation.deadletters.message import identity_of
from automation.deadletters.verdicts import of_batch
from automation.proof.account import DeadLetter, content_of
from automation.proof.expected import End, Line
from automation.proof.line_words import line_numbers, some
from automation.proof.verdict import NOT_READ_WHOLE, AlarmReport, alarm_complaints

# What comes before the reason of a batch that failed as a whole.
_OF_BATCH = of_batch("")

# A run_id of any other form comes from a stranger, and our consumer does not log it: that its log
# says nothing of such a message means nothing. The same stands in functions/consumer.
_LOGGED_RUN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

Found = Literal["processed", "dead-lettered", "both", "lost", "queued", "unknown", "unsent"]
"""Where a message was found: `both` is processed and in the dead-letter queue; `lost` is neither,
though the consumer logs what it has processed; `queued` was in the queue when time was up, and
`unknown` is nowhere else that is known; `unsent` was never accepted by SQS, as far as is known."""

How = Literal["log", "absence"]
"""By what a message counts as processed: the consumer's log names it; or it was accepted by SQS,
and both queues, looked through to their ends, hold it no more."""


@dataclass(frozen=True, kw_only=True)
class Posted:
    """What was sent.

    Attributes:
        message_ids: of each line that SQS accepted, the id that it gave it.
        unsent: of each other line, why not.
        resent: lines that were sent again because an answer got lost: there may be two of each.
    """

    message_ids: Mapping[int, str]
    unsent: Mapping[int, str]
    resent: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Sightings:
    """What has been seen of the messages.

    Attributes:
        letters: what is in the dead-letter queue.
        was_read_whole: that is all that is in it.
        reading_problem: why it is not, where more is known than that it is too full.
        logged: what the consumer's log names as processed, by (run_id, seq).
        log_tells: the consumer logs what it has processed, in our format.
        settle_failure: why the queue did not settle; None when it did.
        queued: ids of messages that were seen in the queue after it had not settled.
        reasons: of each message that failed, by id, why, as the consumer's log says.
    """

    letters: Sequence[DeadLetter]
    was_read_whole: bool
    reading_problem: str | None = None
    logged: AbstractSet[Identity] = frozenset()
    log_tells: bool = False
    settle_failure: str | None = None
    queued: AbstractSet[str] = frozenset()
    reasons: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class LineResult:
    """What became of a line.

    Attributes:
        line: its number.
        expected: where its message was to end.
        found: where it did.
        by: by what it counts as processed; None when it doesn't.
        message_id: SQS's; None when it was not accepted.
        reason: why it failed, as the consumer's log says; None when that says nothing.
        expected_reason: why it was to fail; None for any reason.
    """

    line: int
    expected: End
    found: Found
    by: How | None
    message_id: str | None
    reason: str | None
    expected_reason: str | None = None

    @property
    def is_other_reason(self) -> bool:
        """Whether it failed, as expected, but for another reason; one that is not known is none."""
        return self._wants_reason and not self._has_reason and not self._is_of_batch

    @property
    def is_reason_unknown(self) -> bool:
        """Whether its reason is to be compared and is not known: a batch's may be another's."""
        return self._wants_reason and not self._has_reason and self._is_of_batch

    @property
    def _wants_reason(self) -> bool:
        return self.found == "dead-lettered" and self.expected_reason is not None

    @property
    def _has_reason(self) -> bool:
        said = (self.reason or "").removeprefix(_OF_BATCH)
        # A name is enough of "KeyError: 'order'".
        return said == self.expected_reason or said.startswith(f"{self.expected_reason}:")

    @property
    def _is_of_batch(self) -> bool:
        return self.reason is None or self.reason.startswith(_OF_BATCH)

    @property
    def is_as_expected(self) -> bool:
        return self.found == self.expected and not self.is_other_reason


@dataclass(frozen=True, kw_only=True)
class LineAccount:
    """The exact account of a file of messages.

    Attributes:
        results: one a line.
        strangers: ids of messages in the dead-letter queue that are none of the file's.
        was_read_whole: the dead-letter queue was read to its end.
        reading_problem: why it was not, where known.
        resent: lines of which there may have been two messages, since an answer got lost.
        unsent: of each line that was not accepted, why.
        settle_failure: why the queue did not settle; None when it did.
    """

    results: Sequence[LineResult]
    strangers: tuple[str, ...]
    was_read_whole: bool
    reading_problem: str | None
    resent: tuple[int, ...]
    unsent: Mapping[int, str]
    settle_failure: str | None

    def count(self, found: Found, by: How | None = None) -> int:
        """How many lines ended so; with `by`, by that alone."""
        return sum(result.found == found and by in (None, result.by) for result in self.results)

    @property
    def dead_letters(self) -> int:
        """How many messages are in the dead-letter queue, as far as is known."""
        return self.count("dead-lettered") + self.count("both") + len(self.strangers)

    @property
    def misses_reasons(self) -> bool:
        """Whether the reason of a message, which is to be compared, is not known."""
        return any(result.is_reason_unknown for result in self.results)

    @property
    def is_complete(self) -> bool:
        """Whether nothing that is still missing could show up late."""
        is_there = all(result.is_as_expected or result.is_other_reason for result in self.results)
        return self.was_read_whole and is_there


def unique_identities(lines: Iterable[Line]) -> dict[int, Identity]:
    """(run_id, seq) of each line that carries one which no other line does."""
    found = {line.number: identity_of(line.message) for line in lines}
    times = Counter(found.values())
    return {number: one for number, one in found.items() if one and times[one] == 1}


def account_for_lines(lines: Sequence[Line], posted: Posted, seen: Sightings) -> LineAccount:
    """Account for every line of a file.

    Args:
        lines: of the file.
        posted: what was sent of it.
        seen: what has been seen of the messages.
    """
    ids = set(posted.message_ids.values())
    others = [letter for letter in seen.letters if letter.message_id not in ids]
    # A message whose answer got lost has an id that nobody was told.
    unanswered = {
        line.number: content_of(line.message)
        for line in lines
        if line.number in posted.resent or line.number in posted.unsent
    }
    copies = {letter.content for letter in others} & set(unanswered.values())
    dead_ids = {letter.message_id for letter in seen.letters}
    identities = unique_identities(lines)
    results: list[LineResult] = []
    for line in lines:
        message_id = posted.message_ids.get(line.number)
        found, by = _fate(
            seen,
            message_id,
            identities.get(line.number),
            is_dead=message_id in dead_ids or unanswered.get(line.number) in copies,
            is_dead_copy=message_id not in dead_ids and message_id is not None,
        )
        results.append(
            LineResult(
                line=line.number,
                expected=line.expect,
                found=found,
                by=by,
                message_id=message_id,
                reason=seen.reasons.get(message_id or ""),
                expected_reason=line.reason,
            )
        )
    return LineAccount(
        results=results,
        strangers=tuple(letter.message_id for letter in others if letter.content not in copies),
        was_read_whole=seen.was_read_whole,
        reading_problem=seen.reading_problem,
        resent=posted.resent,
        unsent=posted.unsent,
        settle_failure=seen.settle_failure,
    )


def _fate(
    seen: Sightings,
    message_id: str | None,
    identity: Identity | None,
    *,
    is_dead: bool,
    is_dead_copy: bool,
) -> tuple[Found, How | None]:
    """Where one message is; `is_dead_copy` is of one whose own id is not the dead one's."""
    is_logged = identity in seen.logged if identity else False
    if is_dead and is_logged:
        return "both", "log"
    is_gone = not seen.settle_failure and seen.was_read_whole
    if is_dead:
        return ("both", "absence") if is_dead_copy and is_gone else ("dead-lettered", None)
    if is_logged:
        return "processed", "log"
    if message_id is None:
        return "unsent", None
    if message_id in seen.queued:
        return "queued", None
    if not is_gone:
        return "unknown", None
    if seen.log_tells and identity and _LOGGED_RUN_ID.fullmatch(identity[0]):
        return "lost", None
    return "processed", "absence"


_ENDS: Mapping[Found, str] = {
    "processed": "processed",
    "dead-lettered": "dead-lettered",
    "both": "both processed and dead-lettered",
    "lost": "lost: in neither queue, and not among what the consumer logs as processed",
    "queued": "still in the queue",
    "unknown": "not known to have ended",
}


def reasons_lines_broken(
    account: LineAccount, alarm: AlarmReport | None, *, rings: bool
) -> list[str]:
    """Say in words what is wrong; an empty list means that the verdict is "held".

    Args:
        account: of the file.
        alarm: what became of the alarm; None when the component has none.
        rings: whether it had to ring.
    """
    reasons = list(_wrong_lines(account))
    if account.settle_failure:
        reasons.append(f"the queue did not settle: {account.settle_failure}")
    if account.strangers:
        reasons.append(
            f"{len(account.strangers)} messages in the dead-letter queue are none of the file's: "
            f"{some(account.strangers)}"
        )
    if not account.was_read_whole:
        reasons.append(account.reading_problem or NOT_READ_WHOLE)
    if alarm:
        though = "the alarm rang though the dead-letter queue holds too few messages for it"
        reasons += alarm_complaints(alarm, rings=rings, rang_wrongly=though)
    return reasons


def _wrong_lines(account: LineAccount) -> Iterator[str]:
    """Lines that have the same thing wrong with them are told together."""
    wrong: dict[tuple[str, str], list[int]] = {}
    for result in account.results:
        if not result.is_as_expected:
            wrong.setdefault(_complaint(result, account), []).append(result.line)
    for (one, several), numbers in wrong.items():
        is_one = len(numbers) == 1
        yield f"{line_numbers(numbers)}: {one if is_one else several}"


def _complaint(result: LineResult, account: LineAccount) -> tuple[str, str]:
    """What is wrong with a line, in words for one and for several."""
    if result.found == "unsent":
        words = f"could not be sent: {account.unsent.get(result.line, 'SQS gave no answer')}"
        return words, words
    if result.is_other_reason:
        words = f"expected to fail with {result.expected_reason}, failed with {result.reason}"
        return words, words
    end = _ENDS[result.found]
    if result.found == "processed":
        end += f" by {result.by}"
    if result.reason:
        end += f" ({result.reason})"
    return f"expected {result.expected}, is {end}", f"expected {result.expected}, are {end}"
