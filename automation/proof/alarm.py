"""Did the dead-letter alarm ring, and did the notification of it reach the topic?"""

import contextlib
import dataclasses
import json
import secrets
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from automation.aws.clients import Clients
from automation.errors import StillWaitingError
from automation.proof.verdict import AlarmReport
from automation.stacks import STACK_TAG, WITNESS_ENDING
from automation.target import Pace
from automation.waiting import wait_until

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import MetricAlarmTypeDef
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True, kw_only=True)
class Witness:
    """A queue of our own that hears everything that is published to the alarm topic.

    Attributes:
        queue_url: the queue.
        topic_arn: the topic.
    """

    queue_url: str
    topic_arn: str


@contextlib.contextmanager
def topic_witness(clients: Clients, *, topic_arn: str, stack: str) -> Generator[Witness]:
    """Subscribe a queue of the stack's to the topic until the block ends."""
    sqs, sns = clients.sqs, clients.sns
    # A new name each time: for 60 s after a queue was deleted its name can't be used (SQS API
    # Reference, CreateQueue, QueueDeletedRecently), and a stack's name may be used again at once.
    queue_url = sqs.create_queue(
        QueueName=f"{stack}{WITNESS_ENDING}-{secrets.token_hex(3)}", tags={STACK_TAG: stack}
    )["QueueUrl"]
    try:
        subscription_arn = _subscribe(sqs, sns, queue_url, topic_arn)
        try:
            yield Witness(queue_url=queue_url, topic_arn=topic_arn)
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
    clients: Clients,
    witness: Witness,
    *,
    dlq_name: str,
    rings: bool,
    pace: Pace,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> AlarmReport:
    """Wait until the alarm on the dead-letter queue's depth is where it should be, and report.

    Args:
        clients: of the target.
        witness: hears the topic.
        dlq_name: the queue whose alarm it is.
        rings: whether the alarm should be in ALARM, or in OK.
        pace: how long to wait. An alarm that is missing or misdirected is not waited for.
    """
    alarm_name, problem = _depth_alarm(clients, dlq_name, witness.topic_arn)
    if problem:
        return dataclasses.replace(_report(clients, alarm_name), problem=problem)
    heard: set[str] = set()
    expected = "ALARM" if rings else "OK"

    def probe() -> tuple[bool, AlarmReport]:
        heard.update(_notified_states(clients.sqs, witness, alarm_name))
        report = dataclasses.replace(_report(clients, alarm_name), was_notified="ALARM" in heard)
        return report.state == expected and (report.was_notified or not rings), report

    try:
        return wait_until(
            f"alarm {alarm_name} is {expected}",
            probe,
            timeout_seconds=pace.alarm_timeout_seconds,
            interval_seconds=pace.poll_interval_seconds,
            clock=clock,
            sleep=sleep,
        )
    except StillWaitingError:
        # That it did not ring is a finding for the verdict, no failure of the run.
        return probe()[1]


def dead_letters_above(clients: Clients, dlq_name: str) -> float | None:
    """More messages than how many in a dead-letter queue ring its alarm; None without an alarm."""
    found = _depth_alarms(clients, dlq_name)
    return found[0].get("Threshold", 0) if found else None


def _depth_alarms(clients: Clients, dlq_name: str) -> "Sequence[MetricAlarmTypeDef]":
    return clients.cloudwatch.describe_alarms_for_metric(
        Namespace="AWS/SQS",
        MetricName="ApproximateNumberOfMessagesVisible",
        Dimensions=[{"Name": "QueueName", "Value": dlq_name}],
    )["MetricAlarms"]


def _depth_alarm(clients: Clients, dlq_name: str, topic_arn: str) -> tuple[str, str | None]:
    """The alarm on the queue's visible messages, and why it can't tell the topic, if so."""
    alarms = _depth_alarms(clients, dlq_name)
    if not alarms:
        return "", f"no alarm watches the depth of the dead-letter queue {dlq_name}"
    for alarm in alarms:
        if alarm.get("ActionsEnabled", True) and topic_arn in alarm.get("AlarmActions", []):
            return alarm.get("AlarmName", ""), None
    name = alarms[0].get("AlarmName", "")
    return name, f"the alarm {name} does not publish to the alarm topic {topic_arn}"


def _report(clients: Clients, alarm_name: str) -> AlarmReport:
    """What CloudWatch says of an alarm; the topic is another matter."""
    # An empty name would be left out of the request, and every alarm be described.
    found = (
        clients.cloudwatch.describe_alarms(AlarmNames=[alarm_name])["MetricAlarms"]
        if alarm_name
        else []
    )
    if not found:
        return AlarmReport(state="MISSING", went_to_alarm=False, was_notified=False)
    state = found[0].get("StateValue", "INSUFFICIENT_DATA")
    history = clients.cloudwatch.describe_alarm_history(
        AlarmName=alarm_name, HistoryItemType="StateUpdate"
    )["AlarmHistoryItems"]
    rang = [item for item in history if "to ALARM" in item.get("HistorySummary", "")]
    times_ms = [int(item["Timestamp"].timestamp() * 1000) for item in rang if "Timestamp" in item]
    return AlarmReport(
        state=state,
        went_to_alarm=state == "ALARM" or bool(rang),
        was_notified=False,
        rang_at_ms=min(times_ms, default=None),
    )


def _notified_states(sqs: "SQSClient", witness: Witness, alarm_name: str) -> Iterator[str]:
    messages = sqs.receive_message(QueueUrl=witness.queue_url, MaxNumberOfMessages=10)
    for message in messages.get("Messages", []):
        notification = _json_object(message.get("Body"))
        alarm = _json_object(notification.get("Message"))
        if alarm.get("AlarmName") == alarm_name:
            yield str(alarm.get("NewStateValue"))


def _json_object(text: object) -> dict[str, object]:
    """What a text says; nothing when it is no JSON object: anybody may publish to a topic."""
    try:
        found: object = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, object]", found) if isinstance(found, dict) else {}
