"""A file's messages sent, settled and accounted for in a world as unkind as AWS."""

import dataclasses
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automation.deadletters.message import Message
from automation.operations.wiring import Consumer as WiredConsumer
from automation.operations.wiring import Queue, Wiring
from automation.progress import Progress
from automation.proof.expected import Line
from automation.proof.line_account import LineAccount, reasons_lines_broken
from automation.proof.line_evidence import take_line_account
from automation.proof.prove import post_lines
from automation.proof.settling import settle
from automation.proof.verdict import NOT_READ_WHOLE
from automation.target import AWS_PACE
from tests.unkind.behaviour import MILD, UNKIND
from tests.unkind.consumers import silent, whole_batch_ends
from tests.unkind.faults import Fault
from tests.unkind.mapping import Consumer, Record, Run
from tests.unkind.world import World

PACE = dataclasses.replace(AWS_PACE, connections=4)
SETTLES_WITHIN_SECONDS = 1800
# A copy that comes again after its deletion would be another message to the world's own account.
BEHAVIOUR = dataclasses.replace(UNKIND, keeps_deleted=0)
BAD = "{}"


def is_bad(record: Record) -> bool:
    return record.body == BAD


def swallows(_: Sequence[Record]) -> Run:
    return Run(answer={"batchItemFailures": []})


def answers_with_wrong_ids(batch: Sequence[Record]) -> Run:
    bad = [{"itemIdentifier": "another"} for record in batch if is_bad(record)]
    return Run(answer={"batchItemFailures": bad})


def names_its_failures(batch: Sequence[Record]) -> Run:
    failed = [record for record in batch if is_bad(record)]
    lines = [
        json.dumps({"level": "ERROR", "message_id": r.message_id, "exception_name": "KeyError"})
        for r in failed
    ]
    answer = {"batchItemFailures": [{"itemIdentifier": r.message_id} for r in failed]}
    return Run(answer=answer, lines=lines)


def file(*bad_lines: int, count: int, reason: str | None = None) -> list[Line]:
    """Lines of which these are to be dead-lettered."""
    return [
        Line(
            number=number,
            expect="dead-lettered" if number in bad_lines else "processed",
            reason=reason if number in bad_lines else None,
            message=Message(
                message_id=f"line-{number}",
                body=BAD if number in bad_lines else f"secret {number}",
                attributes={},
                system={"MessageGroupId": f"g{number % 3}"},
            ),
        )
        for number in range(1, count + 1)
    ]


class Case:
    """A queue with its dead-letter queue and a consumer."""

    def __init__(
        self,
        world: World,
        consumer: Consumer | None,
        *,
        is_fifo: bool = False,
        receives: int = 2,
        log_group: str = "consumer",
    ) -> None:
        self.world = world
        self.log_group = log_group
        suffix = ".fifo" if is_fifo else ""
        self.dlq = world.add_queue(f"dlq{suffix}")
        self.queue = world.add_queue(
            f"queue{suffix}", dead_letters=self.dlq, receives=receives, VisibilityTimeout="60"
        )
        if consumer:
            world.add_mapping(self.queue, consumer, log_group="consumer")
        else:
            world.logs.create_group("consumer")

    def account(self, lines: Sequence[Line], home: Path) -> LineAccount:
        world = self.world
        clients: Any = SimpleNamespace(sqs=world.sqs, sender=world.sender, logs=world.logs)
        target: Any = SimpleNamespace(clients=clients, pace=PACE)
        queue, dlq = (
            Queue(url=of.url, arn=of.arn, name=of.url.rpartition("/")[2])
            for of in (self.queue, self.dlq)
        )
        consumer = WiredConsumer(function_name="f", log_group=self.log_group)
        wiring = Wiring(selected="stack s", queue=queue, dlq=dlq, consumers=(consumer,))
        clocks: Any = {"clock": world.monotonic, "sleep": world.pause}
        since_ms = int((world.time.now - 60) * 1000)
        progress = Progress()
        with world.running():
            posted = post_lines(target, queue.url, lines, home=home, progress=progress)
            failure = settle(
                world.sqs,
                queue.url,
                messages=len(lines),
                pace=PACE,
                timeout_seconds=SETTLES_WITHIN_SECONDS,
                progress=progress,
                **clocks,
            )
            return take_line_account(
                target,
                wiring,
                lines,
                posted,
                settle_failure=failure,
                stack="s",
                home=home,
                since_ms=since_ms,
                **clocks,
            )


