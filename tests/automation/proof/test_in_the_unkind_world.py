"""The verdict in a world as unkind as AWS: "held" exactly when it holds, else each reason said."""

import dataclasses
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from automation.progress import Progress
from automation.proof.account import Sent
from automation.proof.dead_letters import ANSWERS_LOST
from automation.proof.evidence import take_account
from automation.proof.settling import settle
from automation.proof.verdict import AlarmReport, reasons_broken
from automation.target import AWS_PACE
from tests.unkind.behaviour import MILD, UNKIND
from tests.unkind.consumers import failure_line, ours
from tests.unkind.faults import Fault
from tests.unkind.mapping import Consumer, Record, Run
from tests.unkind.queue import Stored
from tests.unkind.world import World

RUN = "run"
PACE = dataclasses.replace(AWS_PACE, connections=4)
SEEDS = st.integers(0, 2**32)
# A copy that comes again after its deletion would be another message to the world's own account.
BEHAVIOUR = dataclasses.replace(UNKIND, keeps_deleted=0)


def attributes_of(seq: int, *, is_bad: bool) -> dict[str, Any]:
    number = {"DataType": "Number"}
    store = {} if is_bad else {"store_id": {**number, "StringValue": "1"}}
    run_id = {"DataType": "String", "StringValue": RUN}
    return {"run_id": run_id, "seq": {**number, "StringValue": str(seq)}, **store}


def is_bad(record: Record) -> bool:
    return "store_id" not in record.attributes


def claims(batch: Any) -> Run:
    """Logs all as done, and has the bad ones fail all the same."""
    right = ours(is_bad)(batch)
    lines = ours(lambda _: False)(batch).lines
    return dataclasses.replace(right, lines=[*lines, *map(failure_line, filter(is_bad, batch))])


def swallows(batch: Any) -> Run:
    """Answers that all is well, and logs the good ones."""
    return dataclasses.replace(ours(is_bad)(batch), answer={"batchItemFailures": []})


class Case:
    """A queue with its dead-letter queue and a consumer, and so many messages in it."""

    def __init__(self, world: World, *, count: int, is_fifo: bool, consumer: Consumer) -> None:
        self.world = world
        suffix = ".fifo" if is_fifo else ""
        self.dlq = world.add_queue(f"dlq{suffix}")
        self.queue = world.add_queue(
            f"queue{suffix}", dead_letters=self.dlq, receives=2, VisibilityTimeout="60"
        )
        self.bad = {seq for seq in range(count) if seq % 3 == 0}
        self.sent = Sent(run_id=RUN, messages=count, bad=len(self.bad))
        world.put(self.queue, (self.letter(seq) for seq in range(count)))
        world.add_mapping(self.queue, consumer, log_group="consumer")

    def letter(self, seq: int, **changes: Any) -> Stored:
        group = {"MessageGroupId": f"g{seq % 3}"} if self.queue.is_fifo else {}
        attributes = changes.get("attributes", attributes_of(seq, is_bad=seq in self.bad))
        return self.world.letter(f"body {seq}", attributes, receives=0, **group)

    def reasons(self, home: Path) -> list[str]:
        """Settle, take the account, and give the verdict; the alarm does as it should."""
        world = self.world
        clients: Any = SimpleNamespace(sqs=world.sqs, sender=world.sender, logs=world.logs)
        target: Any = SimpleNamespace(clients=clients, pace=PACE)
        outputs: Any = SimpleNamespace(
            queue_url=self.queue.url, dlq_url=self.dlq.url, consumer_log_group_name="consumer"
        )
        since_ms = int((world.time.now - 60) * 1000)
        clocks: Any = {"clock": world.monotonic, "sleep": world.pause}
        with world.running():
            failure = settle(
                world.sqs,
                self.queue.url,
                messages=self.sent.messages,
                pace=PACE,
                timeout_seconds=3600,
                progress=Progress(),
                **clocks,
            )
            evidence = take_account(
                target, outputs, [self.sent], stack="s", home=home, since_ms=since_ms, **clocks
            )
        rings = self.sent.bad > 0
        alarm = AlarmReport(
            state="ALARM" if rings else "OK", went_to_alarm=rings, was_notified=rings
        )
        return reasons_broken(evidence.account, alarm, failure)

    def holds(self) -> bool:
        """Whether exactly the bad messages are dead letters, as the world itself knows."""
        dead = [_seq(stored) for stored in self.dlq.messages()]
        is_processed = {
            seq: self.world.ledger.processed[self.letter(seq).content] > 0
            for seq in range(self.sent.messages)
        }
        return (
            sorted(dead) == sorted(self.bad)
            and not self.queue.messages()
            and all(is_processed[seq] != (seq in self.bad) for seq in is_processed)
        )


def _seq(stored: Stored) -> int:
    return int(stored.attributes["seq"]["StringValue"])


def unkind(worlds: list[World], seed: int) -> World:
    worlds.append(World(BEHAVIOUR, seed=seed))
    return worlds[-1]


FEW_WORLDS = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


