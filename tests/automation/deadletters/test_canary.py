"""The canary lives only when nothing of it fails again."""

import dataclasses
import json
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from automation.deadletters.canary import CanaryPlan, CanaryReport, watch_canary

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sqs import SQSClient

    from automation.aws.consumer_log import Identity

GROUP = "consumer"
MOVED: "dict[str, Identity | None]" = {"new-1": ("run", 1), "new-2": ("run", 2)}


@pytest.fixture
def log(logs: "CloudWatchLogsClient") -> Callable[..., None]:
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(logGroupName=GROUP, logStreamName="s")

    def log(record: dict[str, object]) -> None:
        logs.put_log_events(
            logGroupName=GROUP,
            logStreamName="s",
            logEvents=[{"timestamp": int(time.time() * 1000), "message": json.dumps(record)}],
        )

    return log


@pytest.fixture
def watch(
    sqs: "SQSClient", logs: "CloudWatchLogsClient", dlq_url: str
) -> Callable[..., CanaryReport]:
    destination_url = sqs.create_queue(QueueName="queue")["QueueUrl"]

    def watch(
        timeout_seconds: float, moved: "dict[str, Identity | None]" = MOVED, **changes: object
    ) -> CanaryReport:
        plan = CanaryPlan(
            moved=moved,
            destination_url=destination_url,
            dlq_url=dlq_url,
            log_groups=[GROUP],
            began_seconds=time.time(),
            timeout_seconds=timeout_seconds,
            visibility_timeout_seconds=3600,
            quiet_seconds=0,
            log_delay_seconds=0,
            interval_seconds=0,
            wait_seconds=0,
            connections=1,
        )
        plan = dataclasses.replace(plan, **changes)  # type: ignore[arg-type]
        return watch_canary(sqs, logs, plan, cancel=threading.Event())

    return watch


def test_processed_canary_ends_the_watch_at_once(
    watch: Callable[..., CanaryReport], log: Callable[..., None]
) -> None:
    log({"level": "INFO", "processed": {"run": [1, 2, 3], "other": [1]}})
    report = watch(timeout_seconds=60)
    assert (report.sent, report.processed, report.is_well) == (2, 2, True)
    assert report.waited_seconds < 30


def test_canary_that_fails_is_not_well(
    watch: Callable[..., CanaryReport], log: Callable[..., None]
) -> None:
    log({"level": "INFO", "processed": {"run": [1]}})
    log({"level": "ERROR", "message_id": "new-2", "receive_count": 1})
    log({"level": "ERROR", "message_id": "another", "receive_count": 1})
    report = watch(timeout_seconds=0)
    assert (report.processed, report.failing, report.is_well) == (1, 1, False)


def test_watch_ends_when_each_was_tried_and_none_is_left_in_the_queue(
    watch: Callable[..., CanaryReport],
    log: Callable[..., None],
    sqs: "SQSClient",
    dlq_url: str,
) -> None:
    back = sqs.send_message(QueueUrl=dlq_url, MessageBody="x")["MessageId"]
    log({"level": "INFO", "processed": {"run": [1]}})
    log({"level": "ERROR", "message_id": back, "receive_count": 2})
    report = watch(60, {"new-1": ("run", 1), back: ("run", 2)}, log_delay_seconds=0.05)
    assert (report.processed, report.failing, report.returned) == (1, 1, 1)
    assert 0.05 < report.waited_seconds < 30


def test_canary_that_succeeds_at_the_second_try_is_well(
    watch: Callable[..., CanaryReport], log: Callable[..., None]
) -> None:
    log({"level": "ERROR", "message_id": "new-2", "receive_count": 1})
    log({"level": "INFO", "processed": {"run": [1, 2]}})
    assert watch(timeout_seconds=60).is_well


