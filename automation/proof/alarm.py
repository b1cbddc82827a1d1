"""Did the dead-letter alarm ring, and did the notification of it reach the topic?"""

import contextlib
import json
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from automation.aws.clients import Clients
from automation.errors import AutomationError, StillWaitingError
from automation.proof.account import AlarmReport
from automation.target import Pace
from automation.waiting import wait_until

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True, kw_only=True)
class Witness:
    """A queue of our own that hears everything that is published to the alarm topic."""

    queue_url: str


@contextlib.contextmanager
def topic_witness(clients: Clients, *, topic_arn: str, name: str) -> Generator[Witness]:
    """Subscribe a queue called `name` to the topic until the block ends."""
    sqs, sns = clients.sqs, clients.sns
    queue_url = sqs.create_queue(QueueName=name)["QueueUrl"]
    try:
        subscription_arn = _subscribe(sqs, sns, queue_url, topic_arn)
        try:
            yield Witness(queue_url=queue_url)
        finally:
            sns.unsubscribe(SubscriptionArn=subscription_arn)
    finally:
        sqs.delete_queue(QueueUrl=queue_url)


def _subscribe(sqs: "SQSClient", sns: "SNSClient", queue_url: str, topic_arn: str) -> str:
    attributes = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
    queue_arn = attributes["Attributes"]["QueueArn"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": queue_arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
            }
        ],
    }
    sqs.set_queue_attributes(QueueUrl=queue_url, Attributes={"Policy": json.dumps(policy)})
    return sns.subscribe(
        TopicArn=topic_arn, Protocol="sqs", Endpoint=queue_arn, ReturnSubscriptionArn=True
    )["SubscriptionArn"]


def watch_alarm(
    clients: Clients, witness: Witness, *, dlq_name: str, rings: bool, pace: Pace
) -> AlarmReport:
    """Wait until the alarm on the dead-letter queue's depth is where it should be, and report.

    Args:
        clients: of the target.
        witness: hears the topic.
        dlq_name: the queue whose alarm it is.
        rings: whether the alarm should be in ALARM, or in OK.
        pace: how long to wait.

    Raises:
        AutomationError: no alarm watches the depth of that queue.
    """
    alarm_name = depth_alarm_name(clients, dlq_name)
    heard: set[str] = set()
    expected = "ALARM" if rings else "OK"

    def probe() -> tuple[bool, AlarmReport]:
        heard.update(_notified_states(clients.sqs, witness, alarm_name))
        report = _report(clients, alarm_name, was_notified="ALARM" in heard)
        return report.state == expected and (report.was_notified or not rings), report

    try:
        return wait_until(
            f"alarm {alarm_name} is {expected}",
            probe,
            timeout_seconds=pace.alarm_timeout_seconds,
            interval_seconds=pace.poll_interval_seconds,
        )
    except StillWaitingError:
        # That it did not ring is a finding for the verdict, no failure of the run.
        return probe()[1]


def depth_alarm_name(clients: Clients, dlq_name: str) -> str:
    """The name of the alarm on the visible messages of the queue `dlq_name`."""
    alarms = clients.cloudwatch.describe_alarms_for_metric(
        Namespace="AWS/SQS",
        MetricName="ApproximateNumberOfMessagesVisible",
        Dimensions=[{"Name": "QueueName", "Value": dlq_name}],
    )["MetricAlarms"]
    if not alarms:
        raise AutomationError(f"no alarm watches the depth of the dead-letter queue {dlq_name}")
    return alarms[0].get("AlarmName", "")


def _report(clients: Clients, alarm_name: str, *, was_notified: bool) -> AlarmReport:
    alarm = clients.cloudwatch.describe_alarms(AlarmNames=[alarm_name])["MetricAlarms"][0]
    state = alarm.get("StateValue", "INSUFFICIENT_DATA")
    history = clients.cloudwatch.describe_alarm_history(
        AlarmName=alarm_name, HistoryItemType="StateUpdate"
    )["AlarmHistoryItems"]
    rang_before = any("to ALARM" in item.get("HistorySummary", "") for item in history)
    return AlarmReport(
        state=state, went_to_alarm=state == "ALARM" or rang_before, was_notified=was_notified
    )


def _notified_states(sqs: "SQSClient", witness: Witness, alarm_name: str) -> Iterator[str]:
    messages = sqs.receive_message(QueueUrl=witness.queue_url, MaxNumberOfMessages=10)
    for message in messages.get("Messages", []):
        notification = cast("dict[str, str]", json.loads(message.get("Body", "{}")))
        alarm = cast("dict[str, str]", json.loads(notification.get("Message", "{}")))
        if alarm.get("AlarmName") == alarm_name:
            yield alarm.get("NewStateValue", "")
