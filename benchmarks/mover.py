"""What the mover's own work on a message costs, and how fast one process of it gets.

    .venv/bin/python benchmarks/mover.py [MESSAGES]

Moves 10,000 messages, by default, through a stand-in for SQS that answers after 10 ms, as AWS does,
whatever its queues hold: what is left is our own work. Beside each of our runs stands what a person
would write with boto3 in ten lines, since what a processor does in a millisecond drifts. SQS's own
redrive moves 500 messages/s at the most. Printed as one JSON object; takes about two minutes.
"""

import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from slow_sqs import slow_sqs

from automation.aws.clients import Clients
from automation.deadletters.journal import Journal
from automation.deadletters.move_plan import Plan
from automation.deadletters.queue_to_queue import move_messages

CONNECTIONS = (8, 16, 8, 16, 8, 16)
# SQS Developer Guide, "Configure a dead-letter queue redrive": the highest rate of a move task.
NATIVE_PER_SECOND = 500


def main(messages: int) -> None:
    """Measure and print."""
    ours, loops = zip(
        *((cost_of(move, messages, n), cost_of(plain_loops, messages, n)) for n in CONNECTIONS),
        strict=True,
    )
    result = {
        "messages": messages,
        "connections": CONNECTIONS,
        "mover_per_second_at_10ms": [round(cost.messages_per_second) for cost in ours],
        "mover_cpu_ms_per_message": [round(cost.cpu_ms, 3) for cost in ours],
        "plain_loop_cpu_ms_per_message": [round(cost.cpu_ms, 3) for cost in loops],
        "mover_cpu_of_plain_loop": round(
            statistics.median(a.cpu_ms / b.cpu_ms for a, b in zip(ours, loops, strict=True)), 2
        ),
        "mover_of_native": round(
            max(cost.messages_per_second for cost in ours) / NATIVE_PER_SECOND, 1
        ),
    }
    print(json.dumps(result, indent=2))


@dataclass(frozen=True, kw_only=True)
class Cost:
    """A rate, and the milliseconds of a processor that this process used for each message."""

    messages_per_second: float
    cpu_ms: float


def cost_of(empty: Callable[[Clients, Plan], None], messages: int, connections: int) -> Cost:
    """Let a way to empty a queue do so."""
    session = boto3.Session("123456789012", "local", region_name="us-east-1")
    with slow_sqs(messages) as url:
        clients = Clients(session=session, endpoint_url=url, max_connections=2 * connections)
        # Making a client is no part of moving.
        assert clients.sqs  # noqa: S101
        assert clients.sender  # noqa: S101
        plan = Plan(source_url=f"{url}/1/a", destination_url=f"{url}/1/b", connections=connections)
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
        move_messages(clients.sqs, clients.sender, plan, journal, cancel=threading.Event())


def plain_loops(clients: Clients, plan: Plan) -> None:
    """No journal, no retry, no count of redrives; attributes kept."""
    sqs = clients.session.client(
        "sqs",
        endpoint_url=clients.endpoint_url,
        config=Config(max_pool_connections=plan.connections),
    )

    def empty(_: int) -> None:
        while messages := sqs.receive_message(
            QueueUrl=plan.source_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages", []):
            entries: list[Any] = [
                {
                    "Id": str(number),
                    "MessageBody": message["Body"],
                    "MessageAttributes": message["MessageAttributes"],
                }
                for number, message in enumerate(messages)
            ]
            sqs.send_message_batch(QueueUrl=plan.destination_url, Entries=entries)
            receipts: list[Any] = [
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                for number, message in enumerate(messages)
            ]
            sqs.delete_message_batch(QueueUrl=plan.source_url, Entries=receipts)

    with ThreadPoolExecutor(plan.connections) as pool:
        list(pool.map(empty, range(plan.connections)))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
