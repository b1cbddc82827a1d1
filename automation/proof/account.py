"""What was sent, processed and dead-lettered of each run; by identity, never by a count."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from automation.aws.consumer_log import Identity
from automation.deadletters.message import Message, identity_of, message_to_json


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What the producer reports; SQS accepted all of these messages.

    Attributes:
        run_id: the producer run.
        messages: how many were accepted.
        bad: how many of those lack `store_id`.
        error: what could not be sent, when anything could not; None otherwise.
    """

    run_id: str
    messages: int
    bad: int
    error: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetter:
    """A message found in the dead-letter queue.

    Attributes:
        message_id: SQS's id.
        identity: (run_id, seq); None when the message carries none.
        has_store_id: it carries the attribute `store_id`, so it should not be there.
        content: stands for its body, attributes and group, as `content_of` has it.
    """

    message_id: str
    identity: Identity | None
    has_store_id: bool
    content: str = ""


@dataclass(frozen=True, kw_only=True)
class RunAccount:
    """The exact account of one producer run.

    Attributes:
        sent: what the producer reports.
        processed: distinct messages that the consumer's log says are done.
        dead_lettered: distinct messages found in the dead-letter queue.
        misrouted: dead-lettered messages that carry `store_id`.
        lost: messages sent that are neither processed nor dead-lettered; below zero when more
            were found than the producer reports.
        duplicates: deliveries beyond the first of processed messages; SQS is at-least-once,
            so they are no failure.
        processed_and_dead: messages that are processed as well as dead-lettered.
        bad_processed: bad messages that the log says are done; when messages are lost, at least
            so many, since nobody knows which of them were bad.
        reordered: messages that were processed after a later one of their group; None for a
            standard queue, which promises no order.
    """

    sent: Sent
    processed: int
    dead_lettered: int
    misrouted: int
    lost: int
    duplicates: int
    processed_and_dead: int
    bad_processed: int
    reordered: int | None = None

    def reasons_broken(self) -> list[str]:
        """Say in words what is wrong with it; an empty list when nothing is."""
        messages, bad = self.sent.messages, self.sent.bad
        findings = (
            (bool(self.sent.error), f"the producer could not send everything: {self.sent.error}"),
            (messages == 0, "the producer sent no message"),
            (
                self.lost > 0,
                f"{self.lost} of {messages} messages are lost: neither processed nor in the "
                "dead-letter queue",
            ),
            (
                self.lost < 0,
                f"{-self.lost} messages more than the {messages} that were reported as sent have "
                "been found",
            ),
            (
                self.misrouted > 0,
                f"{self.misrouted} good messages (with store_id) are in the dead-letter queue",
            ),
            (
                self.dead_lettered != bad,
                f"{self.dead_lettered} messages are in the dead-letter queue, the producer sent "
                f"{bad} bad ones",
            ),
            (
                self.processed_and_dead > 0,
                f"{self.processed_and_dead} messages are both processed and in the dead-letter "
                "queue",
            ),
            (
                self.bad_processed > 0,
                f"{self.bad_processed} bad messages (without store_id) are reported as processed",
            ),
            (
                bool(self.reordered),
                f"{self.reordered} messages were processed after a later one of their group",
            ),
        )
        return [words for is_wrong, words in findings if is_wrong]


@dataclass(frozen=True, kw_only=True)
class Account:
    """The exact account of all producer runs; what they have in common is their sum.

    A sum proves nothing, since one run's surplus would hide another's loss: the verdict looks at
    each run (`reasons_broken`).

    Attributes:
        runs: the account of each.
        strangers: messages in the dead-letter queue that are of none of them; the queue of a
            throw-away stack has no other sender.
        was_read_whole: the dead-letter queue was read to its end.
        reading_problem: why it was not, where more is known than that it holds more messages than
            SQS hides at once; None (default) else.
    """

    runs: Sequence[RunAccount]
    strangers: int
    was_read_whole: bool
    reading_problem: str | None = None

    @property
    def sent(self) -> int:
        return sum(run.sent.messages for run in self.runs)

    @property
    def bad(self) -> int:
        return sum(run.sent.bad for run in self.runs)

    @property
    def processed(self) -> int:
        return sum(run.processed for run in self.runs)

    @property
    def dead_lettered(self) -> int:
        return sum(run.dead_lettered for run in self.runs)

    @property
    def misrouted(self) -> int:
        return sum(run.misrouted for run in self.runs)

    @property
    def lost(self) -> int:
        """Messages that a run has lost; below zero when none has, and more have been found."""
        of_runs = [run.lost for run in self.runs]
        return sum(lost for lost in of_runs if lost > 0) or sum(of_runs)

    @property
    def duplicates(self) -> int:
        return sum(run.duplicates for run in self.runs)

    @property
    def processed_and_dead(self) -> int:
        return sum(run.processed_and_dead for run in self.runs)

    @property
    def bad_processed(self) -> int:
        return sum(run.bad_processed for run in self.runs)

    @property
    def reordered(self) -> int | None:
        """None for a standard queue."""
        of_runs = [run.reordered for run in self.runs if run.reordered is not None]
        return sum(of_runs) if of_runs else None

    @property
    def is_complete(self) -> bool:
        """Every message that was sent has been found somewhere, and no message is missing."""
        return self.was_read_whole and all(
            run.lost == 0 and run.dead_lettered >= run.sent.bad for run in self.runs
        )