@pytest.mark.usefixtures("log")
def test_canary_in_the_dead_letter_queue_is_not_well(
    watch: Callable[..., CanaryReport], sqs: "SQSClient", dlq_url: str
) -> None:
    sent = sqs.send_message(QueueUrl=dlq_url, MessageBody="x")["MessageId"]
    report = watch(0, {sent: None, "elsewhere": None})
    assert (report.returned, report.processed, report.is_well) == (1, 0, False)


@pytest.mark.usefixtures("log")
def test_silence_is_no_success(watch: Callable[..., CanaryReport]) -> None:
    report = watch(timeout_seconds=0)
    assert (report.processed, report.failing, report.returned) == (0, 0, 0)
    assert not report.is_well
    assert "of 2 nothing is known" in str(report)


@pytest.mark.usefixtures("log")
def test_canary_of_a_silent_consumer_is_well_when_it_has_left_both_queues(
    watch: Callable[..., CanaryReport],
) -> None:
    report = watch(timeout_seconds=60, visibility_timeout_seconds=0.05)
    assert (report.processed, report.is_well) == (0, True)
    assert report.waited_seconds > 0.05


@pytest.mark.usefixtures("log")
def test_canary_that_somebody_still_works_on_is_not_well(
    watch: Callable[..., CanaryReport], sqs: "SQSClient"
) -> None:
    url = sqs.get_queue_url(QueueName="queue")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="x")
    sqs.receive_message(QueueUrl=url)
    assert not watch(timeout_seconds=0.2, visibility_timeout_seconds=0).is_well


def test_run_of_the_consumer_that_crashed_is_not_well(
    watch: Callable[..., CanaryReport], logs: "CloudWatchLogsClient", log: Callable[..., None]
) -> None:
    log({"level": "INFO", "processed": {"run": [1]}})
    logs.put_log_events(
        logGroupName=GROUP,
        logStreamName="s",
        logEvents=[
            {
                "timestamp": int(time.time() * 1000) + 500,
                "message": "[ERROR] ValueError: x\nTraceback (most recent call last):",
            }
        ],
    )
    report = watch(timeout_seconds=0.3, visibility_timeout_seconds=0.05)
    assert (report.processed, report.crashed_runs, report.is_well) == (1, 1, False)


LETTER = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"


@pytest.mark.parametrize(
    ("line", "failing"),
    [
        (f"{LETTER} failed: ValueError('x')", 1),
        (f'{{"level": "ERROR", "order": {{"id": "{LETTER}"}}, "exception_name": "KeyError"}}', 1),
        (f"[ERROR]\t2026-11-24T10:00:00.000Z\t6f2e\tcould not process {LETTER}", 1),
        (f"processing {LETTER}", 0),
        (f'{{"level": "WARNING", "message_id": "{LETTER}", "exception_name": "Skipped"}}', 0),
        ("ValueError: x", 0),
    ],
)
def test_failure_is_heard_whatever_the_record_s_shape(
    watch: Callable[..., CanaryReport],
    logs: "CloudWatchLogsClient",
    log: Callable[..., None],
    line: str,
    failing: int,
) -> None:
    log({"level": "INFO"})
    logs.put_log_events(
        logGroupName=GROUP,
        logStreamName="s",
        logEvents=[{"timestamp": int(time.time() * 1000), "message": line}],
    )
    report = watch(0, {LETTER: None})
    assert (report.failing, report.crashed_runs, report.is_well) == (failing, 0, False)


def test_crash_that_is_told_twice_is_one(
    watch: Callable[..., CanaryReport], logs: "CloudWatchLogsClient", log: Callable[..., None]
) -> None:
    log({"level": "INFO"})
    at_ms = int(time.time() * 1000) + 500
    for line in (
        "[ERROR] ValueError: x",
        "REPORT RequestId: 6f2e\tDuration: 1 ms\tStatus: error\tError Type: ValueError",
        '{"type": "platform.report", "record": {"requestId": "6f2e", "status": "error"}}',
    ):
        logs.put_log_events(
            logGroupName=GROUP,
            logStreamName="s",
            logEvents=[{"timestamp": at_ms, "message": line}],
        )
    assert watch(0).crashed_runs == 1
