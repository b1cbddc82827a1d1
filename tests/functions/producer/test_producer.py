"""The producer: what it answers, counts and logs."""

import io
import json
import random
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError, ReadTimeoutError
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


@given(chance=st.integers(), is_fifo=st.booleans())
def test_counts_are_what_sqs_accepted_whatever_it_answers(chance: int, is_fifo: bool):
    fake_time = FakeTime()
    fake_sqs = FakeSqs(fake_time)
    fake_sqs.queue_url = f"{QUEUE_URL}.fifo" if is_fifo else QUEUE_URL
    accepted: set[str] = set()
    fate_of = random.Random(chance)  # noqa: S311 - nothing to protect

    def answer(entries: list[dict[str, Any]]) -> dict[str, Any]:
        if fate_of.random() < 0.1:
            raise ReadTimeoutError(endpoint_url=QUEUE_URL)
        fates = [fate_of.choice(["ok", "ok", "again", "never", "silent"]) for _ in entries]
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
            run_request.read_request({"rate": None, "max_messages": 95, "run_id": "r", "seed": 5}),
            queue_url=fake_sqs.queue_url,
            clock=fake_time.clock(),
            deadline=2000,
        )
    bad = {str(m.seq) for m in generate(95, run_id="r", seed=5) if m.is_bad}
    assert result.accepted_count == len(accepted)
    assert result.bad_count == len(accepted & bad)
    # A run ends early when a call can't be made at all, five times over.
    tried = len(set(fake_sqs.sent_ids))
    assert result.unsent_reasons.total() == tried - len(accepted)
    assert (result.error_message is None) == (len(accepted) == tried)


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
