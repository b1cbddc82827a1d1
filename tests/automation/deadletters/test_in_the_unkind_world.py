"""Dead letters in a queue as unkind as SQS: "done" is said only when it is done."""

import contextlib
import dataclasses
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automation.deadletters.journal import Journal
from automation.deadletters.message import Message
from automation.deadletters.move_plan import MoveReport, Plan
from automation.deadletters.queue_to_file import DrainReport, drain_to_file
from automation.deadletters.queue_to_queue import move_messages
from automation.deadletters.reading import QueueReading
from automation.deadletters.receiving import hiding_seconds
from tests.unkind.behaviour import MILD, UNKIND, Behaviour
from tests.unkind.faults import Fault, Killed, Steps
from tests.unkind.queue import Queue
from tests.unkind.world import World

# What the operator's commands use in an account: long polling, several connections.
WAIT_SECONDS = 2
SEEDS = st.integers(0, 2**32)
CONNECTIONS = st.integers(1, 4)


def filled(world: World, count: int, *, name: str = "dlq", groups: int = 3) -> Queue:
    queue = world.add_queue(name)
    is_fifo = name.endswith(".fifo")
    world.put(
        queue,
        [
            world.letter(
                f"body {number}",
                message_id=f"m{number}",
                **({"MessageGroupId": f"g{number % groups}"} if is_fifo else {}),
            )
            for number in range(count)
        ],
    )
    return queue


def is_in_place(queue: Queue) -> set[str]:
    return {stored.message_id for stored in queue.messages()}


def redrive(
    world: World, dlq: Queue, queue: Queue, *, path: Path | None = None, **plan: object
) -> MoveReport:
    with (
        tempfile.TemporaryDirectory() as folder,
        world.running(),
        Journal(path or Path(folder) / "journal.jsonl", purpose="redrive", source="dlq") as journal,
    ):
        # The file's time is the machine's own.
        journal.written_seconds_ago = 0
        return move_messages(
            world.sqs,
            world.sender,
            dataclasses.replace(
                Plan(source_url=dlq.url, destination_url=queue.url, wait_seconds=WAIT_SECONDS),
                **plan,  # type: ignore[arg-type]
            ),
            journal,
            cancel=threading.Event(),
            clock=world.clock,
            pause=world.pause,
        )


def every_fourth(message: Message) -> bool:
    return int(message.body.rpartition(" ")[2]) % 4 == 0


def assert_done_is_done(report: MoveReport, world: World, dlq: Queue, wanted: set[str]) -> None:
    world.ledger.assert_law(doubled_are_named={*report.possible_duplicates, *report.not_deleted})
    if report.ended == "empty" and not report.counts.failed:
        assert not (is_in_place(dlq) & wanted) - set(report.not_deleted)


@settings(max_examples=25, deadline=None)
@given(
    seed=SEEDS,
    connections=CONNECTIONS,
    count=st.integers(0, 120),
    is_fifo=st.booleans(),
    # The client gives up at the fifth answer in a row.
    lost_answers=st.sets(st.integers(0, 60), max_size=4),
)
def test_redrive_moves_everything(
    seed: int, connections: int, count: int, is_fifo: bool, lost_answers: set[int]
) -> None:
    # A copy that a standard queue delivers again after its deletion is named by nobody: SQS is
    # at-least-once, and the mover cannot know of it.
    world = World(dataclasses.replace(UNKIND, keeps_deleted=0), seed=seed)
    suffix = ".fifo" if is_fifo else ""
    dlq, queue = filled(world, count, name=f"dlq{suffix}"), world.add_queue(f"queue{suffix}")
    receives = [LOST if number in lost_answers else Fault() for number in range(61)]
    world.faults.scripted["ReceiveMessage"].extend(receives)
    report = redrive(world, dlq, queue, connections=connections)
    assert_done_is_done(report, world, dlq, {f"m{number}" for number in range(count)})
    assert report.ended == "empty"


