"""Who watches a world as unkind as AWS says "done" only of what is done, and misses nothing."""

import dataclasses
import functools
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from automation.aws.consumer_log import Identity, LogReader
from automation.deadletters.canary import CanaryPlan, CanaryReport, watch_canary
from automation.deadletters.native_move import native_move
from automation.deadletters.reading import QueueReading
from automation.errors import AutomationError
from automation.operations import remaining
from automation.operations.redrive import Done
from automation.progress import Progress
from automation.target import AWS_PACE
from tests.unkind.behaviour import UNKIND, Behaviour
from tests.unkind.consumers import ours, silent, whole_batch_ends
from tests.unkind.mapping import Consumer, Record
from tests.unkind.queue import Queue
from tests.unkind.world import World

SEEDS = st.integers(0, 2**32)
BEHAVIOUR = dataclasses.replace(UNKIND, keeps_deleted=0)
FEW_WORLDS = settings(max_examples=20, deadline=None)
VISIBILITY_TIMEOUT_SECONDS = 30


def fails(record: Record) -> bool:
    return record.attributes["fate"]["StringValue"] == "bad"


CONSUMERS: dict[str, Consumer] = {
    "ours": ours(fails),
    "silent": silent(fails),
    "raises": whole_batch_ends("raise", fails),
    "times out": whole_batch_ends("time out", fails),
    "crashes": whole_batch_ends("crash", fails),
}


def canary(world: World, fates: list[str], consumer: Consumer) -> tuple[CanaryReport, Queue, Queue]:
    """Watch messages that have just been moved to a queue with a consumer."""
    dlq = world.add_queue("dlq")
    queue = world.add_queue(
        "queue", dead_letters=dlq, receives=2, VisibilityTimeout=str(VISIBILITY_TIMEOUT_SECONDS)
    )
    letters = [
        world.letter(
            f"body {seq}",
            {
                "run_id": {"DataType": "String", "StringValue": "run"},
                "seq": {"DataType": "Number", "StringValue": str(seq)},
                "fate": {"DataType": "String", "StringValue": fate},
            },
            receives=0,
        )
        for seq, fate in enumerate(fates)
    ]
    world.put(queue, letters)
    world.add_mapping(queue, consumer, log_group="consumer")
    moved: dict[str, Identity | None] = {
        letter.message_id: ("run", seq) for seq, letter in enumerate(letters)
    }
    report = watched(world, moved, queue, dlq)
    # Whatever has not failed for good by now never does.
    world.pause(3600)
    return report, queue, dlq


def watched(
    world: World, moved: dict[str, Identity | None], queue: Queue, dlq: Queue
) -> CanaryReport:
    plan = CanaryPlan(
        moved=moved,
        destination_url=queue.url,
        dlq_url=dlq.url,
        log_groups=["consumer"],
        began_seconds=world.clock(),
        timeout_seconds=900,
        visibility_timeout_seconds=VISIBILITY_TIMEOUT_SECONDS,
        quiet_seconds=AWS_PACE.quiet_seconds,
        log_delay_seconds=AWS_PACE.log_delay_seconds,
        interval_seconds=AWS_PACE.poll_interval_seconds,
        wait_seconds=AWS_PACE.receive_wait_seconds,
        connections=2,
    )
    with world.running():
        return watch_canary(
            world.sqs,
            world.logs,
            plan,
            cancel=threading.Event(),
            clock=world.clock,
            pause=world.pause,
        )


@FEW_WORLDS
@given(
    seed=SEEDS,
    fates=st.lists(st.sampled_from(["good", "bad"]), min_size=1, max_size=12),
    consumer=st.sampled_from(sorted(CONSUMERS)),
)
def test_canary_is_well_only_when_nothing_of_it_fails(
    seed: int, fates: list[str], consumer: str
) -> None:
    report, queue, dlq = canary(World(BEHAVIOUR, seed=seed), fates, CONSUMERS[consumer])
    is_one_left = bool(queue.messages() or dlq.messages())
    assert is_one_left or "bad" not in fates
    assert not (report.is_well and is_one_left), report


@FEW_WORLDS
@given(seed=SEEDS, count=st.integers(1, 12), consumer=st.sampled_from(sorted(CONSUMERS)))
def test_canary_that_is_processed_is_well_whether_it_is_logged_or_not(
    seed: int, count: int, consumer: str
) -> None:
    report, _, dlq = canary(World(BEHAVIOUR, seed=seed), ["good"] * count, CONSUMERS[consumer])
    assert report.is_well or dlq.messages(), report


@pytest.mark.parametrize("hidden_behind", ["its message group", "somebody else's look"])
def test_canary_that_may_be_hidden_in_the_dead_letter_queue_is_not_well(hidden_behind: str) -> None:
    world = World()
    suffix = ".fifo" if hidden_behind == "its message group" else ""
    dlq = world.add_queue(f"dlq{suffix}")
    queue = world.add_queue(
        f"queue{suffix}",
        dead_letters=dlq,
        receives=2,
        VisibilityTimeout=str(VISIBILITY_TIMEOUT_SECONDS),
    )
    group = {"MessageGroupId": "g"} if suffix else {}
    world.put(
        dlq, [world.letter(f"body {number}", **group) for number in range(15 if suffix else 1)]
    )
    world.put(queue, [world.letter("bad", message_id="canary", receives=0, **group)])
    world.add_mapping(queue, silent(lambda _: True), log_group="consumer")
    if not suffix:

        def look(arrived: Queue) -> None:
            if arrived is dlq:
                world.service.receive_message(
                    QueueUrl=dlq.url, MaxNumberOfMessages=10, VisibilityTimeout=3600
                )

        world.service.watchers.append(look)
    report = watched(world, {"canary": None}, queue, dlq)
    assert "canary" in {stored.message_id for stored in dlq.messages()}
    assert not report.is_well, report


