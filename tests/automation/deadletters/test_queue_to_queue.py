"""A redrive moves what it is asked to, leaves the rest as it was, and knows when to stop."""

import dataclasses
import fcntl
import json
import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest
from botocore.exceptions import ClientError

from automation.deadletters import queue_to_queue
from automation.deadletters.journal import Journal, JournalError
from automation.deadletters.message import Message
from automation.deadletters.move_plan import MoveReport, Plan
from automation.deadletters.queue_to_queue import move_messages
from automation.deadletters.receiving import HIDDEN_SECONDS
from tests.unkind.faults import Fault
from tests.unkind.queue import Queue, Stored
from tests.unkind.world import World


@pytest.fixture
def world() -> World:
    return World()


def dead_letter(world: World, number: int, **attributes: str) -> Stored:
    numbers = {
        name: {"DataType": "Number", "StringValue": value} for name, value in attributes.items()
    }
    return world.letter(f"body {number}", numbers, message_id=f"dead-{number}")


def put(world: World, dlq: Queue, numbers: range) -> None:
    world.put(dlq, [dead_letter(world, number) for number in numbers])


@pytest.fixture
def empty_dlq(world: World) -> Queue:
    return world.add_queue("dlq")


@pytest.fixture
def dlq(world: World, empty_dlq: Queue) -> Queue:
    put(world, empty_dlq, range(35))
    return empty_dlq


@pytest.fixture
def queue(world: World) -> Queue:
    return world.add_queue("queue")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal.jsonl", purpose="redrive", source="dlq") as journal:
        yield journal


def ids(queue: Queue) -> list[str]:
    return [message.message_id for message in queue.messages()]


def bodies(queue: Queue) -> set[str]:
    return {message.body for message in queue.messages()}


def move(world: World, dlq: Queue, queue: Queue, journal: Journal, **plan: Any) -> MoveReport:
    cancel = plan.pop("cancel", threading.Event())
    arguments = {"connections": 1, **plan}
    with world.running():
        return move_messages(
            world.sqs,
            world.sender,
            Plan(source_url=dlq.url, destination_url=queue.url, **arguments),
            journal,
            cancel=cancel,
            clock=world.clock,
            pause=world.pause_until_set(cancel),
        )


def test_everything_moves_and_the_journal_is_set_aside(
    world: World, dlq: Queue, queue: Queue, journal: Journal
) -> None:
    report = move(world, dlq, queue, journal, connections=3)
    assert (report.counts.moved, report.ended, report.journal) == (35, "empty", None)
    assert (len(ids(dlq)), len(ids(queue))) == (0, 35)
    world.ledger.assert_law()
    assert not journal.path.exists()
    assert [path.name for path in journal.path.parent.iterdir()] == [
        f"journal.{journal.run_id}.finished.jsonl"
    ]


def test_what_is_not_wanted_is_visible_again(
    world: World, dlq: Queue, queue: Queue, journal: Journal
) -> None:
    report = move(world, dlq, queue, journal, wants=lambda message: message.body.endswith("7"))
    assert (report.counts.moved, report.counts.skipped) == (3, 32)
    assert bodies(queue) == {"body 7", "body 17", "body 27"}
    assert dlq.in_flight == 0


@pytest.mark.parametrize("connections", [1, 3])
def test_limit_is_kept_exactly(
    world: World, dlq: Queue, queue: Queue, journal: Journal, connections: int
) -> None:
    report = move(world, dlq, queue, journal, limit=13, connections=connections)
    assert (report.ended, len(ids(queue)), len(ids(dlq))) == ("limit", 13, 22)
    assert report.moved.keys() == set(ids(queue))
    assert dlq.in_flight == 0


def test_rate_is_kept(world: World, dlq: Queue, queue: Queue, journal: Journal) -> None:
    report = move(world, dlq, queue, journal, messages_per_second=5)
    # Seven batches of five, a second apart; the rest is how long requests take.
    assert report.seconds == pytest.approx(30 / 5, abs=0.5)


def test_redrive_count_goes_up_and_stops_a_loop(
    world: World, empty_dlq: Queue, queue: Queue, journal: Journal
) -> None:
    counted = [dead_letter(world, number, redrive_count=f"{number}") for number in (1, 2)]
    world.put(empty_dlq, [dead_letter(world, 0), *counted])
    report = move(world, empty_dlq, queue, journal, max_redrives=2)
    counts = [one.attributes["redrive_count"]["StringValue"] for one in queue.messages()]
    assert counts == ["1", "2"]
    assert report.counts.replayed == 1
    assert ids(empty_dlq) == ["dead-2"]


def test_message_without_room_moves_uncounted(
    world: World, empty_dlq: Queue, queue: Queue, journal: Journal
) -> None:
    ten = {f"a{number}": "1" for number in range(10)}
    world.put(empty_dlq, [dead_letter(world, 0, **ten)])
    report = move(world, empty_dlq, queue, journal)
    assert (report.counts.moved, report.counts.uncounted) == (1, 1)
    assert len(queue.messages()[0].attributes) == 10


