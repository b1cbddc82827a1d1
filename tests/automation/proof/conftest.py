"""Has the proof look at the clock of a world as unkind as AWS."""

import functools
from collections.abc import Iterator

import pytest

from automation.deadletters.queue_to_queue import move_messages
from automation.deadletters.reading import QueueReading
from automation.proof import dead_letters, fifo_dead_letters
from tests.unkind.world import World


@pytest.fixture
def on_virtual_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[World]]:
    """Have what reads and moves look at the clock of the world that is put into the list."""
    worlds: list[World] = []

    def clock() -> float:
        return worlds[-1].clock()

    def pause(seconds: float) -> None:
        worlds[-1].pause(seconds)

    reading = functools.partial(QueueReading, clock=clock)
    monkeypatch.setattr(dead_letters, "QueueReading", reading)
    moving = functools.partial(move_messages, clock=clock, pause=pause)
    monkeypatch.setattr(fifo_dead_letters, "move_messages", moving)
    return worlds
