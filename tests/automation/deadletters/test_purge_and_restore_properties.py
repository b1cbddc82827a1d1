"""A purge that is killed, repeated and restored: each message in the queue or in a file, always."""

import contextlib
import dataclasses
import json
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from hypothesis import event, given, settings
from hypothesis import strategies as st

from automation.deadletters.file_to_queue import Defaults, PostReport, post_messages, read_file
from automation.deadletters.journal import Journal
from automation.deadletters.queue_to_file import DrainReport, drain_to_file
from tests.unkind.behaviour import MILD, UNKIND, Behaviour
from tests.unkind.faults import Killed, Steps
from tests.unkind.queue import Queue
from tests.unkind.world import World

NO_DEFAULTS = Defaults(attributes={})
SEEDS = st.integers(0, 2**32)
BEHAVIOURS = st.sampled_from([MILD, dataclasses.replace(UNKIND, keeps_deleted=0)])
KILLS = st.lists(st.integers(0, 60), max_size=2)


def filled(world: World, count: int, *, is_fifo: bool) -> Queue:
    queue = world.add_queue("dlq.fifo" if is_fifo else "dlq")
    letters = [
        world.letter(
            f"body {number}",
            {"picture": {"DataType": "Binary.gif", "BinaryValue": bytes([number % 256, 255])}},
            message_id=f"m{number}",
            **({"MessageGroupId": f"g{number % 3}"} if is_fifo else {}),
        )
        for number in range(count)
    ]
    world.put(queue, letters)
    return queue


@contextlib.contextmanager
def not_done() -> Iterator[None]:
    """What ends like this has not said that it is done."""
    try:
        yield
    except Killed:
        event("killed")
    except (ClientError, BotoCoreError):
        event("failed")


def drain(world: World, dlq: Queue, path: Path, connections: int) -> DrainReport:
    with world.running():
        return drain_to_file(
            world.sqs,
            dlq.url,
            path,
            wait_seconds=2,
            connections=connections,
            cancel=threading.Event(),
        )


def restore(world: World, queue: Queue, path: Path, connections: int) -> PostReport:
    with (
        world.running(),
        path.open() as file,
        Journal(path.with_suffix(".journal"), purpose="restore", source=path.name) as journal,
    ):
        return post_messages(
            world.sender,
            queue.url,
            read_file(file, is_fifo=queue.is_fifo, defaults=NO_DEFAULTS),
            journal,
            connections=connections,
            cancel=threading.Event(),
        )


def ids_in(folder: Path) -> list[str]:
    lines = [line for path in folder.iterdir() for line in path.read_text().splitlines(True)]
    return [json.loads(line)["id"] for line in lines if line.endswith("\n")]


@settings(max_examples=25, deadline=None)
@given(
    seed=SEEDS,
    behaviour=BEHAVIOURS,
    is_fifo=st.booleans(),
    connections=st.integers(1, 3),
    count=st.integers(0, 60),
    kills=KILLS,
    rate=st.sampled_from([0.0, 0.1]),
)
def test_purge_that_is_killed_or_fails_leaves_each_message_in_a_file_or_in_the_queue(
    seed: int,
    behaviour: Behaviour,
    is_fifo: bool,
    connections: int,
    count: int,
    kills: list[int],
    rate: float,
) -> None:
    world = World(behaviour, seed=seed, preempts=0.1)
    world.faults.rate = rate
    dlq = filled(world, count, is_fifo=is_fifo)
    report = None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for run, kill_at in enumerate([*kills, None]):
            world.steps = Steps(kill_at)
            with not_done():
                report = drain(world, dlq, folder / f"{run}.jsonl", connections)
            world.steps = Steps()
            in_queue = {message.message_id for message in dlq.messages()}
            assert {*ids_in(folder), *in_queue} == {f"m{number}" for number in range(count)}
            # A receive whose answer got lost hides messages from everybody, in a FIFO queue those
            # behind them too: SQS counts them in flight, and the command waits for that.
            if report and report.is_whole and not (rate and dlq.in_flight):
                assert len(in_queue) <= report.backed_up - report.deleted
            report = None
            world.pause(120)


@settings(max_examples=40, deadline=None)
@given(
    seed=SEEDS,
    is_fifo=st.booleans(),
    connections=st.integers(1, 3),
    count=st.integers(0, 60),
    kills=KILLS,
    rate=st.sampled_from([0.0, 0.2]),
)
def test_restore_brings_everything_back_and_names_what_it_may_have_sent_twice(
    seed: int,
    is_fifo: bool,
    connections: int,
    count: int,
    kills: list[int],
    rate: float,
) -> None:
    world = World(MILD, seed=seed)
    dlq = filled(world, count, is_fifo=is_fifo)
    originals = [message.content for message in dlq.messages()]
    named: set[str] = set()
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "backup.jsonl"
        drain(world, dlq, path, 1)
        for kill_at, fault_rate in [*((kill, rate) for kill in kills), (None, rate), (None, 0.0)]:
            world.steps, world.faults.rate, report = Steps(kill_at), fault_rate, None
            with not_done():
                report = restore(world, dlq, path, connections)
                named.update(report.possible_duplicates)
            if report and not report.failed:
                # Started again it would send all of it again: the journal is set aside.
                break
            world.pause(400)
    assert report
    assert not report.failed
    world.ledger.assert_law(doubled_are_named=named)
    if is_fifo:
        assert_order_kept(originals, dlq)


def assert_order_kept(originals: list[object], queue: Queue) -> None:
    arrived = list(dict.fromkeys(message.content for message in queue.messages()))
    for group in ("g0", "g1", "g2"):
        assert [c for c in arrived if group in c] == [c for c in originals if group in c]  # type: ignore[operator]
