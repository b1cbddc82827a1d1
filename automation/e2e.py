"""The main job: deploy a throw-away stack, send, wait, account for every message, destroy."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # Run by its path, Python looks for modules beside this file instead of in the repository.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import contextlib
import dataclasses
import json
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import cast

from automation.accounting import (
    Account,
    AlarmReport,
    Sent,
    Verdict,
    account_for,
    reasons_broken,
)
from automation.alarm_watch import Witness, topic_witness, watch_alarm
from automation.deadletters.reading import read_dead_letters
from automation.errors import AutomationError, StillWaitingError
from automation.interrupts import AbandonedRunError, Interrupts
from automation.progress import Progress
from automation.queue_depth import Depth, queue_depth
from automation.records import processed_messages
from automation.redrive_proof import RedriveReport, prove_redrive
from automation.stacks import REPOSITORY, DestructionError, keeping_command, throwaway_stack
from automation.targets import Target, TargetName, opened_target
from automation.waiting import wait_until
from components.outputs import StackOutputs

STATES = REPOSITORY / ".local"
# Each running Lambda worker unpacks its code and layer, about 7 MB; ten run at once by default.
_NEEDED_BYTES = 200 * 2**20


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a run does; the command's flags.

    Attributes:
        target: `local` (default) or `aws`.
        duration_seconds: how long the producer sends, default 5 s.
        messages_per_second: the producer's rate, default 20; None for as fast as it can.
        bad_ratio: part of the messages that lack `store_id`, 0 to 1, default 0.25.
        max_messages: how many messages at the most; None (default) for no limit.
        seed: makes the producer's messages repeatable; None (default) for other ones each time.
        timeout_seconds: limit for the queue to settle; None (default) for the target's own.
        redrive: after a verdict that holds, repair the bad messages, redrive them and see them
            processed. Default False.
        keep: do not destroy. Default False.
        stack: its name, default `e2e-` and random characters.
        settings: the program's configuration beyond its defaults.
    """

    target: TargetName = "local"
    duration_seconds: float = 5
    messages_per_second: float | None = 20
    bad_ratio: float = 0.25
    max_messages: int | None = None
    seed: int | None = None
    timeout_seconds: float | None = None
    redrive: bool = False
    keep: bool = False
    stack: str = dataclasses.field(default_factory=lambda: f"e2e-{secrets.token_hex(3)}")
    settings: Mapping[str, object] = dataclasses.field(default_factory=dict[str, object])


@dataclass(frozen=True, kw_only=True)
class RunReport:
    """A run's verdict and what it rests on.

    Attributes:
        verdict: "held" or "broken".
        target, stack: where it ran.
        run_id: the producer run.
        account: of every message.
        dlq_count: the dead-letter queue's ApproximateNumberOfMessages; no proof of anything.
        alarm: what became of the alarm.
        redrive: what became of the bad messages after their repair; None without one.
        timings_seconds: one entry a step, and `total`.
        destroyed: nothing is left of the stack.
        reason: what is wrong; None when the verdict is "held".
    """

    verdict: Verdict
    target: TargetName
    stack: str
    run_id: str
    account: Account
    dlq_count: int
    alarm: AlarmReport
    redrive: RedriveReport | None
    timings_seconds: Mapping[str, float]
    destroyed: bool
    reason: str | None


def run_e2e(
    options: Options,
    *,
    progress: Progress,
    interrupts: Interrupts,
    confirm: Callable[[Target], None],
) -> RunReport:
    """Run the main job once; whatever happens, the stack is destroyed before this returns.

    Args:
        options: what to do.
        progress: shows the steps.
        interrupts: turns signals into an orderly end.
        confirm: is called before anything is created; raises when the user says no.

    Raises:
        AutomationError: the environment made it impossible; there is no verdict then.
    """
    started = time.monotonic()
    with contextlib.ExitStack() as opened:
        with progress.step("ready"):
            home = opened.enter_context(_home(options))
            target = opened.enter_context(
                opened_target(
                    options.target, home=home, report=progress.say, keeps_state=options.keep
                )
            )
        confirm(target)
        with throwaway_stack(
            target,
            name=options.stack,
            home=home,
            settings=options.settings,
            interrupts=interrupts,
            progress=progress,
            keep=options.keep,
        ) as outputs:
            findings = _prove(options, target, outputs, home, progress)
            interrupts.raise_received()
        if options.keep:
            progress.say(keeping_command(target, home, options.stack))
    timings = {**progress.timings_seconds, "total": time.monotonic() - started}
    return RunReport(
        verdict="broken" if findings.reasons else "held",
        target=options.target,
        stack=options.stack,
        run_id=findings.sent.run_id,
        account=findings.account,
        dlq_count=findings.dlq_count,
        alarm=findings.alarm,
        redrive=findings.redrive,
        timings_seconds=timings,
        destroyed=not options.keep,
        reason="; ".join(findings.reasons) or None,
    )


@contextlib.contextmanager
def _home(options: Options) -> Generator[Path]:
    """The folder of a run: it goes with the run, unless something may be left to look at."""
    if options.target == "local" and not options.keep:
        with tempfile.TemporaryDirectory(prefix="reliable-queue-") as folder:
            _refuse_full_disk(Path(folder))
            yield Path(folder)
        return
    # The state is the only list of what exists in a real account: no place for a temp folder.
    home = STATES / options.stack
    home.mkdir(parents=True)
    is_needed = options.keep
    try:
        yield home
    except (DestructionError, AbandonedRunError):
        is_needed = True
        raise
    finally:
        if not is_needed:
            shutil.rmtree(home)


