"""Virtual time: a wait costs none of ours, threads wait side by side, a seed decides the course."""

import threading
import time
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

import pytest

from tests.unkind.behaviour import Behaviour
from tests.unkind.clock import TooLateError
from tests.unkind.schedule import DeadlockError
from tests.unkind.world import World


def test_threads_wait_side_by_side() -> None:
    world = World()
    with world.running(), ThreadPoolExecutor(8) as pool:
        began = time.monotonic()
        list(pool.map(lambda _: time.sleep(10), range(8)))
        assert time.monotonic() - began == pytest.approx(10)


def test_timeouts_of_events_and_futures_are_virtual() -> None:
    with World().running(), ThreadPoolExecutor(1) as pool:
        began = time.time()
        assert not threading.Event().wait(3600)
        future = pool.submit(time.sleep, 100)
        done, left = wait([future], 15, FIRST_EXCEPTION)
        assert (len(done), len(left)) == (0, 1)
        assert time.time() - began == pytest.approx(3615)


def test_lock_is_waited_for_while_its_holder_sleeps() -> None:
    seen: list[str] = []
    with World().running():
        lock = threading.Lock()

        def hold(name: str) -> None:
            with lock:
                time.sleep(1)
                seen.append(f"{name} at {time.monotonic() - began:.0f}")

        began = time.monotonic()
        threads = [threading.Thread(target=hold, args=(name,)) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [words[1:] for words in seen] == [" at 1", " at 2"]


@pytest.mark.parametrize("seed", range(3))
def test_same_seed_makes_the_same_course(seed: int) -> None:
    def course() -> list[int]:
        seen: list[int] = []

        def work(number: int) -> None:
            for _ in range(3):
                seen.append(number)
                time.sleep(0.1)

        with World(seed=seed).running(), ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(4)))
        return seen

    assert course() == course()


def test_another_seed_makes_another_course() -> None:
    def course(seed: int) -> tuple[int, ...]:
        seen: list[int] = []
        with World(seed=seed).running(), ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda number: (time.sleep(1), seen.append(number)), range(6)))
        return tuple(seen)

    assert len({course(seed) for seed in range(5)}) > 1


def test_preemption_shows_what_no_lock_holds_together() -> None:
    def lost_updates(seed: int) -> int:
        with World(seed=seed, preempts=0.5).running(), ThreadPoolExecutor(4) as pool:
            lock, count = threading.Lock(), [0]

            def add(_: int) -> None:
                before = count[0]
                with lock:
                    count[0] = before + 1

            list(pool.map(add, range(20)))
            return 20 - count[0]

    assert any(lost_updates(seed) for seed in range(5))


def test_deadlock_is_an_error_and_no_hang() -> None:
    with World().running():
        lock = threading.Lock()
        lock.acquire()
        with pytest.raises(DeadlockError):
            lock.acquire()


def test_what_waits_for_ever_is_told() -> None:
    world = World(gives_up_after_seconds=3600)
    with world.running(), pytest.raises(TooLateError):
        while True:
            time.sleep(60)


def test_pool_that_nobody_closed_ends_with_the_block() -> None:
    before = threading.active_count()
    with World().running():
        pool = ThreadPoolExecutor(2)
        pool.submit(time.sleep, 1).result()
    for thread in pool._threads:
        thread.join()
    assert threading.active_count() == before


def test_machine_clock_is_off_and_durations_are_not() -> None:
    world = World(Behaviour(clock_skew_seconds=-60))
    with world.running():
        assert time.time() == world.clock() == world.time.now - 60
        began = time.monotonic()
        world.pause(5)
        assert time.monotonic() - began == 5
