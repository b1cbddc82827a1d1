"""What a queue had to do in the last days, as CloudWatch has counted it."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from automation.aws.metric_query import metric_query, of_function, of_queue
from automation.errors import AutomationError
from automation.operations.discovery import mappings_of
from automation.operations.named_queue import find_queue, named_queue
from automation.operations.wiring import Queue
from automation.target import Account

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

# SQS tells CloudWatch once a minute; five minutes are kept for 63 days (Amazon CloudWatch User
# Guide, Metrics retention), and short enough that a peak is one.
_PERIOD_SECONDS = 300
_DAY_SECONDS = 86_400
# A mapping's BatchSize, when it has none (AWS Lambda API Reference, CreateEventSourceMapping).
_DEFAULT_BATCH_SIZE = 10


@dataclass(frozen=True, kw_only=True)
class MeasuredLoad:
    """What was measured; None where CloudWatch has no value.

    Attributes:
        queue_name, function_name: the queue, and the function that it feeds.
        rate_per_second: messages sent in the busiest five minutes.
        mean_rate_per_second: messages sent over all of the days, or since the queue was made.
        duration_seconds: the function's work on one message.
        message_bytes: size of a message on average.
        is_fifo: what kind of queue it is.
        assumptions: how it was calculated, a sentence each.
    """

    queue_name: str
    function_name: str | None
    rate_per_second: float | None
    mean_rate_per_second: float | None
    duration_seconds: float | None
    message_bytes: int | None
    is_fifo: bool
    assumptions: tuple[str, ...]


def measure_load(
    account: Account, queue_text: str, *, days: int, now: datetime.datetime
) -> MeasuredLoad:
    """Ask CloudWatch about a queue and the function that it feeds.

    Args:
        account: where.
        queue_text: the queue's name, URL or ARN.
        days: how far back, 1 to 63.
        now: until when.

    Raises:
        AutomationError: there is no such queue.
        ClientError: it may not be looked at.
    """
    queue = find_queue(account, named_queue("--from-queue", queue_text))
    mappings = list(mappings_of(account, queue))
    function_name, batch_size = None, _DEFAULT_BATCH_SIZE
    if mappings:
        function_name = mappings[0][0]
        batch_size = mappings[0][1].get("BatchSize", _DEFAULT_BATCH_SIZE)
    values = _read(account, _queries(queue, function_name), days=days, now=now)
    sent, received = values["sent"], sum(values["received"])
    invocations = sum(values["invocations"])
    assumptions = [
        f"the rate is that of the busiest five minutes of {days} days",
        "how many messages are bad is not counted by CloudWatch: --bad-ratio says it",
    ]
    duration = None
    if invocations:
        batch = min(batch_size, max(1.0, received / invocations)) if received else batch_size
        duration = sum(values["worked_ms"]) / invocations / batch / 1_000
        assumptions.append(
            f"the time of a message is that of an invocation of {function_name}, by {batch:.1f} "
            "messages in each"
            + (f", one of {len(mappings)} functions that it feeds" if len(mappings) > 1 else "")
        )
    return MeasuredLoad(
        queue_name=queue.name,
        function_name=function_name,
        rate_per_second=max(sent) / _PERIOD_SECONDS if any(sent) else None,
        mean_rate_per_second=sum(sent) / _counted_seconds(account, queue, days, now)
        if any(sent)
        else None,
        duration_seconds=duration,
        message_bytes=_mean_bytes(values),
        is_fifo=queue.name.endswith(".fifo"),
        assumptions=tuple(assumptions),
    )


def _counted_seconds(account: Account, queue: Queue, days: int, now: datetime.datetime) -> float:
    """How long messages could be sent: a queue that was made yesterday had no week for it."""
    asked = float(days * _DAY_SECONDS)
    made = account.clients.sqs.get_queue_attributes(
        QueueUrl=queue.url, AttributeNames=["CreatedTimestamp"]
    )["Attributes"]
    age = now.timestamp() - float(made.get("CreatedTimestamp", "0"))
    # This machine's clock may be behind AWS's.
    return min(asked, max(age, _PERIOD_SECONDS)) if age > 0 else asked


def _mean_bytes(values: Mapping[str, Sequence[float]]) -> int | None:
    counted = sum(values["sized"])
    return round(sum(values["bytes"]) / counted) if counted else None


def require_measured(measured: MeasuredLoad, *, lacks_rate: bool, lacks_duration: bool) -> None:
    """Refuse to plan with what nobody has measured and nobody has said.

    Args:
        measured: what CloudWatch has.
        lacks_rate, lacks_duration: the user has given none.

    Raises:
        AutomationError: what is missing, and how to give it.
    """
    missing: list[str] = []
    if lacks_rate and not measured.rate_per_second:
        missing.append("no message was sent (AWS/SQS NumberOfMessagesSent): give --rate")
    if lacks_duration and not measured.duration_seconds:
        who = measured.function_name
        missing.append(
            f"{who} was not invoked (AWS/Lambda Duration): give --duration-ms"
            if who
            else "no Lambda function is fed from it: give --duration-ms"
        )
    if missing:
        raise AutomationError(
            f"--from-queue {measured.queue_name}: in these days CloudWatch has counted nothing to "
            f"plan with: {'; '.join(missing)}"
        )


def _queries(queue: Queue, function_name: str | None) -> "list[MetricDataQueryTypeDef]":
    whose = of_queue(queue.name)
    asked = [
        ("sent", whose, "NumberOfMessagesSent", "Sum"),
        ("received", whose, "NumberOfMessagesReceived", "Sum"),
        ("bytes", whose, "SentMessageSize", "Sum"),
        ("sized", whose, "SentMessageSize", "SampleCount"),
    ]
    if function_name:
        whose = of_function(function_name)
        asked += [
            ("invocations", whose, "Duration", "SampleCount"),
            ("worked_ms", whose, "Duration", "Sum"),
        ]
    return [metric_query(*each, period_seconds=_PERIOD_SECONDS) for each in asked]


def _read(
    account: Account,
    queries: "Sequence[MetricDataQueryTypeDef]",
    *,
    days: int,
    now: datetime.datetime,
) -> dict[str, list[float]]:
    """All values of each metric; of those that nothing was asked about none."""
    values: dict[str, list[float]] = {
        name: [] for name in ("sent", "received", "bytes", "sized", "invocations", "worked_ms")
    }
    pages = account.clients.cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, StartTime=now - datetime.timedelta(days=days), EndTime=now
    )
    for page in pages:
        for result in page.get("MetricDataResults", []):
            values[result.get("Id", "")] += result.get("Values", [])
    return values