@pytest.mark.parametrize("spare_bytes", [0, 19, 20, 21, 40])
def test_message_that_nearly_fills_the_queues_own_limit_moves(
    world: World, empty_dlq: Queue, journal: Journal, spare_bytes: int
) -> None:
    queue = world.add_queue("small", MaximumMessageSize="1024")
    world.put(empty_dlq, [world.letter("x" * (1024 - spare_bytes))])
    report = move(world, empty_dlq, queue, journal, max_bytes=1024)
    assert (report.counts.moved, report.counts.failed, ids(empty_dlq)) == (1, 0, [])


def test_what_comes_back_is_left_alone(
    world: World, dlq: Queue, queue: Queue, journal: Journal
) -> None:
    def fail_again() -> None:
        for message in queue.messages():
            queue.remove(message, world.time.now)
            dlq.add(message, world.time.now)

    world.before_each_receive(fail_again)
    report = move(world, dlq, queue, journal)
    assert (report.counts.moved, report.counts.returned) == (35, 35)
    assert len(ids(dlq)) == 35


def test_refused_messages_are_named_and_stay(
    world: World, dlq: Queue, queue: Queue, journal: Journal
) -> None:
    refusal = Fault(failing_entries=frozenset({2}), sender_fault=True)
    world.faults.scripted["SendMessageBatch"].append(refusal)
    report = move(world, dlq, queue, journal)
    assert (report.counts.moved, report.counts.failed) == (34, 1)
    assert report.failures == {"dead-2": "InternalError: injected"}
    assert (ids(dlq), dlq.in_flight) == (["dead-2"], 0)


def test_queue_that_refuses_everything_ends_the_run(
    world: World, empty_dlq: Queue, queue: Queue, journal: Journal
) -> None:
    put(world, empty_dlq, range(300))
    refusal = Fault(failing_entries=frozenset(range(10)), sender_fault=True)
    world.faults.scripted["SendMessageBatch"].extend([refusal] * 30)
    report = move(world, empty_dlq, queue, journal)
    assert (report.ended, report.counts.failed) == ("refused", 100)
    assert len(ids(empty_dlq)) == 300


def test_failed_deletion_is_reported_and_made_good_by_the_next_run(
    world: World, dlq: Queue, queue: Queue, journal: Journal
) -> None:
    gone = Fault(
        failing_entries=frozenset({0}), entry_code="ReceiptHandleIsInvalid", sender_fault=True
    )
    world.faults.scripted["DeleteMessageBatch"].append(gone)
    report = move(world, dlq, queue, journal)
    assert report.not_deleted == ("dead-0",)
    assert report.journal == journal.path
    journal.close()

    world.pause(HIDDEN_SECONDS)
    with Journal(journal.path, purpose="redrive", source="dlq") as again:
        again.written_seconds_ago = math.inf
        report = move(world, dlq, queue, again)
    assert (report.counts.moved, report.counts.deleted_only, report.continued) == (0, 1, True)
    assert (len(ids(dlq)), len(ids(queue))) == (0, 35)


@pytest.mark.parametrize(
    "error",
    ["ReadTimeoutError", "ConnectionClosedError", "SSLError", "ProxyConnectionError"],
)
def test_lost_answer_is_a_possible_duplicate(
    world: World, dlq: Queue, queue: Queue, journal: Journal, error: str
) -> None:
    world.faults.scripted["SendMessageBatch"].append(Fault(error=error, after=True))
    report = move(world, dlq, queue, journal)
    assert set(report.possible_duplicates) == {f"dead-{number}" for number in range(10)}
    assert len(ids(queue)) == 45


def test_throttling_is_no_duplicate(
    world: World, dlq: Queue, queue: Queue, journal: Journal
) -> None:
    world.faults.scripted["SendMessageBatch"].append(Fault(error="RequestThrottled"))
    report = move(world, dlq, queue, journal)
    assert report.possible_duplicates == ()
    assert len(ids(queue)) == 35


def test_send_that_stays_unknown_leaves_the_journal_for_the_next_run(
    world: World, empty_dlq: Queue, queue: Queue, journal: Journal
) -> None:
    put(world, empty_dlq, range(3))
    lost = Fault(error="ReadTimeoutError", after=True)
    world.faults.scripted["SendMessageBatch"].extend([lost] * 5)
    report = move(world, empty_dlq, queue, journal)
    assert (report.counts.failed, report.journal) == (3, journal.path)
    world.ledger.assert_law(doubled_are_named=report.possible_duplicates)


