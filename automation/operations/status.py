"""The state of a stack at one moment, as an operator wants to see it."""

import datetime
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from automation.aws.clients import Clients
from automation.aws.queue_depth import Depth, queue_depth
from automation.aws.whole_batches import whole_batch_advice
from automation.deadletters.reasons import failure_events
from components.outputs import StackOutputs

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

_METRICS_MINUTES = 5


@dataclass(frozen=True, kw_only=True)
class StackStatus:
    """What is going on.

    Attributes:
        queue, dlq: counts, approximate.
        oldest_seconds, dlq_oldest_seconds: age of the oldest message; None when CloudWatch has no
            value, as in the embedded AWS.
        alarms: state by alarm name.
        mappings: state of each event source mapping of the consumer, by its id: `Enabled`,
            `Disabled` and the like.
        failed_attempts: how often a message failed in the last 5 minutes, as the consumer's log
            says.
        errors: invocations of the consumer that failed as a whole in the last 5 minutes; None
            when CloudWatch has no value.
        concurrency: most invocations at the same time in the last 5 minutes; None as above.
        advice: what the consumer should do otherwise, when it raises for whole batches; None
            (default) when it doesn't.
    """

    queue: Depth
    dlq: Depth
    oldest_seconds: float | None
    dlq_oldest_seconds: float | None
    alarms: Mapping[str, str]
    mappings: Mapping[str, str]
    failed_attempts: int
    errors: float | None
    concurrency: float | None
    advice: str | None = None


def read_status(clients: Clients, outputs: StackOutputs) -> StackStatus:
    """Ask SQS, CloudWatch and Lambda once."""
    metrics = _metrics(clients, outputs)
    since_ms = int((time.time() - _METRICS_MINUTES * 60) * 1000)
    return StackStatus(
        queue=queue_depth(clients.sqs, outputs.queue_url),
        dlq=queue_depth(clients.sqs, outputs.dlq_url),
        oldest_seconds=metrics.get("oldest"),
        dlq_oldest_seconds=metrics.get("dlq_oldest"),
        alarms=_alarm_states(clients, outputs),
        mappings={
            mapping.get("UUID", ""): mapping.get("State", "")
            for page in clients.functions.get_paginator("list_event_source_mappings").paginate(
                FunctionName=outputs.consumer_function_name
            )
            for mapping in page.get("EventSourceMappings", [])
        },
        failed_attempts=sum(
            1
            for _ in failure_events(
                clients.logs, outputs.consumer_log_group_name, since_ms=since_ms
            )
        ),
        errors=metrics.get("errors"),
        concurrency=metrics.get("concurrency"),
        advice=_advice(clients, outputs, since_ms) if metrics.get("errors") else None,
    )


def _advice(clients: Clients, outputs: StackOutputs, since_ms: int) -> str | None:
    return whole_batch_advice(
        clients,
        function_name=outputs.consumer_function_name,
        log_group=outputs.consumer_log_group_name,
        since_ms=since_ms,
    )


def _alarm_states(clients: Clients, outputs: StackOutputs) -> dict[str, str]:
    if not outputs.alarm_names:
        return {}
    answer = clients.cloudwatch.describe_alarms(AlarmNames=list(outputs.alarm_names))
    return {
        alarm.get("AlarmName", ""): alarm.get("StateValue", "")
        for alarm in answer.get("MetricAlarms", [])
    }


def _metrics(clients: Clients, outputs: StackOutputs) -> dict[str, float]:
    """The newest value of each metric that has one."""
    now = datetime.datetime.now(datetime.UTC)
    queue = ("AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName")
    function = outputs.consumer_function_name
    answer = clients.cloudwatch.get_metric_data(
        MetricDataQueries=[
            _query("oldest", *queue, outputs.queue_name, "Maximum", 60),
            _query("dlq_oldest", *queue, outputs.dlq_name, "Maximum", 60),
            _query("errors", "AWS/Lambda", "Errors", "FunctionName", function, "Sum", 300),
            _query(
                "concurrency",
                *("AWS/Lambda", "ConcurrentExecutions", "FunctionName"),
                function,
                "Maximum",
                300,
            ),
        ],
        StartTime=now - datetime.timedelta(minutes=_METRICS_MINUTES),
        EndTime=now,
        ScanBy="TimestampDescending",
    )
    return {
        result.get("Id", ""): values[0]
        for result in answer.get("MetricDataResults", [])
        if (values := result.get("Values", []))
    }


def _query(
    query_id: str,
    namespace: str,
    metric: str,
    dimension: str,
    value: str,
    statistic: str,
    period_seconds: int,
) -> "MetricDataQueryTypeDef":
    return {
        "Id": query_id,
        "MetricStat": {
            "Metric": {
                "Namespace": namespace,
                "MetricName": metric,
                "Dimensions": [{"Name": dimension, "Value": value}],
            },
            "Period": period_seconds,
            "Stat": statistic,
        },
    }
