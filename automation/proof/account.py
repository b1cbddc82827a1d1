"""What was sent, processed and dead-lettered, and the verdict; by identity, never by a count."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from automation.aws.consumer_log import Identity
from automation.deadletters.message import Message, identity_of

Verdict = Literal["held", "broken"]


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


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """A message found in the dead-letter queue.

    Attributes:
        message_id: SQS's id.
        identity: (run_id, seq); None when the message carries none.
        has_store_id: it carries the attribute `store_id`, so it should not be there.
    """

    message_id: str
    identity: Identity | None
    has_store_id: bool


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
    reordered: int | None = None

    @property
    def is_complete(self) -> bool:
        """Every message that was sent has been found somewhere, and no message is missing."""
        return self.lost == 0 and self.dead_lettered >= self.bad


def account_for(
    sent: Sent,
    processed: Iterable[Identity],
    dead_letters: Iterable[DeadLetter],
    *,
    reordered: int | None = None,
) -> Account:
    """Account for every message of one producer run.

    Args:
        sent: the producer's report.
        processed: one entry for each delivery that the consumer logged as done; entries of
            other runs are left out.
        dead_letters: what is in the dead-letter queue; messages of other runs are left out.
        reordered: for a FIFO queue, what `count_reordered` found.
    """
    deliveries = Counter(identity for identity in processed if identity[0] == sent.run_id)
    own = [
        (letter.identity, letter.has_store_id)
        for letter in dead_letters
        if letter.identity and letter.identity[0] == sent.run_id
    ]
    dead = {identity for identity, _ in own}
    return Account(
        sent=sent.messages,
        bad=sent.bad,
        processed=len(deliveries),
        dead_lettered=len(dead),
        misrouted=len({identity for identity, has_store_id in own if has_store_id}),
        # A count minus a set of identities: numbers whose sending failed leave gaps in `seq`.
        lost=sent.messages - len(deliveries.keys() | dead),
        duplicates=sum(deliveries.values()) - len(deliveries),
        reordered=reordered,
    )


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
        state: OK, ALARM or INSUFFICIENT_DATA, as last seen.
        went_to_alarm: it was in ALARM at any time of the run.
        was_notified: the notification of that reached the topic.
    """

    state: str
    went_to_alarm: bool
    was_notified: bool


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
            bool(account.reordered),
            f"{account.reordered} messages were processed after a later one of their group",
        ),
        *_alarm_findings(account.bad, alarm),
    )
    return [words for is_wrong, words in findings if is_wrong]


def _alarm_findings(bad: int, alarm: AlarmReport) -> list[tuple[bool, str]]:
    if bad == 0:
        return [(alarm.went_to_alarm, "the alarm rang though no bad message was sent")]
    return [
        (not alarm.went_to_alarm, f"the alarm did not ring, its state is {alarm.state}"),
        (
            alarm.went_to_alarm and not alarm.was_notified,
            "the alarm rang, but its notification did not reach the topic",
        ),
    ]


def dead_letter(message: Message) -> DeadLetter:
    """What the account needs of a message in the dead-letter queue."""
    return DeadLetter(
        message_id=message.message_id,
        identity=identity_of(message),
        has_store_id="store_id" in message.attributes,
    )
