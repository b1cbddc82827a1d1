"""Threads of code under test, one at a time, on virtual time: the same seed, the same course.

Inside `Scheduler.running()` a thread gives way only where it waits: for a request, a pause, a lock,
an event, a future. Then the thread goes on whose wait is over first. So eight threads that each
wait 10 ms for a request are done after 10 ms, a time-out costs nothing, and what two threads do to
each other is decided by a seed and not by the machine.
"""

import concurrent.futures.thread
import contextlib
import heapq
import queue
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from typing import Any
from unittest import mock

from tests.unkind.clock import Clock

_real_lock = threading.Lock
_real_start = threading.Thread.start
_real_join = threading.Thread.join
_real_sleep = time.sleep


class DeadlockError(Exception):
    """Every thread waits for another one."""


class WorldEndedError(BaseException):
    """The block has ended and left this thread waiting for ever."""


class _Task:
    def __init__(self) -> None:
        self.baton = _real_lock()
        self.baton.acquire()
        self.turn = 0
        self.is_woken = False
        self.is_finished = False
        self.joiners: list[_Task] = []


class Scheduler:
    """Runs threads in turn.

    Args:
        clock: the world's.
        rng: decides between threads whose waits end at the same time.
        preempts: probability that a thread gives way where it takes a free lock, default 0:
            shows what goes wrong between two steps that nothing holds together.
        skew_seconds: what the machine's clock is off by.
    """

    def __init__(
        self,
        clock: Clock,
        rng: random.Random,
        *,
        preempts: float = 0.0,
        skew_seconds: float = 0.0,
    ) -> None:
        self.clock = clock
        self._rng = rng
        self._preempts = preempts
        self._skew_seconds = skew_seconds
        self._main = _Task()
        self._tasks: dict[int, _Task] = {}
        self._unfinished: set[_Task] = set()
        self._waits: list[tuple[float, float, int, _Task]] = []
        self._is_deadlocked = False
        self._has_ended = False

    @contextlib.contextmanager
    def running(self) -> Generator[None]:
        """Have threads, locks and `time` on virtual time until the block ends.

        What is used in the block has to be created in it: a lock or an event from before is a
        real one. A clock that was bound before, as a default argument is, stays a real one too.
        """
        self._tasks[threading.get_ident()] = self._main
        with contextlib.ExitStack() as stack:
            for target, name, value in self._replacements():
                stack.enter_context(mock.patch.object(target, name, value))
            self.clock.waiter = self
            try:
                yield
            finally:
                self._end()

    def sleep(self, seconds: float) -> bool:
        task = self.current_task()
        if task is None:
            return False
        self._wait(task, self.clock.now + max(0.0, seconds))
        self._switch(task)
        return True

    def current_task(self) -> "_Task | None":
        """The calling thread, when it is one of those that run here."""
        return None if self._has_ended else self._tasks.get(threading.get_ident())

    def block(self, task: _Task, timeout_seconds: float | None) -> bool:
        """Wait until woken, or until the time is over; return whether woken."""
        task.is_woken = False
        if timeout_seconds is not None:
            self._wait(task, self.clock.now + timeout_seconds)
        self._switch(task)
        return task.is_woken

    def wake(self, task: _Task) -> None:
        """Let a thread that blocks go on, when its turn comes."""
        task.is_woken = True
        self._wait(task, self.clock.now)

    def may_preempt(self, task: _Task) -> None:
        """Give way, perhaps."""
        if self._preempts and self._rng.random() < self._preempts:
            self._wait(task, self.clock.now)
            self._switch(task)

    def _replacements(self) -> list[tuple[Any, str, Any]]:
        def new_lock() -> VirtualLock:
            return VirtualLock(self)

        def sleep(seconds: float) -> None:
            self.sleep(seconds) or _real_sleep(seconds)

        return [
            (threading, "Lock", new_lock),
            (threading, "_allocate_lock", new_lock),
            (threading, "RLock", threading._PyRLock),
            (threading, "_time", lambda: self.clock.now),
            (threading.Thread, "start", self._start_thread()),
            (threading.Thread, "join", self._join_thread()),
            (queue, "SimpleQueue", queue._PySimpleQueue),
            (concurrent.futures.thread, "_global_shutdown_lock", new_lock()),
            (time, "time", lambda: self.clock.now + self._skew_seconds),
            (time, "monotonic", lambda: self.clock.now),
            # The one that is asked for is the machine's time since it was started.
            (time, "clock_gettime", lambda _: self.clock.now),
            (time, "sleep", sleep),
        ]

    def _start_thread(self) -> Callable[[threading.Thread], None]:
        def start(thread: threading.Thread) -> None:
            if self.current_task() is None:
                _real_start(thread)
                return
            task = _Task()
            self._unfinished.add(task)
            run = thread.run

            def run_in_turn() -> None:
                self._tasks[threading.get_ident()] = task
                thread._unkind_task = task
                task.baton.acquire()
                with contextlib.suppress(WorldEndedError):
                    if not self._has_ended:
                        run()
                self._finish(task)

            thread.run = run_in_turn  # type: ignore[method-assign]
            thread._unkind_task = task  # type: ignore[attr-defined]
            thread._started = _Started()  # type: ignore[attr-defined]
            _real_start(thread)
            self._wait(task, self.clock.now)

        return start

    def _join_thread(self) -> Callable[..., None]:
        def join(thread: threading.Thread, timeout: float | None = None) -> None:
            task, own = getattr(thread, "_unkind_task", None), self.current_task()
            if task is not None and own is not None and not task.is_finished:
                task.joiners.append(own)
                if not self.block(own, timeout):
                    return
            _real_join(thread, timeout)

        return join

    def _wait(self, task: _Task, until: float) -> None:
        heapq.heappush(self._waits, (until, self._rng.random(), task.turn, task))

    def _switch(self, task: _Task) -> None:
        """Let the next one run, and come back when it is the calling thread's turn again."""
        following = self._next()
        if following is not task:
            following.baton.release()
            task.baton.acquire()
        if self._has_ended:
            raise WorldEndedError
        if self._is_deadlocked and task is self._main:
            self._is_deadlocked = False
            raise DeadlockError("every thread waits for another one")

    def _next(self) -> _Task:
        while self._waits:
            until, _, turn, task = heapq.heappop(self._waits)
            if task.turn == turn and not task.is_finished:
                task.turn += 1
                self.clock.pass_until(until)
                return task
        self._is_deadlocked = True
        return self._main

    def _finish(self, task: _Task) -> None:
        task.is_finished = True
        self._unfinished.discard(task)
        self._tasks.pop(threading.get_ident(), None)
        if self._has_ended:
            return
        for joiner in task.joiners:
            self.wake(joiner)
        self._next().baton.release()

    def _end(self) -> None:
        """Let threads that are left, workers of a pool that nobody closed, come to their end."""
        self._has_ended = True
        self.clock.waiter = None
        for task in list(self._unfinished):
            task.baton.release()


