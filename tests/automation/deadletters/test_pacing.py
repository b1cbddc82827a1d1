"""A rate is held, whatever time requests take, and no long wait ends in a burst."""

import heapq
import random

import pytest

from automation.deadletters.pacing import Pacer


class Workers:
    """Workers that move batches, one after the other, in a time of their own."""

    def __init__(self, rate: float) -> None:
        self.now = 0.0
        self.pacer = Pacer(rate, self._pause, lambda: self.now)
        self.moved: list[tuple[float, int]] = []
        self._paused = 0.0

    def _pause(self, seconds: float) -> None:
        self._paused = seconds

    def move(self, batches: int, *, seed: int, slowest_seconds: float) -> None:
        work = random.Random(seed)  # noqa: S311
        messages = self.pacer.batch_messages
        free_at = [self.now] * self.pacer.useful_workers(16)
        for _ in range(batches):
            self.now, self._paused = heapq.heappop(free_at), 0.0
            self.pacer.wait_for(messages)
            sent_at = self.now + self._paused
            self.moved.append((sent_at, messages))
            heapq.heappush(free_at, sent_at + work.uniform(0.03, slowest_seconds))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rate", [1, 7, 50, 333, 500])
def test_rate_is_held_within_a_twentieth(rate: int, seed: int) -> None:
    workers = Workers(rate)
    # Now and then a batch takes longer than there is time for it.
    workers.move(400, seed=seed, slowest_seconds=min(0.3, 10 / rate * 1.4 + 0.03))
    *before, (ended, _) = workers.moved
    assert sum(messages for _, messages in before) / ended == pytest.approx(rate, rel=0.05)


def test_after_a_long_wait_a_second_is_made_up_for_not_more() -> None:
    workers = Workers(100)
    workers.move(10, seed=0, slowest_seconds=0.05)
    workers.now = 60
    workers.move(40, seed=0, slowest_seconds=0.05)
    after = [(at, messages) for at, messages in workers.moved if at >= 60]
    for seconds in (0.5, 1, 2):
        within = sum(messages for at, messages in after if at < 60 + seconds)
        assert within <= 100 * (seconds + 1) + 10


def test_no_rate_waits_for_nothing() -> None:
    Pacer(None, lambda _: pytest.fail("it waits")).wait_for(1_000_000)
