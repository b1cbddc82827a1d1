"""Back-off: how long which failed record waits, and what is said when it can't be asked for."""

import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from hypothesis import given
from hypothesis import strategies as st

import back_off
import batch_processing
import consumer

from .conftest import EVENT, REAL_SQS_CLIENT, FakeSqs, Run, make_record, read_log


def test_all_of_a_stopped_group_become_visible_together(
    run: Run, fake_sqs: FakeSqs, monkeypatch: pytest.MonkeyPatch
):
    drawn = iter([7, 1, 3, 2])
    monkeypatch.setattr(back_off, "choose_backoff_seconds", lambda _: next(drawn))
    run(
        make_record(0, group="a", store_id=None),
        make_record(1, group="b", store_id=None),
        make_record(2, group="a"),
        make_record(3, group="b"),
    )
    assert fake_sqs.delays == {"handle-0": 7, "handle-1": 1, "handle-2": 7, "handle-3": 1}


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


@given(receive_count=st.integers(1, 1000))
def test_backoff_is_whole_seconds_between_none_and_the_doubling_ceiling(receive_count: int):
    seconds = back_off.choose_backoff_seconds(receive_count)
    assert type(seconds) is int
    assert 0 <= seconds <= min(60, 2 ** (receive_count - 1))


@pytest.mark.parametrize(("receive_count", "ceiling"), [(1, 1), (2, 2), (3, 4), (20, 60)])
def test_backoff_reaches_both_ends_of_its_range(receive_count: int, ceiling: int):
    drawn = {back_off.choose_backoff_seconds(receive_count) for _ in range(3000)}
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


@pytest.mark.parametrize(
    "environment",
    [
        {"AWS_ENDPOINT_URL_SQS": "nonsense", "AWS_DEFAULT_REGION": "eu-central-1"},
        {"AWS_DEFAULT_REGION": ""},
    ],
)
def test_a_client_that_can_t_be_made_costs_the_back_off_alone(
    run: Run, log: io.StringIO, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
):
    monkeypatch.setattr(back_off, "sqs_client", REAL_SQS_CLIENT.__wrapped__)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert run(make_record(0), make_record(1, store_id=None)) == ["id-1"]
    assert len(read_log(log, "WARNING")) == 1


def test_no_backoff_is_asked_for_when_the_time_is_up(
    run: Run, log: io.StringIO, fake_sqs: FakeSqs, lambda_context: Any
):
    lambda_context.remaining_milliseconds = back_off.RESERVE_MILLISECONDS - 1
    assert run(make_record(0, store_id=None)) == ["id-0"]
    assert fake_sqs.calls == []
    assert len(read_log(log, "WARNING")) == 1


def test_a_call_that_nobody_answers_leaves_time_for_the_answer():
    config = REAL_SQS_CLIENT.__wrapped__().meta.config
    attempts = config.retries["total_max_attempts"]
    longest_pause = sum(2**attempt for attempt in range(attempts - 1))
    longest_seconds = attempts * (config.connect_timeout + config.read_timeout) + longest_pause
    assert longest_seconds * 1000 < back_off.RESERVE_MILLISECONDS
    assert back_off.RESERVE_MILLISECONDS <= batch_processing.RESERVE_SECONDS * 1000


def test_a_failed_message_comes_back_from_a_real_queue_at_once(
    aws: Any, lambda_context: Any, monkeypatch: pytest.MonkeyPatch
):
    url = aws.create_queue(QueueName="events", Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
    aws.send_message(QueueUrl=url, MessageBody=json.dumps(EVENT))
    (message,) = aws.receive_message(QueueUrl=url)["Messages"]
    # The client that it makes itself, and not the test's: it has to find region and credentials.
    monkeypatch.setattr(back_off, "sqs_client", REAL_SQS_CLIENT.__wrapped__)
    monkeypatch.setenv("QUEUE_URL", url)
    monkeypatch.setattr(back_off, "choose_backoff_seconds", lambda _: 0)
    record = make_record(0, store_id=None)
    record["receiptHandle"] = message["ReceiptHandle"]
    consumer.handler({"Records": [record]}, lambda_context)
    (again,) = aws.receive_message(QueueUrl=url)["Messages"]
    assert again["MessageId"] == message["MessageId"]