def test_cancelled_run_gives_everything_back(
    world: World, dlq: Queue, queue: Queue, journal: Journal
) -> None:
    cancel = threading.Event()
    world.before_each_receive(cancel.set)
    report = move(world, dlq, queue, journal, cancel=cancel)
    assert (report.ended, report.counts.moved) == ("interrupted", 0)
    assert (len(ids(dlq)), dlq.in_flight) == (35, 0)


def test_missing_queue_ends_the_run_and_gives_everything_back(
    world: World, dlq: Queue, queue: Queue, journal: Journal
) -> None:
    world.service.delete_queue(QueueUrl=queue.url)
    with pytest.raises(ClientError, match="NonExistentQueue"):
        move(world, dlq, queue, journal)
    assert dlq.in_flight == 0
    # SQS took nothing, so a later run has nothing to report.
    assert journal.state("dead-0") is None


def test_worker_that_fails_has_the_others_end_without_looking_over_and_over(
    monkeypatch: pytest.MonkeyPatch,
    world: World,
    dlq: Queue,
    queue: Queue,
    journal: Journal,
) -> None:
    looks: list[object] = []
    real_wait = queue_to_queue.wait

    def wait(*arguments: Any) -> Any:
        looks.append(arguments)
        assert len(looks) < 10
        return real_wait(*arguments)

    monkeypatch.setattr(queue_to_queue, "wait", wait)
    world.faults.scripted["SendMessageBatch"].append(Fault(error="AccessDenied"))
    with pytest.raises(ClientError, match="AccessDenied"):
        move(world, dlq, queue, journal, connections=3)
    assert dlq.in_flight == 0


def test_run_stops_when_as_much_comes_in_as_goes_out(
    world: World, dlq: Queue, queue: Queue, journal: Journal
) -> None:
    numbers = iter(range(1000, 100_000, 12))

    def refill() -> None:
        number = next(numbers)
        put(world, dlq, range(number, number + 12))

    world.before_each_receive(refill)
    report = move(world, dlq, queue, journal, refill_check_seconds=2)
    assert report.ended == "refilling"
    assert report.explanation
    assert "fills as fast as it drains" in report.explanation


def test_continued_run_waits_for_what_the_killed_one_has_hidden(
    world: World, empty_dlq: Queue, queue: Queue, tmp_path: Path
) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path, purpose="redrive", source="dlq") as killed:
        killed.intend(["dead-0"])
    put(world, empty_dlq, range(1))
    world.service.receive_message(QueueUrl=empty_dlq.url, VisibilityTimeout=HIDDEN_SECONDS - 5)
    with Journal(path, purpose="redrive", source="dlq") as journal:
        journal.written_seconds_ago = 0
        report = move(world, empty_dlq, queue, journal)
    assert report.possible_duplicates == ("dead-0",)
    assert (report.counts.moved, len(ids(queue))) == (1, 1)


def test_repair_is_sent_instead(world: World, dlq: Queue, queue: Queue, journal: Journal) -> None:
    def repair(message: Message) -> Message:
        return dataclasses.replace(message, body=message.body.upper())

    move(world, dlq, queue, journal, change=repair)
    assert bodies(queue) == {f"BODY {n}" for n in range(35)}


def test_journal_is_one_processs_own(journal: Journal) -> None:
    with pytest.raises(JournalError, match="another run is working on dlq"):
        Journal(journal.path, purpose="redrive", source="dlq")


def test_journal_that_is_set_aside_between_opening_and_locking_is_not_continued(
    monkeypatch: pytest.MonkeyPatch, journal: Journal
) -> None:
    flock, its_run = fcntl.flock, [journal]

    def lock(file: IO[bytes], operation: int) -> None:
        while its_run:
            ended = its_run.pop()
            ended.finish()
            ended.close()
        flock(file, operation)

    monkeypatch.setattr(fcntl, "flock", lock)
    journal.intend(["dead-0"])
    with Journal(journal.path, purpose="redrive", source="dlq") as new:
        new.intend(["dead-1"])
        assert (new.is_continued, new.state("dead-0")) == (False, None)
        assert '"dead-1"' in journal.path.read_text()


def test_journal_of_other_work_is_refused(journal: Journal) -> None:
    journal.close()
    with pytest.raises(JournalError, match="journal of other work: redrive of dlq"):
        Journal(journal.path, purpose="redrive", source="other")


@pytest.mark.parametrize("line", ["garbage", "7", "[]", "\0\0", ""])
def test_damaged_journal_is_no_reason_to_send_twice(journal: Journal, line: str) -> None:
    journal.close()
    with journal.path.open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(JournalError, match="is damaged"):
        Journal(journal.path, purpose="redrive", source="dlq")


def test_journal_holds_no_bodies(world: World, dlq: Queue, queue: Queue, journal: Journal) -> None:
    move(world, dlq, queue, journal)
    (path,) = journal.path.parent.iterdir()
    assert "body" not in path.read_text()
    assert all(json.loads(line)["event"] for line in path.read_text().splitlines())
