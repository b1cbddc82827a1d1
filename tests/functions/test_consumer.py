"""The consumer: what it reports, logs and gives back to the queue."""

import io
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from functions.consumer import consumer

STANDARD_ARN = "arn:aws:sqs:eu-central-1:123456789012:events"
EVENT = {
    "name": "Quillaume",
    "dob": "1945-10-17",
    "gender": "F",
    "ssn_no": "396144610",
    "data_share_consent": False,
    "evnt_time": "2021-02-06T18:56:59.165483",
}
PERSONAL = ("Quillaume", "1945-10-17", "396144610", "18:56:59", "stores@example.com")


def make_record(
    seq: int | str | None = 0,
    *,
    store_id: str | None = "3",
    run_id: str | None = "run-1",
    body: str | None = None,
    receive_count: int = 1,
    group: str | None = None,
) -> dict[str, Any]:
    texts = {"store_id": store_id, "run_id": run_id, "seq": None if seq is None else str(seq)}
    record: dict[str, Any] = {
        "messageId": f"id-{seq}",
        "receiptHandle": f"handle-{seq}",
        "body": json.dumps(EVENT) if body is None else body,
        "attributes": {"ApproximateReceiveCount": str(receive_count)},
        "messageAttributes": {
            name: {"stringValue": text, "dataType": "String"}
            for name, text in {**texts, "contact_me": "stores@example.com"}.items()
            if text is not None
        },
        "eventSource": "aws:sqs",
        "eventSourceARN": STANDARD_ARN,
    }
    if group is not None:
        record["attributes"]["MessageGroupId"] = group
        record["eventSourceARN"] = f"{STANDARD_ARN}.fifo"
    return record


class FakeSqs:
    """Takes the calls that change a message's visibility; refuses or breaks them when told."""

    def __init__(self) -> None:
        self.calls: list[list[dict[str, Any]]] = []
        self.error: Exception | None = None
        self.refused: list[dict[str, Any]] = []

    def change_message_visibility_batch(self, **request: Any) -> dict[str, Any]:
        assert request["QueueUrl"] == "https://queue"
        self.calls.append(request["Entries"])
        if self.error is not None:
            raise self.error
        return {"Successful": [], "Failed": self.refused}

    @property
    def delays(self) -> dict[str, int]:
        return {e["ReceiptHandle"]: e["VisibilityTimeout"] for call in self.calls for e in call}


@pytest.fixture(autouse=True)
def fake_sqs(monkeypatch: pytest.MonkeyPatch) -> FakeSqs:
    fake = FakeSqs()
    monkeypatch.setattr(consumer, "sqs", fake)
    return fake


@pytest.fixture(autouse=True)
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Everything that the function and Powertools itself write, at the most talkative level."""
    stream = io.StringIO()
    for handler in consumer.logger.handlers:
        monkeypatch.setattr(handler, "stream", stream)
    everything = logging.StreamHandler(stream)
    powertools = logging.getLogger("aws_lambda_powertools")
    level_before = powertools.level
    powertools.setLevel(logging.DEBUG)
    powertools.addHandler(everything)
    logging.getLogger().addHandler(everything)
    yield stream
    powertools.setLevel(level_before)
    powertools.removeHandler(everything)
    logging.getLogger().removeHandler(everything)


Run = Callable[..., list[str]]


@pytest.fixture
def run(lambda_context: Any, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Handle records and return the message ids that the function reports as failed."""
    monkeypatch.setenv("QUEUE_URL", "https://queue")

    def handle(*records: dict[str, Any]) -> list[str]:
        response = consumer.handler({"Records": list(records)}, lambda_context)
        assert set(response) == {"batchItemFailures"}
        return [item["itemIdentifier"] or "" for item in response["batchItemFailures"]]

    return handle


def read_log(log: io.StringIO, level: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in log.getvalue().splitlines() if line.startswith("{")]
    return [line for line in lines if line["level"] == level]


def test_a_good_batch_reports_no_failure_and_touches_no_visibility(run: Run, fake_sqs: FakeSqs):
    assert run(make_record(0), make_record(1)) == []
    assert fake_sqs.calls == []


def test_an_empty_batch_is_no_failure(run: Run):
    assert run() == []


