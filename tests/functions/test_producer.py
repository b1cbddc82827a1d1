"""The producer: what it generates, when it sends, and how it counts."""

import io
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import islice, pairwise
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError, ReadTimeoutError
from hypothesis import example, given
from hypothesis import strategies as st

from functions.consumer import consumer
from functions.producer import producer

QUEUE_URL = "https://queue"


class FakeTime:
    """Seconds that pass only when somebody sleeps or a call takes them."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.slept.append(seconds)
        self.now += seconds

    def clock(self) -> producer.Clock:
        return producer.Clock(
            monotonic=lambda: self.now, unix=lambda: 1_700_000_000 + self.now, sleep=self.sleep
        )


Answer = Callable[[list[dict[str, Any]]], dict[str, Any]]


def accept(entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Successful": [{"Id": entry["Id"]} for entry in entries], "Failed": []}


def fail_ids(*ids: str, is_sender_fault: bool = False) -> Answer:
    """An answer that accepts everything but the entries with these ids."""

    def answer(entries: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "Successful": [{"Id": e["Id"]} for e in entries if e["Id"] not in ids],
            "Failed": [
                {"Id": e["Id"], "Code": "InternalError", "SenderFault": is_sender_fault}
                for e in entries
                if e["Id"] in ids
            ],
        }

    return answer


def raise_error(error: Exception) -> Answer:
    def answer(_: list[dict[str, Any]]) -> dict[str, Any]:
        raise error

    return answer


class FakeSqs:
    """Answers one call after the other as scripted, then accepts everything."""

    def __init__(self, fake_time: FakeTime) -> None:
        self.time = fake_time
        self.queue_url = QUEUE_URL
        self.script: list[Answer] = []
        self.always: Answer = accept
        self.call_seconds = 0.0
        self.calls: list[tuple[float, list[dict[str, Any]]]] = []

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        assert request["QueueUrl"] == self.queue_url
        self.calls.append((self.time.now - 1000, request["Entries"]))
        self.time.now += self.call_seconds
        answer = self.script.pop(0) if self.script else self.always
        return answer(request["Entries"])

    @property
    def sent_ids(self) -> list[str]:
        return [entry["Id"] for _, entries in self.calls for entry in entries]


@pytest.fixture
def fake_time() -> FakeTime:
    return FakeTime()


@pytest.fixture(autouse=True)
def fake_sqs(fake_time: FakeTime, monkeypatch: pytest.MonkeyPatch) -> FakeSqs:
    fake = FakeSqs(fake_time)
    monkeypatch.setattr(producer, "sqs", fake)
    return fake


@pytest.fixture(autouse=True)
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stream = io.StringIO()
    for handler in producer.logger.handlers:
        monkeypatch.setattr(handler, "stream", stream)
    return stream


@pytest.fixture
def invoke(
    fake_time: FakeTime, lambda_context: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, Any]]:
    """Call the handler with an event's fields and return the `message` of its answer."""
    monkeypatch.setenv("QUEUE_URL", QUEUE_URL)
    clock = fake_time.clock()
    monkeypatch.setattr(producer, "Clock", lambda: clock)

    def call(**event: Any) -> dict[str, Any]:
        answer = producer.handler(event, lambda_context)
        assert set(answer) == {"statusCode", "body"}
        assert answer["statusCode"] == 200
        return json.loads(answer["body"])["message"]

    return call


Invoke = Callable[..., dict[str, Any]]


def generate(n: int, **arguments: Any) -> list[producer.Message]:
    defaults = {"run_id": "run-1", "bad_ratio": 0.25, "seed": 1}
    return list(islice(producer.generate_messages(**(defaults | arguments)), n))


# Messages


def test_the_same_seed_gives_the_same_messages():
    assert generate(50, seed=7) == generate(50, seed=7)
    assert generate(50, seed=7) != generate(50, seed=8)


def test_no_seed_gives_other_messages_each_time():
    assert generate(5, seed=None) != generate(5, seed=None)


