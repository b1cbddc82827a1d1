"""What the planner calculates is what a simulation of SQS and its mapping does, message by message.

The formulas let deliveries flow evenly; the simulation moves single messages, draws who is bad and
how long a back-off is, and starts pollers by the minute. Where they differ by more than what is
said here, one of them is wrong.
"""

from dataclasses import replace

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from automation.planning.backlog import Backlog, backlog
from automation.planning.load import Load
from automation.planning.polling import Polling, groups_ceiling
from automation.planning.receives import dead_letter_time, longest_back_offs

from .simulation import Queue

GAP = 0.03
STANDARD, WAIT, FIFO = 0.05, 0.08, 0.10
"""Tolerances: what a FIFO queue's groups do one after the other depends more on who is bad."""


def polling_of(load: Load, *, most: int, batch_size: int = 10, window: float = 0) -> Polling:
    first = 5 if load.groups is None else load.groups
    return Polling(
        first=min(first, most),
        per_minute=300,
        most=most if load.groups is None else min(load.groups, most),
        batch_size=batch_size,
        window_seconds=window,
        gap_seconds=GAP,
        duration_seconds=load.duration_seconds,
        ceiling_per_second=groups_ceiling(load, batch_size=batch_size, gap_seconds=GAP),
    )


def load_of(
    *,
    rate: float = 0,
    duration: float,
    bad: float = 0,
    burst: int = 0,
    receives: int = 2,
    groups: int | None = None,
) -> Load:
    return Load(
        rate_per_second=rate,
        mean_rate_per_second=rate,
        duration_seconds=duration,
        bad_ratio=bad,
        burst=burst,
        max_receive_count=receives,
        groups=groups,
    )


def calculated(load: Load, polling: Polling) -> Backlog:
    return backlog(
        polling,
        messages_per_second=load.rate_per_second,
        deliveries_per_message=load.deliveries_per_message,
        burst=load.burst,
        concurrency=polling.first,
    )


def simulated(load: Load, polling: Polling, *, seconds: float, counted_from: float = 0) -> Queue:
    return Queue(
        seed=1,
        rate=load.rate_per_second,
        until=seconds,
        burst=load.burst,
        bad_ratio=load.bad_ratio,
        duration=load.duration_seconds,
        gap=polling.gap_seconds,
        batch_size=polling.batch_size,
        window=polling.window_seconds,
        first=int(polling.first),
        per_minute=int(polling.per_minute),
        most=int(polling.most),
        max_receive_count=load.max_receive_count,
        groups=load.groups,
        counted_from=counted_from,
    ).run(seconds)


@settings(max_examples=12, deadline=None, derandomize=True, phases=[Phase.generate])
@given(
    burst=st.integers(500, 4_000),
    duration=st.floats(0.005, 0.2),
    bad=st.floats(0, 0.5),
    receives=st.integers(1, 3),
    most=st.integers(2, 200),
    batch_size=st.integers(1, 10),
)
def test_burst_is_drained_when_the_planner_says(
    burst: int, duration: float, bad: float, receives: int, most: int, batch_size: int
) -> None:
    load = load_of(duration=duration, bad=bad, burst=burst, receives=receives)
    polling = polling_of(load, most=most, batch_size=batch_size)
    expected = calculated(load, polling)
    assert expected.drained_seconds is not None
    waits = sum(longest_back_offs(receives))
    seen = simulated(load, polling, seconds=expected.drained_seconds * 1.5 + waits + 10)
    # The last retries come after their back-off; until then the queue may look empty.
    slack = waits + 2 * (GAP + batch_size * duration)
    assert seen.drained_at == pytest.approx(expected.drained_seconds, rel=STANDARD, abs=slack)
    assert seen.peak == pytest.approx(expected.peak) == burst
    assert seen.processed + len(seen.dead_after) == burst
    assert max(seen.waits) <= expected.drained_seconds * (1 + STANDARD) + slack