@settings(max_examples=25, deadline=None)
@given(
    seed=SEEDS,
    connections=CONNECTIONS,
    count=st.integers(0, 80),
    rate=st.sampled_from([None, 0.5, 2, 7, 50]),
)
def test_filtered_redrive_at_a_rate_leaves_nothing_that_is_wanted(
    seed: int, connections: int, count: int, rate: float | None
) -> None:
    world = World(dataclasses.replace(UNKIND, keeps_deleted=0), seed=seed)
    dlq, queue = filled(world, count), world.add_queue("queue")
    report = redrive(
        world, dlq, queue, connections=connections, wants=every_fourth, messages_per_second=rate
    )
    wanted = {f"m{number}" for number in range(0, count, 4)}
    assert_done_is_done(report, world, dlq, wanted)
    assert report.ended == "empty"
    assert is_in_place(dlq) >= {f"m{number}" for number in range(count)} - wanted


def test_filtered_redrive_of_40_at_2_a_second() -> None:
    world = World(MILD)
    dlq, queue = filled(world, 40), world.add_queue("queue")
    report = redrive(world, dlq, queue, connections=4, wants=lambda _: True, messages_per_second=2)
    assert (report.counts.moved, report.ended) == (40, "empty")
    assert is_in_place(dlq) == set()
    # 40 at 2 a second; the rest is how long requests take.
    assert 19 <= report.seconds <= 24


