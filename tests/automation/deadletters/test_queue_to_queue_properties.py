"""Whatever fails and wherever it is killed: no message lost, none altered, duplicates reported."""

import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from automation.deadletters import journal as journal_module
from automation.deadletters.journal import Journal
from automation.deadletters.message import REDRIVE_COUNT
from automation.deadletters.move_plan import MoveReport, Plan
from automation.deadletters.queue_to_queue import move_messages
from tests.automation.deadletters.fake_queues import (
    MAX_BYTES,
    FakeQueue,
    FakeSqs,
    Fault,
    Killed,
    Steps,
    Stored,
    size_bytes,
)

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
FAULTS = st.lists(
    st.builds(
        Fault,
        failing_entries=st.frozensets(st.integers(0, 9), max_size=4),
        sender_fault=st.booleans(),
        breaks=st.sampled_from(["", "", "", "before", "after", "after with 500", "throttled"]),
    ),
    max_size=12,
)


@st.composite
def dead_letters(draw: st.DrawFn, is_fifo: bool) -> list[Stored]:
    messages: list[Stored] = []
    for number in range(draw(st.integers(0, 25))):
        body, attributes = draw(TEXTS), draw(st.dictionaries(NAMES, ATTRIBUTE_VALUES, max_size=10))
        if len(attributes) < 10 and draw(st.booleans()):
            count = draw(st.sampled_from(["0", "1", "9"]))
            attributes[REDRIVE_COUNT] = {"DataType": "Number", "StringValue": count}
        if filled_bytes := draw(FILLED_BYTES):
            body += "x" * (filled_bytes - size_bytes(body, attributes))
        system = {"SentTimestamp": "1700000000000", "ApproximateReceiveCount": "3"}
        if is_fifo or draw(st.booleans()):
            system["MessageGroupId"] = draw(st.sampled_from(["a", "b", "c"]))
        if draw(st.booleans()):
            system["AWSTraceHeader"] = f"Root=1-{number}"
        messages.append(Stored(f"dead-{number}", body, attributes, system))
    return messages


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


def run_once(sqs: FakeSqs, suffix: str, path: Path) -> MoveReport:
    with (
        killable_writes(sqs.steps),
        Journal(path, purpose="redrive", source="dlq") as journal,
    ):
        # What was hidden by a killed run is visible in this world at once.
        journal.last_written_seconds = 0
        return move_messages(
            sqs,  # type: ignore[arg-type]
            sqs,  # type: ignore[arg-type]
            Plan(
                source_url=f"dlq{suffix}",
                destination_url=f"queue{suffix}",
                connections=1,
                max_redrives=100,
            ),
            journal,
            cancel=threading.Event(),
            pause=lambda _: None,
        )


def without_count(attributes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if name != REDRIVE_COUNT}


def content(message: Stored) -> tuple[object, ...]:
    attributes = {
        name: tuple(sorted(value.items()))
        for name, value in without_count(message.attributes).items()
    }
    group, trace = (message.system.get(key) for key in ("MessageGroupId", "AWSTraceHeader"))
    return message.body, tuple(sorted(attributes.items())), group, trace


def known(path: Path) -> set[str]:
    """The ids that the journal reports, should a run not have come to its report."""
    with Journal(path, purpose="redrive", source="dlq") as journal:
        return set(journal.possible_duplicates)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.data_too_large])
@given(data=st.data(), is_fifo=st.booleans())
def test_no_message_is_lost_or_altered_and_duplicates_are_reported(
    data: st.DataObject, is_fifo: bool
) -> None:
    suffix = ".fifo" if is_fifo else ""
    originals = data.draw(dead_letters(is_fifo), label="dead letters")
    # Two messages with the same content could not be told apart at the other end.
    for number, message in enumerate(originals):
        message.system["AWSTraceHeader"] = f"Root=1-{number}"
    dlq, queue = FakeQueue(f"dlq{suffix}", list(originals)), FakeQueue(f"queue{suffix}")
    sqs = FakeSqs(dlq, queue)
    reported: set[str] = set()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.jsonl"
        for kill_at in [*data.draw(st.lists(st.integers(0, 90), max_size=3), label="kills"), None]:
            sqs.steps = Steps(kill_at)
            sqs.send_faults = data.draw(FAULTS, label="send faults")
            sqs.delete_faults = data.draw(FAULTS, label="delete faults")
            try:
                report = run_once(sqs, suffix, path)
                reported.update(report.possible_duplicates, report.not_deleted)
            except Killed:
                event("killed")
            assert_nothing_lost(originals, dlq, queue)
            dlq.show_all()
            if data.draw(st.booleans(), label="five minutes pass"):
                queue.sent_by_deduplication_id.clear()
        sqs.steps, sqs.send_faults, sqs.delete_faults = Steps(), [], []
        report = run_once(sqs, suffix, path)
        reported.update(report.possible_duplicates)

    assert dlq.messages == []
    arrivals = Counter(content(message) for message in queue.messages)
    assert set(arrivals) == {content(message) for message in originals}
    for message in originals:
        copies = arrivals[content(message)]
        assert copies == 1 or message.message_id in reported, (message.message_id, copies)
    if is_fifo:
        assert_order_kept(originals, queue)


def assert_nothing_lost(originals: list[Stored], dlq: FakeQueue, queue: FakeQueue) -> None:
    there = {content(message) for message in (*dlq.messages, *queue.messages)}
    assert {content(message) for message in originals} <= there


def assert_order_kept(originals: list[Stored], queue: FakeQueue) -> None:
    for group in ("a", "b", "c"):
        expected = [content(m) for m in originals if m.system["MessageGroupId"] == group]
        arrived = [content(m) for m in queue.messages if m.system["MessageGroupId"] == group]
        assert list(dict.fromkeys(arrived)) == expected
