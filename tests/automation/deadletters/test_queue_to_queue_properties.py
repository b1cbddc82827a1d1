"""Whatever fails and wherever it is killed: no message lost, none altered, duplicates reported."""

import math
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from automation.deadletters import journal as journal_module
from automation.deadletters.journal import Journal
from automation.deadletters.message import REDRIVE_COUNT
from automation.deadletters.move_plan import MoveReport, Plan
from automation.deadletters.queue_to_queue import move_messages
from tests.unkind.behaviour import MILD
from tests.unkind.faults import Fault, Killed, Steps
from tests.unkind.queue import Queue, Stored
from tests.unkind.sending import MAX_BYTES, size_bytes
from tests.unkind.world import World

NAMES = st.text("abcXYZ019_.-", min_size=1, max_size=12).filter(lambda name: name != REDRIVE_COUNT)
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn")), min_size=1, max_size=20
)
ATTRIBUTE_VALUES = st.one_of(
    st.builds(
        lambda kind, text: {"DataType": kind, "StringValue": text},
        st.sampled_from(["String", "String.json", "String.ünï"]),
        TEXTS,
    ),
    st.builds(
        lambda kind, number: {"DataType": kind, "StringValue": str(number)},
        st.sampled_from(["Number", "Number.int", "Number.float"]),
        st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    ),
    st.builds(
        lambda kind, content: {"DataType": kind, "BinaryValue": content},
        st.sampled_from(["Binary", "Binary.gif"]),
        st.binary(min_size=1, max_size=30),
    ),
)
# Small ones, ones of which few go into a batch, and ones with no byte to spare.
FILLED_BYTES = st.sampled_from([None, None, None, 104_857, 524_288, MAX_BYTES - 21, MAX_BYTES])
LOST_ANSWERS = [
    Fault(error="ReadTimeoutError", after=True),
    Fault(error="ConnectionClosedError", after=True),
    Fault(error="InternalError", after=True),
]
FAULTS = st.lists(
    st.one_of(
        st.just(Fault()),
        st.sampled_from(
            [
                Fault(error="ReadTimeoutError"),
                Fault(error="EndpointConnectionError"),
                Fault(error="RequestThrottled"),
                *LOST_ANSWERS,
            ]
        ),
        st.builds(
            Fault,
            failing_entries=st.frozensets(st.integers(0, 9), max_size=4),
            sender_fault=st.booleans(),
        ),
    ),
    max_size=12,
)


@st.composite
def dead_letters(draw: st.DrawFn, world: World, is_fifo: bool) -> list[Stored]:
    letters: list[Stored] = []
    for number in range(draw(st.integers(0, 25))):
        body, attributes = draw(TEXTS), draw(st.dictionaries(NAMES, ATTRIBUTE_VALUES, max_size=10))
        if len(attributes) < 10 and draw(st.booleans()):
            count = draw(st.sampled_from(["0", "1", "9"]))
            attributes[REDRIVE_COUNT] = {"DataType": "Number", "StringValue": count}
        if filled_bytes := draw(FILLED_BYTES):
            body += "x" * (filled_bytes - size_bytes(body, attributes))
        # Two messages with the same content could not be told apart at the other end.
        system = {"AWSTraceHeader": f"Root=1-{number}"}
        if is_fifo or draw(st.booleans()):
            system["MessageGroupId"] = draw(st.sampled_from(["a", "b", "c"]))
        letters.append(world.letter(body, attributes, message_id=f"dead-{number}", **system))
    return letters


@contextmanager
def killable_writes(steps: Steps) -> Iterator[None]:
    """Let a kill hit before, in the middle of, and after each line that the journal writes."""
    append = journal_module.append

    def killable(file: IO[bytes], data: bytes, *, waits_for_disk: bool) -> None:
        steps.step()
        try:
            steps.step()
        except Killed:
            append(file, data[: len(data) // 2], waits_for_disk=False)
            raise
        append(file, data, waits_for_disk=waits_for_disk)
        steps.step()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal_module, "append", killable)
        yield


def run_once(world: World, dlq: Queue, queue: Queue, path: Path, connections: int) -> MoveReport:
    with (
        world.running(),
        killable_writes(world.steps),
        Journal(path, purpose="redrive", source="dlq") as journal,
    ):
        # The file's time is the machine's own; what a killed run has hidden is visible here.
        journal.written_seconds_ago = math.inf
        return move_messages(
            world.sqs,
            world.sender,
            Plan(
                source_url=dlq.url,
                destination_url=queue.url,
                connections=connections,
                max_redrives=100,
            ),
            journal,
            cancel=threading.Event(),
            clock=world.clock,
            pause=world.pause,
        )


@settings(max_examples=70, deadline=None, suppress_health_check=[HealthCheck.data_too_large])
@given(data=st.data(), is_fifo=st.booleans(), seed=st.integers(0, 2**32))
def test_no_message_is_lost_or_altered_and_duplicates_are_reported(
    data: st.DataObject, is_fifo: bool, seed: int
) -> None:
    world = World(MILD, seed=seed)
    suffix = ".fifo" if is_fifo else ""
    dlq, queue = world.add_queue(f"dlq{suffix}"), world.add_queue(f"queue{suffix}")
    originals = data.draw(dead_letters(world, is_fifo), label="dead letters")
    world.put(dlq, originals)
    connections = data.draw(st.integers(1, 3), label="connections")
    reported: set[str] = set()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.jsonl"
        for kill_at in [*data.draw(st.lists(st.integers(0, 90), max_size=3), label="kills"), None]:
            world.steps = Steps(kill_at)
            for operation in ("SendMessageBatch", "DeleteMessageBatch"):
                world.faults.scripted[operation].extend(data.draw(FAULTS, label=operation))
            try:
                report = run_once(world, dlq, queue, path, connections)
                reported.update(report.possible_duplicates, report.not_deleted)
            except Killed:
                event("killed")
            except (ClientError, BotoCoreError):
                # As many faults in a row as there are attempts.
                event("failed")
            assert world.ledger.lost() == []
            world.steps = Steps()
            world.faults.scripted.clear()
            # Until what a killed run has hidden is visible, or until SQS forgets what was sent.
            world.pause(300 if data.draw(st.booleans(), label="five minutes pass") else 61)
        report = run_once(world, dlq, queue, path, connections)
        reported.update(report.possible_duplicates)

    assert dlq.messages() == []
    world.ledger.assert_law(doubled_are_named=reported)
    assert world.ledger.unsafe_deletions == []
    if is_fifo:
        assert_order_kept(originals, queue)


def assert_order_kept(originals: list[Stored], queue: Queue) -> None:
    for group in ("a", "b", "c"):
        expected = [letter.content for letter in originals if letter.group == group]
        arrived = [message.content for message in queue.messages() if message.group == group]
        assert list(dict.fromkeys(arrived)) == expected
