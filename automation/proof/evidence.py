"""The account of a run, taken from the dead-letter queue itself and from the consumer's log."""

from typing import TYPE_CHECKING

from automation.deadletters.reading import read_messages
from automation.proof.account import DeadLetter, dead_letter

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from automation.aws.consumer_log import Processing, processed_messages
from automation.errors import StillWaitingError
from automation.proof.account import Account, Sent, account_for, count_reordered
from automation.proof.fifo_dead_letters import read_fifo_dead_letters
from automation.target import Target
from automation.waiting import wait_until
from components import limits
from components.outputs import StackOutputs

_ASIDE = f"-aside{limits.FIFO_SUFFIX}"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What an account rests on.

    Attributes:
        account: of every message.
        processed: the deliveries that the consumer logged as done, those of other runs too.
        dead_letters: what was found in the dead-letter queue.
    """

    account: Account
    processed: Sequence[Processing]
    dead_letters: Sequence[DeadLetter]


def take_account(
    target: Target, outputs: StackOutputs, sent: Sent, *, home: Path, since_ms: int
) -> Evidence:
    """Read the dead-letter queue and the consumer's log until every message has been found.

    Log records and messages may show up late, so an account with something missing is taken
    again until the target's log delay is over.

    Args:
        target, outputs: where.
        sent: the producer's report.
        home: folder for the journal of what is moved aside while a FIFO queue is read.
        since_ms: Unix time in milliseconds from which on the consumer's log counts.
    """

    def probe() -> tuple[bool, Evidence]:
        evidence = _evidence(target, outputs, sent, home, since_ms)
        return evidence.account.is_complete, evidence

    try:
        return wait_until(
            "every message is accounted for",
            probe,
            timeout_seconds=target.pace.log_delay_seconds,
            interval_seconds=target.pace.poll_interval_seconds,
        )
    except StillWaitingError:
        # Something is missing for good, or counted wrong: the verdict says what.
        return probe()[1]


def _evidence(
    target: Target, outputs: StackOutputs, sent: Sent, home: Path, since_ms: int
) -> Evidence:
    log_group = outputs.consumer_log_group_name
    processed = list(processed_messages(target.clients.logs, log_group, since_ms=since_ms))
    dead_letters = _dead_letters(target, outputs, home)
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
    )


def _count_reordered(processed: Sequence[Processing], sent: Sent) -> int:
    # The sort is stable: records of one millisecond stay as the log has them.
    in_order = sorted(processed, key=lambda done: done.at_ms)
    return count_reordered(
        (done.group or "", done.identity[1]) for done in in_order if done.identity[0] == sent.run_id
    )


def _dead_letters(target: Target, outputs: StackOutputs, home: Path) -> list[DeadLetter]:
    wait_seconds = target.pace.receive_wait_seconds
    if not limits.is_fifo(outputs.dlq_url):
        return read_dead_letters(target.clients.sqs, outputs.dlq_url, wait_seconds=wait_seconds)
    beginning = outputs.dlq_name.removesuffix(limits.FIFO_SUFFIX)[
        : limits.QUEUE_NAME_LENGTH - len(_ASIDE)
    ]
    return read_fifo_dead_letters(
        target.clients,
        outputs.dlq_url,
        aside_name=beginning + _ASIDE,
        wait_seconds=wait_seconds,
        journals=home,
    )


def read_dead_letters(
    sqs: "SQSClient", queue_url: str, *, wait_seconds: int, hidden_seconds: int = 120
) -> list[DeadLetter]:
    """Receive until nothing more comes, give every message back, and say what was there.

    Args:
        sqs: client.
        queue_url: the dead-letter queue.
        wait_seconds: long polling of one receive, 0 to 20 s.
        hidden_seconds: how long a message is hidden should this process be killed meanwhile,
            default 120 s; also the time in which the whole queue has to be read.
    """
    messages = read_messages(
        sqs, queue_url, wait_seconds=wait_seconds, hidden_seconds=hidden_seconds
    )
    return [dead_letter(message) for message in messages]
