"""The verdict on a run: what is wrong with its account and its alarm, in words."""

from dataclasses import dataclass
from typing import Literal

from automation.proof.account import Account, RunAccount

Verdict = Literal["held", "broken"]

NOT_READ_WHOLE = (
    "the dead-letter queue could not be read to its end: there are more messages in it than SQS "
    "hides at once, and nobody knows which have not been seen"
)


@dataclass(frozen=True, kw_only=True)
class AlarmReport:
    """What became of the dead-letter alarm.

    Attributes:
        state: OK, ALARM or INSUFFICIENT_DATA, as last seen; MISSING when there is no alarm.
        went_to_alarm: it was in ALARM at any time of the run.
        was_notified: the notification of that reached the topic.
        problem: why it can't ring where it should: it is missing, or misdirected. None (default)
            when it can.
        rang_at_ms: when it first went to ALARM, Unix time in milliseconds; None (default) when it
            did not, or its history does not say.
    """

    state: str
    went_to_alarm: bool
    was_notified: bool
    problem: str | None = None
    rang_at_ms: int | None = None


def reasons_broken(
    account: Account, alarm: AlarmReport, settle_failure: str | None = None
) -> list[str]:
    """Say in words what is wrong; an empty list means that the verdict is "held".

    Args:
        account: of all producer runs.
        alarm: what became of the alarm.
        settle_failure: why the queue did not settle; None (default) when it did.
    """
    findings = (
        (bool(settle_failure), f"the queue did not settle: {settle_failure}"),
        (
            account.strangers > 0,
            f"{account.strangers} messages in the dead-letter queue are none of this run's",
        ),
        (not account.was_read_whole, account.reading_problem or NOT_READ_WHOLE),
    )
    return [
        *(words for run in account.runs for words in _named(run, of=len(account.runs))),
        *(words for is_wrong, words in findings if is_wrong),
        *alarm_complaints(
            alarm,
            rings=account.bad > 0,
            rang_wrongly="the alarm rang though no bad message was sent",
        ),
    ]


def _named(run: RunAccount, *, of: int) -> list[str]:
    prefix = f"run {run.sent.run_id}: " if of > 1 else ""
    return [f"{prefix}{words}" for words in run.reasons_broken()]


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
