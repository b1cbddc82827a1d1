"""SQS and an event source mapping, message by message: another opinion than the planner's formulas.

It shares nothing with `automation.planning`. Each poller is a process: it receives what is visible,
up to a batch, gathers within the window, invokes, and gives back what failed. Each minute more of
them are started while anything is visible. Messages of a group are in one batch at a time.
"""

import math
import random
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

import simpy

Steps = Generator[simpy.Event, Any, None]


@dataclass(eq=False)
class Message:
    is_bad: bool
    sent_at: float
    group: int | None = None
    receives: int = 0
    first_received_at: float = 0.0


@dataclass(kw_only=True)
class Queue:
    """What is simulated, and what has been seen.

    `has_back_off` False is a consumer that only reports failures: they come back after the
    visibility timeout. Batches and work are counted from `counted_from` on.
    """

    seed: int
    rate: float = 0.0
    until: float = 0.0
    burst: int = 0
    bad_ratio: float = 0.0
    duration: float
    gap: float
    batch_size: int = 10
    window: float = 0.0
    first: int = 5
    per_minute: int = 300
    most: int = 1_000
    max_receive_count: int = 2
    visibility: float = 60.0
    has_back_off: bool = True
    groups: int | None = None
    counted_from: float = 0.0

    peak: int = 0
    visible: int = 0
    drained_at: float | None = None
    batches: int = 0
    received: int = 0
    busy_seconds: float = 0.0
    waits: list[float] = field(default_factory=list[float])
    dead_after: list[float] = field(default_factory=list[float])
    group_done_at: dict[int, float] = field(default_factory=dict[int, float])
    processed: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 drawn, not secret
        self._env = simpy.Environment()
        self._ready: dict[int | None, deque[Message]] = {}
        self._order: deque[int | None] = deque()
        self._held: set[int | None] = set()
        self._idle: deque[simpy.Event] = deque()
        self._pollers = 0
        self._left = self.burst
        self._sent = 0

    def run(self, seconds: float) -> "Queue":
        for _ in range(self.burst):
            self._arrive()
        self._start_pollers(self.first)
        self._env.process(self._scale())
        if self.rate:
            self._env.process(self._send())
        self._env.run(until=seconds)
        return self

    def _send(self) -> Steps:
        while self._env.now < self.until:
            yield self._env.timeout(self._random.expovariate(self.rate))
            self._arrive()

    def _arrive(self) -> None:
        self._sent += 1
        group = None if self.groups is None else self._sent % self.groups
        self._show(Message(self._is_bad(), self._env.now, group), at_front=False)

    def _is_bad(self) -> bool:
        if self.groups is None:
            return self._random.random() < self.bad_ratio
        # Groups are equally busy, so each has the same share of bad ones, at even distances.
        before = self._sent // self.groups
        return math.floor((before + 1) * self.bad_ratio) > math.floor(before * self.bad_ratio)

    def _show(self, message: Message, *, at_front: bool) -> None:
        waiting = self._ready.setdefault(message.group, deque())
        if not waiting and message.group not in self._held:
            self._order.append(message.group)
        (waiting.appendleft if at_front else waiting.append)(message)
        self.visible += 1
        self.peak = max(self.peak, self.visible)
        self._wake()

    def _wake(self) -> None:
        if self._order and self._idle:
            self._idle.popleft().succeed()

    def _start_pollers(self, count: int) -> None:
        self._pollers += count
        for _ in range(count):
            self._env.process(self._poll())

    def _scale(self) -> Steps:
        while True:
            yield self._env.timeout(60)
            if self.visible:
                self._start_pollers(min(self.per_minute, self.most - self._pollers))

    def _poll(self) -> Steps:
        while True:
            while not self._order:
                self._idle.append(self._env.event())
                yield self._idle[-1]
            batch = list(self._receive(self.batch_size))
            ends_at = self._env.now + self.window
            while len(batch) < self.batch_size and self._env.now < ends_at:
                more = self._env.event()
                self._idle.append(more)
                yield more | self._env.timeout(ends_at - self._env.now)
                if not more.triggered:
                    self._idle.remove(more)
                batch += self._receive(self.batch_size - len(batch))
            yield self._env.timeout(self.gap)
            ended, skipped = self._worked_on(batch)
            yield self._env.timeout(self.duration * len(ended))
            if self._env.now > self.counted_from:
                self.batches += 1
                self.received += len(batch)
                self.busy_seconds += self.duration * len(ended)
            self._answer(ended, skipped)

    def _receive(self, count: int) -> Iterator[Message]:
        while count and self._order:
            group = self._order.popleft()
            waiting = self._ready[group]
            while count and waiting:
                count -= 1
                yield self._taken(waiting.popleft())
            if group is not None:
                self._held.add(group)
            elif waiting:
                self._order.appendleft(group)
        self._wake()

    def _taken(self, message: Message) -> Message:
        self.visible -= 1
        message.receives += 1
        if message.group is not None:
            self.group_done_at[message.group] = self._env.now
        if message.receives == 1:
            message.first_received_at = self._env.now
            self.waits.append(self._env.now - message.sent_at)
            self._left -= 1
        # A queue that begins empty has something to drain once the first minute is over.
        is_begun = self.burst or self._env.now >= 60
        if is_begun and self.visible == 0 and self._left <= 0 and self.drained_at is None:
            self.drained_at = self._env.now
        return message

    def _worked_on(self, batch: list[Message]) -> tuple[list[Message], list[Message]]:
        """In a FIFO queue a failure that will come back stops its group: the rest is skipped."""
        ended: list[Message] = []
        skipped: list[Message] = []
        stopped: set[int] = set()
        for message in batch:
            if message.group in stopped:
                skipped.append(message)
                continue
            ended.append(message)
            if message.group is not None and message.is_bad and not self._is_last(message):
                stopped.add(message.group)
        return ended, skipped

    def _is_last(self, message: Message) -> bool:
        return message.receives >= self.max_receive_count

    def _answer(self, ended: list[Message], skipped: list[Message]) -> None:
        """Good messages are deleted; a bad one comes back, and in its group what is behind it."""
        stopped: set[int | None] = set()
        for message in ended:
            if not message.is_bad:
                self.processed += 1
                continue
            behind = [other for other in skipped if other.group == message.group]
            if message.group is not None and not self._is_last(message):
                stopped.add(message.group)
            self._env.process(self._come_back([message, *behind]))
        for group in {message.group for message in ended} - {None} - stopped:
            self._release(group)

    def _come_back(self, messages: list[Message]) -> Steps:
        first = messages[0]
        is_last = self._is_last(first)
        if not self.has_back_off:
            # Counted from the receive, which was before gap and work.
            worked = self.gap + self.duration
            yield self._env.timeout(max(0.0, self.visibility - worked))
        elif not is_last:
            ceiling = min(60, 2 ** (first.receives - 1))
            yield self._env.timeout(self._random.randint(0, ceiling))
        if is_last:
            self.dead_after.append(self._env.now - first.first_received_at)
            return
        for message in reversed(messages):
            self._show(message, at_front=first.group is not None)
        if first.group is not None:
            self._release(first.group)

    def _release(self, group: int | None) -> None:
        self._held.discard(group)
        if self._ready.get(group) and group not in self._order:
            self._order.append(group)
            self._wake()