def test_only_the_records_without_store_id_fail(run: Run):
    records = [make_record(seq, store_id=None if seq in (2, 5) else "1") for seq in range(7)]
    assert run(*records) == ["id-2", "id-5"]


def test_a_batch_of_only_bad_records_is_reported_not_raised(
    run: Run, log: io.StringIO, fake_sqs: FakeSqs
):
    records = [make_record(seq, store_id=None) for seq in range(3)]
    assert run(*records) == ["id-0", "id-1", "id-2"]
    assert len(fake_sqs.delays) == 3
    (info,) = read_log(log, "INFO")
    assert info["resp"] == {"status": True, "tot_msgs": 3, "f_msgs": 3, "s_msgs": 0}
    assert info["processed"] == {}


def test_the_info_record_counts_and_lists_what_was_processed(run: Run, log: io.StringIO):
    run(
        make_record(4),
        make_record(5, store_id=None),
        make_record(6, run_id="run-2"),
        make_record(7),
        make_record(8, run_id=None),
    )
    (info,) = read_log(log, "INFO")
    assert info["resp"] == {"status": True, "tot_msgs": 5, "f_msgs": 1, "s_msgs": 4}
    assert info["processed"] == {"run-1": [4, 7], "run-2": [6]}


def test_the_error_record_says_which_message_failed_and_how(run: Run, log: io.StringIO):
    run(make_record(9, store_id=None, receive_count=2))
    (error,) = read_log(log, "ERROR")
    expected = {
        "missing_store_id": True,
        "message_id": "id-9",
        "receive_count": 2,
        "run_id": "run-1",
        "seq": 9,
        "exception_name": "MissingStoreIdError",
    }
    assert {name: error[name] for name in expected} == expected


@pytest.mark.parametrize("store_id", ["0", "6", "03", "3.0", " 3", "-1", "three", ""])
def test_a_store_id_that_is_no_store_fails_but_is_not_called_missing(
    run: Run, log: io.StringIO, store_id: str
):
    assert run(make_record(0, store_id=store_id)) == ["id-0"]
    (error,) = read_log(log, "ERROR")
    assert error["missing_store_id"] is False
    assert error["exception_name"] == "UnusableStoreIdError"


def test_a_binary_store_id_is_unusable(run: Run, log: io.StringIO):
    record = make_record(0)
    record["messageAttributes"]["store_id"] = {"binaryValue": "Mw==", "dataType": "Binary"}
    assert run(record) == ["id-0"]
    assert read_log(log, "ERROR")[0]["exception_name"] == "UnusableStoreIdError"


@pytest.mark.parametrize("store_id", ["1", "2", "3", "4", "5"])
def test_every_store_is_processed(run: Run, store_id: str):
    assert run(make_record(0, store_id=store_id)) == []


UNREADABLE_BODIES = {
    "no JSON": 'Quillaume, 396144610 {"',
    "cut off": json.dumps(EVENT)[:-5],
    "not an object": json.dumps([EVENT]),
    "no name": json.dumps({k: v for k, v in EVENT.items() if k != "name"}),
    "wrong type": json.dumps({**EVENT, "ssn_no": 396144610}),
    "too deep": "[" * 100_000,
    "too long a number": "1" * 5_000,
    "empty": "",
}


@pytest.mark.parametrize("body", UNREADABLE_BODIES.values(), ids=list(UNREADABLE_BODIES))
def test_an_unreadable_body_fails_alone(run: Run, log: io.StringIO, body: str):
    assert run(make_record(0), make_record(1, body=body), make_record(2)) == ["id-1"]
    (error,) = read_log(log, "ERROR")
    assert error["missing_store_id"] is False
    assert error["exception_name"] == "UnreadableEventError"


@pytest.mark.parametrize(
    ("run_id", "seq"),
    [(None, None), ("run-1", None), (None, 1), ("Quillaume, 396144610", 1), ("run-1", "one")],
)
def test_a_foreign_message_is_processed_but_not_listed(
    run: Run, log: io.StringIO, run_id: str | None, seq: int | str | None
):
    assert run(make_record(seq, run_id=run_id)) == []
    (info,) = read_log(log, "INFO")
    assert info["resp"]["s_msgs"] == 1
    assert info["processed"] == {}


def test_the_same_message_twice_does_no_harm(run: Run):
    assert run(make_record(0), make_record(0)) == []


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


