"""The component's alarms, heard on the embedded AWS."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

from automation.target import Target
from automation.waiting import wait_until
from components import (
    AlarmArgs,
    ConsumerArgs,
    PythonFunctionArgs,
    ReliableQueue,
    ReliableQueueArgs,
)

pytestmark = pytest.mark.engine

_ROLES = ("dead-letters", "dead-letter-age", "message-age", "consumer-errors", "consumer-throttles")


def rung(aws: Target) -> set[str]:
    """The roles of the alarms that have gone to ALARM at some time."""
    items = aws.clients.cloudwatch.describe_alarm_history()["AlarmHistoryItems"]
    names = [item.get("AlarmName", "") for item in items if "to ALARM" in str(item)]
    return {role for role in _ROLES for name in names if name.startswith(f"heard-{role}-")}


def wait_until_rung(aws: Target, *roles: str) -> None:
    wait_until(
        f"{roles} have rung", lambda: ((seen := rung(aws)) >= {*roles}, seen), timeout_seconds=30
    )


def test_each_of_the_five_alarms_rings(
    aws: Target, deployed: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "fails.py").write_text("def handler(event, context):\n    raise ValueError\n")

    def program() -> None:
        function = PythonFunctionArgs(
            source=tmp_path, handler="fails.handler", timeout_seconds=1, reserved_concurrency=2
        )
        alarms = AlarmArgs(dead_letter_age_percent=1, message_age_seconds=1)
        args = ReliableQueueArgs(
            consumer=ConsumerArgs(function=function),
            max_receive_count=1,
            visibility_timeout_seconds=1,
            retention_seconds=60,
            dlq_retention_seconds=120,
            alarms=alarms,
        )
        queue = ReliableQueue("heard", args)
        pulumi.export("queue", queue.queue_url)
        pulumi.export("function", queue.consumer_function_name)

    with deployed(aws, program) as stack:
        url, function = stack.outputs["queue"], stack.outputs["function"]
        assert rung(aws) == set()
        aws.clients.sqs.send_message(QueueUrl=url, MessageBody="raises")
        wait_until_rung(aws, "consumer-errors", "dead-letters", "dead-letter-age")
        aws.clients.functions.put_function_concurrency(
            FunctionName=function, ReservedConcurrentExecutions=0
        )
        aws.clients.sqs.send_message(QueueUrl=url, MessageBody="throttled", DelaySeconds=2)
        wait_until_rung(aws, "consumer-throttles", "message-age")
