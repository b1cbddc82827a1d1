"""What was sent, processed and dead-lettered, and the verdict; by identity, never by a count."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal

from automation.aws.consumer_log import Identity
from automation.deadletters.message import Message, identity_of, message_to_json

Verdict = Literal["held", "broken"]

NOT_READ_WHOLE = (
    "the dead-letter queue could not be read to its end: there are more messages in it than SQS "
    "hides at once, and nobody knows which have not been seen"
)


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
class Account:
    """The exact account of one producer run.

    Attributes:
        sent, bad: as the producer reports, messages.
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
        strangers: messages in the dead-letter queue that are none of the run's; the queue of a
            throw-away stack has no other sender.
        was_read_whole: the dead-letter queue was read to its end.
        reading_problem: why it was not, where more is known than that it holds more messages than
            SQS hides at once; None (default) else.
        reordered: messages that were processed after a later one of their group; None for a
            standard queue, which promises no order.
    """

    sent: int
    bad: int
    processed: int
    dead_lettered: int
    misrouted: int
    lost: int
    duplicates: int
    processed_and_dead: int
    bad_processed: int
    strangers: int
    was_read_whole: bool
    reading_problem: str | None = None
    reordered: int | None = None

    @property
    def is_complete(self) -> bool:
        """Every message that was sent has been found somewhere, and no message is missing."""
        return self.lost == 0 and self.dead_lettered >= self.bad and self.was_read_whole


def account_for(
    sent: Sent,
    processed: Iterable[Identity],
    dead_letters: Iterable[DeadLetter],
    *,
    was_read_whole: bool = True,
    reading_problem: str | None = None,
    reordered: int | None = None,
) -> Account:
    """Account for every message of one producer run.

    Args:
        sent: the producer's report.
        processed: one entry for each delivery that the consumer logged as done; entries of
            other runs are left out.
        dead_letters: what is in the dead-letter queue; messages of other runs are strangers.
        was_read_whole: whether that is all that is in it, default True.
        reading_problem: why it is not, where known.
        reordered: for a FIFO queue, what `count_reordered` found.
    """
    deliveries = Counter(identity for identity in processed if identity[0] == sent.run_id)
    own: list[tuple[Identity, bool]] = []
    strangers: set[str] = set()
    for letter in dead_letters:
        if letter.identity and letter.identity[0] == sent.run_id:
            own.append((letter.identity, letter.has_store_id))
        else:
            strangers.add(letter.message_id)
    dead = {identity for identity, _ in own}
    misrouted = {identity for identity, has_store_id in own if has_store_id}
    return Account(
        sent=sent.messages,
        bad=sent.bad,
        processed=len(deliveries),
        dead_lettered=len(dead),
        misrouted=len(misrouted),
        # A count minus a set of identities: numbers whose sending failed leave gaps in `seq`.
        lost=sent.messages - len(deliveries.keys() | dead),
        duplicates=sum(deliveries.values()) - len(deliveries),
        processed_and_dead=len(deliveries.keys() & dead),
        bad_processed=_count_bad_processed(sent, deliveries.keys(), dead, misrouted),
        strangers=len(strangers),
        was_read_whole=was_read_whole,
        reading_problem=reading_problem,
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


@dataclass(frozen=True, kw_only=True)
class AlarmReport:
    """What became of the dead-letter alarm.

    Attributes:
        state: OK, ALARM or INSUFFICIENT_DATA, as last seen; MISSING when there is no alarm.
        went_to_alarm: it was in ALARM at any time of the run.
        was_notified: the notification of that reached the topic.
        problem: why it can't ring where it should: it is missing, or misdirected. None (default)
            when it can.
    """

    state: str
    went_to_alarm: bool
    was_notified: bool
    problem: str | None = None


def reasons_broken(
    account: Account, sent: Sent, alarm: AlarmReport, settle_failure: str | None = None
) -> list[str]:
    """Say in words what is wrong; an empty list means that the verdict is "held".

    Args:
        account: of the run.
        sent: the producer's report.
        alarm: what became of the alarm.
        settle_failure: why the queue did not settle; None (default) when it did.
    """
    findings = (
        (bool(sent.error), f"the producer could not send everything: {sent.error}"),
        (sent.messages == 0, "the producer sent no message"),
        (bool(settle_failure), f"the queue did not settle: {settle_failure}"),
        (
            account.lost > 0,
            f"{account.lost} of {account.sent} messages are lost: neither processed nor in the "
            "dead-letter queue",
        ),
        (
            account.lost < 0,
            f"{-account.lost} messages more than the {account.sent} that were reported as sent "
            "have been found",
        ),
        (
            account.misrouted > 0,
            f"{account.misrouted} good messages (with store_id) are in the dead-letter queue",
        ),
        (
            account.dead_lettered != account.bad,
            f"{account.dead_lettered} messages are in the dead-letter queue, the producer sent "
            f"{account.bad} bad ones",
        ),
        (
            account.processed_and_dead > 0,
            f"{account.processed_and_dead} messages are both processed and in the dead-letter "
            "queue",
        ),
        (
            account.bad_processed > 0,
            f"{account.bad_processed} bad messages (without store_id) are reported as processed",
        ),
        (
            account.strangers > 0,
            f"{account.strangers} messages in the dead-letter queue are none of this run's",
        ),
        (not account.was_read_whole, account.reading_problem or NOT_READ_WHOLE),
        (
            bool(account.reordered),
            f"{account.reordered} messages were processed after a later one of their group",
        ),
    )
    return [
        *(words for is_wrong, words in findings if is_wrong),
        *alarm_complaints(
            alarm,
            rings=account.bad > 0,
            rang_wrongly="the alarm rang though no bad message was sent",
        ),
    ]


def alarm_complaints(alarm: AlarmReport, *, rings: bool, rang_wrongly: str) -> list[str]:
    """Say in words what is wrong with the alarm; an empty list when nothing is.

    Args:
        alarm: what became of it.
        rings: whether it had to ring.
        rang_wrongly: the words for one that rang and had no reason to.
    """
    if alarm.problem:
        return [alarm.problem]
    if not rings:
        return [rang_wrongly] if alarm.went_to_alarm else []
    if not alarm.went_to_alarm:
        return [f"the alarm did not ring, its state is {alarm.state}"]
    if not alarm.was_notified:
        return ["the alarm rang, but its notification did not reach the topic"]
    return []


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
