"""A redrive moves what it is asked to, leaves the rest as it was, and knows when to stop."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from automation.deadletters.journal import Journal, JournalError
from automation.deadletters.message import Message
from automation.deadletters.move_plan import MoveReport, Plan
from automation.deadletters.queue_to_queue import move_messages
from automation.deadletters.receiving import HIDDEN_SECONDS
from tests.automation.deadletters.fake_queues import (
    FakeQueue,
    FakeSqs,
    Fault,
    Stored,
    client_error,
)


def dead_letter(number: int, **attributes: str) -> Stored:
    return Stored(
        f"dead-{number}",
        f"body {number}",
        {name: {"DataType": "Number", "StringValue": value} for name, value in attributes.items()},
        {"SentTimestamp": "1700000000000", "ApproximateReceiveCount": "3"},
    )


@pytest.fixture
def dlq() -> FakeQueue:
    return FakeQueue("dlq", [dead_letter(number) for number in range(35)])


@pytest.fixture
def queue() -> FakeQueue:
    return FakeQueue("queue")


@pytest.fixture
def sqs(dlq: FakeQueue, queue: FakeQueue) -> FakeSqs:
    return FakeSqs(dlq, queue)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal.jsonl", purpose="redrive", source="dlq") as journal:
        yield journal


def move(sqs: FakeSqs, journal: Journal, **arguments: Any) -> MoveReport:
    cancel = arguments.pop("cancel", threading.Event())
    hooks = {key: arguments.pop(key) for key in ("clock", "pause") if key in arguments}
    plan = Plan(source_url="dlq", destination_url="queue", **{"connections": 1, **arguments})
    return move_messages(sqs, sqs, plan, journal, cancel=cancel, **hooks)  # type: ignore[arg-type]


def test_everything_moves_and_the_journal_is_set_aside(
    sqs: FakeSqs, dlq: FakeQueue, queue: FakeQueue, journal: Journal
) -> None:
    report = move(sqs, journal, connections=3)
    assert (report.counts.moved, report.ended, report.journal) == (35, "empty", None)
    assert (len(dlq.messages), len(queue.messages)) == (0, 35)
    assert not journal.path.exists()
    assert [path.name for path in journal.path.parent.iterdir()] == [
        f"journal.{journal.run_id}.finished.jsonl"
    ]


def test_what_is_not_wanted_is_visible_again(
    sqs: FakeSqs, dlq: FakeQueue, queue: FakeQueue, journal: Journal
) -> None:
    report = move(sqs, journal, wants=lambda message: message.body.endswith("7"))
    assert (report.counts.moved, report.counts.skipped) == (3, 32)
    assert {message.body for message in queue.messages} == {"body 7", "body 17", "body 27"}
    assert not any(message.is_hidden for message in dlq.messages)


@pytest.mark.parametrize("connections", [1, 3])
def test_limit_is_kept_exactly(
    sqs: FakeSqs, dlq: FakeQueue, queue: FakeQueue, journal: Journal, connections: int
) -> None:
    report = move(sqs, journal, limit=13, connections=connections)
    assert (report.ended, len(queue.messages), len(dlq.messages)) == ("limit", 13, 22)
    assert report.moved.keys() == {message.message_id for message in queue.messages}
    assert not any(message.is_hidden for message in dlq.messages)


def test_rate_makes_pauses_that_add_up(sqs: FakeSqs, journal: Journal) -> None:
    pauses: list[float] = []
    move(sqs, journal, messages_per_second=5, pause=pauses.append)
    # Nothing passes time here but the pauses that are asked for, so each counts from the start.
    assert max(pauses) == pytest.approx(30 / 5, abs=0.2)


def test_redrive_count_goes_up_and_stops_a_loop(
    sqs: FakeSqs, dlq: FakeQueue, queue: FakeQueue, journal: Journal
) -> None:
    dlq.messages = [
        dead_letter(0),
        dead_letter(1, redrive_count="1"),
        dead_letter(2, redrive_count="2"),
    ]
    report = move(sqs, journal, max_redrives=2)
    assert [message.attributes["redrive_count"]["StringValue"] for message in queue.messages] == [
        "1",
        "2",
    ]
    assert report.counts.replayed == 1
    assert [message.message_id for message in dlq.messages] == ["dead-2"]


def test_message_without_room_moves_uncounted(
    sqs: FakeSqs, dlq: FakeQueue, queue: FakeQueue, journal: Journal
) -> None:
    dlq.messages = [dead_letter(0, **{f"a{number}": "1" for number in range(10)})]
    report = move(sqs, journal)
    assert (report.counts.moved, report.counts.uncounted) == (1, 1)
    assert len(queue.messages[0].attributes) == 10


def test_what_comes_back_is_left_alone(
    sqs: FakeSqs, dlq: FakeQueue, queue: FakeQueue, journal: Journal
) -> None:
    def fail_again() -> None:
        dlq.messages += queue.messages
        queue.messages = []

    sqs.before_receive = fail_again
    report = move(sqs, journal)
    assert (report.counts.moved, report.counts.returned) == (35, 35)
    assert len(dlq.messages) == 35


def test_refused_messages_are_named_and_stay(
    sqs: FakeSqs, dlq: FakeQueue, journal: Journal
) -> None:
    sqs.send_faults = [Fault(frozenset({2}), sender_fault=True)]
    report = move(sqs, journal)
    assert (report.counts.moved, report.counts.failed) == (34, 1)
    assert report.failures == {"dead-2": "InternalError: injected"}
    assert [(m.message_id, m.is_hidden) for m in dlq.messages] == [("dead-2", False)]


def test_queue_that_refuses_everything_ends_the_run(
    sqs: FakeSqs, dlq: FakeQueue, journal: Journal
) -> None:
    dlq.messages = [dead_letter(number) for number in range(300)]
    sqs.send_faults = [Fault(frozenset(range(10)), sender_fault=True) for _ in range(30)]
    report = move(sqs, journal)
    assert (report.ended, report.counts.failed) == ("refused", 100)
    assert len(dlq.messages) == 300


def test_failed_deletion_is_reported_and_made_good_by_the_next_run(
    sqs: FakeSqs, dlq: FakeQueue, queue: FakeQueue, journal: Journal
) -> None:
    sqs.delete_faults = [Fault(frozenset({0}), sender_fault=True)]
    report = move(sqs, journal)
    assert report.not_deleted == ("dead-0",)
    assert report.journal == journal.path
    journal.close()

    dlq.show_all()
    with Journal(journal.path, purpose="redrive", source="dlq") as again:
        again.last_written_seconds = 0
        report = move(sqs, again)
    assert (report.counts.moved, report.counts.deleted_only, report.continued) == (0, 1, True)
    assert (len(dlq.messages), len(queue.messages)) == (0, 35)


def test_lost_answer_is_a_possible_duplicate(
    sqs: FakeSqs, queue: FakeQueue, journal: Journal
) -> None:
    sqs.send_faults = [Fault(breaks="after")]
    report = move(sqs, journal, pause=lambda _: None)
    assert set(report.possible_duplicates) == {f"dead-{number}" for number in range(10)}
    assert len(queue.messages) == 45


def test_throttling_is_no_duplicate(sqs: FakeSqs, queue: FakeQueue, journal: Journal) -> None:
    sqs.send_faults = [Fault(breaks="throttled")]
    report = move(sqs, journal, pause=lambda _: None)
    assert report.possible_duplicates == ()
    assert len(queue.messages) == 35


def test_cancelled_run_gives_everything_back(
    sqs: FakeSqs, dlq: FakeQueue, journal: Journal
) -> None:
    cancel = threading.Event()
    sqs.before_receive = cancel.set
    report = move(sqs, journal, cancel=cancel)
    assert (report.ended, report.counts.moved) == ("interrupted", 0)
    assert len(dlq.messages) == 35
    assert not any(message.is_hidden for message in dlq.messages)


def test_missing_queue_ends_the_run_and_gives_everything_back(
    sqs: FakeSqs, dlq: FakeQueue, journal: Journal
) -> None:
    def gone(**_: Any) -> None:
        raise client_error("AWS.SimpleQueueService.NonExistentQueue", 400)

    sqs.send_message_batch = gone  # type: ignore[method-assign,assignment]
    with pytest.raises(ClientError, match="NonExistentQueue"):
        move(sqs, journal)
    assert not any(message.is_hidden for message in dlq.messages)
    # SQS took nothing, so a later run has nothing to report.
    assert journal.state("dead-0") is None


def test_run_stops_when_as_much_comes_in_as_goes_out(
    sqs: FakeSqs, dlq: FakeQueue, journal: Journal
) -> None:
    number = 1000

    def refill() -> None:
        nonlocal number
        for _ in range(12):
            number += 1
            dlq.messages.append(dead_letter(number))

    sqs.before_receive = refill
    report = move(sqs, journal, refill_check_seconds=0.05)
    assert report.ended == "refilling"
    assert report.explanation
    assert "fills as fast as it drains" in report.explanation


def test_continued_run_waits_for_what_the_killed_one_has_hidden(
    sqs: FakeSqs, dlq: FakeQueue, queue: FakeQueue, tmp_path: Path
) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path, purpose="redrive", source="dlq") as killed:
        killed.intend(["dead-0"])
    dlq.messages = [dead_letter(0)]
    dlq.messages[0].is_hidden = True
    now = 0.0

    def pause(seconds: float) -> None:
        nonlocal now
        now += seconds
        if now > HIDDEN_SECONDS - 5:
            dlq.show_all()

    with Journal(path, purpose="redrive", source="dlq") as journal:
        journal.last_written_seconds = 0
        report = move(sqs, journal, clock=lambda: now, pause=pause)
    assert report.possible_duplicates == ("dead-0",)
    assert (report.counts.moved, len(queue.messages)) == (1, 1)


def test_repair_is_sent_instead(sqs: FakeSqs, queue: FakeQueue, journal: Journal) -> None:
    def repair(message: Message) -> Message:
        return Message(
            message_id=message.message_id,
            body=message.body.upper(),
            attributes=message.attributes,
            system=message.system,
            receipt_handle=message.receipt_handle,
        )

    move(sqs, journal, change=repair)
    assert {message.body for message in queue.messages} == {f"BODY {n}" for n in range(35)}


def test_journal_is_one_processs_own(journal: Journal) -> None:
    with pytest.raises(JournalError, match="another run is working on dlq"):
        Journal(journal.path, purpose="redrive", source="dlq")


def test_journal_of_other_work_is_refused(journal: Journal) -> None:
    journal.close()
    with pytest.raises(JournalError, match="journal of other work: redrive of dlq"):
        Journal(journal.path, purpose="redrive", source="other")


def test_damaged_journal_is_no_reason_to_send_twice(journal: Journal) -> None:
    journal.close()
    with journal.path.open("a") as file:
        file.write("garbage\n")
    with pytest.raises(JournalError, match="is damaged"):
        Journal(journal.path, purpose="redrive", source="dlq")


def test_journal_holds_no_bodies(sqs: FakeSqs, journal: Journal) -> None:
    move(sqs, journal)
    (path,) = journal.path.parent.iterdir()
    assert "body" not in path.read_text()
    assert all(json.loads(line)["event"] for line in path.read_text().splitlines())