class _Started:
    """What a starting thread is waited for with: really, for the moment that this takes."""

    def __init__(self) -> None:
        self._lock = _real_lock()
        self._lock.acquire()
        self._is_set = False

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        self._is_set = True
        self._lock.release()

    def wait(self, timeout: float | None = None) -> bool:
        del timeout
        with self._lock:
            return True


class VirtualLock:
    """A lock that lets the others run while it is waited for."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._is_taken = False
        self._waiting: deque[_Task] = deque()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        task = self._scheduler.current_task()
        if task is None:
            return self._acquire_outside(blocking)
        if blocking and not self._is_taken:
            self._scheduler.may_preempt(task)
        while self._is_taken:
            if not blocking:
                return False
            self._waiting.append(task)
            if not self._scheduler.block(task, None if timeout < 0 else timeout):
                self._waiting.remove(task)
                return False
        self._is_taken = True
        return True

    def release(self) -> None:
        if not self._is_taken:
            raise RuntimeError("release unlocked lock")
        self._is_taken = False
        if self._waiting:
            self._scheduler.wake(self._waiting.popleft())

    def locked(self) -> bool:
        return self._is_taken

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def _acquire_outside(self, blocking: bool) -> bool:
        """For a thread that isn't one of the scheduler's, and for what outlives the block."""
        while self._is_taken and blocking:
            _real_sleep(0.0005)
        was_free = not self._is_taken
        self._is_taken = True
        return was_free