def test_a_body_has_the_fields_that_the_consumer_wants():
    for message in generate(20):
        event = json.loads(message.body)
        assert list(event) == list(consumer.EVENT_FIELDS)
        assert all(isinstance(event[name], kind) for name, kind in consumer.EVENT_FIELDS.items())
        assert len(event["ssn_no"]) == 9


@given(seed=st.integers(), bad_ratio=st.floats(0, 0.8))
def test_any_five_good_messages_from_the_start_come_from_all_five_stores(
    seed: int, bad_ratio: float
):
    messages = producer.generate_messages(run_id="run-1", bad_ratio=bad_ratio, seed=seed)
    good = [message.store for message in islice(messages, 200) if not message.is_bad]
    assert set(good) <= {1, 2, 3, 4, 5}
    for start in range(0, len(good) - 4, 5):
        assert set(good[start : start + 5]) == {1, 2, 3, 4, 5}


@pytest.mark.parametrize(("bad_ratio", "expected"), [(0, 0), (1, 500)])
def test_none_or_all_are_bad_when_asked_for(bad_ratio: float, expected: int):
    for seed in range(5):
        messages = generate(500, bad_ratio=bad_ratio, seed=seed)
        assert sum(message.is_bad for message in messages) == expected


def test_about_the_asked_share_is_bad():
    bad = sum(message.is_bad for message in generate(4000, bad_ratio=0.25))
    assert 900 < bad < 1100


def test_attributes_are_those_of_the_contract():
    good, bad = (
        producer.to_entry(
            producer.Message(run_id="run-1", seq=7, store=3, is_bad=is_bad, body="{}"),
            unix_seconds=1_700_000_000,
        )["MessageAttributes"]
        for is_bad in (False, True)
    )
    types = {name: attribute["DataType"] for name, attribute in good.items()}
    assert types == {
        "project": "String",
        "contact_me": "String",
        "ts": "Number",
        "run_id": "String",
        "seq": "Number",
        "store_id": "Number",
    }
    assert [good[name].get("StringValue") for name in ("store_id", "seq", "run_id", "ts")] == [
        "3",
        "7",
        "run-1",
        "1700000000",
    ]
    assert bad == {name: value for name, value in good.items() if name != "store_id"}


def test_a_standard_queue_gets_neither_groups_nor_deduplication_ids(
    invoke: Invoke, fake_sqs: FakeSqs
):
    invoke(max_messages=20)
    entries = [entry for _, entries in fake_sqs.calls for entry in entries]
    assert {name for entry in entries for name in entry} == {
        "Id", "MessageBody", "MessageAttributes"
    }  # fmt: skip


def test_a_fifo_queue_gets_a_group_for_each_store_bad_messages_too(
    invoke: Invoke, fake_sqs: FakeSqs, monkeypatch: pytest.MonkeyPatch
):
    fake_sqs.queue_url = f"{QUEUE_URL}.fifo"
    monkeypatch.setenv("QUEUE_URL", fake_sqs.queue_url)
    invoke(run_id="run-1", rate=None, max_messages=200, bad_ratio=0.5)
    entries = [entry for _, entries in fake_sqs.calls for entry in entries]
    assert [e["MessageDeduplicationId"] for e in entries] == [f"run-1-{n}" for n in range(200)]
    bad = [e for e in entries if "store_id" not in e["MessageAttributes"]]
    assert {e["MessageGroupId"] for e in bad} == {f"store-{n}" for n in range(1, 6)}
    for entry in entries:
        if entry not in bad:
            store = entry["MessageAttributes"]["store_id"]["StringValue"]
            assert entry["MessageGroupId"] == f"store-{store}"


def test_a_message_does_not_show_its_body_in_a_traceback():
    (message,) = generate(1)
    assert json.loads(message.body)["ssn_no"] not in repr(message)


# Batches

SIZES = st.lists(
    st.one_of(st.integers(1, 600), st.integers(50_000, 400_000), st.just(1_048_576)), max_size=40
)


