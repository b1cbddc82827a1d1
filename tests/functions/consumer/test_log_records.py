"""The log: what it tells, and that it tells nothing personal."""

import io
import json
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError

import consumer
import customer_events

from .conftest import EVENT, PERSONAL, FakeSqs, Run, make_record, read_log
from .test_customer_events import UNREADABLE_BODIES


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

    monkeypatch.setattr(customer_events, "_check_event", check)
    assert run(make_record(0)) == ["id-0"]
    (error,) = read_log(log, "ERROR")
    assert error["exception_name"] == "RuntimeError"
    assert error["missing_store_id"] is False
    assert "in process_record" in "".join(error["stack"])
    for value in PERSONAL:
        assert value not in log.getvalue()
