"""A bad message in the tests' own SQS takes as long, and as many requests, as the planner says.

Another author's rules than the simulation's: those of the world that the operator's commands are
tested in, with its own mapping, on virtual time.
"""

import random
from collections.abc import Callable, Sequence

import pytest

from automation.planning.receives import dead_letter_time
from tests.unkind.mapping import Record, Run
from tests.unkind.world import World

VISIBILITY, WORK = 60, 0.1
Ask = Callable[[Record], dict[str, int]]


def seconds_to_the_dlq(ask: Ask, *, receives: int) -> tuple[float, int]:
    """For one message that always fails: seconds until it is there, and how often it was run."""

    def consume(batch: Sequence[Record]) -> Run:
        (record,) = batch
        failed = {"batchItemFailures": [{"itemIdentifier": record.message_id}]}
        return Run(answer=failed, seconds=WORK, visible_in=ask(record))

    world = World()
    dlq = world.add_queue("dlq")
    queue = world.add_queue(
        "q", dead_letters=dlq, receives=receives, VisibilityTimeout=str(VISIBILITY)
    )
    mapping = world.add_mapping(queue, consume)
    began = world.time.now
    world.put(queue, [world.letter("bad", receives=0)])
    while not dlq.messages():
        world.pause(0.05)
    return world.time.now - began, mapping.runs


@pytest.mark.parametrize("receives", [1, 2, 4])
def test_without_back_off_it_takes_the_visibility_timeout_for_each_receive(receives: int) -> None:
    seen, runs = seconds_to_the_dlq(lambda _: {}, receives=receives)
    expected = dead_letter_time(
        receive_seconds=WORK, max_receive_count=receives, visibility_timeout_seconds=VISIBILITY
    )
    assert seen == pytest.approx(expected.without_back_off, abs=0.2)
    assert runs == receives


@pytest.mark.parametrize("receives", [1, 2, 4])
def test_with_our_back_off_it_takes_the_work_and_what_is_drawn(receives: int) -> None:
    drawn = random.Random(3)  # noqa: S311 drawn, not secret

    def ask(record: Record) -> dict[str, int]:
        is_last = record.receives >= receives
        ceiling = 0 if is_last else min(60, 2 ** (record.receives - 1))
        return {record.message_id: drawn.randint(0, ceiling)}

    expected = dead_letter_time(
        receive_seconds=WORK, max_receive_count=receives, visibility_timeout_seconds=VISIBILITY
    )
    runs = [seconds_to_the_dlq(ask, receives=receives) for _ in range(200)]
    assert {count for _, count in runs} == {receives}
    mean = sum(seconds for seconds, _ in runs) / len(runs)
    assert mean == pytest.approx(expected.mean, rel=0.1, abs=0.1)
    assert max(seconds for seconds, _ in runs) <= expected.longest + 0.1
