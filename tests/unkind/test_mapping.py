"""The world's Lambda deletes what was processed, by AWS's rules, and logs as Lambda does."""

import json
from typing import Any

import pytest

from tests.unkind.consumers import ours, silent, whole_batch_ends
from tests.unkind.ledger import content_of
from tests.unkind.mapping import Record, Run, failed_ids
from tests.unkind.world import World

BATCH = ("a", "b", "c")


@pytest.mark.parametrize(
    "answer", [None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}]
)
def test_answer_is_a_complete_success(answer: Any) -> None:
    assert failed_ids(answer, BATCH) == set()


@pytest.mark.parametrize(
    "answer",
    [
        "no JSON object",
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{"itemIdentifier": None}]},
        {"batchItemFailures": [{"itemIdentifer": "a"}]},
        {"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "stranger"}]},
        {"batchItemFailures": ["a"]},
    ],
)
def test_answer_is_a_complete_failure(answer: Any) -> None:
    assert failed_ids(answer, BATCH) == set(BATCH)


def test_answer_names_what_failed() -> None:
    assert failed_ids({"batchItemFailures": [{"itemIdentifier": "b"}]}, BATCH) == {"b"}


def loaded(consumer: Any, **arguments: Any) -> tuple[World, Any, Any]:
    world = World()
    dlq = world.add_queue("dlq")
    queue = world.add_queue("q", dead_letters=dlq, receives=2, VisibilityTimeout="30")
    letters = [
        world.letter(
            "bad" if number % 10 == 0 else f"good {number}",
            {
                "run_id": {"DataType": "String", "StringValue": "run"},
                "seq": {"DataType": "Number", "StringValue": str(number)},
            },
            receives=0,
        )
        for number in range(50)
    ]
    world.put(queue, letters)
    world.add_mapping(queue, consumer, log_group="log", **arguments)
    world.pause(300)
    return world, queue, dlq


def is_bad(record: Record) -> bool:
    return record.body == "bad"


def records(world: World) -> list[dict[str, Any]]:
    pages = world.logs.get_paginator("filter_log_events").paginate(logGroupName="log")
    lines = [event["message"] for page in pages for event in page["events"]]
    return [json.loads(line) for line in lines if line.startswith("{")]


def test_only_what_failed_is_dead_lettered() -> None:
    world, queue, dlq = loaded(ours(is_bad))
    assert (len(queue.messages()), len(dlq.messages())) == (0, 5)
    assert sum(world.ledger.processed.values()) == 45
    world.ledger.assert_law()


def test_consumer_logs_what_the_projects_own_does() -> None:
    world, _, _ = loaded(ours(is_bad))
    done = [seq for record in records(world) for seq in record.get("processed", {}).get("run", [])]
    assert sorted(done) == [number for number in range(50) if number % 10]
    failures = [record for record in records(world) if record["level"] == "ERROR"]
    assert {(f["seq"], f["receive_count"]) for f in failures} == {
        (n, r) for n in range(0, 50, 10) for r in (1, 2)
    }


@pytest.mark.parametrize(
    ("ending", "line"),
    [("raise", "[ERROR]"), ("time out", "Task timed out after 10.00"), ("crash", "Runtime exited")],
)
def test_run_that_ends_otherwise_fails_its_whole_batch(ending: Any, line: str) -> None:
    world, queue, dlq = loaded(whole_batch_ends(ending, is_bad))
    assert len(queue.messages()) == 0
    assert len(dlq.messages()) == 50
    pages = world.logs.get_paginator("filter_log_events").paginate(logGroupName="log")
    assert any(line in event["message"] for page in pages for event in page["events"])


def test_without_partial_responses_an_answer_is_a_success() -> None:
    _, queue, dlq = loaded(ours(is_bad), partial=False)
    assert (len(queue.messages()), len(dlq.messages())) == (0, 0)


def test_silent_consumer_processes_and_says_nothing() -> None:
    world, queue, dlq = loaded(silent(is_bad))
    assert (len(queue.messages()), len(dlq.messages()), records(world)) == (0, 5, [])


def test_slow_consumers_batch_is_visible_again_meanwhile() -> None:
    world = World()
    queue = world.add_queue("q", VisibilityTimeout="30")
    world.put(queue, [world.letter("x", receives=0)])
    mapping = world.add_mapping(queue, lambda _: Run(seconds=40), timeout_seconds=60)
    world.pause(100)
    assert mapping.runs == 2
    assert world.ledger.processed[content_of("x", {}, {})] == 1


def test_no_more_runs_at_once_than_the_concurrency() -> None:
    world = World()
    queue = world.add_queue("q")
    world.put(queue, [world.letter(f"{n}", receives=0) for n in range(100)])
    mapping = world.add_mapping(queue, lambda _: Run(seconds=1), concurrency=2)
    world.pause(3.5)
    assert mapping.runs == 8


def test_message_sent_later_is_processed() -> None:
    world = World()
    queue = world.add_queue("q")
    world.add_mapping(queue, ours(is_bad))
    world.pause(1000)
    world.sender.send_message(QueueUrl=queue.url, MessageBody="x")
    world.pause(1)
    assert queue.messages() == []