@FEW_WORLDS
@given(
    seed=SEEDS,
    skew_seconds=st.sampled_from([-60, 0, 60]),
    streams=st.integers(1, 5),
    interval_seconds=st.sampled_from([0.5, 5, 30]),
)
def test_log_that_is_followed_is_read_whole_each_record_once(
    seed: int, skew_seconds: float, streams: int, interval_seconds: float
) -> None:
    world = World(dataclasses.replace(UNKIND, clock_skew_seconds=skew_seconds), seed=seed)
    # As `logs --follow` asks: from so long ago on by this machine's clock.
    reader = LogReader(world.logs, "g", since_ms=int((world.clock() - 600) * 1000))
    world.logs.create_group("g")
    read: list[int] = []
    began, number = world.time.now, 0
    while world.time.now < began + 400:
        # The last comes up to two minutes later.
        if world.time.now < began + 240 and number < 60:
            world.logs.write("g", f"stream-{number % streams}", f'{{"n": {number}}}')
            number += 1
        world.pause(interval_seconds)
        read += [int(str(event.record["n"])) for event in reader.new_events()]
    assert sorted(read) == list(range(number))


TASKS = st.builds(
    dataclasses.replace,
    st.just(BEHAVIOUR),
    task_listed_after_seconds=st.sampled_from([0.0, 30.0, 3600.0]),
    lists_oldest_task_first=st.booleans(),
    task_moves_nothing=st.booleans(),
    task_fails_after=st.sampled_from([None, 5]),
    running_task_error=st.sampled_from(
        ["InvalidParameterValue", "AWS.SimpleQueueService.UnsupportedOperation"]
    ),
)


@FEW_WORLDS
@given(
    seed=SEEDS,
    behaviour=TASKS,
    hidden=st.integers(0, 2),
    before=st.sampled_from(["nothing", "a finished task", "a running task"]),
)
@example(
    seed=0,
    behaviour=dataclasses.replace(BEHAVIOUR, task_listed_after_seconds=30.0),
    hidden=0,
    before="nothing",
)
# Its counts are of before the letter came that somebody holds.
@example(
    seed=0,
    behaviour=dataclasses.replace(BEHAVIOUR, task_listed_after_seconds=0.0),
    hidden=1,
    before="a finished task",
)
def test_native_redrive_is_done_only_when_no_letter_is_left(
    seed: int, behaviour: Behaviour, hidden: int, before: str
) -> None:
    world = World(behaviour, seed=seed)
    dlq, other = world.add_queue("dlq"), world.add_queue("other")
    queue = world.add_queue("queue", dead_letters=dlq)
    if before == "a finished task":
        world.put(dlq, [world.letter("before")])
        native(world, dlq, other)
    world.put(dlq, [world.letter(f"body {number}") for number in range(20)])
    if before == "a running task":
        world.sqs.start_message_move_task(
            SourceArn=dlq.arn, DestinationArn=other.arn, MaxNumberOfMessagesPerSecond=1
        )
    if hidden:
        # Somebody looks at some for longer than the task takes.
        world.sqs.receive_message(
            QueueUrl=dlq.url, MaxNumberOfMessages=hidden, VisibilityTimeout=7200
        )
    if before == "a running task":
        with pytest.raises(AutomationError, match="If one runs already, wait for its end"):
            native(world, dlq, queue)
        return
    done = native(world, dlq, queue)
    assert not (done.is_complete and dlq.messages()), done
    if not (behaviour.task_moves_nothing or behaviour.task_fails_after or hidden):
        is_listed = behaviour.task_listed_after_seconds < 3600
        assert done.is_complete == is_listed, done


def native(world: World, dlq: Queue, destination: Queue) -> Done:
    """What `dlq redrive` does when SQS is to do it."""
    clocks: Any = {"clock": world.monotonic, "sleep": world.pause}
    operated: Any = SimpleNamespace(
        clients=SimpleNamespace(sqs=world.sqs),
        dlq=SimpleNamespace(url=dlq.url),
        pace=AWS_PACE,
    )
    with pytest.MonkeyPatch.context() as patch, world.running():
        reading = functools.partial(QueueReading, clock=world.clock)
        patch.setattr(remaining, "QueueReading", reading)
        report = native_move(
            world.sqs,
            source_arn=dlq.arn,
            destination_arn=destination.arn,
            messages_per_second=None,
            cancel=threading.Event(),
            interval_seconds=AWS_PACE.poll_interval_seconds,
            clock=world.monotonic,
            pause=world.pause,
        )
        is_left = report.status == "COMPLETED" and remaining.is_letter_left(
            operated, Progress(), **clocks
        )
    return Done(method="native", native=report, is_left=is_left)
