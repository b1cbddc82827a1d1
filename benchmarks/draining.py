"""How fast a queue full of good messages is emptied, and what that takes of the processors."""

import itertools
from collections.abc import Callable, Mapping, Sequence

from benchmarks.consuming import CONSUMERS, EMPTY, POWERTOOLS, Consumer
from benchmarks.embedded import Cloud, Spent
from benchmarks.figures import OURS, Figure, Target

CONTENDERS = (OURS, EMPTY, POWERTOOLS)
# What else a machine does changes within seconds. Short drains in turn share it out evenly; each of
# the three is as often first as last.
DRAINS = 6
DRAINED = 4_000
OF_A_ROUND = DRAINS * DRAINED
WARMING = 1_000
COLD = 10_000


def draining(cloud: Cloud, rounds: int) -> list[Figure]:
    """By workers that have worked before: on the clock, of all processors, of the function's."""
    queues = {name: _Queue(cloud, CONSUMERS[name]) for name in CONTENDERS}
    for queue in queues.values():
        queue.drain(WARMING)
    found = [_round(queues) for _ in range(rounds)]
    for queue in queues.values():
        cloud.wait_for(f"{queue.url}-dlq", 0)
    wanted = [Target(against=EMPTY, at_least=0.9), Target(against=POWERTOOLS, at_least=1.0)]
    return [
        Figure(
            name=f"drain of {OF_A_ROUND:,} good messages",
            unit="messages/s",
            meaning="What the checks, the exact log and the partial answers cost a batch without "
            "failures: next to nothing.",
            values=_values(found, lambda spent: OF_A_ROUND / spent.clock),
            targets=wanted,
        ),
        Figure(
            name="drain by processor time",
            unit="messages/s of processor",
            meaning="With the embedded AWS's part, most of it, which is the same for all three; "
            "unlike the figure above hardly changed by what else the machine does.",
            values=_values(found, lambda spent: OF_A_ROUND / (spent.emulator + spent.functions)),
            targets=wanted,
        ),
        Figure(
            name="the function's work on a good message",
            unit="µs of processor",
            meaning="What Lambda bills, beside waiting: reading the event, the work, the log, the "
            "answer.",
            values=_values(found, lambda spent: 1e6 * spent.functions / OF_A_ROUND),
            targets=[Target(against=POWERTOOLS, at_most=1.0)],
        ),
    ]


def draining_cold(cloud: Cloud, rounds: int) -> Figure:
    """On the clock, by workers that start: ten of them, on the processors of everything."""
    values: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    for _ in range(rounds):
        for name, found in values.items():
            queue = _Queue(cloud, CONSUMERS[name])
            found.append(COLD / queue.drain(COLD).clock)
            cloud.unmap(queue.mapping)
    return Figure(
        name=f"drain of {COLD:,} good messages, cold starts and all",
        unit="messages/s",
        meaning="With the imports of ten workers in it, which on Lambda have processors of their "
        "own and here have not.",
        values=values,
        targets=[],
    )


class _Queue:
    """A contender's queue, whose mapping delivers only while it is drained."""

    def __init__(self, cloud: Cloud, consumer: Consumer) -> None:
        self._cloud = cloud
        self.url = cloud.queue(max_receive_count=2)
        self.mapping = consumer.attach(cloud, self.url)
        cloud.pause(self.mapping)

    def drain(self, messages: int) -> Spent:
        """Empties it of so many good messages."""
        self._cloud.fill(self.url, itertools.repeat(False, messages))
        before = self._cloud.spent()
        self._cloud.resume(self.mapping)
        self._cloud.wait_for(self.url, 0)
        spent = self._cloud.spent() - before
        self._cloud.pause(self.mapping)
        return spent


def _round(queues: Mapping[str, _Queue]) -> dict[str, Spent]:
    """What each contender's drains took together."""
    spent = dict.fromkeys(queues, Spent(clock=0, emulator=0, functions=0))
    for turn in range(DRAINS):
        first = turn % len(CONTENDERS)
        for name in CONTENDERS[first:] + CONTENDERS[:first]:
            spent[name] += queues[name].drain(DRAINED)
    return spent


def _values(
    rounds: Sequence[Mapping[str, Spent]], value: Callable[[Spent], float]
) -> Mapping[str, Sequence[float]]:
    return {name: [value(spent[name]) for spent in rounds] for name in CONTENDERS}
