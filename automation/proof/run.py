"""The main job's steps: deploy a throw-away stack, send, settle, account, alarm, destroy."""

import contextlib
import dataclasses
import fcntl
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import cast

from automation.aws.consumer_log import CLOCK_DIFFERENCE_SECONDS
from automation.aws.queue_depth import queue_depth
from automation.aws.whole_batches import whole_batch_advice
from automation.errors import AutomationError
from automation.installation import state_folder
from automation.interrupts import Interrupts
from automation.opening import opened_target
from automation.progress import Progress
from automation.proof.account import Sent, reasons_broken
from automation.proof.alarm import topic_witness, watch_alarm
from automation.proof.depth_samples import sampled_depths
from automation.proof.evidence import take_account
from automation.proof.provable import refuse_unprovable
from automation.proof.redrive import prove_redrive
from automation.proof.report import Options, RunReport
from automation.proof.settling import settle
from automation.stacks import KEPT_MARK, RUN_MARK, keeping_command, throwaway_stack
from automation.target import Target
from components.outputs import StackOutputs

STATES = state_folder()
# Each running Lambda worker unpacks its code and layer, about 7 MB; ten run at once by default.
_NEEDED_BYTES = 200 * 2**20


def run_e2e(
    options: Options,
    *,
    progress: Progress,
    interrupts: Interrupts,
    confirm: Callable[[Target], None],
) -> RunReport:
    """Run the main job once and destroy the stack, whatever happens, unless it is to be kept.

    Args:
        options: what to do.
        progress: shows the steps.
        interrupts: turns signals into an orderly end.
        confirm: is called before anything is created; raises when the user says no.

    Raises:
        AutomationError: nobody could prove a run so large, or the environment made it impossible;
            there is no verdict then.
        SignalledError: a signal ended it; after a second one something may be left.
    """
    refuse_unprovable(options)
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
    with (home / RUN_MARK).open("w") as mark:
        # The kernel ends the lock with the run, however that ends: so `cleanup` tells them apart.
        fcntl.flock(mark, fcntl.LOCK_EX)
        try:
            yield home
        finally:
            if not _has_stacks(home):
                shutil.rmtree(home)


def _has_stacks(home: Path) -> bool:
    """Whether there is a stack in the state: the engine takes out one that is destroyed."""
    states = (home / "stacks" / ".pulumi" / "stacks").rglob("*")
    return any(state.name.endswith((".json", ".json.gz")) for state in states)


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
    began_ms = int((time.time() - CLOCK_DIFFERENCE_SECONDS) * 1000)
    timeout_seconds = options.timeout_seconds or target.pace.settle_timeout_seconds
    with (
        topic_witness(
            target.clients, topic_arn=outputs.alarm_topic_arn, stack=options.stack
        ) as witness,
        sampled_depths(target, outputs) as depths,
    ):
        with progress.step("produce"):
            sent = produce(options, target, outputs)
        with progress.step("settle", total=sent.messages):
            settle_failure = settle(
                target.clients.sqs,
                outputs.queue_url,
                messages=sent.messages,
                pace=target.pace,
                timeout_seconds=timeout_seconds,
                progress=progress,
            )
        with progress.step("account"):
            evidence = take_account(
                target, outputs, sent, stack=options.stack, home=home, since_ms=began_ms
            )
        with progress.step("alarm"):
            alarm = watch_alarm(
                target.clients,
                witness,
                dlq_name=outputs.dlq_name,
                rings=sent.bad > 0,
                pace=target.pace,
            )
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
                    stack=options.stack,
                    home=home,
                    since_ms=began_ms,
                    timeout_seconds=timeout_seconds,
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
        advice=_advice(target, outputs, began_ms) if evidence.account.misrouted else None,
    )


def _advice(target: Target, outputs: StackOutputs, since_ms: int) -> str | None:
    """What a consumer should do otherwise that takes good messages down with the bad."""
    return whole_batch_advice(
        target.clients,
        function_name=outputs.consumer_function_name,
        log_group=outputs.consumer_log_group_name,
        since_ms=since_ms,
    )


def produce(options: Options, target: Target, outputs: StackOutputs) -> Sent:
    """Invoke the producer once and return what it says that SQS accepted."""
    event = {
        "duration_s": options.duration_seconds,
        "rate": options.messages_per_second,
        "max_messages": options.max_messages,
        "bad_ratio": options.bad_ratio,
        "seed": options.seed,
    }
    answer = target.clients.invoker.invoke(
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
