"""The main job's options and its report."""

import dataclasses
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from automation.proof.depth_samples import DepthSample
from automation.proof.evidence import Evidence
from automation.proof.redrive import RedriveReport
from automation.proof.throwaway import ThrowawayOptions
from automation.proof.verdict import AlarmReport, Verdict
from automation.target import TargetName


@dataclass(frozen=True, kw_only=True)
class Options(ThrowawayOptions):
    """What a run does; the command's flags, beside those of every run on a throw-away stack.

    Attributes:
        duration_seconds: how long each producer sends, default 5 s.
        producers: how many send at once, 1 to 10, default 1.
        messages_per_second: of all together, default 20; None for as fast as they can.
        bad_ratio: part of the messages that lack `store_id`, 0 to 1, default 0.25.
        max_messages: how many messages at the most, of all together; None (default) for no limit.
        seed: makes the producers' messages repeatable; None (default) for other ones each time.
        redrive: after a verdict that holds, repair the bad messages, redrive them and see them
            processed. Default False.
        stack: its name, default `e2e-` and random characters.
    """

    producers: int = 1
    duration_seconds: float = 5
    messages_per_second: float | None = 20
    bad_ratio: float = 0.25
    max_messages: int | None = None
    seed: int | None = None
    redrive: bool = False
    stack: str = dataclasses.field(default_factory=lambda: f"e2e-{secrets.token_hex(3)}")


@dataclass(frozen=True, kw_only=True)
class RunReport:
    """A run's verdict and what it rests on.

    Attributes:
        verdict: "held" or "broken".
        target, stack: where it ran.
        run_ids: the producer runs.
        evidence: the account of every message, and what it is taken from.
        dlq_count: the dead-letter queue's ApproximateNumberOfMessages; no proof of anything.
        alarm: what became of the alarm.
        redrive: what became of the bad messages after their repair; None without one.
        timings_seconds: one entry a step, and `total`.
        depths: of both queues in the course of the run.
        destroyed: nothing is left of the stack.
        reason: what is wrong; None when the verdict is "held".
        advice: what the consumer should do otherwise, where that is known; None (default) else.
    """

    verdict: Verdict
    target: TargetName
    stack: str
    run_ids: Sequence[str]
    evidence: Evidence
    dlq_count: int
    alarm: AlarmReport
    redrive: RedriveReport | None
    timings_seconds: Mapping[str, float]
    depths: Sequence[DepthSample]
    destroyed: bool
    reason: str | None
    advice: str | None = None
