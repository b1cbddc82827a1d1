"""A function's log is read once, in order; of runs that Lambda ended only how they ended."""

import json
import time
from typing import Any

import pytest

from automation.aws.clients import Clients
from automation.aws.consumer_log import LogReader
from tests.unkind.behaviour import UNKIND
from tests.unkind.world import World

GROUP = "consumer"


@pytest.fixture
def reader(clients: Clients) -> LogReader:
    clients.logs.create_log_group(logGroupName=GROUP)
    clients.logs.create_log_stream(logGroupName=GROUP, logStreamName="s")
    return LogReader(clients.logs, GROUP, since_ms=0)


def write(clients: Clients, *lines: str) -> None:
    now_ms = int(time.time() * 1000)
    clients.logs.put_log_events(
        logGroupName=GROUP,
        logStreamName="s",
        logEvents=[{"timestamp": now_ms, "message": line} for line in lines],
    )


def test_log_is_read_on_from_where_it_was(clients: Clients, reader: LogReader) -> None:
    write(clients, '{"n": 1}', '{"n": 2}')
    assert [event.record["n"] for event in reader.new_events()] == [1, 2]
    write(clients, '{"n": 3}')
    assert [event.record["n"] for event in reader.new_events()] == [3]
    assert list(reader.new_events()) == []


def test_equal_lines_of_one_moment_are_all_read(
    clients: Clients, reader: LogReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(clients, "one", "two", "one")
    pages = reader._pages

    def without_ids(from_ms: int) -> Any:
        for page in pages(from_ms):
            yield [{key: event[key] for key in event.keys() - {"eventId"}} for event in page]

    monkeypatch.setattr(reader, "_pages", without_ids)
    assert [event.line.text for event in reader.new_events()] == ["one", "two", "one"]
    write(clients, "one")
    assert [event.line.text for event in reader.new_events()] == ["one"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "2026-11-24T10:00:00.000Z 6f2e Task timed out after 10.01 seconds\n",
            "Task timed out after 10.01 seconds",
        ),
        (
            "RequestId: 6f2e Error: Runtime exited with error: signal: killed\nRuntime.ExitError",
            "Runtime exited with error: signal: killed",
        ),
        (
            "[ERROR] Runtime.ImportModuleError: Unable to import module 'orders': No module "
            "named 'requests'\nTraceback (most recent call last):",
            "Runtime.ImportModuleError: Unable to import module 'orders': No module named "
            "'requests'",
        ),
        (
            "[ERROR] ValueError: '396144610' is no date\nTraceback (most recent call last):",
            "ValueError",
        ),
    ],
)
def test_a_run_that_lambda_ended_is_told_without_what_a_body_may_hold(
    clients: Clients, reader: LogReader, line: str, said: str
) -> None:
    write(clients, line)
    (event,) = reader.new_events()
    assert event.is_ending
    assert not event.is_failure
    assert (event.record["level"], event.record["message"]) == ("ERROR", said)
    assert "396144610" not in json.dumps(event.record)


@pytest.mark.parametrize(
    "line",
    [
        "START RequestId: 6f2e Version: $LATEST",
        "REPORT RequestId: 6f2e\tDuration: 8.14 ms",
        "{'name': 'Shifter'}",
        '{"broken": ',
        "[INFO]\t2026-11-24T10:00:00.000Z\t6f2e\tShifter was found",
        "[ERROR]\t2026-11-24T10:00:00.000Z\t6f2e\tShifter was not found",
    ],
)
def test_other_lines_are_no_failure_of_a_message(
    clients: Clients, reader: LogReader, line: str
) -> None:
    write(clients, line)
    (event,) = reader.new_events()
    assert (event.is_failure, event.is_ending, list(event.processed)) == (False, False, [])


def test_long_log_is_read_in_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("automation.aws.consumer_log._FULL_PAGE", 50)
    world = World(UNKIND, seed=7)
    world.logs.create_group("g")
    for number in range(2_000):
        world.logs.write("g", "s", f'{{"n": {number}}}')
        world.pause(5)
    world.pause(600)
    reader = LogReader(world.logs, "g", since_ms=0)
    kept: list[int] = []
    numbers: list[object] = []
    for event in reader.new_events():
        numbers.append(event.record["n"])
        kept.append(len(reader._seen))
    assert numbers == list(range(2_000))
    assert max(kept) < 500


def test_records_that_come_late_and_behind_empty_pages_are_read_once_each() -> None:
    world = World(UNKIND, seed=5)
    world.logs.create_group("g")
    reader = LogReader(world.logs, "g", since_ms=0)
    read: list[int] = []
    for number in range(200):
        world.logs.write("g", f"stream-{number % 7}", f'{{"n": {number}}}')
        world.pause(1)
        if number % 10 == 0:
            read += [event.record["n"] for event in reader.new_events()]
    world.pause(120)
    read += [event.record["n"] for event in reader.new_events()]
    assert sorted(read) == list(range(200))
