"""The main job's steps: deploy a throw-away stack, send, settle, account, alarm, destroy."""

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

from automation.aws.consumer_log import CLOCK_DIFFERENCE_SECONDS
from automation.aws.queue_depth import queue_depth
from automation.aws.whole_batches import whole_batch_advice
from automation.interrupts import Interrupts
from automation.progress import Progress
from automation.proof.alarm import topic_witness, watch_alarm
from automation.proof.depth_samples import sampled_depths
from automation.proof.evidence import take_account
from automation.proof.producing import produce, refuse_idle_producers
from automation.proof.provable import refuse_unprovable
from automation.proof.redrive import prove_redrive
from automation.proof.report import Options, RunReport
from automation.proof.settling import settle
from automation.proof.throwaway import throwaway_run
from automation.proof.verdict import reasons_broken
from automation.stacks import throwaway_stack
from automation.target import Target
from components.outputs import StackOutputs

# The log is the stack's own: all that is in it is the run's, also where a clock was set meanwhile.
_EVER = 0


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
        AutomationError: nobody could prove a run so large, a producer would have nothing to send,
            or the environment made it impossible; there is no verdict then.
        SignalledError: a signal ended it; after a second one something may be left.
    """
    refuse_idle_producers(options)
    refuse_unprovable(options)
    started = time.monotonic()
    with throwaway_run(
        options,
        throwaway_stack,
        progress=progress,
        interrupts=interrupts,
        confirm=confirm,
    ) as run:
        report = _prove(options, run.target, run.found, run.home, progress)
    return dataclasses.replace(
        report,
        timings_seconds={**progress.timings_seconds, "total": time.monotonic() - started},
        destroyed=not options.keep,
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
        messages = sum(report.messages for report in sent)
        with progress.step("settle", total=messages):
            settle_failure = settle(
                target.clients.sqs,
                outputs.queue_url,
                messages=messages,
                pace=target.pace,
                timeout_seconds=timeout_seconds,
                progress=progress,
            )
        with progress.step("account"):
            evidence = take_account(
                target, outputs, sent, stack=options.stack, home=home, since_ms=_EVER
            )
        with progress.step("alarm"):
            alarm = watch_alarm(
                target.clients,
                witness,
                dlq_name=outputs.dlq_name,
                rings=evidence.account.bad > 0,
                pace=target.pace,
            )
        dlq_count = queue_depth(target.clients.sqs, outputs.dlq_url).visible
        reasons = reasons_broken(evidence.account, alarm, settle_failure)
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
                    since_ms=_EVER,
                    timeout_seconds=timeout_seconds,
                )
            reasons = redrive.reasons_broken(sent)
    return RunReport(
        verdict="broken" if reasons else "held",
        target=options.target,
        stack=options.stack,
        run_ids=tuple(report.run_id for report in sent),
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
