"""A sample that could not be taken is a gap in a picture, told once and without a traceback."""

import logging
import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import EndpointConnectionError

from automation.aws.queue_depth import Depth
from automation.proof import depth_samples
from automation.proof.depth_samples import sampled_depths

TARGET: Any = SimpleNamespace(
    clients=SimpleNamespace(sqs=None), pace=SimpleNamespace(poll_interval_seconds=0)
)
OUTPUTS: Any = SimpleNamespace(queue_url="q", dlq_url="d")


@pytest.fixture
def failed(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set when at least three samples could not be taken."""
    event, failures = threading.Event(), list[int]()

    def fail(*_: object) -> Depth:
        failures.append(1)
        if len(failures) == 3:
            event.set()
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1/")

    monkeypatch.setattr(depth_samples, "queue_depth", fail)
    return event


def test_gaps_are_told_once_when_the_run_is_over(
    failed: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    with sampled_depths(TARGET, OUTPUTS) as samples:
        assert failed.wait(10)
    assert samples == []
    (record,) = caplog.records
    assert (record.levelno, record.exc_info) == (logging.WARNING, None)
    assert "samples of the queues' depths are missing: Could not connect" in record.getMessage()


def test_gaps_are_not_told_beside_what_ended_the_run(
    failed: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(RuntimeError), sampled_depths(TARGET, OUTPUTS):
        assert failed.wait(10)
        raise RuntimeError
    assert caplog.records == cast("list[logging.LogRecord]", [])
