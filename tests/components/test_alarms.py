"""The alarms that must ring, whom they tell, and how each is switched off."""

from collections.abc import Callable
from typing import Any

import pytest

from components import (
    AlarmArgs,
    CustomerKeyArgs,
    FifoArgs,
    LimitError,
    ReliableQueue,
    SubscriptionArgs,
)

TOPIC_ARN = "arn:aws:sns:eu-north-1:123456789012:events-alarms-1a2b3c4"
DLQ, QUEUE = "events-dlq-1a2b3c4", "events-queue-1a2b3c4"
CONSUMER = "events-consumer-function-1a2b3c4"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"

Make = Callable[..., Any]


@pytest.fixture
def deploy_queue(deploy: Make, queue_args: Make) -> Make:
    """Deploys the queue `events` with arguments."""

    def run(**args: Any) -> Any:
        made = queue_args(**args)
        return deploy(lambda: ReliableQueue("events", made))

    return run


def alarms_of(deployed: Any) -> dict[str, Any]:
    return {r.name.removeprefix("events-"): r for r in deployed.resources if r.type == ALARM}


def test_any_visible_dead_letter_rings_and_an_empty_queue_ends_it(deploy_queue: Make) -> None:
    alarm = dict(alarms_of(deploy_queue())["dead-letters"].inputs)
    del alarm["alarmDescription"]
    assert alarm == {
        "namespace": "AWS/SQS",
        "metricName": "ApproximateNumberOfMessagesVisible",
        "dimensions": {"QueueName": DLQ},
        "statistic": "Maximum",
        "comparisonOperator": "GreaterThanThreshold",
        "threshold": 0,
        "period": 60,
        "evaluationPeriods": 1,
        "treatMissingData": "notBreaching",
        "alarmActions": [TOPIC_ARN],
        "okActions": [TOPIC_ARN],
    }


def test_each_alarm_watches_its_metric_and_tells_of_alarm_and_of_ok(deploy_queue: Make) -> None:
    alarms = alarms_of(deploy_queue())
    watched = {
        role: (
            alarm.inputs["namespace"],
            alarm.inputs["metricName"],
            alarm.inputs["dimensions"],
            alarm.inputs["statistic"],
            alarm.inputs["threshold"],
        )
        for role, alarm in alarms.items()
    }
    age = "ApproximateAgeOfOldestMessage"
    assert watched == {
        "dead-letters": (
            "AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": DLQ}, "Maximum", 0
        ),
        # Half of the ten days that are left of fourteen when four were spent in the queue.
        "dead-letter-age": ("AWS/SQS", age, {"QueueName": DLQ}, "Maximum", 432_000),
        "message-age": ("AWS/SQS", age, {"QueueName": QUEUE}, "Maximum", 3_600),
        "consumer-errors": ("AWS/Lambda", "Errors", {"FunctionName": CONSUMER}, "Sum", 0),
        "consumer-throttles": ("AWS/Lambda", "Throttles", {"FunctionName": CONSUMER}, "Sum", 0),
    }  # fmt: skip
    for alarm in alarms.values():
        assert alarm.inputs["alarmActions"] == alarm.inputs["okActions"] == [TOPIC_ARN]
        assert alarm.inputs["treatMissingData"] == "notBreaching"


THRESHOLDS = {
    "dead-letters": ("dead_letters_above", 5, 5),
    "dead-letter-age": ("dead_letter_age_percent", 25, 216_000),
    "message-age": ("message_age_seconds", 60, 60),
    "consumer-errors": ("consumer_errors_above", 2, 2),
    "consumer-throttles": ("consumer_throttles_above", 9, 9),
}


@pytest.mark.parametrize("role", THRESHOLDS)
def test_each_alarm_has_its_threshold_and_its_off_switch(deploy_queue: Make, role: str) -> None:
    argument, value, threshold = THRESHOLDS[role]
    deployed = deploy_queue(alarms=AlarmArgs(**{argument: value}))
    assert alarms_of(deployed)[role].inputs["threshold"] == threshold
    deployed = deploy_queue(alarms=AlarmArgs(**{argument: None}))
    assert alarms_of(deployed).keys() == THRESHOLDS.keys() - {role}


def test_a_fifo_dead_letter_has_its_whole_retention_before_it(deploy_queue: Make) -> None:
    alarm = alarms_of(deploy_queue(fifo=FifoArgs()))["dead-letter-age"]
    assert alarm.inputs["threshold"] == 1_209_600 // 2


@pytest.mark.parametrize("fifo", [None, FifoArgs()])
def test_each_alarm_tells_what_to_do_within_what_cloudwatch_takes(
    deploy_queue: Make, fifo: FifoArgs | None
) -> None:
    for alarm in alarms_of(deploy_queue(fifo=fifo)).values():
        text = alarm.inputs["alarmDescription"]
        assert "1a2b3c4" in text
        assert "What to do: " in text
        # CloudWatch API Reference, PutMetricAlarm, AlarmDescription; names can be longer than here.
        assert len(text) + 80 + 3 * 40 < 1_024


