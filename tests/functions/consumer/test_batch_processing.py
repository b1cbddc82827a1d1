"""The work on one batch: which records fail with which."""

import io
from collections import Counter
from itertools import cycle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import batch_processing
import customer_events

from .conftest import FakeSqs, Run, make_record, read_log


def test_only_the_records_without_store_id_fail(run: Run):
    records = [make_record(seq, store_id=None if seq in (2, 5) else "1") for seq in range(7)]
    assert run(*records) == ["id-2", "id-5"]


def test_a_failure_stops_its_message_group_and_no_other(run: Run, log: io.StringIO):
    records = [
        make_record(0, group="a"),
        make_record(1, group="a", store_id=None),
        make_record(2, group="b"),
        make_record(3, group="a"),
        make_record(4, group="b", store_id=None),
        make_record(5, group="c"),
        make_record(6, group="b"),
    ]
    assert run(*records) == ["id-1", "id-3", "id-4", "id-6"]
    assert [e["message_id"] for e in read_log(log, "ERROR")] == ["id-1", "id-4"]
    assert [w["message_id"] for w in read_log(log, "WARNING")] == ["id-3", "id-6"]
    assert read_log(log, "INFO")[0]["processed"] == {"run-1": [0, 2, 5]}


def test_a_fifo_batch_of_only_failures_is_reported_not_raised(run: Run):
    records = [make_record(seq, group=str(seq), store_id=None) for seq in range(2)]
    assert run(*records) == ["id-0", "id-1"]


def test_a_group_stopped_in_one_batch_starts_afresh_in_the_next(run: Run):
    assert run(make_record(0, group="a", store_id=None)) == ["id-0"]
    assert run(make_record(1, group="a")) == []


def test_group_ids_in_a_standard_queue_stop_nothing(run: Run):
    records = [make_record(0, store_id=None), make_record(1)]
    for record in records:
        record["attributes"]["MessageGroupId"] = "fair"
    assert run(*records) == ["id-0"]


@pytest.mark.usefixtures("long_backoff")
def test_a_record_at_its_last_receive_does_not_stop_its_group(
    run: Run,
    log: io.StringIO,
    fake_sqs: FakeSqs,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("MAX_RECEIVE_COUNT", "2")
    failed = run(
        make_record(0, group="a", store_id=None, receive_count=2),
        make_record(1, group="a", receive_count=2),
        make_record(2, group="a", store_id=None, receive_count=1),
        make_record(3, group="a", receive_count=1),
        make_record(4, group="b", store_id=None, receive_count=2),
    )
    assert failed == ["id-0", "id-2", "id-3", "id-4"]
    assert read_log(log, "INFO")[0]["processed"] == {"run-1": [1]}
    assert fake_sqs.delays == {"handle-0": 0, "handle-2": 7, "handle-3": 7, "handle-4": 0}


class FifoQueue:
    """One message group as SQS delivers it: from its front, dead-lettered after its receives."""

    def __init__(self, is_good: list[bool], max_receive_count: int) -> None:
        self.waiting = list(enumerate(is_good))
        self.receives = Counter[int]()
        self.dead: list[int] = []
        self.max_receive_count = max_receive_count

    def receive(self, size: int) -> list[dict[str, Any]]:
        for seq, _ in list(self.waiting):
            if self.receives[seq] >= self.max_receive_count:
                self.dead.append(seq)
        self.waiting = [item for item in self.waiting if item[0] not in self.dead]
        batch = self.waiting[:size]
        self.receives.update(seq for seq, _ in batch)
        return [
            make_record(
                seq,
                group="a",
                store_id="1" if is_good else None,
                receive_count=self.receives[seq],
            )
            for seq, is_good in batch
        ]

    def keep(self, failed: set[str], batch: list[dict[str, Any]]) -> None:
        done = {record["messageId"] for record in batch} - failed
        self.waiting = [item for item in self.waiting if f"id-{item[0]}" not in done]


@given(
    is_good=st.lists(st.booleans(), max_size=25),
    max_receive_count=st.integers(1, 4),
    sizes=st.lists(st.integers(1, 10), min_size=1),
)
def test_a_group_is_processed_in_order_and_no_good_record_is_dead_lettered(
    is_good: list[bool], max_receive_count: int, sizes: list[int]
):
    queue, processed = FifoQueue(is_good, max_receive_count), []
    for size in cycle(sizes):
        batch = queue.receive(size)
        if not batch:
            break
        done, failures = batch_processing.process_batch(
            batch, is_fifo=True, max_receive_count=max_receive_count
        )
        processed += [key.seq for key in done]
        queue.keep({failure.record["messageId"] for failure in failures}, batch)
    assert processed == [seq for seq, good in enumerate(is_good) if good]
    assert queue.dead == [seq for seq, good in enumerate(is_good) if not good]


class PassingFault:
    """Fails so often, for no reason of the message's; each try takes its time."""

    def __init__(self, fails: int, context: Any, takes_seconds: int = 0) -> None:
        self.tries = 0
        self._fails = fails
        self._context = context
        self._takes_seconds = takes_seconds

    def __call__(self, record: Any) -> Any:
        self.tries += 1
        self._context.remaining_milliseconds -= self._takes_seconds * 1000
        if self.tries <= self._fails:
            raise RuntimeError("not now")
        return customer_events.process_record(record)


@pytest.mark.parametrize(
    ("group", "receive_count", "fails", "tries"),
    [
        ("a", 3, 2, 3),  # skipped twice, for all that is known
        ("a", 3, 9, 3),
        ("a", 2, 1, 1),  # it will be delivered again
        (None, 3, 1, 1),  # nothing is skipped in a standard queue
    ],
)
def test_a_fifo_record_at_its_last_receive_gets_the_tries_that_skipping_may_have_cost(
    run: Run,
    lambda_context: Any,
    monkeypatch: pytest.MonkeyPatch,
    group: str | None,
    receive_count: int,
    fails: int,
    tries: int,
):
    process = PassingFault(fails, lambda_context)
    monkeypatch.setattr(batch_processing, "process_record", process)
    monkeypatch.setenv("MAX_RECEIVE_COUNT", "3")
    failed = run(make_record(0, group=group, receive_count=receive_count))
    assert process.tries == tries
    assert failed == ([] if fails < tries else ["id-0"])


def test_a_record_is_not_tried_again_when_that_may_take_the_answers_time(
    run: Run, lambda_context: Any, monkeypatch: pytest.MonkeyPatch
):
    lambda_context.remaining_milliseconds = 20_000
    process = PassingFault(9, lambda_context, takes_seconds=5)
    monkeypatch.setattr(batch_processing, "process_record", process)
    monkeypatch.setenv("MAX_RECEIVE_COUNT", "9")
    run(make_record(0, group="a", receive_count=9))
    # After the first 15 s are left, for the answer and twice as much as it took: not enough.
    assert process.tries == 1


def test_a_bad_record_is_not_tried_again(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MAX_RECEIVE_COUNT", "3")
    tried: list[Any] = []

    def process(record: Any) -> Any:
        tried.append(record)
        return customer_events.process_record(record)

    monkeypatch.setattr(batch_processing, "process_record", process)
    assert run(make_record(0, group="a", store_id=None, receive_count=3)) == ["id-0"]
    assert len(tried) == 1
