"""Ticks are round, few, and cover what is to be shown."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.ticks import round_ticks


@given(st.floats(1e-6, 1e9))
def test_ticks_cover_the_range_in_few_round_steps(highest: float) -> None:
    ticks = round_ticks(highest)
    assert ticks[0] == 0
    assert ticks[-1] >= highest * (1 - 1e-9)
    assert ticks[-2] < highest
    assert 3 <= len(ticks) <= 8
    step = ticks[1]
    for before, after in pairwise(ticks):
        assert after - before == pytest.approx(step)
    leading = step / 10 ** math.floor(math.log10(step) + 1e-9)
    assert any(leading == pytest.approx(factor) for factor in (1, 2, 5))


@given(st.integers(0, 10**7))
def test_what_has_no_parts_has_whole_ticks(highest: int) -> None:
    ticks = round_ticks(highest, smallest_step=1)
    assert all(tick == int(tick) for tick in ticks)
    assert ticks[-1] >= highest
    assert 3 <= len(ticks) <= 8


@pytest.mark.parametrize(
    ("highest", "expected"),
    [
        (0, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.3, [0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3]),
        (7, [0, 2, 4, 6, 8]),
        (1000, [0, 200, 400, 600, 800, 1000]),
        (1001, [0, 200, 400, 600, 800, 1000, 1200]),
    ],
)
def test_ticks_are_those_that_a_person_would_take(highest: float, expected: list[float]) -> None:
    assert round_ticks(highest) == expected
