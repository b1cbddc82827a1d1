"""The account of many messages is exact, and needs little memory."""

import random
import tracemalloc
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from automation.proof.account import Sent
from automation.proof.evidence import take_account
from automation.target import AWS_PACE
from tests.unkind.behaviour import UNKIND
from tests.unkind.consumers import batch_line
from tests.unkind.mapping import Record
from tests.unkind.world import World

MESSAGES = 200_000
BAD_EVERY = 10
REPEATED_EVERY = 1_000
MOST_BYTES = 200_000_000
RUN = "0d2fb0f3-cab1-4487-8098-addad3bbabc3"


def attributes_of(seq: int) -> dict[str, Any]:
    return {
        "run_id": {"DataType": "String", "StringValue": RUN},
        "seq": {"DataType": "Number", "StringValue": str(seq)},
    }


def log_what_was_processed(world: World, good: list[int]) -> None:
    """In batches of ten, from several environments of the function whose records come late."""
    for number, start in enumerate(range(0, len(good), 10)):
        batch = [
            Record(message_id="", body="", attributes=attributes_of(seq), receives=1, group=None)
            for seq in good[start : start + 10]
        ]
        world.logs.write("consumer", f"stream-{number % 50}", batch_line(batch, 0))


@pytest.mark.slow
def test_account_of_200_000_messages_is_exact_within_200_megabytes(
    on_virtual_time: list[World], tmp_path: Path
) -> None:
    on_virtual_time.append(world := World(UNKIND, seed=1))
    dlq, queue = world.add_queue("dlq"), world.add_queue("queue")
    bad = range(0, MESSAGES, BAD_EVERY)
    world.put(dlq, (world.letter("body", attributes_of(seq)) for seq in bad))
    good = [seq for seq in range(MESSAGES) if seq % BAD_EVERY]
    repeated = [seq for seq in good if seq % REPEATED_EVERY == 1]
    deliveries = [*good, *repeated]
    random.Random(1).shuffle(deliveries)  # noqa: S311 it protects nothing
    log_what_was_processed(world, deliveries)

    sent = Sent(run_id=RUN, messages=MESSAGES, bad=len(bad))
    clients: Any = SimpleNamespace(sqs=world.sqs, sender=world.sender, logs=world.logs)
    target: Any = SimpleNamespace(clients=clients, pace=AWS_PACE)
    outputs: Any = SimpleNamespace(
        queue_url=queue.url, dlq_url=dlq.url, consumer_log_group_name="consumer"
    )
    clocks: Any = {"clock": world.monotonic, "sleep": world.pause}
    tracemalloc.start()
    try:
        with world.running():
            account = take_account(
                target, outputs, [sent], stack="s", home=tmp_path, since_ms=0, **clocks
            ).account
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert account.is_complete
    assert (account.processed, account.dead_lettered) == (len(good), len(bad))
    assert (account.lost, account.duplicates) == (0, len(repeated))
    assert (account.misrouted, account.processed_and_dead, account.strangers) == (0, 0, 0)
    # What the world needs for its own copies of what it hands out is in it.
    assert peak_bytes < MOST_BYTES
