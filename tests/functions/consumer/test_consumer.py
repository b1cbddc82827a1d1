"""The handler: what it reports of a batch, and what it needs."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

import consumer

from .conftest import FakeSqs, Run, make_record, read_log


def test_a_worker_has_no_client_and_no_boto3_before_a_record_fails():
    program = (
        "import sys, consumer, back_off\n"
        "print('boto3' in sys.modules, back_off.sqs_client.cache_info().currsize)\n"
    )
    worker = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(Path(consumer.__file__).parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert worker.stdout.split() == ["False", "0"]


def test_a_good_batch_reports_no_failure_and_touches_no_visibility(run: Run, fake_sqs: FakeSqs):
    assert run(make_record(0), make_record(1)) == []
    assert fake_sqs.calls == []


def test_an_empty_batch_is_no_failure(run: Run):
    assert run() == []


def test_a_batch_of_only_bad_records_is_reported_not_raised(
    run: Run, log: io.StringIO, fake_sqs: FakeSqs
):
    records = [make_record(seq, store_id=None) for seq in range(3)]
    assert run(*records) == ["id-0", "id-1", "id-2"]
    assert len(fake_sqs.delays) == 3
    (info,) = read_log(log, "INFO")
    assert info["resp"] == {"status": True, "tot_msgs": 3, "f_msgs": 3, "s_msgs": 0}
    assert info["processed"] == {}


def test_a_number_of_receives_that_is_none_fails_before_anything_is_processed(
    run: Run, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MAX_RECEIVE_COUNT", "two")
    with pytest.raises(ValueError, match="two"):
        run(make_record(0))
    assert "processed" not in log.getvalue()


def test_nothing_is_processed_without_a_queue_url(
    run: Run, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("QUEUE_URL")
    with pytest.raises(KeyError, match="QUEUE_URL"):
        run(make_record(0))
    assert "processed" not in log.getvalue()
