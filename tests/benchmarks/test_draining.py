"""How the drains of a round take turns."""

from collections import Counter
from typing import Any

from benchmarks import draining
from benchmarks.embedded import Spent


class CountingQueue:
    """Takes a second for each message, and remembers whose turn it was."""

    def __init__(self, name: str, turns: list[str]) -> None:
        self._name = name
        self._turns = turns

    def drain(self, messages: int) -> Spent:
        self._turns.append(self._name)
        return Spent(clock=messages, emulator=2 * messages, functions=3 * messages)


def test_in_a_round_each_contender_is_as_often_first_as_last():
    turns: list[str] = []
    queues: Any = {name: CountingQueue(name, turns) for name in draining.CONTENDERS}
    spent = draining._round(queues)
    size = len(draining.CONTENDERS)
    for place in range(size):
        assert set(Counter(turns[place::size]).values()) == {draining.DRAINS // size}
    expected = Spent(
        clock=draining.OF_A_ROUND,
        emulator=2 * draining.OF_A_ROUND,
        functions=3 * draining.OF_A_ROUND,
    )
    assert set(spent.values()) == {expected}
