"""The account of a run, taken from the dead-letter queue itself and from the consumer's log."""

import contextlib
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from automation.aws.consumer_log import LogReader, Processing
from automation.errors import StillWaitingError
from automation.proof.account import Account, DeadLetter, Sent, account_for, count_reordered
from automation.proof.dead_letters import LettersFound, dead_letter_reader
from automation.target import Target
from automation.waiting import wait_until
from components import limits
from components.outputs import StackOutputs


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


class _Ledger:
    """What has been found so far, in the log and in the queue; nothing of it is forgotten."""

    def __init__(self, log: LogReader, sent: Sequence[Sent], *, is_fifo: bool) -> None:
        self.letters = LettersFound([report.run_id for report in sent])
        self._log = log
        self._sent = sent
        self._is_fifo = is_fifo
        self._processed: list[Processing] = []

    def read_log(self) -> None:
        """Take in what is new in the consumer's log."""
        for event in self._log.new_events():
            self._processed += event.processed

    def evidence(self) -> Evidence:
        """All of it, and what it comes to."""
        letters = self.letters.letters
        return Evidence(
            account=account_for(
                self._sent,
                [done.identity for done in self._processed],
                letters,
                was_read_whole=self.letters.was_read_whole,
                reading_problem=self.letters.problem,
                reordered=_count_reordered(self._processed) if self._is_fifo else None,
            ),
            processed=tuple(self._processed),
            dead_letters=letters,
        )


def take_account(
    target: Target,
    outputs: StackOutputs,
    sent: Sequence[Sent],
    *,
    stack: str,
    home: Path,
    since_ms: int,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Evidence:
    """Read the dead-letter queue and the consumer's log until every message has been found.

    Log records and messages may show up late, so an account with something missing is taken again
    until the target's log delay is over; and one in which nothing is missing is final only when no
    record can come any more that contradicts it.

    Args:
        target, outputs: where.
        sent: the producers' reports.
        stack: its name.
        home: folder for the journals of what is moved aside while a FIFO queue is read.
        since_ms: Unix time in milliseconds from which on the consumer's log counts.
        clock, sleep: seconds; by default the machine's.
    """
    pace = target.pace
    began = clock()
    log = LogReader(target.clients.logs, outputs.consumer_log_group_name, since_ms=since_ms)
    ledger = _Ledger(log, sent, is_fifo=limits.is_fifo(outputs.queue_url))
    evidence = ledger.evidence()
    bad = sum(report.bad for report in sent)
    reader = dead_letter_reader(
        target, outputs.dlq_url, expected=bad, stack=stack, home=home, sleep=sleep
    )
    with reader as read_letters:

        def probe() -> tuple[bool, Account]:
            nonlocal evidence
            # While a queue is read its alarm sees less in it: no oftener than needed.
            if not evidence.account.is_complete:
                ledger.letters.add(read_letters())
            ledger.read_log()
            evidence = ledger.evidence()
            is_final = clock() - began >= pace.late_log_seconds
            return evidence.account.is_complete and is_final, evidence.account

        # Something may be missing for good, or counted wrong: the verdict says what.
        with contextlib.suppress(StillWaitingError):
            wait_until(
                "every message is accounted for",
                probe,
                timeout_seconds=pace.log_delay_seconds,
                interval_seconds=pace.poll_interval_seconds,
                clock=clock,
                sleep=sleep,
            )
    return evidence


def _count_reordered(processed: Sequence[Processing]) -> dict[str, int]:
    """By run id: who shares a group with another run has no order with it."""
    of_runs: defaultdict[str, list[Processing]] = defaultdict(list)
    # The sort is stable: records of one millisecond stay as the log has them.
    for done in sorted(processed, key=lambda done: done.at_ms):
        of_runs[done.identity[0]].append(done)
    return {
        run_id: count_reordered((done.group or "", done.identity[1]) for done in in_order)
        for run_id, in_order in of_runs.items()
    }
