"""The proof for a program and messages of one's own: deploy, send, settle, account, destroy."""

import contextlib
import dataclasses
import functools
import secrets
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from automation.aws.consumer_log import CLOCK_DIFFERENCE_SECONDS
from automation.aws.queue_depth import queue_depth
from automation.aws.whole_batches import whole_batch_advice
from automation.deadletters.file_to_queue import post_messages
from automation.deadletters.journal import Journal
from automation.deadletters.survey import retention_seconds
from automation.interrupts import Interrupts
from automation.operations.operated import max_message_bytes
from automation.operations.wiring import Wiring
from automation.programs import Program
from automation.progress import Progress
from automation.proof.alarm import Witness, dead_letters_above, topic_witness, watch_alarm
from automation.proof.deployed import Deployed, deployed_program
from automation.proof.expected import Line, check_lines
from automation.proof.line_account import LineAccount, Posted, reasons_lines_broken
from automation.proof.line_evidence import take_line_account
from automation.proof.line_words import line_numbers
from automation.proof.settling import settle
from automation.proof.throwaway import Run, ThrowawayOptions, throwaway_run
from automation.proof.verdict import AlarmReport, Verdict
from automation.target import Target, TargetName
from components import limits


@dataclass(frozen=True, kw_only=True)
class ProveOptions(ThrowawayOptions):
    """What a proof does; the command's flags, beside those of every run on a throw-away stack.

    Attributes:
        program: what to deploy.
        component: the name of the `ReliableQueue` in it; None (default) for the one that there is.
        lines: of the file of messages.
        stack: its name, default `prove-` and random characters.
    """

    program: Program
    lines: Sequence[Line]
    component: str | None = None
    stack: str = dataclasses.field(default_factory=lambda: f"prove-{secrets.token_hex(3)}")


@dataclass(frozen=True, kw_only=True)
class ProveReport:
    """A proof's verdict and what it rests on.

    Attributes:
        verdict: "held" or "broken".
        target, stack: where it ran.
        queue: the queue's name.
        account: of every line.
        dlq_count: the dead-letter queue's ApproximateNumberOfMessages; no proof of anything.
        alarm: what became of the alarm on the dead-letter queue's depth; None without one.
        timings_seconds: one entry a step, and `total`.
        destroyed: nothing is left of the stack.
        reason: what is wrong; None when the verdict is "held".
        notes: what the verdict can't know, a sentence each.
        advice: what the consumer should do otherwise, where that is known; None else.
    """

    verdict: Verdict
    target: TargetName
    stack: str
    queue: str
    account: LineAccount
    dlq_count: int
    alarm: AlarmReport | None
    timings_seconds: Mapping[str, float]
    destroyed: bool
    reason: str | None
    notes: tuple[str, ...]
    advice: str | None


def run_prove(
    options: ProveOptions,
    *,
    progress: Progress,
    interrupts: Interrupts,
    confirm: Callable[[Target], None],
) -> ProveReport:
    """Prove once, and destroy the stack, whatever happens, unless it is to be kept.

    Args:
        options: what to do.
        progress: shows the steps.
        interrupts: turns signals into an orderly end.
        confirm: is called before anything is created; raises when the user says no.

    Raises:
        AutomationError: the program can't be deployed, makes no such component, or its queue
            doesn't take the messages; or the environment made it impossible. There is no verdict.
        SignalledError: a signal ended it; after a second one something may be left.
    """
    started = time.monotonic()
    deploy = functools.partial(
        deployed_program, program=options.program, component=options.component
    )
    with throwaway_run(
        options, deploy, progress=progress, interrupts=interrupts, confirm=confirm
    ) as run:
        report = _prove(options, run, progress)
    return dataclasses.replace(
        report,
        timings_seconds={**progress.timings_seconds, "total": time.monotonic() - started},
        destroyed=not options.keep,
    )


def _prove(options: ProveOptions, run: Run[Deployed], progress: Progress) -> ProveReport:
    target, wiring = run.target, run.found.wiring
    queue, dlq = wiring.require_queue(), wiring.require_dlq()
    sqs, lines = target.clients.sqs, options.lines
    check_lines(
        lines, is_fifo=limits.is_fifo(queue.url), max_bytes=max_message_bytes(sqs, queue.url)
    )
    began_ms = int((time.time() - CLOCK_DIFFERENCE_SECONDS) * 1000)
    with _witness(target, wiring, options.stack) as witness:
        with progress.step("send", total=len(lines)):
            posted = post_lines(target, queue.url, lines, home=run.home, progress=progress)
        with progress.step("settle", total=len(lines)):
            settle_failure = settle(
                sqs,
                queue.url,
                messages=len(lines),
                pace=target.pace,
                timeout_seconds=options.timeout_seconds or target.pace.settle_timeout_seconds,
                progress=progress,
            )
        with progress.step("account"):
            account = take_line_account(
                target,
                wiring,
                lines,
                posted,
                settle_failure=settle_failure,
                stack=options.stack,
                home=run.home,
                since_ms=began_ms,
            )
        rings = account.dead_letters > (dead_letters_above(target.clients, dlq.name) or 0)
        alarm = None
        with progress.step("alarm"):
            if witness:
                alarm = watch_alarm(
                    target.clients, witness, dlq_name=dlq.name, rings=rings, pace=target.pace
                )
    reasons = reasons_lines_broken(account, alarm, rings=rings)
    reasons += _expiry(target, wiring, since_ms=began_ms)
    return ProveReport(
        verdict="broken" if reasons else "held",
        target=options.target,
        stack=options.stack,
        queue=queue.name,
        account=account,
        dlq_count=queue_depth(sqs, dlq.url).visible,
        alarm=alarm,
        timings_seconds=progress.timings_seconds,
        destroyed=False,
        reason="; ".join(reasons) or None,
        notes=(*wiring.notes, *_notes(account)),
        advice=_advice(target, wiring, account, began_ms),
    )


