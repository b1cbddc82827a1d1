"""The world's CloudWatch Logs: late, out of order, in pages that may be empty, nothing left out."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.unkind.behaviour import Behaviour
from tests.unkind.world import World


def read(world: World, **request: Any) -> list[dict[str, Any]]:
    pages = world.logs.get_paginator("filter_log_events").paginate(logGroupName="g", **request)
    return [event for page in pages for event in page["events"]]


def test_events_come_in_the_order_of_their_time() -> None:
    world = World()
    now = world.time.now
    for number, at in enumerate((now + 2, now, now + 1)):
        world.logs.write("g", "s", str(number), at=at)
    world.pause(5)
    assert [event["message"] for event in read(world)] == ["1", "2", "0"]


def test_a_stream_may_be_two_minutes_late_and_older_than_what_was_read() -> None:
    world = World()
    world.logs.write("g", "slow", "old", arrives_after=120)
    world.pause(60)
    world.logs.write("g", "fast", "new")
    assert [event["message"] for event in read(world)] == ["new"]
    world.pause(61)
    late, early = read(world)
    assert (late["message"], early["message"]) == ("old", "new")
    assert late["timestamp"] < early["timestamp"] < late["ingestionTime"]


def test_each_stream_has_its_own_delay() -> None:
    world = World(Behaviour(log_delay_seconds=120), seed=1)
    for stream in range(20):
        world.logs.write("g", f"stream-{stream}", str(stream))
    world.pause(60)
    assert 0 < len(read(world)) < 20
    world.pause(60)
    assert len(read(world)) == 20


def test_pages_may_be_empty_and_go_on() -> None:
    world = World(Behaviour(log_page_events=3, empty_log_pages=0.4), seed=1)
    for number in range(20):
        world.logs.write("g", "s", str(number))
    world.pause(1)
    pages = list(world.logs.get_paginator("filter_log_events").paginate(logGroupName="g"))
    assert any(not page["events"] and "nextToken" in page for page in pages)
    events = [event for page in pages for event in page["events"]]
    assert [event["message"] for event in events] == [str(number) for number in range(20)]
    assert len({event["eventId"] for event in events}) == 20


def test_reading_begins_at_a_time() -> None:
    world = World()
    start = world.time.now
    for number in range(3):
        world.logs.write("g", "s", str(number), at=start + number)
    world.pause(5)
    found = read(world, startTime=int((start + 1) * 1000))
    assert [event["message"] for event in found] == ["1", "2"]


def test_missing_group_is_refused() -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        read(World())
