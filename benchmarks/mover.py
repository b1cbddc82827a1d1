"""What the mover's own work on a message costs, and how fast one process of it gets.

It moves messages through a stand-in for SQS that answers after 10 ms, as AWS does, whatever its
queues hold: what is left is our own work.
"""

import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import boto3
from botocore.config import Config

from automation.aws.clients import Clients
from automation.deadletters.journal import Journal
from automation.deadletters.move_plan import Plan
from automation.deadletters.queue_to_queue import move_messages
from automation.target import AWS_PACE
from benchmarks.embedded import Cloud
from benchmarks.figures import OURS, Figure, Target
from benchmarks.redrive import plain_loop
from benchmarks.slow_sqs import slow_sqs

CONNECTIONS = AWS_PACE.connections
LOOPS = "plain loops in threads"
NATIVE = "SQS's own task"
# SQS Developer Guide, "Configure a dead-letter queue redrive": the highest rate of a move task.
NATIVE_PER_SECOND = 500.0


def mover_cost(_: Cloud, rounds: int, messages: int = 10_000) -> Figure:
    """Processor time of this process for each message, beside loops with as many connections."""
    values: dict[str, list[float]] = {OURS: [], LOOPS: []}
    for _round in range(rounds):
        values[OURS].append(cost_of(move, messages).cpu_ms)
        values[LOOPS].append(cost_of(plain_loops, messages).cpu_ms)
    return Figure(
        name="the mover's work on a message, 10 ms a call",
        unit="ms of processor",
        meaning="What limits a redrive on AWS once there are connections enough.",
        values=values,
        targets=[Target(at_most=0.2), Target(against=LOOPS, at_most=1)],
    )


def mover_rate(_: Cloud, rounds: int, messages: int = 10_000) -> Figure:
    """Messages a second of one process, beside the most that SQS's own move task does."""
    rates = [cost_of(move, messages).messages_per_second for _round in range(rounds)]
    return Figure(
        name="redrive in one process, 10 ms a call",
        unit="messages/s",
        meaning="A redrive with a filter, a canary, a rate or a journal need not be slower than "
        "SQS's own, which has none of them.",
        values={OURS: rates, NATIVE: [NATIVE_PER_SECOND] * rounds},
        targets=[Target(against=NATIVE, at_least=5)],
    )


@dataclass(frozen=True, kw_only=True)
class Cost:
    """A rate, and the milliseconds of a processor that this process used for each message."""

    messages_per_second: float
    cpu_ms: float


def cost_of(empty: Callable[[Clients, Plan], None], messages: int) -> Cost:
    """Let a way to empty a queue do so."""
    session = boto3.Session("123456789012", "local", region_name="us-east-1")
    with slow_sqs(messages) as url:
        clients = Clients(session=session, endpoint_url=url, max_connections=2 * CONNECTIONS)
        # Making a client is no part of moving.
        _ = clients.sqs, clients.sender
        plan = Plan(source_url=f"{url}/1/a", destination_url=f"{url}/1/b", connections=CONNECTIONS)
        began, worked = time.monotonic(), time.process_time()
        empty(clients, plan)
        seconds, cpu_seconds = time.monotonic() - began, time.process_time() - worked
    return Cost(messages_per_second=messages / seconds, cpu_ms=1000 * cpu_seconds / messages)


def move(clients: Clients, plan: Plan) -> None:
    """The mover, with its journal."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Journal(Path(folder) / "moved.jsonl", purpose="redrive", source=plan.source_url) as journal,
    ):
        report = move_messages(clients.sqs, clients.sender, plan, journal, cancel=threading.Event())
    if report.ended != "empty":
        raise RuntimeError(f"not all was moved: {report}")


def plain_loops(clients: Clients, plan: Plan) -> None:
    """As many plain loops at once as the mover has connections."""
    config = Config(max_pool_connections=plan.connections)
    sqs = clients.session.client("sqs", endpoint_url=clients.endpoint_url, config=config)
    with ThreadPoolExecutor(plan.connections) as pool:
        ends = [
            pool.submit(plain_loop, sqs, plan.source_url, plan.destination_url)
            for _ in range(plan.connections)
        ]
    for end in ends:
        end.result()
