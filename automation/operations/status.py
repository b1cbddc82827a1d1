"""The state of a stack at one moment, as an operator wants to see it."""

import datetime
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from automation.aws.clients import Clients
from automation.aws.metric_query import metric_query, of_function, of_queue
from automation.aws.queue_depth import Depth, queue_depth
from automation.aws.whole_batches import whole_batch_advice
from automation.deadletters.reasons import failure_events
from automation.operations.wiring import Wiring

if TYPE_CHECKING:
    pass

_METRICS_MINUTES = 5
_MAX_ALARM_NAMES = 100


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

    queue: Depth | None
    dlq: Depth | None
    oldest_seconds: float | None
    dlq_oldest_seconds: float | None
    alarms: Mapping[str, str]
    mappings: Mapping[str, str]
    failed_attempts: int
    errors: float | None
    concurrency: float | None
    advice: str | None = None


def read_status(clients: Clients, wiring: Wiring) -> StackStatus:
    """Ask SQS, CloudWatch and Lambda once."""
    metrics = _metrics(clients, wiring)
    since_ms = int((time.time() - _METRICS_MINUTES * 60) * 1000)
    return StackStatus(
        queue=queue_depth(clients.sqs, wiring.queue.url) if wiring.queue else None,
        dlq=queue_depth(clients.sqs, wiring.dlq.url) if wiring.dlq else None,
        oldest_seconds=metrics.get("oldest"),
        dlq_oldest_seconds=metrics.get("dlq_oldest"),
        alarms=_alarm_states(clients, wiring.alarm_names),
        mappings=dict(_mapping_states(clients, wiring)),
        failed_attempts=sum(
            1 for _ in failure_events(clients.logs, wiring.log_groups, since_ms=since_ms)
        ),
        errors=_sum(metrics, "errors"),
        concurrency=_sum(metrics, "concurrency"),
        advice=advice(clients, wiring, since_ms=since_ms) if _sum(metrics, "errors") else None,
    )


def advice(clients: Clients, wiring: Wiring, *, since_ms: int) -> str | None:
    """What the consumers should do otherwise, when one raises for whole batches."""
    found = (
        whole_batch_advice(
            clients,
            function_name=consumer.function_name,
            log_group=consumer.log_group,
            since_ms=since_ms,
        )
        for consumer in wiring.consumers
    )
    return next(filter(None, found), None)


def _mapping_states(clients: Clients, wiring: Wiring) -> Iterator[tuple[str, str]]:
    sources = {source.arn for source in wiring.sources}
    for consumer in wiring.consumers:
        pages = clients.functions.get_paginator("list_event_source_mappings").paginate(
            FunctionName=consumer.function_name
        )
        for page in pages:
            for mapping in page.get("EventSourceMappings", []):
                # The function may be fed from other queues too.
                if mapping.get("EventSourceArn") in sources:
                    yield mapping.get("UUID", ""), mapping.get("State", "")


def _alarm_states(clients: Clients, names: Sequence[str]) -> dict[str, str]:
    # DescribeAlarms takes 100 names (CloudWatch API Reference).
    return {
        alarm.get("AlarmName", ""): alarm.get("StateValue", "")
        for start in range(0, len(names), _MAX_ALARM_NAMES)
        for alarm in clients.cloudwatch.describe_alarms(
            AlarmNames=names[start : start + _MAX_ALARM_NAMES], MaxRecords=_MAX_ALARM_NAMES
        ).get("MetricAlarms", [])
    }


def _metrics(clients: Clients, wiring: Wiring) -> dict[str, float]:
    """The newest value of each metric that has one."""
    now = datetime.datetime.now(datetime.UTC)
    queries = [
        metric_query(
            query_id,
            of_queue(queue.name),
            "ApproximateAgeOfOldestMessage",
            "Maximum",
            period_seconds=60,
        )
        for query_id, queue in (("oldest", wiring.queue), ("dlq_oldest", wiring.dlq))
        if queue
    ]
    for number, consumer in enumerate(wiring.consumers):
        for query_id, metric, statistic in (
            ("errors", "Errors", "Sum"),
            ("concurrency", "ConcurrentExecutions", "Maximum"),
        ):
            whose = of_function(consumer.function_name)
            queries.append(
                metric_query(f"{query_id}{number}", whose, metric, statistic, period_seconds=300)
            )
    answer = clients.cloudwatch.get_metric_data(
        MetricDataQueries=queries,
        StartTime=now - datetime.timedelta(minutes=_METRICS_MINUTES),
        EndTime=now,
        ScanBy="TimestampDescending",
    )
    return {
        result.get("Id", ""): values[0]
        for result in answer.get("MetricDataResults", [])
        if (values := result.get("Values", []))
    }


def _sum(metrics: Mapping[str, float], query_id: str) -> float | None:
    """Over all consumers; None when there is no value of any."""
    values = [value for name, value in metrics.items() if name.rstrip("0123456789") == query_id]
    return sum(values) if values else None