def account_for(
    sent: Sequence[Sent],
    processed: Iterable[Identity],
    dead_letters: Iterable[DeadLetter],
    *,
    was_read_whole: bool = True,
    reading_problem: str | None = None,
    reordered: Mapping[str, int] | None = None,
) -> Account:
    """Account for every message of the producer runs.

    Args:
        sent: the producers' reports.
        processed: one entry for each delivery that the consumer logged as done; entries of
            other runs are left out.
        dead_letters: what is in the dead-letter queue; messages of other runs are strangers.
        was_read_whole: whether that is all that is in it, default True.
        reading_problem: why it is not, where known.
        reordered: for a FIFO queue, what `count_reordered` found, by run id.
    """
    found = {report.run_id: _Found() for report in sent}
    for identity in processed:
        if run := found.get(identity[0]):
            run.deliveries[identity] += 1
    strangers: set[str] = set()
    for letter in dead_letters:
        run = found.get(letter.identity[0]) if letter.identity else None
        if run is None or letter.identity is None:
            strangers.add(letter.message_id)
        else:
            run.dead.add(letter.identity)
            if letter.has_store_id:
                run.misrouted.add(letter.identity)
    return Account(
        runs=tuple(
            _account_for_run(
                report,
                found[report.run_id],
                None if reordered is None else reordered.get(report.run_id, 0),
            )
            for report in sent
        ),
        strangers=len(strangers),
        was_read_whole=was_read_whole,
        reading_problem=reading_problem,
    )


@dataclass(kw_only=True)
class _Found:
    """What has been found of one run."""

    deliveries: Counter[Identity] = field(default_factory=Counter[Identity])
    dead: set[Identity] = field(default_factory=set[Identity])
    misrouted: set[Identity] = field(default_factory=set[Identity])


def _account_for_run(sent: Sent, found: _Found, reordered: int | None) -> RunAccount:
    processed, dead = found.deliveries.keys(), found.dead
    return RunAccount(
        sent=sent,
        processed=len(processed),
        dead_lettered=len(dead),
        misrouted=len(found.misrouted),
        # A count minus a set of identities: numbers whose sending failed leave gaps in `seq`.
        lost=sent.messages - len(processed | dead),
        duplicates=found.deliveries.total() - len(processed),
        processed_and_dead=len(processed & dead),
        bad_processed=_count_bad_processed(sent, processed, dead, found.misrouted),
        reordered=reordered,
    )


def _count_bad_processed(
    sent: Sent,
    processed: AbstractSet[Identity],
    dead: AbstractSet[Identity],
    misrouted: AbstractSet[Identity],
) -> int:
    """Bad messages that are said to be done: those found dead, and those that good ones can't be.

    The producer says how many messages are bad, not which: of the processed ones that are nowhere
    else, more than there are good ones must be bad.
    """
    bad_dead = dead - misrouted
    good = sent.messages - sent.bad - len(misrouted)
    surplus = min(len(processed - dead) - good, sent.bad - len(bad_dead))
    return len(processed & bad_dead) + max(0, surplus)


def count_reordered(deliveries: Iterable[tuple[str, int]]) -> int:
    """How many messages were processed after a later one of their message group.

    Args:
        deliveries: (group, seq) of each processed delivery of one run, in the order of
            processing. Only a message's first delivery counts: SQS may deliver it again later.
    """
    newest: dict[str, int] = {}
    seen: set[int] = set()
    reordered = 0
    for group, seq in deliveries:
        if seq not in seen:
            seen.add(seq)
            reordered += seq < newest.get(group, -1)
            newest[group] = max(seq, newest.get(group, -1))
    return reordered


def dead_letter(message: Message) -> DeadLetter:
    """What the account needs of a message in the dead-letter queue."""
    return DeadLetter(
        message_id=message.message_id,
        identity=identity_of(message),
        has_store_id="store_id" in message.attributes,
        content=content_of(message),
    )


def content_of(message: Message) -> str:
    """What is the same for two messages of the same body, attributes and group; says none of it."""
    sent = {**message_to_json(message), "id": "", "system": message.group}
    return hashlib.sha256(json.dumps(sent, sort_keys=True).encode()).hexdigest()
