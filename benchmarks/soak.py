"""The main job for a long time: each round's account exact, and what the processes hold flat.

    .venv/bin/python -m benchmarks.soak [--minutes N] [--rate N] [--round-seconds N]

Exit codes: 0 held, 1 a round's account is not exact or something grows, 2 wrong use.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from automation.interrupts import Interrupts
from automation.opening import opened_target
from automation.progress import Progress
from automation.proof.account import Account
from automation.proof.evidence import take_account
from automation.proof.producing import produce
from automation.proof.report import Options
from automation.proof.settling import settle
from automation.stacks import throwaway_stack
from automation.target import Target
from components.outputs import StackOutputs

# More than this for each message, at rest, is a leak: in an hour at 50/s it would come to 46 MB.
MOST_BYTES_A_MESSAGE = 256
# Threads and descriptors: whole ones that are left over in all of the run.
MOST_LEFT_OVER = 2
# Rounds in which caches, pools and Python's own arenas fill.
WARM_UP_SHARE = 1 / 3


@dataclass(frozen=True, kw_only=True)
class Held:
    """What a process holds: resident bytes, threads, descriptors."""

    memory_bytes: int
    threads: int
    descriptors: int


@dataclass(frozen=True, kw_only=True)
class Round:
    """One round: its account, and what was held after it by each kind of process."""

    account: Account
    held: dict[str, Held]


def main() -> int:
    """Run the rounds, print a line for each and what grows; return the exit code."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="in all, default 10")
    parser.add_argument("--rate", type=float, default=50, help="messages per second, default 50")
    parser.add_argument("--round-seconds", type=float, default=30, help="of a round, default 30")
    asked = parser.parse_args()
    if asked.minutes * 60 < 6 * asked.round_seconds:
        parser.error("--minutes: six rounds at least tell whether something grows")
    options = Options(duration_seconds=asked.round_seconds, messages_per_second=asked.rate)
    rounds: list[Round] = []
    for one in soaked(options, until=time.monotonic() + asked.minutes * 60):
        rounds.append(one)
        print(line(len(rounds), one), flush=True)
    complaints = [*inexact(rounds), *growth(rounds)]
    found = [one.account for one in rounds]
    print(
        f"{len(rounds)} rounds, {sum(one.sent for one in found)} messages, "
        f"{sum(one.lost for one in found)} lost, {sum(one.misrouted for one in found)} misrouted, "
        f"{sum(one.duplicates for one in found)} delivered again"
    )
    print("\n".join(complaints) or "held: every account exact, and nothing grows")
    return 1 if complaints else 0


def soaked(options: Options, *, until: float) -> Iterator[Round]:
    """Rounds on one stack, as many as begin before that time."""
    progress = Progress()
    with tempfile.TemporaryDirectory(prefix="reliable-queue-") as folder:
        home = Path(folder)
        with (
            opened_target("local", home=home, report=progress.say) as target,
            throwaway_stack(
                target,
                name=options.stack,
                home=home,
                settings={},
                interrupts=Interrupts(progress.say),
                progress=progress,
            ) as outputs,
        ):
            while time.monotonic() < until:
                account = proven(options, target, outputs, home)
                yield Round(account=account, held=held())


def proven(options: Options, target: Target, outputs: StackOutputs, home: Path) -> Account:
    """One round as the main job does it, and an empty dead-letter queue for the next."""
    # The embedded AWS has this machine's clock; a log that is read from minutes before, as for an
    # account, would grow until that time is full.
    began_ms = int(time.time() * 1000)
    sent = produce(options, target, outputs)
    failure = settle(
        target.clients.sqs,
        outputs.queue_url,
        messages=sum(report.messages for report in sent),
        pace=target.pace,
        timeout_seconds=target.pace.settle_timeout_seconds,
        progress=Progress(),
    )
    if problem := failure or next((one.error for one in sent if one.error), None):
        raise SystemExit(f"the round came to no end: {problem}")
    evidence = take_account(
        target, outputs, sent, stack=options.stack, home=home, since_ms=began_ms
    )
    target.clients.sqs.purge_queue(QueueUrl=outputs.dlq_url)
    return evidence.account


def held() -> dict[str, Held]:
    """What is held by this process, with the provider in it, the emulator, its largest worker."""
    own = psutil.Process()
    (emulator,) = [
        one for one in own.children() if "emulator_process.py" in " ".join(one.cmdline())
    ]
    workers = [of_process(one) for one in emulator.children()]
    return {
        "this process": of_process(own),
        "emulator": of_process(emulator),
        "consumer": max(workers, key=lambda one: one.memory_bytes),
    }


def of_process(process: psutil.Process) -> Held:
    with process.oneshot():
        return Held(
            memory_bytes=process.memory_info().rss,
            threads=process.num_threads(),
            descriptors=process.num_fds(),
        )


def line(number: int, one: Round) -> str:
    """A round in one line."""
    parts = (
        f"{name} {held.memory_bytes / 1e6:.1f} MB {held.threads} threads "
        f"{held.descriptors} descriptors"
        for name, held in one.held.items()
    )
    return f"{number:3} {one.account.sent} sent {one.account.lost} lost | {' | '.join(parts)}"


def inexact(rounds: list[Round]) -> Iterator[str]:
    """What is wrong with rounds whose account is not exact."""
    for number, one in enumerate(rounds, 1):
        reasons = [reason for run in one.account.runs for reason in run.reasons_broken()]
        if one.account.strangers:
            reasons.append(f"{one.account.strangers} strangers in the dead-letter queue")
        if reasons:
            yield f"round {number}: {'; '.join(reasons)}"


def growth(rounds: list[Round]) -> Iterator[str]:
    """What grows; the emulator keeps each log record, and is not judged."""
    warm = rounds[int(len(rounds) * WARM_UP_SHARE) :]
    messages = statistics.mean(one.account.sent for one in warm)
    for name in ("this process", "consumer"):
        helds = [one.held[name] for one in warm]
        bytes_a_message = slope([one.memory_bytes for one in helds]) / messages
        if bytes_a_message > MOST_BYTES_A_MESSAGE:
            yield f"{name}: memory grows by {bytes_a_message:.0f} bytes a message"
        for what in ("threads", "descriptors"):
            left_over = slope([getattr(one, what) for one in helds]) * len(helds)
            if left_over > MOST_LEFT_OVER:
                yield f"{name}: {left_over:.0f} {what} are left over"


def slope(values: list[int]) -> float:
    """How much is added from one to the next: the median over all pairs (Theil and Sen)."""
    pairs = (
        (later - earlier) / (j - i)
        for i, earlier in enumerate(values)
        for j, later in enumerate(values[i + 1 :], i + 1)
    )
    return statistics.median(pairs)


if __name__ == "__main__":
    sys.exit(main())