def test_a_fifo_batch_lists_its_groups_in_the_order_of_processing(run: Run, log: io.StringIO):
    run(
        make_record(3, group="store-1"),
        make_record(1, group="store-2"),
        make_record(2, group="store-1"),
        make_record(4, group="store-2", store_id=None),
        make_record(5, group="Quillaume"),
    )
    assert read_log(log, "INFO")[0]["groups"] == {"run-1": {"store-1": [3, 2], "store-2": [1]}}
    assert "Quillaume" not in log.getvalue()


def test_a_standard_batch_lists_no_groups(run: Run, log: io.StringIO):
    run(make_record(0))
    assert "groups" not in read_log(log, "INFO")[0]


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


def test_all_of_a_stopped_group_become_visible_together(
    run: Run, fake_sqs: FakeSqs, monkeypatch: pytest.MonkeyPatch
):
    drawn = iter([7, 1, 3, 2])
    monkeypatch.setattr(consumer, "choose_backoff_seconds", lambda _: next(drawn))
    run(
        make_record(0, group="a", store_id=None),
        make_record(1, group="b", store_id=None),
        make_record(2, group="a"),
        make_record(3, group="b"),
    )
    assert fake_sqs.delays == {"handle-0": 7, "handle-1": 1, "handle-2": 7, "handle-3": 1}


@pytest.fixture
def long_backoff(monkeypatch: pytest.MonkeyPatch) -> int:
    """What each record waits that is delivered again, in seconds."""
    monkeypatch.setattr(consumer, "choose_backoff_seconds", lambda _: 7)
    return 7


@pytest.mark.usefixtures("long_backoff")
@pytest.mark.parametrize(("receive_count", "delay"), [(1, 7), (2, 0), (3, 0)])
def test_after_the_last_receive_a_record_goes_to_its_dead_letter_queue_at_once(
    run: Run,
    fake_sqs: FakeSqs,
    monkeypatch: pytest.MonkeyPatch,
    receive_count: int,
    delay: int,
):
    monkeypatch.setenv("MAX_RECEIVE_COUNT", "2")
    assert run(make_record(0, store_id=None, receive_count=receive_count)) == ["id-0"]
    assert fake_sqs.delays == {"handle-0": delay}


def test_without_the_number_of_receives_every_record_waits(
    run: Run, fake_sqs: FakeSqs, long_backoff: int
):
    run(make_record(0, store_id=None, receive_count=1000))
    assert fake_sqs.delays == {"handle-0": long_backoff}


def test_a_number_of_receives_that_is_none_fails_before_anything_is_processed(
    run: Run, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MAX_RECEIVE_COUNT", "two")
    with pytest.raises(ValueError, match="two"):
        run(make_record(0))
    assert "processed" not in log.getvalue()


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
        done, failures = consumer.process_batch(
            batch, is_fifo=True, max_receive_count=max_receive_count
        )
        processed += [key.seq for key in done]
        queue.keep({failure.record.message_id for failure in failures}, batch)
    assert processed == [seq for seq, good in enumerate(is_good) if good]
    assert queue.dead == [seq for seq, good in enumerate(is_good) if not good]


@given(receive_count=st.integers(1, 1000))
def test_backoff_is_whole_seconds_between_none_and_the_doubling_ceiling(receive_count: int):
    seconds = consumer.choose_backoff_seconds(receive_count)
    assert type(seconds) is int
    assert 0 <= seconds <= min(60, 2 ** (receive_count - 1))


@pytest.mark.parametrize(("receive_count", "ceiling"), [(1, 1), (2, 2), (3, 4), (20, 60)])
def test_backoff_reaches_both_ends_of_its_range(receive_count: int, ceiling: int):
    drawn = {consumer.choose_backoff_seconds(receive_count) for _ in range(3000)}
    assert {min(drawn), max(drawn)} == {0, ceiling}


def test_backoff_goes_out_in_calls_of_at_most_ten(run: Run, fake_sqs: FakeSqs):
    run(*(make_record(seq, store_id=None) for seq in range(23)))
    assert [len(call) for call in fake_sqs.calls] == [10, 10, 3]
    assert len(fake_sqs.delays) == 23
    assert all(len({entry["Id"] for entry in call}) == len(call) for call in fake_sqs.calls)


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "AccessDenied"}}, "ChangeMessageVisibilityBatch"),
        ConnectTimeoutError(endpoint_url="https://queue"),
    ],
)
def test_a_failed_backoff_is_a_warning_and_the_other_calls_go_on(
    run: Run, log: io.StringIO, fake_sqs: FakeSqs, error: Exception
):
    fake_sqs.error = error
    assert len(run(*(make_record(seq, store_id=None) for seq in range(12)))) == 12
    assert len(fake_sqs.calls) == 2
    assert len(read_log(log, "WARNING")) == 2