@given(sizes=SIZES)
@example(sizes=[600_000, 448_576])
@example(sizes=[600_000, 448_577])
def test_batches_keep_the_limits_and_every_entry_once_in_order(sizes: list[int]):
    entries: list[Any] = [
        {"Id": str(number), "MessageBody": "x" * size} for number, size in enumerate(sizes)
    ]
    batches = list(producer.split_batches(entries))
    assert [entry for batch in batches for entry in batch] == entries
    for batch in batches:
        assert 1 <= len(batch) <= 10
        assert sum(producer.measure_entry_bytes(entry) for entry in batch) <= 1_048_576
    for batch, following in pairwise(batches):
        size = sum(map(producer.measure_entry_bytes, [*batch, following[0]]))
        assert len(batch) == 10 or size > 1_048_576, "a batch was cut without need"


def test_the_size_of_an_entry_counts_bytes_of_body_names_types_and_values():
    entry: Any = {
        "Id": "not counted",
        "MessageBody": "ä€",
        "MessageAttributes": {"seq": {"DataType": "Number", "StringValue": "12"}},
    }
    assert producer.measure_entry_bytes(entry) == 5 + 3 + 6 + 2


# Pace


def test_the_default_run_sends_a_hundred_messages_evenly_over_its_five_seconds(
    invoke: Invoke, fake_sqs: FakeSqs
):
    assert invoke()["msg_cnt"] == 100
    times = [when for when, _ in fake_sqs.calls]
    assert times == pytest.approx([0.5 * n for n in range(10)])


@given(rate=st.floats(0.1, 10_000), duration=st.floats(0.01, 20))
def test_a_rate_is_never_exceeded_and_the_planned_number_is_reached(rate: float, duration: float):
    fake_time = FakeTime()
    request = producer.read_request({"rate": rate, "duration_s": duration})
    sent = 0
    for size in islice(producer.pace(request, clock=fake_time.clock(), deadline=2000), 200):
        elapsed = fake_time.now - 1000
        assert elapsed < duration
        assert sent <= rate * elapsed + 1e-6 * rate + 1
        assert 1 <= size <= 10
        sent += size
        is_cut_short_by_the_test = sent < rate * duration - 1
    assert is_cut_short_by_the_test or sent == max(1, round(rate * duration))


def test_a_slow_queue_is_not_waited_for_and_the_duration_ends_the_run(
    invoke: Invoke, fake_sqs: FakeSqs, fake_time: FakeTime
):
    fake_sqs.call_seconds = 1.0
    assert invoke()["msg_cnt"] == 50
    assert fake_time.slept == []


def test_unlimited_rate_ends_as_soon_as_all_are_sent(
    invoke: Invoke, fake_sqs: FakeSqs, fake_time: FakeTime
):
    assert invoke(rate=None, max_messages=2003)["msg_cnt"] == 2003
    assert fake_time.slept == []
    assert [len(entries) for _, entries in fake_sqs.calls] == [10] * 200 + [3]
    assert fake_sqs.sent_ids == [str(seq) for seq in range(2003)]


def test_unlimited_rate_without_number_ends_with_the_duration(invoke: Invoke, fake_sqs: FakeSqs):
    fake_sqs.call_seconds = 0.125
    assert invoke(rate=None)["msg_cnt"] == 400


@pytest.mark.parametrize(("max_messages", "expected"), [(1, 1), (15, 15), (100_000, 100)])
def test_the_smaller_of_number_and_duration_wins(invoke: Invoke, max_messages: int, expected: int):
    assert invoke(max_messages=max_messages)["msg_cnt"] == expected


def test_the_end_of_the_invocation_ends_the_run_in_time(
    invoke: Invoke, lambda_context: Any, fake_time: FakeTime
):
    lambda_context.remaining_milliseconds = 30_000
    message = invoke(duration_s=600)
    assert message["status"] is True
    assert message["msg_cnt"] == 500
    assert fake_time.now - 1000 <= 30 - producer.RESERVE_SECONDS


def test_no_time_at_all_is_said_so(invoke: Invoke, lambda_context: Any, fake_sqs: FakeSqs):
    lambda_context.remaining_milliseconds = 3000
    message = invoke()
    assert message["status"] is False
    assert message["msg_cnt"] == 0
    assert "5 s" in message["error_message"]
    assert fake_sqs.calls == []


# Counts