def test_the_dead_letter_alarm_names_the_commands(deploy_queue: Make) -> None:
    alarm = alarms_of(deploy_queue(dlq_retention_seconds=864_000))["dead-letters"]
    text = alarm.inputs["alarmDescription"]
    for part in ("expire 10 days after", "dlq list --stack test", "dlq redrive --stack test"):
        assert part in text


def test_no_consumer_has_no_alarms_of_a_consumer(deploy_queue: Make) -> None:
    alarms = alarms_of(deploy_queue(consumer=None))
    assert alarms.keys() == {"dead-letters", "dead-letter-age", "message-age"}


def test_no_alarms_at_all_means_no_topic(deploy_queue: Make) -> None:
    deployed = deploy_queue(alarms=None)
    assert alarms_of(deployed) == {}
    assert "aws:sns/topic:Topic" not in {r.type for r in deployed.resources}


def test_a_topic_that_exists_is_told_instead_of_a_new_one(deploy_queue: Make) -> None:
    deployed = deploy_queue(alarms=AlarmArgs(topic_arn="arn:aws:sns:eu-north-1:123456789012:ours"))
    assert "aws:sns/topic:Topic" not in {r.type for r in deployed.resources}
    for alarm in alarms_of(deployed).values():
        assert alarm.inputs["alarmActions"] == ["arn:aws:sns:eu-north-1:123456789012:ours"]


def test_whoever_is_subscribed_is_told(deploy_queue: Make) -> None:
    subscriptions = {
        "people": SubscriptionArgs(protocol="email", endpoint="ops@example.com"),
        "pager": SubscriptionArgs(protocol="https", endpoint="https://pager.example.com"),
    }
    deployed = deploy_queue(alarms=AlarmArgs(subscriptions=subscriptions))
    kind = "aws:sns/topicSubscription:TopicSubscription"
    assert deployed.only(kind, "events-tells-people").inputs == {
        "topic": TOPIC_ARN, "protocol": "email", "endpoint": "ops@example.com"
    }  # fmt: skip
    assert deployed.only(kind, "events-tells-pager").inputs["protocol"] == "https"


def test_a_subscription_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(
        LimitError, match="protocol = 'http' is unknown; allowed: email, email-json"
    ):
        SubscriptionArgs(protocol="http", endpoint="http://example.com")


def test_the_topic_is_encrypted_if_asked_with_a_key_that_lets_alarms_publish(
    deploy_queue: Make,
) -> None:
    alarms = AlarmArgs(is_topic_encrypted=True)
    deployed = deploy_queue(alarms=alarms, key=CustomerKeyArgs())
    key = deployed.only("aws:kms/key:Key")
    topic = deployed.only("aws:sns/topic:Topic")
    assert (
        topic.inputs["kmsMasterKeyId"]
        == "arn:aws:kms:eu-north-1:123456789012:key/events-key-1a2b3c4"
    )
    statements = {s["Sid"]: s for s in key.document("policy")["Statement"]}
    assert statements["LetAlarmsPublish"]["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert statements["LetAlarmsPublish"]["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
    assert statements["LetAlarmsPublish"]["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "123456789012"}
    }


def test_the_topic_is_not_encrypted_unless_asked(deploy_queue: Make) -> None:
    topic = deploy_queue(key=CustomerKeyArgs()).only("aws:sns/topic:Topic")
    assert "kmsMasterKeyId" not in topic.inputs


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        ({"dead_letters_above": -1}, "alarms.dead_letters_above = -1 is out of range"),
        ({"consumer_errors_above": 0.5}, "alarms.consumer_errors_above = 0.5 is not a whole"),
        ({"consumer_throttles_above": -1}, "alarms.consumer_throttles_above = -1"),
        ({"dead_letter_age_percent": 0}, "alarms.dead_letter_age_percent = 0 is out of range"),
        ({"dead_letter_age_percent": 100}, "alarms.dead_letter_age_percent = 100"),
        ({"message_age_seconds": 0}, "alarms.message_age_seconds = 0 is out of range"),
        ({"message_age_seconds": 345_600}, "allowed: 1 to 345599 seconds, below retention"),
        ({"is_topic_encrypted": True}, "is_topic_encrypted = True needs key"),
        (
            {"is_topic_encrypted": True, "topic_arn": "arn:aws:sns:eu-north-1:123456789012:ours"},
            "alarms.topic_arn gives one; leave one of them out",
        ),
    ],
)
def test_alarms_that_cannot_be_are_refused(
    queue_args: Make, args: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(LimitError, match=complaint):
        queue_args(alarms=AlarmArgs(**args))
