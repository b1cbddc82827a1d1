"""The producer: what it answers, counts and logs."""

import io
import json
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError
from hypothesis import given
from hypothesis import strategies as st

import batch_sending
import producer
import run_request

from .conftest import QUEUE_URL, FakeSqs, FakeTime, Invoke, fail_ids, generate, raise_error


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
        patch.setattr(batch_sending, "sqs", fake_sqs)
        result = producer.send_run(
            run_request.read_request({"rate": None, "max_messages": 15, "run_id": "r", "seed": 5}),
            queue_url=QUEUE_URL,
            clock=fake_time.clock(),
            deadline=2000,
        )
    bad = {str(m.seq) for m in generate(15, run_id="r", seed=5) if m.is_bad}
    assert result.accepted_count == len(accepted)
    assert result.bad_count == len(accepted & bad)
    assert result.unsent_reasons.total() == 15 - len(accepted)
    assert (result.error_message is None) == (len(accepted) == 15)


@pytest.mark.usefixtures("invoke")
def test_an_invocation_without_payload_is_the_default_run(lambda_context: Any):
    body = json.loads(producer.handler(None, lambda_context)["body"])
    assert body["message"]["msg_cnt"] == 100


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
    with pytest.raises(ValueError, match="run_id"):
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


@pytest.fixture
def queue_url(aws: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    url = aws.create_queue(QueueName="events")["QueueUrl"]
    monkeypatch.setattr(batch_sending, "sqs", aws)
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