def _refuse_full_disk(folder: Path) -> None:
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < _NEEDED_BYTES:
        raise AutomationError(
            f"the temporary folder {folder.parent} has {free_bytes // 2**20} MiB free, the "
            f"embedded AWS needs {_NEEDED_BYTES // 2**20} MiB: make room, or set TMPDIR to "
            "another folder"
        )


@dataclass(frozen=True, kw_only=True)
class _Findings:
    sent: Sent
    account: Account
    dlq_count: int
    alarm: AlarmReport
    redrive: RedriveReport | None
    reasons: list[str]


def _prove(
    options: Options, target: Target, outputs: StackOutputs, home: Path, progress: Progress
) -> _Findings:
    began_ms = int(time.time() * 1000)
    with topic_witness(
        target.clients,
        topic_arn=outputs.alarm_topic_arn,
        name=f"{options.stack}-alarm-witness",
    ) as witness:
        with progress.step("produce"):
            sent = produce(options, target, outputs)
        with progress.step("settle", total=sent.messages):
            settle_failure = settle(options, target, outputs, sent, progress)
        with progress.step("account"):
            account = take_account(target, outputs, sent, since_ms=began_ms)
        with progress.step("alarm"):
            alarm = follow_alarm(target, outputs, witness, account)
        dlq_count = queue_depth(target.clients.sqs, outputs.dlq_url).visible
        reasons = reasons_broken(account, sent, alarm, settle_failure)
        redrive = None
        if options.redrive and not reasons:
            with progress.step("redrive"):
                redrive = prove_redrive(
                    target,
                    outputs,
                    sent,
                    witness=witness,
                    home=home,
                    since_ms=began_ms,
                    timeout_seconds=_settle_timeout_seconds(options, target),
                )
            reasons = redrive.reasons_broken(sent)
    return _Findings(
        sent=sent,
        account=account,
        dlq_count=dlq_count,
        alarm=alarm,
        redrive=redrive,
        reasons=reasons,
    )


def _settle_timeout_seconds(options: Options, target: Target) -> float:
    return options.timeout_seconds or target.pace.settle_timeout_seconds


def produce(options: Options, target: Target, outputs: StackOutputs) -> Sent:
    """Invoke the producer once and return what it says that SQS accepted."""
    event = {
        "duration_s": options.duration_seconds,
        "rate": options.messages_per_second,
        "max_messages": options.max_messages,
        "bad_ratio": options.bad_ratio,
        "seed": options.seed,
    }
    answer = target.clients.functions.invoke(
        FunctionName=outputs.producer_function_name, Payload=json.dumps(event).encode()
    )
    payload = cast("dict[str, object]", json.loads(answer["Payload"].read()))
    if "FunctionError" in answer:
        return Sent(run_id="", messages=0, bad=0, error=str(payload.get("errorMessage")))
    return _sent(cast("str", payload["body"]))


def _sent(body: str) -> Sent:
    message = cast("dict[str, object]", json.loads(body)["message"])
    error = None if message["status"] else str(message.get("error_message"))
    return Sent(
        run_id=cast("str", message["run_id"]),
        messages=cast("int", message["msg_cnt"]),
        bad=cast("int", message["bad_msg"]),
        error=error,
    )


def settle(
    options: Options, target: Target, outputs: StackOutputs, sent: Sent, progress: Progress
) -> str | None:
    """Wait until the queue has looked empty for a while; return why not, should it not.

    The counts are approximate: they say when to take the account, never what it is.
    """
    empty_since: list[float] = []

    def probe() -> tuple[bool, Depth]:
        depth = queue_depth(target.clients.sqs, outputs.queue_url)
        progress.advance_to(max(0, sent.messages - depth.total))
        progress.detail(str(depth))
        if depth.total:
            empty_since.clear()
            return False, depth
        empty_since.append(time.monotonic())
        return empty_since[-1] - empty_since[0] >= target.pace.quiet_seconds, depth

    try:
        wait_until(
            "the queue is settled",
            probe,
            timeout_seconds=_settle_timeout_seconds(options, target),
            interval_seconds=target.pace.poll_interval_seconds,
        )
    except StillWaitingError as error:
        return str(error)
    return None


def take_account(target: Target, outputs: StackOutputs, sent: Sent, *, since_ms: int) -> Account:
    """Read the dead-letter queue and the consumer's log until every message has been found.

    Log records and messages may show up late, so an account with something missing is taken
    again until the target's log delay is over.
    """

    def probe() -> tuple[bool, Account]:
        account = account_for(
            sent,
            processed_messages(
                target.clients.logs, outputs.consumer_log_group_name, since_ms=since_ms
            ),
            read_dead_letters(
                target.clients.sqs,
                outputs.dlq_url,
                wait_seconds=target.pace.receive_wait_seconds,
            ),
        )
        return account.is_complete, account

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


def follow_alarm(
    target: Target, outputs: StackOutputs, witness: Witness, account: Account
) -> AlarmReport:
    """Wait until the alarm says what the dead-letter queue holds."""
    return watch_alarm(
        target.clients,
        witness,
        dlq_name=outputs.dlq_name,
        rings=account.bad > 0,
        pace=target.pace,
    )


if __name__ == "__main__":
    from automation.cli import main

    main(["e2e", *sys.argv[1:]])