def test_a_refused_backoff_is_a_warning(run: Run, log: io.StringIO, fake_sqs: FakeSqs):
    fake_sqs.refused = [{"Id": "0", "Code": "ReceiptHandleIsInvalid", "SenderFault": True}]
    assert run(make_record(0, store_id=None)) == ["id-0"]
    (warning,) = read_log(log, "WARNING")
    assert warning["codes"] == ["ReceiptHandleIsInvalid"]


def test_no_backoff_is_asked_for_when_the_time_is_up(
    run: Run, log: io.StringIO, fake_sqs: FakeSqs, lambda_context: Any
):
    lambda_context.remaining_milliseconds = 900
    assert run(make_record(0, store_id=None)) == ["id-0"]
    assert fake_sqs.calls == []
    assert len(read_log(log, "WARNING")) == 1


def test_nothing_is_processed_without_a_queue_url(
    run: Run, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("QUEUE_URL")
    with pytest.raises(KeyError, match="QUEUE_URL"):
        run(make_record(0))
    assert "processed" not in log.getvalue()


def test_no_personal_value_is_logged_whatever_happens(
    run: Run, log: io.StringIO, fake_sqs: FakeSqs
):
    bodies = [*UNREADABLE_BODIES.values(), json.dumps(EVENT)]
    records = [make_record(seq, body=body) for seq, body in enumerate(bodies)]
    records += [
        make_record(20, store_id=None),
        make_record(21, store_id="396144610"),
        make_record(22, run_id="Quillaume 396144610"),
        make_record(23, run_id="Quillaume 396144610", store_id=None),
    ]
    fake_sqs.error = ConnectTimeoutError(endpoint_url="https://queue")
    run(*records)
    run(make_record(30, group="a", store_id=None), make_record(31, group="a"))
    assert len(read_log(log, "ERROR")) == len(UNREADABLE_BODIES) + 4
    for value in PERSONAL:
        assert value not in log.getvalue()


def test_no_event_is_logged_even_when_the_environment_asks_for_it(
    start_worker: Any, lambda_context: Any, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("POWERTOOLS_LOGGER_LOG_EVENT", "true")
    monkeypatch.setenv("QUEUE_URL", "https://queue")
    start_worker(consumer).handler({"Records": [make_record(0)]}, lambda_context)
    assert len(read_log(log, "INFO")) == 1
    for value in PERSONAL:
        assert value not in log.getvalue()


def test_a_defect_of_ours_is_logged_by_place_without_its_text(
    run: Run, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
):
    def check(body: str) -> None:
        raise RuntimeError(body)

    monkeypatch.setattr(consumer, "_check_event", check)
    assert run(make_record(0)) == ["id-0"]
    (error,) = read_log(log, "ERROR")
    assert error["exception_name"] == "RuntimeError"
    assert error["missing_store_id"] is False
    assert "in process_record" in "".join(error["stack"])
    for value in PERSONAL:
        assert value not in log.getvalue()


def test_a_failed_message_comes_back_from_a_real_queue_at_once(
    aws: Any, lambda_context: Any, monkeypatch: pytest.MonkeyPatch
):
    url = aws.create_queue(QueueName="events", Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
    aws.send_message(QueueUrl=url, MessageBody=json.dumps(EVENT))
    (message,) = aws.receive_message(QueueUrl=url)["Messages"]
    monkeypatch.setattr(consumer, "sqs", aws)
    monkeypatch.setenv("QUEUE_URL", url)
    monkeypatch.setattr(consumer, "choose_backoff_seconds", lambda _: 0)
    record = make_record(0, store_id=None)
    record["receiptHandle"] = message["ReceiptHandle"]
    consumer.handler({"Records": [record]}, lambda_context)
    (again,) = aws.receive_message(QueueUrl=url)["Messages"]
    assert again["MessageId"] == message["MessageId"]