@pytest.mark.parametrize(
    ("load", "most", "batch_size"),
    [
        pytest.param(load_of(rate=100, duration=0.3), 40, 10, id="begins at once"),
        pytest.param(load_of(rate=60, duration=0.3, bad=0.2), 40, 10, id="a fifth bad"),
        pytest.param(load_of(rate=30, duration=0.3, burst=6_000), 20, 10, id="with a burst"),
        pytest.param(load_of(rate=75, duration=4), 500, 1, id="in two steps"),
    ],
)
def test_load_that_begins_on_an_idle_queue_peaks_and_drains_as_calculated(
    load: Load, most: int, batch_size: int
) -> None:
    polling = polling_of(load, most=most, batch_size=batch_size)
    expected = calculated(load, polling)
    assert expected.drained_seconds is not None
    assert expected.longest_wait_seconds is not None
    settled = expected.drained_seconds * (1 + STANDARD) + 10
    seen = simulated(load, polling, seconds=settled + 100, counted_from=settled)
    assert seen.peak == pytest.approx(expected.peak, rel=STANDARD)
    assert seen.drained_at == pytest.approx(expected.drained_seconds, rel=STANDARD)
    # Retries are counted as if they came at once: who comes later waits a little less for them.
    assert max(seen.waits) == pytest.approx(expected.longest_wait_seconds, rel=WAIT)
    # Little's law, for what runs at the same time once nothing waits.
    busy = load.deliveries_per_second * load.duration_seconds
    assert seen.busy_seconds / 100 == pytest.approx(busy, rel=STANDARD)


@pytest.mark.parametrize("most", [60, 400])
def test_provisioned_pollers_drain_a_burst_when_the_planner_says(most: int) -> None:
    """They begin with ten for each, and take a thousand more in a minute."""
    load = load_of(duration=0.2, burst=12_000, bad=0.02)
    polling = replace(polling_of(load, most=most), first=20, per_minute=1_000)
    expected = calculated(load, polling)
    assert expected.drained_seconds is not None
    seen = simulated(load, polling, seconds=expected.drained_seconds * 1.5)
    assert seen.drained_at == pytest.approx(expected.drained_seconds, rel=STANDARD)


@pytest.mark.parametrize("rate", [5, 20, 100])
@pytest.mark.parametrize(("batch_size", "window"), [(10, 0), (10, 1), (50, 2)])
def test_batches_are_as_full_as_calculated_once_nothing_waits(
    rate: int, batch_size: int, window: int
) -> None:
    load = load_of(rate=rate, duration=0.01)
    polling = polling_of(load, most=10, batch_size=batch_size, window=window)
    seen = simulated(load, polling, seconds=100)
    expected = polling.steady_batch(load.deliveries_per_second)
    # Messages come unevenly: where two come together, a poller takes both.
    assert seen.received / seen.batches == pytest.approx(expected, rel=0.2)


@pytest.mark.parametrize("bad", [0, 0.05, 0.3])
def test_fifo_burst_is_drained_by_its_groups(bad: float) -> None:
    load = load_of(duration=0.05, burst=4_000, bad=bad, groups=20)
    polling = polling_of(load, most=100)
    expected = calculated(load, polling)
    assert expected.drained_seconds is not None
    seen = simulated(load, polling, seconds=expected.drained_seconds * 3)
    # Back-offs are drawn: some groups are done before the others.
    mean = sum(seen.group_done_at.values()) / 20
    assert mean == pytest.approx(expected.drained_seconds, rel=FIFO)
    assert seen.processed + len(seen.dead_after) == load.burst


@pytest.mark.parametrize("bad", [0, 0.05, 0.3])
def test_fifo_burst_with_many_groups_is_drained_by_the_concurrency(bad: float) -> None:
    load = load_of(duration=0.05, burst=4_000, bad=bad, groups=200)
    polling = polling_of(load, most=20)
    expected = calculated(load, polling)
    assert expected.drained_seconds is not None
    seen = simulated(load, polling, seconds=expected.drained_seconds * 3)
    assert seen.drained_at == pytest.approx(expected.drained_seconds, rel=FIFO)
    assert seen.processed + len(seen.dead_after) == load.burst


@pytest.mark.parametrize("receives", [1, 2, 3, 5])
@pytest.mark.parametrize("has_back_off", [True, False])
def test_bad_message_reaches_the_dead_letter_queue_when_the_planner_says(
    receives: int, has_back_off: bool
) -> None:
    expected = dead_letter_time(
        receive_seconds=GAP + 0.04, max_receive_count=receives, visibility_timeout_seconds=60
    )
    # Rare enough that each finds an idle poller.
    seen = Queue(
        seed=2,
        rate=0.5,
        until=2_000,
        bad_ratio=1,
        duration=0.04,
        gap=GAP,
        max_receive_count=receives,
        visibility=60,
        has_back_off=has_back_off,
    ).run(2_400)
    mean = sum(seen.dead_after) / len(seen.dead_after)
    if has_back_off:
        assert mean == pytest.approx(expected.mean, rel=STANDARD)
        assert max(seen.dead_after) <= expected.longest * (1 + STANDARD)
    else:
        assert mean == pytest.approx(expected.without_back_off, rel=STANDARD)