@settings(max_examples=30, deadline=None)
@given(
    seed=SEEDS,
    connections=CONNECTIONS,
    count=st.integers(1, 60),
    is_fifo=st.booleans(),
    kill_at=st.integers(0, 60),
)
def test_redrive_that_is_killed_at_any_request_is_finished_by_the_next(
    seed: int, connections: int, count: int, is_fifo: bool, kill_at: int
) -> None:
    world = World(dataclasses.replace(UNKIND, keeps_deleted=0), seed=seed)
    suffix = ".fifo" if is_fifo else ""
    dlq, queue = filled(world, count, name=f"dlq{suffix}"), world.add_queue(f"queue{suffix}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.jsonl"
        world.steps = Steps(kill_at)
        named: set[str] = set()
        with contextlib.suppress(Killed):
            first = redrive(world, dlq, queue, path=path, connections=connections)
            named.update(first.possible_duplicates, first.not_deleted)
        world.steps = Steps()
        assert world.ledger.lost() == []
        # At once: the next run waits by itself for what the killed one has hidden.
        report = redrive(world, dlq, queue, path=path, connections=connections)
    assert report.ended == "empty"
    named.update(report.possible_duplicates, report.not_deleted)
    world.ledger.assert_law(doubled_are_named=named)
    assert is_in_place(dlq) <= named


def test_nothing_is_sent_that_somebody_else_may_have_received_meanwhile() -> None:
    # Ten of a group, one a request, 10 s each to send and delete: hidden for 60 s.
    world = World(dataclasses.replace(MILD, call_seconds=5))
    dlq, queue = filled(world, 10, name="dlq.fifo", groups=1), world.add_queue("queue.fifo")
    send, visible_when_sent = world.service.send_message_batch, set[str]()

    def send_watched(**request: Any) -> dict[str, Any]:
        bodies = {entry["MessageBody"] for entry in request["Entries"]}
        visible_when_sent.update(
            m.body for m in dlq.messages() if m.is_visible and m.body in bodies
        )
        return send(**request)

    world.service.send_message_batch = send_watched  # type: ignore[method-assign]
    report = redrive(world, dlq, queue, connections=1, hidden_seconds=60)
    assert (report.counts.moved, report.not_deleted) == (10, ())
    assert visible_when_sent == set()


@pytest.mark.parametrize("kill_at", range(3, 12))
def test_fifo_redrive_that_is_continued_at_once_doubles_nothing(
    tmp_path: Path, kill_at: int
) -> None:
    world = World(MILD)
    dlq, queue = filled(world, 10, name="dlq.fifo"), world.add_queue("queue.fifo")
    world.steps = Steps(kill_at)
    with contextlib.suppress(Killed):
        redrive(world, dlq, queue, path=tmp_path / "journal.jsonl", connections=1)
    world.steps = Steps()
    redrive(world, dlq, queue, path=tmp_path / "journal.jsonl", connections=1)
    # The same deduplication ids in both runs, within SQS's five minutes.
    assert (world.ledger.doubled(), world.ledger.lost()) == (set(), [])


@pytest.mark.parametrize("rate", [None, 100])
def test_message_that_two_workers_receive_at_once_is_named_when_both_send_it(
    rate: float | None,
) -> None:
    # With a rate the second worker waits for its turn until the first has sent.
    world = World(dataclasses.replace(MILD, delivers_twice=1.0), preempts=0.3)
    dlq, queue = filled(world, 10), world.add_queue("queue")
    report = redrive(world, dlq, queue, connections=2, messages_per_second=rate)
    assert world.ledger.doubled()
    world.ledger.assert_law(doubled_are_named=report.possible_duplicates)


# SQS has answered, and hidden what it answered with; nobody has heard it.
LOST = Fault(error="ReadTimeoutError", after=True)


@pytest.mark.parametrize("suffix", ["", ".fifo"])
@pytest.mark.parametrize("wants", [None, lambda _: True], ids=["all", "filtered"])
def test_messages_of_a_receive_whose_answer_got_lost_are_waited_for(
    suffix: str, wants: Callable[[Message], bool] | None
) -> None:
    world = World(MILD)
    dlq, queue = filled(world, 5, name=f"dlq{suffix}"), world.add_queue(f"queue{suffix}")
    world.faults.scripted["ReceiveMessage"].append(LOST)
    report = redrive(world, dlq, queue, connections=2, wants=wants, hidden_seconds=60)
    assert (report.counts.moved, report.ended, is_in_place(dlq)) == (5, "empty", set())
    assert report.seconds > 60


def test_purge_waits_for_messages_of_a_receive_whose_answer_got_lost(tmp_path: Path) -> None:
    world = World(MILD)
    dlq = filled(world, 5)
    world.faults.scripted["ReceiveMessage"].append(LOST)
    report = drain(world, dlq, tmp_path / "backup.jsonl", connections=2)
    assert (report.backed_up, report.deleted, report.is_whole) == (5, 5, True)


def test_reading_with_a_receive_whose_answer_got_lost_is_not_whole() -> None:
    world = World(MILD)
    dlq = filled(world, 5)
    world.faults.scripted["ReceiveMessage"].append(LOST)
    with world.running():
        reading = QueueReading(world.sqs, dlq.url, wait_seconds=2, clock=world.clock)
        assert (list(reading), reading.is_whole) == ([], False)
        world.pause(120)
        reading = QueueReading(world.sqs, dlq.url, wait_seconds=2, clock=world.clock)
        assert (len(list(reading)), reading.is_whole) == (5, True)


def one_in_a_thousand(message: Message) -> bool:
    return message.body.endswith("999")


@pytest.mark.slow
def test_150_000_letters_of_which_sqs_hides_120_000_at_once() -> None:
    world = World(MILD)
    dlq, queue = filled(world, 150_000), world.add_queue("queue")
    report = redrive(
        world,
        dlq,
        queue,
        connections=1,
        wants=one_in_a_thousand,
        hidden_seconds=hiding_seconds(150_000),
    )
    assert (report.counts.moved, report.ended) == (150, "crowded")
    world.ledger.assert_law()
    assert dlq.in_flight == 0


def test_queue_of_which_somebody_else_hides_120_000_is_not_said_to_be_empty() -> None:
    world = World(MILD)
    dlq, queue = filled(world, 120_500), world.add_queue("queue")
    for _ in range(12_000):
        world.service.receive_message(
            QueueUrl=dlq.url, MaxNumberOfMessages=10, VisibilityTimeout=43_200
        )
    # SQS says `OverLimit` to a short poll, and to a long one nothing.
    for wait_seconds in (0, 2):
        report = redrive(world, dlq, queue, connections=1, wait_seconds=wait_seconds)
        assert (report.counts.moved, report.ended) == (0, "crowded")
    world.pause(43_200)
    report = redrive(world, dlq, queue, connections=1, limit=20)
    assert (report.counts.moved, report.ended) == (20, "limit")


def test_reading_slower_than_messages_stay_hidden_finds_all_that_is_wanted() -> None:
    # 600 of 6,000 at 0.4 s a request: 240 s and more on one connection, hidden for 60 s.
    world = World(dataclasses.replace(MILD, call_seconds=0.4))
    dlq, queue = filled(world, 6_000), world.add_queue("queue")
    report = redrive(
        world,
        dlq,
        queue,
        connections=1,
        wants=lambda message: message.body.endswith("7"),
        hidden_seconds=60,
    )
    assert (report.counts.moved, report.ended) == (600, "empty")


@pytest.mark.parametrize("wait_seconds", [0, 2], ids=["OverLimit", "empty without an error"])
def test_filter_over_more_messages_than_sqs_hides_does_not_say_that_it_is_done(
    monkeypatch: pytest.MonkeyPatch, wait_seconds: int
) -> None:
    monkeypatch.setattr("automation.deadletters.receiving.IN_FLIGHT_QUOTA", 1_200)
    monkeypatch.setattr("automation.deadletters.receiving._ROOM", 100)
    monkeypatch.setattr("automation.deadletters.receiving._SHOWN_FOR_ROOM", 200)
    world = World(dataclasses.replace(MILD, in_flight_quota=1_200))
    dlq, queue = filled(world, 1_300), world.add_queue("queue")
    report = redrive(
        world,
        dlq,
        queue,
        connections=4,
        wants=lambda message: message.body.endswith("7"),
        hidden_seconds=600,
        wait_seconds=wait_seconds,
    )
    assert report.ended == "crowded"
    assert report.explanation
    assert "run it again" in report.explanation
    assert report.counts.moved == 130


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, connections=CONNECTIONS, count=st.integers(0, 150))
def test_reading_that_says_whole_has_met_every_message(
    seed: int, connections: int, count: int
) -> None:
    world = World(UNKIND, seed=seed)
    dlq = filled(world, count)
    with world.running():
        reading = QueueReading(
            world.sqs,
            dlq.url,
            wait_seconds=WAIT_SECONDS,
            connections=connections,
            clock=world.clock,
        )
        met = [message.message_id for message in reading]
    assert reading.is_whole
    assert sorted(met) == sorted(f"m{number}" for number in range(count))
    assert is_in_place(dlq) == set(met)