def test_the_answer_counts_good_and_bad(invoke: Invoke, fake_sqs: FakeSqs):
    message = invoke(seed=3, run_id="run-9")
    bad = [
        entry
        for _, entries in fake_sqs.calls
        for entry in entries
        if "store_id" not in entry["MessageAttributes"]
    ]
    assert message == {"status": True, "msg_cnt": 100, "bad_msg": len(bad), "run_id": "run-9"}
    assert 0 < len(bad) < 100


def test_failed_entries_alone_are_sent_again(invoke: Invoke, fake_sqs: FakeSqs):
    fake_sqs.script = [fail_ids("2", "5"), fail_ids("5")]
    message = invoke(max_messages=10)
    assert [[e["Id"] for e in entries] for _, entries in fake_sqs.calls[1:]] == [["2", "5"], ["5"]]
    assert message["status"] is True
    assert message["msg_cnt"] == 10


def test_an_entry_that_is_in_no_list_is_sent_again(invoke: Invoke, fake_sqs: FakeSqs):
    fake_sqs.script = [lambda _: {"Successful": [{"Id": "0"}, {"Id": "77"}]}]
    assert invoke(max_messages=2, bad_ratio=1)["msg_cnt"] == 2
    assert fake_sqs.sent_ids == ["0", "1", "1"]


def test_the_senders_fault_is_not_sent_again(invoke: Invoke, fake_sqs: FakeSqs):
    fake_sqs.script = [fail_ids("1", is_sender_fault=True)]
    message = invoke(max_messages=10, bad_ratio=1)
    assert len(fake_sqs.calls) == 1
    assert (message["status"], message["msg_cnt"], message["bad_msg"]) == (False, 9, 9)
    assert message["error_message"] == "1 of 10 messages could not be sent: InternalError (1)"


def test_an_entry_that_keeps_failing_is_given_up_and_the_run_goes_on(
    invoke: Invoke, fake_sqs: FakeSqs
):
    fake_sqs.always = fail_ids("3", "14")
    message = invoke(max_messages=20, rate=None, bad_ratio=0)
    assert (message["status"], message["msg_cnt"], message["bad_msg"]) == (False, 18, 0)
    assert Counter(fake_sqs.sent_ids)["3"] == producer.MAX_ATTEMPTS


@given(data=st.data())
def test_counts_are_what_sqs_accepted_whatever_it_answers(data: st.DataObject):
    fake_time = FakeTime()
    fake_sqs = FakeSqs(fake_time)
    accepted: set[str] = set()

    def answer(entries: list[dict[str, Any]]) -> dict[str, Any]:
        fates = [data.draw(st.sampled_from(["ok", "again", "never", "silent"])) for _ in entries]
        done = [e["Id"] for e, fate in zip(entries, fates, strict=True) if fate == "ok"]
        assert accepted.isdisjoint(done), "an accepted entry was sent again"
        accepted.update(done)
        return {
            "Successful": [{"Id": id_} for id_ in done],
            "Failed": [
                {"Id": e["Id"], "Code": fate, "SenderFault": fate == "never"}
                for e, fate in zip(entries, fates, strict=True)
                if fate in ("again", "never")
            ],
        }

    fake_sqs.always = answer
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(producer, "sqs", fake_sqs)
        result = producer.send_run(
            producer.read_request({"rate": None, "max_messages": 15, "run_id": "r", "seed": 5}),
            queue_url=QUEUE_URL,
            clock=fake_time.clock(),
            deadline=2000,
        )
    bad = {str(m.seq) for m in generate(15, run_id="r", seed=5) if m.is_bad}
    assert result.accepted_count == len(accepted)
    assert result.bad_count == len(accepted & bad)
    assert result.unsent_reasons.total() == 15 - len(accepted)
    assert (result.error_message is None) == (len(accepted) == 15)


def make_client_error(code: str, status: int) -> ClientError:
    response: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "SendMessageBatch")


