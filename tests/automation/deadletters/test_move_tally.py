"""A queue that fills as fast as it drains is told from one that is merely being drained."""

import pytest

from automation.deadletters.move_plan import Counts
from automation.deadletters.move_tally import RefillWatch


@pytest.mark.parametrize(
    ("looks", "answers"),
    [
        pytest.param(
            [(0, 0, 900), (100, 0, 800), (200, 0, 700)], [False, False, False], id="drains"
        ),
        pytest.param(
            [(0, 0, 900), (100, 0, 900), (200, 0, 900)], [False, False, True], id="stays full"
        ),
        pytest.param(
            [(0, 0, 900), (100, 100, 800), (200, 200, 700)],
            [False, False, True],
            id="what went out came back",
        ),
        pytest.param(
            [(0, 0, 900), (100, 0, 900), (200, 0, 800), (300, 0, 800)],
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