def test_reading_on_one_connection_for_longer_than_messages_stay_hidden() -> None:
    world = World(dataclasses.replace(MILD, call_seconds=0.5))
    dlq = filled(world, 5_000)
    with world.running():
        reading = QueueReading(
            world.sqs, dlq.url, wait_seconds=0, hidden_seconds=60, clock=world.clock
        )
        assert len({message.message_id for message in reading}) == 5_000
    assert reading.is_whole


def drain(world: World, dlq: Queue, path: Path, connections: int) -> DrainReport:
    with world.running():
        return drain_to_file(
            world.sqs,
            dlq.url,
            path,
            wait_seconds=WAIT_SECONDS,
            connections=connections,
            cancel=threading.Event(),
            clock=world.clock,
        )


@settings(max_examples=25, deadline=None)
@given(
    seed=SEEDS,
    connections=CONNECTIONS,
    count=st.integers(0, 120),
    behaviour=st.sampled_from([MILD, dataclasses.replace(UNKIND, keeps_deleted=0)]),
)
def test_purge_deletes_only_what_is_in_the_file(
    seed: int, connections: int, count: int, behaviour: Behaviour
) -> None:
    world = World(behaviour, seed=seed, preempts=0.2)
    dlq = filled(world, count)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "backup.jsonl"
        report = drain(world, dlq, path, connections)
        lines = path.read_text().splitlines()
    assert (len(lines), report.backed_up, report.is_whole) == (count, count, True)
    assert len(is_in_place(dlq)) == report.backed_up - report.deleted
