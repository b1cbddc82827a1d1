"""The main job: deploy a throw-away stack, send, wait, account for every message, destroy."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # Run by its path, Python looks for modules beside this file instead of in the repository.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import contextlib
import dataclasses
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Generator
from typing import cast

from automation.accounting import (
    Account,
    AlarmReport,
    DeadLetter,
    Sent,
    account_for,
    count_reordered,
    reasons_broken,
)
from automation.alarm_watch import Witness, topic_witness, watch_alarm
from automation.cleanup import KEPT_MARK
from automation.deadletters.fifo_reading import read_fifo_dead_letters
from automation.deadletters.reading import read_dead_letters
from automation.depth_samples import sampled_depths
from automation.errors import AutomationError, StillWaitingError
from automation.interrupts import AbandonedRunError, Interrupts
from automation.progress import Progress
from automation.queue_depth import Depth, queue_depth
from automation.records import processed_messages
from automation.redrive_proof import prove_redrive
from automation.runs import Evidence, Options, RunReport
from automation.stacks import REPOSITORY, DestructionError, keeping_command, throwaway_stack
from automation.targets import Target, opened_target
from automation.waiting import wait_until
from components.outputs import StackOutputs

FIFO = ".fifo"
STATES = REPOSITORY / ".local"
# Each running Lambda worker unpacks its code and layer, about 7 MB; ten run at once by default.
_NEEDED_BYTES = 200 * 2**20


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
                    options.target,
                    home=home,
                    report=progress.say,
                    keeps_state=options.keep,
                    enforces_policies=options.enforces_policies,
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
            report = _prove(options, target, outputs, home, progress)
            interrupts.raise_received()
        if options.keep:
            (home / KEPT_MARK).touch()
            progress.say(keeping_command(target, home, options.stack))
    return dataclasses.replace(
        report,
        timings_seconds={**progress.timings_seconds, "total": time.monotonic() - started},
        destroyed=not options.keep,
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
    if home.exists():
        raise AutomationError(
            f"--stack: {options.stack!r} was kept by an earlier run, or its destruction failed; "
            f"its state is in {home}. Destroy it and remove that folder, or take another name"
        )
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


def _prove(
    options: Options, target: Target, outputs: StackOutputs, home: Path, progress: Progress
) -> RunReport:
    began_ms = int(time.time() * 1000)
    witness_name = f"{options.stack}-alarm-witness"
    with (
        topic_witness(
            target.clients, topic_arn=outputs.alarm_topic_arn, name=witness_name
        ) as witness,
        sampled_depths(target, outputs) as depths,
    ):
        with progress.step("produce"):
            sent = produce(options, target, outputs)
        with progress.step("settle", total=sent.messages):
            settle_failure = settle(options, target, outputs, sent, progress)
        with progress.step("account"):
            evidence = take_account(target, outputs, sent, home=home, since_ms=began_ms)
        with progress.step("alarm"):
            alarm = follow_alarm(target, outputs, witness, evidence.account)
        dlq_count = queue_depth(target.clients.sqs, outputs.dlq_url).visible
        reasons = reasons_broken(evidence.account, sent, alarm, settle_failure)
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
    return RunReport(
        verdict="broken" if reasons else "held",
        target=options.target,
        stack=options.stack,
        run_id=sent.run_id,
        evidence=evidence,
        dlq_count=dlq_count,
        alarm=alarm,
        redrive=redrive,
        timings_seconds=progress.timings_seconds,
        depths=depths,
        destroyed=False,
        reason="; ".join(reasons) or None,
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


def take_account(
    target: Target, outputs: StackOutputs, sent: Sent, *, home: Path, since_ms: int
) -> Evidence:
    """Read the dead-letter queue and the consumer's log until every message has been found.

    Log records and messages may show up late, so an account with something missing is taken
    again until the target's log delay is over.
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
        return _evidence(target, outputs, sent, home, since_ms)


def _evidence(
    target: Target, outputs: StackOutputs, sent: Sent, home: Path, since_ms: int
) -> Evidence:
    log_group = outputs.consumer_log_group_name
    processed = list(processed_messages(target.clients.logs, log_group, since_ms=since_ms))
    dead_letters = _dead_letters(target, outputs, home)
    own = [done for done in processed if done.identity[0] == sent.run_id]
    reordered = None
    if outputs.queue_url.endswith(FIFO):
        # The sort is stable: records of one millisecond stay as the log has them.
        in_order = sorted(own, key=lambda done: done.at_ms)
        reordered = count_reordered((done.group or "", done.identity[1]) for done in in_order)
    return Evidence(
        account=account_for(
            sent, [done.identity for done in own], dead_letters, reordered=reordered
        ),
        processed=processed,
        dead_letters=dead_letters,
    )


def _dead_letters(target: Target, outputs: StackOutputs, home: Path) -> list[DeadLetter]:
    wait_seconds = target.pace.receive_wait_seconds
    if not outputs.dlq_url.endswith(FIFO):
        return read_dead_letters(target.clients.sqs, outputs.dlq_url, wait_seconds=wait_seconds)
    return read_fifo_dead_letters(
        target.clients,
        outputs.dlq_url,
        aside_name=f"{outputs.dlq_name.removesuffix(FIFO)[:69]}-aside{FIFO}",
        wait_seconds=wait_seconds,
        journals=home,
    )


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