@pytest.mark.parametrize(
    "error",
    [
        ReadTimeoutError(endpoint_url=QUEUE_URL),
        make_client_error("InternalError", 500),
        make_client_error("RequestThrottled", 403),
        make_client_error("TooManyRequests", 429),
    ],
)
def test_a_passing_error_is_tried_again_with_the_same_messages(
    invoke: Invoke, fake_sqs: FakeSqs, error: Exception
):
    fake_sqs.script = [raise_error(error)]
    message = invoke(max_messages=10)
    assert message["status"] is True
    assert message["msg_cnt"] == 10
    (_, first), (_, second) = fake_sqs.calls
    assert first == second


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (make_client_error("AccessDenied", 403), "AccessDenied"),
        (make_client_error("QueueDoesNotExist", 400), "QueueDoesNotExist"),
        (NoCredentialsError(), "NoCredentialsError"),
    ],
)
def test_a_lasting_error_ends_the_run_at_once_with_exact_counts(
    invoke: Invoke, fake_sqs: FakeSqs, error: Exception, name: str
):
    fake_sqs.script = [accept, raise_error(error)]
    message = invoke(bad_ratio=0)
    assert len(fake_sqs.calls) == 2
    assert (message["status"], message["msg_cnt"], message["bad_msg"]) == (False, 10, 0)
    assert message["error_message"] == f"10 of 20 messages could not be sent: {name} (10)"


def test_a_queue_that_never_answers_ends_the_run_after_some_attempts(
    invoke: Invoke, fake_sqs: FakeSqs
):
    fake_sqs.always = raise_error(ReadTimeoutError(endpoint_url=QUEUE_URL))
    message = invoke()
    assert len(fake_sqs.calls) == producer.MAX_ATTEMPTS
    assert (message["status"], message["msg_cnt"]) == (False, 0)


def test_a_run_goes_on_when_an_error_passed_but_an_entry_kept_failing(
    invoke: Invoke, fake_sqs: FakeSqs
):
    fake_sqs.always = fail_ids("3")
    fake_sqs.script = [raise_error(ReadTimeoutError(endpoint_url=QUEUE_URL))]
    message = invoke(max_messages=20, rate=None)
    assert (message["status"], message["msg_cnt"]) == (False, 19)


def test_no_attempt_begins_when_the_invocation_has_no_time_for_it(
    invoke: Invoke, fake_sqs: FakeSqs, lambda_context: Any, fake_time: FakeTime
):
    lambda_context.remaining_milliseconds = 12_000
    fake_sqs.call_seconds = 3
    fake_sqs.always = raise_error(ReadTimeoutError(endpoint_url=QUEUE_URL))
    assert invoke()["status"] is False
    assert all(when < 12 - producer.RESERVE_SECONDS for when, _ in fake_sqs.calls)
    assert fake_time.now - 1000 < 12


@given(attempt=st.integers(1, 50))
def test_backoff_between_attempts_is_jittered_below_a_doubling_ceiling(attempt: int):
    fake_time = FakeTime()
    assert producer._wait_before(attempt, clock=fake_time.clock(), deadline=2000)
    (slept,) = fake_time.slept
    assert 0 <= slept <= min(2.0, 0.1 * 2 ** (attempt - 1))


# The event


def test_everything_may_be_left_out():
    request = producer.read_request({})
    assert request.run_id != producer.read_request({}).run_id
    assert replace(request, run_id="run-1") == producer.Request(
        run_id="run-1",
        duration_seconds=5,
        rate_per_second=20,
        max_messages=None,
        bad_ratio=0.25,
        seed=None,
    )


@pytest.mark.usefixtures("invoke")
def test_an_invocation_without_payload_is_the_default_run(lambda_context: Any):
    body = json.loads(producer.handler(None, lambda_context)["body"])
    assert body["message"]["msg_cnt"] == 100


WRONG = [
    ("duration_s", value) for value in (0, -1, 890.5, None, "5", True, float("nan"), float("inf"))
]
WRONG += [("rate", value) for value in (0, -1, 10_001, "fast", False, float("nan"))]
WRONG += [("max_messages", value) for value in (0, -5, 1_000_001, 1.0, "10", True)]
WRONG += [("bad_ratio", value) for value in (-0.01, 1.01, None, "half", True)]
WRONG += [("seed", value) for value in (1.5, "1", True)]
WRONG += [("run_id", value) for value in ("", "a b", "x" * 65, "ä", "run\n", 7, True)]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_is_refused_by_name_and_nothing_is_sent(
    invoke: Invoke, fake_sqs: FakeSqs, name: str, value: Any
):
    with pytest.raises(producer.InvalidEventError) as refusal:
        invoke(**{name: value})
    assert str(refusal.value).startswith(f"{name} is {value!r}; it must be ")
    assert fake_sqs.calls == []