def reasons_of(account: LineAccount) -> list[str]:
    return reasons_lines_broken(account, None, rings=False)


FEW_WORLDS = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@FEW_WORLDS
@given(
    seed=st.integers(0, 2**32),
    count=st.integers(1, 60),
    is_fifo=st.booleans(),
    lost_answers=st.sets(st.integers(0, 8), max_size=2),
)
def test_right_consumer_that_logs_nothing_is_held_whatever_the_way_there(
    on_virtual_time: list[World], seed: int, count: int, is_fifo: bool, lost_answers: set[int]
) -> None:
    on_virtual_time.append(world := World(BEHAVIOUR, seed=seed))
    case = Case(world, silent(is_bad), is_fifo=is_fifo)
    lost = Fault(error="ReadTimeoutError", after=True)
    world.faults.scripted["SendMessageBatch"].extend(
        lost if number in lost_answers else Fault() for number in range(9)
    )
    bad_lines = range(1, count + 1, 3)
    with tempfile.TemporaryDirectory() as home:
        account = case.account(file(*bad_lines, count=count), Path(home))
    assert reasons_of(account) == []
    assert account.count("dead-lettered") == len(bad_lines)
    assert account.count("processed", "absence") == count - len(bad_lines)


@FEW_WORLDS
@given(seed=st.integers(0, 2**32), count=st.integers(1, 30), is_fifo=st.booleans())
def test_message_that_is_hidden_while_the_counts_are_wrong_is_not_taken_for_processed(
    on_virtual_time: list[World], seed: int, count: int, is_fifo: bool
) -> None:
    on_virtual_time.append(world := World(BEHAVIOUR, seed=seed))
    bad_lines = range(1, count + 1, 3)
    lines = [
        dataclasses.replace(line, expect="processed") for line in file(*bad_lines, count=count)
    ]
    with tempfile.TemporaryDirectory() as home:
        account = Case(world, silent(is_bad), is_fifo=is_fifo).account(lines, Path(home))
    found = {one.line for one in account.results if one.found == "dead-lettered"}
    assert found == set(bad_lines)


@pytest.fixture
def mild(on_virtual_time: list[World]) -> World:
    on_virtual_time.append(world := World(MILD))
    return world


@pytest.mark.parametrize(
    ("consumer", "reasons"),
    [
        (
            whole_batch_ends("raise", is_bad),
            ["lines 1-2, 4-5: expected processed, are dead-lettered"],
        ),
        (answers_with_wrong_ids, ["lines 1-2, 4-5: expected processed, are dead-lettered"]),
        (swallows, ["line 3: expected dead-lettered, is processed by absence"]),
    ],
)
def test_wrong_consumer_breaks_the_verdict_which_names_the_lines(
    mild: World, tmp_path: Path, consumer: Consumer, reasons: list[str]
) -> None:
    account = Case(mild, consumer).account(file(3, count=5), tmp_path)
    assert reasons_of(account) == reasons


def test_message_that_never_leaves_is_named_when_time_is_up(mild: World, tmp_path: Path) -> None:
    # Nobody consumes: all that is in the queue is seen.
    account = Case(mild, None).account(file(2, count=3), tmp_path)
    good, bad, why = reasons_of(account)
    assert good == "lines 1, 3: expected processed, are still in the queue"
    assert bad == "line 2: expected dead-lettered, is still in the queue"
    assert why.startswith(f"the queue did not settle: gave up after {SETTLES_WITHIN_SECONDS} s")


def test_message_that_fails_for_ever_is_named_with_its_reason(mild: World, tmp_path: Path) -> None:
    # While time is up it is hidden, or the consumer takes it first.
    case = Case(mild, names_its_failures, receives=1000)
    words = reasons_of(case.account(file(2, count=3), tmp_path))[-2]
    assert words.startswith("line 2: expected dead-lettered, is ")
    assert words.endswith(" (KeyError)")


def test_reason_that_is_compared_is_waited_for(mild: World, tmp_path: Path) -> None:
    # The message is dead after twice the time that it is hidden, and the queue quiet a minute
    # later; from then on the log may be two minutes late.
    late_seconds = 2 * 60 + PACE.quiet_seconds + 100

    def logs_late(batch: Sequence[Record]) -> Run:
        run = names_its_failures(batch)
        for line in run.lines:
            mild.logs.write("consumer", "late", line, arrives_after=late_seconds)
        return dataclasses.replace(run, lines=())

    case = Case(mild, logs_late)
    account = case.account(file(2, count=3, reason="ValueError"), tmp_path)
    words = "line 2: expected to fail with ValueError, failed with KeyError"
    assert reasons_of(account) == [words]