# Each of the looks into the dead-letter queue loses an answer, until the log's time is over.
@example(seed=3, count=57, is_fifo=False, lost_answers={0, 1, 8, 19})
@FEW_WORLDS
@given(
    seed=SEEDS,
    count=st.integers(1, 60),
    is_fifo=st.booleans(),
    lost_answers=st.sets(st.integers(0, 20), max_size=4),
)
def test_verdict_is_held_exactly_when_it_holds(
    on_virtual_time: list[World], seed: int, count: int, is_fifo: bool, lost_answers: set[int]
) -> None:
    world = unkind(on_virtual_time, seed)
    case = Case(world, count=count, is_fifo=is_fifo, consumer=ours(is_bad))
    lost = Fault(error="ReadTimeoutError", after=True)
    world.faults.scripted["ReceiveMessage"].extend(
        lost if number in lost_answers else Fault() for number in range(21)
    )
    with tempfile.TemporaryDirectory() as home:
        reasons = case.reasons(Path(home))
    assert (not reasons) == case.holds(), reasons


def test_a_dead_letter_queue_of_which_each_look_loses_an_answer_is_not_taken_as_read(
    on_virtual_time: list[World],
) -> None:
    world = unkind(on_virtual_time, 1)
    case = Case(world, count=9, is_fifo=False, consumer=ours(is_bad))
    lost = Fault(error="ReadTimeoutError", after=True)
    world.faults.scripted["ReceiveMessage"].extend([lost, Fault()] * 10_000)
    with tempfile.TemporaryDirectory() as home:
        reasons = case.reasons(Path(home))
    assert ANSWERS_LOST in reasons


def lose(case: Case) -> None:
    case.queue.remove(case.queue.messages()[-1], case.world.time.now)


def add_a_stranger(case: Case) -> None:
    case.world.put(case.dlq, [case.letter(0, attributes={})])


def dead_letter_a_good_one_too(case: Case) -> None:
    case.world.put(case.dlq, [case.letter(1)])


@FEW_WORLDS
@given(
    seed=SEEDS,
    count=st.integers(2, 30),
    is_fifo=st.booleans(),
    wrong=st.sampled_from(
        [
            (lose, ours(is_bad), "are lost: neither processed nor in the dead-letter queue"),
            (add_a_stranger, ours(is_bad), "are none of this run's"),
            (dead_letter_a_good_one_too, ours(is_bad), "are both processed and in the dead-letter"),
            (None, claims, "are both processed and in the dead-letter queue"),
            (None, swallows, "are lost: neither processed nor in the dead-letter queue"),
            (None, ours(lambda _: False), "are reported as processed"),
            (None, ours(lambda _: True), "good messages (with store_id) are in the dead-letter"),
        ]
    ),
)
def test_what_is_wrong_breaks_the_verdict_with_its_reason(
    on_virtual_time: list[World],
    seed: int,
    count: int,
    is_fifo: bool,
    wrong: tuple[Callable[[Case], None] | None, Consumer, str],
) -> None:
    spoil, consumer, reason = wrong
    world = unkind(on_virtual_time, seed)
    case = Case(world, count=count, is_fifo=is_fifo, consumer=consumer)
    if spoil:
        spoil(case)
    with tempfile.TemporaryDirectory() as home:
        reasons = case.reasons(Path(home))
    assert any(reason in words for words in reasons), reasons


def test_record_that_contradicts_a_complete_account_is_waited_for(
    on_virtual_time: list[World], tmp_path: Path
) -> None:
    on_virtual_time.append(world := World(MILD))
    case = Case(world, count=3, is_fifo=False, consumer=ours(is_bad))
    # That the bad one, 0, is done. It is dead-lettered after twice its visibility timeout; then the
    # queue has to be quiet, and an account in which nothing is missing is taken.
    record = json.dumps({"level": "INFO", "processed": {RUN: [0]}})
    settled_after = 2 * 60 + PACE.quiet_seconds
    world.logs.write("consumer", "another", record, arrives_after=settled_after + 55)
    assert case.reasons(tmp_path) == [
        "1 messages are both processed and in the dead-letter queue",
        "1 bad messages (without store_id) are reported as processed",
    ]


def test_queue_is_not_settled_before_it_has_looked_empty_for_a_while() -> None:
    # SQS's counts lag behind, and are wrong by some.
    counts = iter([3, 0, 2, *[0] * 100])
    passed = 0.0

    def ask(**_: object) -> dict[str, dict[str, str]]:
        names = ("", "NotVisible", "Delayed")
        visible = {f"ApproximateNumberOfMessages{name}": "0" for name in names}
        return {"Attributes": visible | {"ApproximateNumberOfMessages": str(next(counts))}}

    def sleep(seconds: float) -> None:
        nonlocal passed
        passed += seconds

    sqs: Any = SimpleNamespace(get_queue_attributes=ask)
    failure = settle(
        sqs,
        "q",
        messages=3,
        pace=PACE,
        timeout_seconds=900,
        progress=Progress(),
        clock=lambda: passed,
        sleep=sleep,
    )
    assert failure is None
    # Counted anew from the fourth look on.
    assert passed == 3 * PACE.poll_interval_seconds + PACE.quiet_seconds
