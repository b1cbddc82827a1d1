"""Alarms on SQS's metrics follow the queues' depth, and their actions run."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from automation.local.alarms import AlarmEvaluator, state_for

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_sqs import SQSClient


class World:
    """One queue, its alarm, and a clock that the test moves."""

    def __init__(self, treat_missing_data: str = "notBreaching", queue_name: str = "dlq") -> None:
        arguments = {
            "region_name": "us-east-1",
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
        }
        self.sqs: SQSClient = boto3.client("sqs", **arguments)
        self.cloudwatch: CloudWatchClient = boto3.client("cloudwatch", **arguments)
        self.queue_url = self.sqs.create_queue(QueueName="dlq")["QueueUrl"]
        self.cloudwatch.put_metric_alarm(
            AlarmName="depth",
            Namespace="AWS/SQS",
            MetricName="ApproximateNumberOfMessagesVisible",
            Dimensions=[{"Name": "QueueName", "Value": queue_name}],
            Statistic="Maximum",
            ComparisonOperator="GreaterThanThreshold",
            Threshold=0,
            Period=60,
            EvaluationPeriods=1,
            TreatMissingData=treat_missing_data,
        )
        self.now = 0.0
        self.evaluator = AlarmEvaluator(self.cloudwatch, self.sqs, clock=lambda: self.now)

    def state_after(self, seconds: float) -> str:
        self.now += seconds
        self.evaluator.evaluate()
        return self.cloudwatch.describe_alarms()["MetricAlarms"][0]["StateValue"]


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    with mock_aws():
        yield


def test_alarm_rings_with_the_first_visible_message_and_stops_a_period_after_the_last() -> None:
    world = World()
    assert world.state_after(0) == "OK"
    world.sqs.send_message(QueueUrl=world.queue_url, MessageBody="bad")
    assert world.state_after(0.2) == "ALARM"
    world.sqs.purge_queue(QueueUrl=world.queue_url)
    assert world.state_after(0.2) == "ALARM", "the maximum of the period is still above 0"
    assert world.state_after(1.5) == "OK"


@pytest.mark.parametrize(
    ("treatment", "state"),
    [("notBreaching", "OK"), ("breaching", "ALARM"), ("missing", "INSUFFICIENT_DATA")],
)
def test_missing_data_are_treated_as_the_alarm_says(treatment: str, state: str) -> None:
    world = World(treat_missing_data=treatment, queue_name="no-such-queue")
    assert world.state_after(0) == state


def test_metric_that_is_not_sqs_s_has_no_data() -> None:
    world = World()
    world.cloudwatch.put_metric_alarm(
        AlarmName="depth",
        Namespace="AWS/Lambda",
        MetricName="Errors",
        Statistic="Sum",
        ComparisonOperator="GreaterThanThreshold",
        Threshold=0,
        Period=60,
        EvaluationPeriods=1,
        TreatMissingData="breaching",
    )
    assert world.state_after(0) == "ALARM"


@pytest.mark.parametrize(
    ("value", "comparison", "state"),
    [
        (1, "GreaterThanThreshold", "OK"),
        (1, "GreaterThanOrEqualToThreshold", "ALARM"),
        (1, "LessThanThreshold", "OK"),
        (1, "LessThanOrEqualToThreshold", "ALARM"),
        (2, "GreaterThanThreshold", "ALARM"),
        (0, "LessThanThreshold", "ALARM"),
    ],
)
def test_comparison_with_a_threshold_of_1(value: float, comparison: str, state: str) -> None:
    assert state_for(value, comparison, 1)[0] == state


def test_reason_says_what_was_compared() -> None:
    assert state_for(24, "GreaterThanThreshold", 0)[1] == (
        "Threshold Crossed: 1 datapoint [24] was greater than the threshold (0)."
    )
