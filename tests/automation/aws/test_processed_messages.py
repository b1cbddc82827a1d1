"""The consumer's log is read by its structure; other lines don't disturb."""

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from automation.aws.consumer_log import processed_messages

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

GROUP = "consumer"
# CloudWatch Logs drops events that are older than 14 days (PutLogEvents, "logEvents").
NOW_MS = int(time.time() * 1000)


@pytest.fixture
def logs() -> "Iterator[CloudWatchLogsClient]":
    with mock_aws():
        client = boto3.client(
            "logs",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        client.create_log_group(logGroupName=GROUP)
        client.create_log_stream(logGroupName=GROUP, logStreamName="s")
        yield client


def write(logs: "CloudWatchLogsClient", *lines: str, at_ms: int = NOW_MS) -> None:
    logs.put_log_events(
        logGroupName=GROUP,
        logStreamName="s",
        logEvents=[{"timestamp": at_ms, "message": line} for line in lines],
    )


def test_each_delivery_is_one_entry(logs: "CloudWatchLogsClient") -> None:
    write(
        logs,
        json.dumps({"level": "INFO", "resp": {}, "processed": {"a": [0, 1], "b": [4]}}),
        json.dumps({"level": "INFO", "resp": {}, "processed": {"a": [1]}}),
    )
    found = list(processed_messages(logs, GROUP, since_ms=NOW_MS))
    identities = sorted(processing.identity for processing in found)
    assert identities == [("a", 0), ("a", 1), ("a", 1), ("b", 4)]
    assert {processing.at_ms for processing in found} == {NOW_MS}


def test_groups_of_a_fifo_queue_come_along(logs: "CloudWatchLogsClient") -> None:
    groups = {"a": {"store-1": [4, 6], "store-2": [5]}}
    write(logs, json.dumps({"processed": {"a": [4, 5, 6]}, "groups": groups}))
    found = processed_messages(logs, GROUP, since_ms=NOW_MS)
    assert [(done.identity[1], done.group) for done in found] == [
        (4, "store-1"),
        (5, "store-2"),
        (6, "store-1"),
    ]


def test_lines_of_the_platform_and_other_records_are_left_out(
    logs: "CloudWatchLogsClient",
) -> None:
    write(
        logs,
        "START RequestId: 1",
        "{not json",
        "[1, 2]",
        json.dumps({"level": "ERROR", "missing_store_id": True, "seq": 3}),
    )
    assert list(processed_messages(logs, GROUP, since_ms=NOW_MS)) == []


def test_records_from_before_are_left_out(logs: "CloudWatchLogsClient") -> None:
    record = json.dumps({"processed": {"a": [0]}})
    write(logs, record, at_ms=NOW_MS - 1)
    assert list(processed_messages(logs, GROUP, since_ms=NOW_MS)) == []