def test_reason_that_is_known_is_not_waited_for(mild: World, tmp_path: Path) -> None:
    began = mild.time.now
    case = Case(mild, names_its_failures)
    assert reasons_of(case.account(file(2, count=3, reason="KeyError"), tmp_path)) == []
    settled_after = 2 * 60 + PACE.quiet_seconds + PACE.late_log_seconds
    assert mild.time.now - began < settled_after + 2 * PACE.poll_interval_seconds + 5


def test_fifo_queue_whose_letters_get_new_ids_is_read_once(mild: World, tmp_path: Path) -> None:
    lines = [*file(1, 3, count=3)]
    lines[1] = dataclasses.replace(lines[1], expect="dead-lettered")
    account = Case(mild, silent(is_bad), is_fifo=True).account(lines, tmp_path)
    # The second is looked for as long as it may come late.
    assert reasons_of(account) == ["line 2: expected dead-lettered, is processed by absence"]


def test_fifo_queue_that_grows_after_it_was_read_is_not_read_whole(
    mild: World, tmp_path: Path
) -> None:
    case = Case(mild, silent(is_bad), is_fifo=True)
    lines = [dataclasses.replace(file(count=1)[0], expect="dead-lettered")]
    late = mild.letter("late", MessageGroupId="g")
    mild.time.at(mild.time.now + PACE.quiet_seconds + 60, lambda: mild.put(case.dlq, [late]))
    account = case.account(lines, tmp_path)
    assert reasons_of(account) == [
        "line 1: expected dead-lettered, is not known to have ended",
        NOT_READ_WHOLE,
    ]


def test_log_group_that_is_not_there_yet_says_nothing(mild: World, tmp_path: Path) -> None:
    case = Case(mild, silent(is_bad), log_group="none")
    assert reasons_of(case.account(file(2, count=3), tmp_path)) == []


def test_log_that_may_not_be_read_ends_the_proof(mild: World, tmp_path: Path) -> None:
    case = Case(mild, silent(is_bad))
    mild.faults.scripted["FilterLogEvents"].append(Fault(error="AccessDeniedException"))
    with pytest.raises(ClientError, match="AccessDenied"):
        case.account(file(2, count=3), tmp_path)


def test_reason_is_found_by_the_id_that_sqs_gave(mild: World, tmp_path: Path) -> None:
    case = Case(mild, names_its_failures)
    account = case.account(file(2, count=3, reason="KeyError"), tmp_path)
    assert reasons_of(account) == []
    assert account.results[1].reason == "KeyError"
    other = case.account(file(2, count=3, reason="ValueError"), tmp_path)
    words = "line 2: expected to fail with ValueError, failed with KeyError"
    assert words in reasons_of(other)


def test_message_that_comes_from_elsewhere_is_a_stranger(mild: World, tmp_path: Path) -> None:
    case = Case(mild, silent(is_bad))
    mild.put(case.dlq, [mild.letter("theirs", message_id="theirs")])
    assert reasons_of(case.account(file(1, count=2), tmp_path)) == [
        "1 messages in the dead-letter queue are none of the file's: theirs"
    ]


def test_answer_that_got_lost_is_named_and_its_copy_is_no_stranger(
    mild: World, tmp_path: Path
) -> None:
    case = Case(mild, silent(is_bad))
    mild.faults.scripted["SendMessageBatch"].append(Fault(error="ReadTimeoutError", after=True))
    account = case.account(file(2, count=3), tmp_path)
    assert account.resent == (1, 2, 3)
    assert reasons_of(account) == []
    assert len(case.dlq.messages()) == 2


def test_message_that_sqs_never_takes_is_named_with_its_words(mild: World, tmp_path: Path) -> None:
    case = Case(mild, silent(is_bad))
    refused = Fault(failing_entries=frozenset({0}), entry_code="Odd", sender_fault=True)
    mild.faults.scripted["SendMessageBatch"].append(refused)
    assert reasons_of(case.account(file(count=3), tmp_path)) == [
        "line 1: could not be sent: Odd: injected"
    ]