RIGHT = [("duration_s", 0.001), ("duration_s", 890), ("rate", 10_000), ("rate", None)]
RIGHT += [("max_messages", 1), ("max_messages", 1_000_000), ("max_messages", None)]
RIGHT += [("bad_ratio", 0), ("bad_ratio", 1), ("bad_ratio", 1.0), ("seed", -1), ("seed", 0)]
RIGHT += [("run_id", "A-Z_9"), ("run_id", "x" * 64), ("run_id", None)]


@pytest.mark.parametrize(("name", "value"), RIGHT)
def test_the_ends_of_each_range_are_accepted(name: str, value: Any):
    producer.read_request({name: value})


def test_an_unknown_field_is_refused_with_the_known_ones():
    with pytest.raises(producer.InvalidEventError, match=r"'ratio' .*0\.5.*bad_ratio"):
        producer.read_request({"ratio": 0.5})


@pytest.mark.parametrize("event", [[], "event", 5])
def test_an_event_that_is_no_object_is_refused(event: Any):
    with pytest.raises(producer.InvalidEventError, match="JSON object"):
        producer.read_request(event)


def test_a_long_value_is_cut_in_the_refusal():
    with pytest.raises(producer.InvalidEventError) as refusal:
        producer.read_request({"run_id": "x" * 100_000})
    assert len(str(refusal.value)) < 200


# The log


def test_one_info_record_tells_the_run(invoke: Invoke, log: io.StringIO):
    message = invoke(max_messages=10, run_id="run-1")
    (record,) = [json.loads(line) for line in log.getvalue().splitlines()]
    assert record["level"] == "INFO"
    assert {name: record[name] for name in message} == message


def test_no_event_is_logged_even_when_the_environment_asks_for_it(
    start_worker: Any, lambda_context: Any, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("POWERTOOLS_LOGGER_LOG_EVENT", "true")
    worker = start_worker(producer)
    with pytest.raises(worker.InvalidEventError):
        worker.handler({"run_id": "not a run id"}, lambda_context)
    assert log.getvalue() == ""


def test_no_body_is_logged_or_returned(invoke: Invoke, fake_sqs: FakeSqs, log: io.StringIO):
    fake_sqs.script = [fail_ids("0", is_sender_fault=True), raise_error(NoCredentialsError())]
    message = invoke()
    for _, entries in fake_sqs.calls:
        for entry in entries:
            event = json.loads(entry["MessageBody"])
            for field in ("ssn_no", "dob", "evnt_time", "name"):
                assert event[field] not in log.getvalue()
                assert event[field] not in json.dumps(message)


# A real queue


@pytest.fixture
def queue_url(aws: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    url = aws.create_queue(QueueName="events")["QueueUrl"]
    monkeypatch.setattr(producer, "sqs", aws)
    monkeypatch.setenv("QUEUE_URL", url)
    return url


def test_what_a_queue_holds_is_what_the_answer_says(aws: Any, queue_url: str, lambda_context: Any):
    event = {"rate": None, "max_messages": 35, "run_id": "run-1", "bad_ratio": 0.5}
    message = json.loads(producer.handler(event, lambda_context)["body"])["message"]
    received: list[dict[str, Any]] = []
    while batch := aws.receive_message(
        QueueUrl=queue_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    ).get("Messages"):
        received += batch
    attributes = [found["MessageAttributes"] for found in received]
    assert message["msg_cnt"] == len(received) == 35
    assert message["bad_msg"] == sum("store_id" not in found for found in attributes)
    assert sorted(int(found["seq"]["StringValue"]) for found in attributes) == list(range(35))
    assert {found["run_id"]["StringValue"] for found in attributes} == {"run-1"}
