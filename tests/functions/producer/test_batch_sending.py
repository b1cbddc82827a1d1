"""Sending: how batches are cut, and what is sent again."""

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)
from hypothesis import example, given
from hypothesis import strategies as st

import batch_sending
import producer
from automation.aws.errors import is_throttled

from .conftest import QUEUE_URL, FakeSqs, FakeTime, Invoke, accept, fail_ids, raise_error

SIZES = st.lists(
    st.one_of(st.integers(1, 600), st.integers(50_000, 400_000), st.just(1_048_576)), max_size=40
)


@given(sizes=SIZES)
@example(sizes=[600_000, 448_576])
@example(sizes=[600_000, 448_577])
def test_batches_keep_the_limits_and_every_entry_once_in_order(sizes: list[int]):
    entries = {str(number): "x" * size for number, size in enumerate(sizes)}
    batches = [list(batch.items()) for batch in batch_sending.split_batches(entries)]
    assert [entry for batch in batches for entry in batch] == list(entries.items())
    for batch in batches:
        assert 1 <= len(batch) <= 10
        assert sum(len(entry) for _, entry in batch) <= 1_048_576
    for batch, following in pairwise(batches):
        size = sum(len(entry) for _, entry in [*batch, following[0]])
        assert len(batch) == 10 or size > 1_048_576, "a batch was cut without need"


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
    assert Counter(fake_sqs.sent_ids)["3"] == batch_sending.MAX_ATTEMPTS


def make_client_error(code: str, status: int) -> ClientError:
    response: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "SendMessageBatch")


# The producer ships alone, so it says for itself what "not now" is; the operator's commands agree.
THROTTLED = [
    ("RequestThrottled", 403),
    ("ThrottlingException", 400),
    ("KMS.ThrottlingException", 400),
    ("KmsThrottled", 400),
    ("SlowDown", 503),
    ("TooManyRequests", 429),
]


@pytest.mark.parametrize(
    ("code", "status"), [*THROTTLED, ("AccessDenied", 403), ("KMS.AccessDeniedException", 400)]
)
def test_producer_and_operator_agree_on_what_throttling_is(code: str, status: int):
    error = make_client_error(code, status)
    assert batch_sending._is_passing(error) is is_throttled(error)


@pytest.mark.parametrize(
    "error",
    [
        ReadTimeoutError(endpoint_url=QUEUE_URL),
        ConnectTimeoutError(endpoint_url=QUEUE_URL),
        EndpointConnectionError(endpoint_url=QUEUE_URL),
        ProxyConnectionError(proxy_url="http://127.0.0.1:9"),
        SSLError(endpoint_url=QUEUE_URL, error="eof"),
        make_client_error("InternalError", 500),
        *(make_client_error(code, status) for code, status in THROTTLED),
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
    assert len(fake_sqs.calls) == batch_sending.MAX_ATTEMPTS
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
    assert batch_sending._wait_before(attempt, clock=fake_time.clock(), deadline=2000)
    (slept,) = fake_time.slept
    assert 0 <= slept <= min(2.0, 0.1 * 2 ** (attempt - 1))
