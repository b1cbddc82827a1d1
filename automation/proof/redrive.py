"""The second half of the proof: repaired dead letters are processed, and the alarm goes off."""

import dataclasses
import threading
from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from automation.aws.consumer_log import Identity, Processing, processed_messages
from automation.deadletters.journal import Journal
from automation.deadletters.message import Message
from automation.deadletters.move_plan import MoveReport, Plan
from automation.deadletters.queue_to_queue import move_messages
from automation.errors import StillWaitingError
from automation.proof.account import Sent
from automation.proof.alarm import Witness, watch_alarm
from automation.proof.dead_letters import dead_letter_reader
from automation.proof.verdict import NOT_READ_WHOLE, AlarmReport
from automation.target import Target
from automation.waiting import wait_until
from components.outputs import StackOutputs

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef

# Any of the stores will do: what was missing is there, and that is what the consumer asks for.
_REPAIR_STORE_ID = "1"


@dataclass(frozen=True, kw_only=True)
class RedriveReport:
    """What became of the bad messages after their repair.

    Attributes:
        redriven: messages moved out of the dead-letter queue.
        deliveries: of the runs' messages, all that the consumer has logged as done by now.
        left: messages that are in the dead-letter queue now, as far as it could be read.
        was_read_whole: it was read to its end, so there are no others.
        alarm: what became of the alarm.
        problem: why not everything was moved; None when it was.
        reading_problem: why the queue was not read to its end, where known; None (default) else.
    """

    redriven: int
    deliveries: Sequence[Processing]
    left: int
    was_read_whole: bool
    alarm: AlarmReport
    problem: str | None
    reading_problem: str | None = None

    @property
    def processed(self) -> frozenset[Identity]:
        """The messages of the runs that are processed now, the good ones among them."""
        return frozenset(delivery.identity for delivery in self.deliveries)

    def reasons_broken(self, sent: Sequence[Sent]) -> list[str]:
        """Say in words what is wrong; an empty list when the redrive is proven."""
        bad = sum(report.bad for report in sent)
        processed = _count_by_run(self.processed)
        findings = (
            (self.problem is not None, f"the redrive ended early: {self.problem}"),
            (
                # More of them are letters that the producer has sent twice, an answer having got
                # lost; strangers have broken the verdict before.
                self.redriven < bad,
                f"{self.redriven} messages were redriven, {bad} were bad",
            ),
            (self.left > 0, f"{self.left} messages are in the dead-letter queue after the redrive"),
            (not self.was_read_whole, self.reading_problem or NOT_READ_WHOLE),
            *(
                (
                    processed[report.run_id] != report.messages,
                    f"{processed[report.run_id]} of {report.messages} messages"
                    f"{f' of run {report.run_id}' if len(sent) > 1 else ''} are processed after "
                    "the redrive",
                )
                for report in sent
            ),
            (
                bool(self.alarm.problem) or self.alarm.state != "OK",
                self.alarm.problem or f"the alarm is {self.alarm.state}{self._though_empty}",
            ),
        )
        return [words for is_wrong, words in findings if is_wrong]

    @property
    def _though_empty(self) -> str:
        is_empty = self.was_read_whole and not self.left
        return " though the dead-letter queue is empty" if is_empty else ""


def prove_redrive(
    target: Target,
    outputs: StackOutputs,
    sent: Sequence[Sent],
    *,
    witness: Witness,
    stack: str,
    home: Path,
    since_ms: int,
    timeout_seconds: float,
) -> RedriveReport:
    """Give every dead letter the `store_id` that it lacks, redrive it, and see it processed.

    Args:
        target, outputs: where.
        sent: the producers' reports; all of it has to be processed in the end.
        witness: hears the alarm topic.
        stack: its name, for that of the queue that a FIFO queue is read through.
        home: folder for the movers' journals.
        since_ms: Unix time in milliseconds from which on the consumer's log counts.
        timeout_seconds: limit for the messages to be processed.
    """
    move = _redrive_repaired(target, outputs, home)
    try:
        delivered = wait_until(
            "the repaired messages are processed",
            lambda: _delivered(target, outputs, sent, since_ms),
            timeout_seconds=timeout_seconds,
            interval_seconds=target.pace.poll_interval_seconds,
        )
    except StillWaitingError:
        # The verdict says which messages are missing.
        delivered = _delivered(target, outputs, sent, since_ms)[1]
    bad = sum(report.bad for report in sent)
    with dead_letter_reader(target, outputs.dlq_url, expected=bad, stack=stack, home=home) as read:
        left = read()
    return RedriveReport(
        redriven=move.counts.moved,
        deliveries=delivered.found,
        left=len(left.letters),
        was_read_whole=left.is_whole,
        reading_problem=left.problem,
        alarm=watch_alarm(
            target.clients, witness, dlq_name=outputs.dlq_name, rings=False, pace=target.pace
        ),
        problem=None if move.ended == "empty" else (move.explanation or move.ended),
    )


def _redrive_repaired(target: Target, outputs: StackOutputs, home: Path) -> MoveReport:
    plan = Plan(
        source_url=outputs.dlq_url,
        destination_url=outputs.queue_url,
        change=lambda message: repaired(message).redriven(),
        wait_seconds=target.pace.receive_wait_seconds,
        refill_check_seconds=max(Plan.refill_check_seconds, target.pace.quiet_seconds),
    )
    journal_path = home / "redrive.jsonl"
    with Journal(journal_path, purpose="redrive", source=outputs.dlq_url) as journal:
        return move_messages(
            target.clients.sqs,
            target.clients.sender,
            plan,
            journal,
            cancel=threading.Event(),
        )


def repaired(message: Message) -> Message:
    """The same message with the attribute `store_id`."""
    store_id: MessageAttributeValueTypeDef = {
        "DataType": "Number",
        "StringValue": _REPAIR_STORE_ID,
    }
    return dataclasses.replace(message, attributes={**message.attributes, "store_id": store_id})


@dataclass(frozen=True)
class _Deliveries:
    found: list[Processing]

    def __str__(self) -> str:
        return f"{len({delivery.identity for delivery in self.found})} messages processed"


def _delivered(
    target: Target, outputs: StackOutputs, sent: Sequence[Sent], since_ms: int
) -> tuple[bool, _Deliveries]:
    records = processed_messages(
        target.clients.logs, outputs.consumer_log_group_name, since_ms=since_ms
    )
    run_ids = {report.run_id for report in sent}
    found = [record for record in records if record.identity[0] in run_ids]
    processed = _count_by_run({record.identity for record in found})
    return all(processed[report.run_id] >= report.messages for report in sent), _Deliveries(found)


def _count_by_run(processed: AbstractSet[Identity]) -> Counter[str]:
    return Counter(run_id for run_id, _ in processed)
