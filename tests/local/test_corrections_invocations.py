"""Every invocation counts in Lambda's metrics, and a mapping runs into its function's limit."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from automation.local.resources.cloud import Cloud
from automation.waiting import wait_until
from tests.local.conftest import make_function

FAILS = "def handler(event, context):\n    raise ValueError('no')\n"
WORKS = "def handler(event, context):\n    return None\n"


def total(cloud: Cloud, metric: str, function: str) -> float:
    now = datetime.now(UTC)
    answer = cloud.cloudwatch.get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=metric,
        Dimensions=[{"Name": "FunctionName", "Value": function}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=3_600,
        Statistics=["Sum"],
    )
    return sum(point.get("Sum", 0) for point in answer["Datapoints"])


def map_queue(cloud: Cloud, function: str) -> str:
    url = cloud.sqs.create_queue(QueueName="q")["QueueUrl"]
    cloud.functions.create_event_source_mapping(
        EventSourceArn=f"arn:aws:sqs:{cloud.region}:{cloud.account_id}:q", FunctionName=function
    )
    return url


def watch(cloud: Cloud, metric: str, function: str) -> None:
    cloud.cloudwatch.put_metric_alarm(
        AlarmName=metric,
        Namespace="AWS/Lambda",
        MetricName=metric,
        Dimensions=[{"Name": "FunctionName", "Value": function}],
        Statistic="Sum",
        ComparisonOperator="GreaterThanThreshold",
        Threshold=0,
        Period=60,
        EvaluationPeriods=1,
        TreatMissingData="notBreaching",
    )


def wait_until_rung(cloud: Cloud, alarm: str) -> None:
    def probe() -> tuple[bool, list[Any]]:
        items = cloud.cloudwatch.describe_alarm_history(AlarmName=alarm)["AlarmHistoryItems"]
        summaries = [item.get("HistorySummary", "") for item in items]
        return any("to ALARM" in summary for summary in summaries), cast("list[Any]", summaries)

    wait_until(f"the alarm on {alarm} has rung", probe, timeout_seconds=20)


def test_failed_invocation_by_a_mapping_is_an_error_that_rings(cloud: Cloud) -> None:
    function = make_function(cloud, "fails", FAILS)
    watch(cloud, "Errors", function)
    url = map_queue(cloud, function)
    cloud.sqs.send_message(QueueUrl=url, MessageBody="x")
    wait_until_rung(cloud, "Errors")
    assert total(cloud, "Invocations", function) == total(cloud, "Errors", function) == 1
    assert total(cloud, "Throttles", function) == 0


def test_mapping_of_a_function_without_concurrency_is_throttled_and_rings(cloud: Cloud) -> None:
    function = make_function(cloud, "throttled", WORKS)
    cloud.functions.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    watch(cloud, "Throttles", function)
    url = map_queue(cloud, function)
    cloud.sqs.send_message(QueueUrl=url, MessageBody="x")
    wait_until_rung(cloud, "Throttles")
    assert total(cloud, "Invocations", function) == total(cloud, "Errors", function) == 0
    # The same receive goes on when there is room again.
    cloud.functions.delete_function_concurrency(FunctionName=function)

    def probe() -> tuple[bool, float]:
        invocations = total(cloud, "Invocations", function)
        return invocations == 1, invocations

    wait_until("the message is processed", probe, timeout_seconds=20)


def test_throttled_request_counts_once(cloud: Cloud) -> None:
    function = make_function(cloud, "refused", WORKS)
    cloud.functions.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    with pytest.raises(cloud.functions.exceptions.TooManyRequestsException) as refused:
        cloud.functions.invoke(FunctionName=function)
    # The client asks several times.
    asked = 1 + refused.value.response["ResponseMetadata"]["RetryAttempts"]
    assert asked > 1
    assert total(cloud, "Throttles", function) == asked
    assert total(cloud, "Invocations", function) == 0


def test_request_that_is_served_counts_once(cloud: Cloud) -> None:
    function = make_function(cloud, "served", WORKS)
    cloud.functions.invoke(FunctionName=function)
    assert total(cloud, "Invocations", function) == 1
    assert total(cloud, "Errors", function) == 0
