"""A queue that fills as fast as it drains is told from one that is merely being drained."""

import dataclasses

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from automation.aws.queue_depth import queue_depth
from automation.deadletters.move_plan import Counts
from automation.deadletters.move_tally import RefillWatch
from automation.target import AWS_PACE
from tests.unkind.behaviour import MILD
from tests.unkind.world import World

FEW_WORLDS = settings(max_examples=10, deadline=None)


@pytest.mark.parametrize(
    ("looks", "answers"),
    [
        pytest.param(
            [(0, 0, 900), (100, 0, 800), (200, 0, 700)], [False, False, False], id="drains"
        ),
        pytest.param(
            [(0, 0, 900), (300, 0, 900), (600, 0, 900)], [False, False, True], id="stays full"
        ),
        pytest.param(
            [(0, 0, 400), (50, 0, 400), (100, 0, 400), (150, 0, 400), (200, 0, 400)],
            [False, False, False, False, True],
            id="stays full, which takes some time to tell",
        ),
        pytest.param(
            [(0, 0, 10_000), (60, 0, 10_900), (120, 0, 10_950), (180, 0, 10_990)],
            [False, False, False, False],
            id="so much may a count be wrong",
        ),
        pytest.param(
            [(0, 0, 900), (100, 100, 800), (200, 200, 700)],
            [False, False, True],
            id="what went out came back",
        ),
        pytest.param(
            [(0, 0, 900), (300, 0, 900), (600, 0, 600), (900, 0, 600)],
            [False, False, False, False],
            id="one look is not enough",
        ),
        pytest.param(
            [(0, 0, 900), (19, 0, 900), (38, 0, 900)],
            [False, False, False],
            id="so few moved say nothing",
        ),
    ],
)
def test_two_telling_looks_in_a_row_make_a_refill(
    looks: list[tuple[int, int, int]], answers: list[bool]
) -> None:
    watch = RefillWatch()
    assert [
        watch.is_refilling(Counts(moved=moved, returned=returned), depth)
        for moved, returned, depth in looks
    ] == answers


@FEW_WORLDS
@given(
    seed=st.integers(0, 2**32),
    count=st.integers(500, 3_000),
    per_look=st.sampled_from([30, 100, 400]),
    look_seconds=st.sampled_from([AWS_PACE.quiet_seconds, 100]),
)
@example(seed=0, count=2_000, per_look=300, look_seconds=AWS_PACE.quiet_seconds)
def test_queue_that_is_drained_is_no_refill_as_unkind_as_its_counts_are(
    seed: int, count: int, per_look: int, look_seconds: float
) -> None:
    behaviour = dataclasses.replace(MILD, count_lag_seconds=60.0, count_error=0.1)
    world = World(behaviour, seed=seed)
    queue = world.add_queue("dlq")
    world.put(queue, [world.letter(f"body {number}") for number in range(count)])
    watch, letters = RefillWatch(), queue.messages()
    for moved in range(0, count, per_look):
        depth = queue_depth(world.sqs, queue.url).total
        assert not watch.is_refilling(Counts(moved=moved), depth)
        for letter in letters[moved : moved + per_look]:
            queue.remove(letter, world.time.now)
            world.pause(look_seconds / per_look)