@contextlib.contextmanager
def _witness(target: Target, wiring: Wiring, stack: str) -> Generator[Witness | None]:
    """What hears the alarm on the dead-letter queue's depth; None when there is no such alarm."""
    topic_arn, above = (
        wiring.alarm_topic_arn,
        dead_letters_above(target.clients, wiring.require_dlq().name),
    )
    if topic_arn is None or above is None:
        yield None
        return
    with topic_witness(target.clients, topic_arn=topic_arn, stack=stack) as witness:
        yield witness


def post_lines(
    target: Target, queue_url: str, lines: Sequence[Line], *, home: Path, progress: Progress
) -> Posted:
    """Send each line's message as it stands, and keep what SQS calls it.

    Args:
        target: where.
        queue_url: the queue.
        lines: what to send.
        home: existing folder for the journal, which is kept when not everything was accepted.
        progress: shows how far it is.

    Raises:
        ClientError, BotoCoreError: the queue can't be worked with.
    """
    number_of = {line.message.message_id: line.number for line in lines}
    ids: dict[int, str] = {}

    def note(accepted: Mapping[str, str]) -> None:
        ids.update({number_of[own]: given for own, given in accepted.items()})

    # A name of its own: what an earlier file has left unsent is not to be continued.
    path = home / f"sending-{secrets.token_hex(4)}.jsonl"
    with Journal(path, purpose="send", source=queue_url) as journal:
        report = post_messages(
            target.clients.sender,
            queue_url,
            (line.message for line in lines),
            journal,
            connections=target.pace.connections,
            cancel=threading.Event(),
            on_progress=progress.advance_to,
            on_sent=note,
        )
    failures = {number_of[own]: words for own, words in report.failures.items()}
    return Posted(
        message_ids=ids,
        unsent={
            line.number: failures.get(line.number, "SQS did not accept it")
            for line in lines
            if line.number not in ids
        },
        resent=tuple(sorted(number_of[own] for own in report.possible_duplicates)),
    )


def _expiry(target: Target, wiring: Wiring, *, since_ms: int) -> list[str]:
    """Absence says nothing of a message that a queue may have forgotten meanwhile."""
    taken_seconds = time.time() - since_ms / 1000 - CLOCK_DIFFERENCE_SECONDS
    return [
        f"the run took {taken_seconds:.0f} s, and {queue.name} keeps a message for {kept_seconds} "
        "s only, so what is in no queue may have expired: keep messages longer"
        for queue in (wiring.require_queue(), wiring.require_dlq())
        if (kept_seconds := retention_seconds(target.clients.sqs, queue.url)) <= taken_seconds
    ]


def _notes(account: LineAccount) -> list[str]:
    notes: list[str] = []
    if by_absence := account.count("processed", "absence"):
        notes.append(
            f"processed by absence: {by_absence} messages, which were deleted from the queue and "
            "are not in the dead-letter queue; whether the consumer has processed or dropped "
            "them, it does not log"
        )
    if unknown := [result.line for result in account.results if result.is_reason_unknown]:
        notes.append(
            f"{line_numbers(unknown)}: the consumer's log does not tell why just this message "
            "failed, so its reason was not compared"
        )
    if account.resent:
        notes.append(
            f"{line_numbers(account.resent)}: SQS's answer got lost and the message was sent "
            "again, so there may have been two of it"
        )
    return notes


def _advice(target: Target, wiring: Wiring, account: LineAccount, since_ms: int) -> str | None:
    """What a consumer should do otherwise that takes good messages down with the bad."""
    is_misled = any(
        result.expected == "processed" and result.found in ("dead-lettered", "both")
        for result in account.results
    )
    if not is_misled:
        return None
    found = (
        whole_batch_advice(
            target.clients,
            function_name=consumer.function_name,
            log_group=consumer.log_group,
            since_ms=since_ms,
        )
        for consumer in wiring.consumers
    )
    return next(filter(None, found), None)
