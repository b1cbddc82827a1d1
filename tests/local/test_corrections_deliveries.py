"""What SNS and EventBridge deliver to a queue arrives as sent, and only where its policy allows."""

import json
from typing import Any

import pytest

from automation.local.resources.cloud import Cloud

# Both deliver within the call that publishes, so what has not arrived then never does.
NOTHING: list[Any] = []


@pytest.fixture
def queue(cloud: Cloud) -> str:
    return cloud.sqs.create_queue(QueueName="orders")["QueueUrl"]


def arn_of(cloud: Cloud, service: str, resource: str) -> str:
    return f"arn:aws:{service}:{cloud.region}:{cloud.account_id}:{resource}"


def allow(cloud: Cloud, queue: str, service: str, source_arn: str) -> None:
    """The policy as AWS documents it, beside the component's own statement against plain HTTP."""
    queue_arn = arn_of(cloud, "sqs", "orders")
    tls = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": queue_arn,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": source_arn}},
    }
    policy = {"Version": "2012-10-17", "Statement": [tls, allowed]}
    cloud.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})


def received(cloud: Cloud, queue: str) -> list[Any]:
    answer = cloud.sqs.receive_message(QueueUrl=queue, MessageAttributeNames=["All"])
    return [*answer.get("Messages", [])]


def subscribe(cloud: Cloud, *, is_raw: bool) -> str:
    topic = cloud.sns.create_topic(Name="news")["TopicArn"]
    cloud.sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=arn_of(cloud, "sqs", "orders"),
        Attributes={"RawMessageDelivery": str(is_raw).lower()},
    )
    return topic


def publish(cloud: Cloud, topic: str) -> None:
    attributes: Any = {"kind": {"DataType": "String", "StringValue": "order"}}
    cloud.sns.publish(TopicArn=topic, Message='{"n": 1}', MessageAttributes=attributes)


def test_raw_delivery_brings_the_message_and_its_attributes(cloud: Cloud, queue: str) -> None:
    topic = subscribe(cloud, is_raw=True)
    allow(cloud, queue, "sns.amazonaws.com", topic)
    publish(cloud, topic)
    [message] = received(cloud, queue)
    assert message["Body"] == '{"n": 1}'
    assert message["MessageAttributes"]["kind"]["StringValue"] == "order"


def test_delivery_that_is_not_raw_wraps_both(cloud: Cloud, queue: str) -> None:
    topic = subscribe(cloud, is_raw=False)
    allow(cloud, queue, "sns.amazonaws.com", topic)
    publish(cloud, topic)
    [message] = received(cloud, queue)
    envelope = json.loads(message["Body"])
    assert (envelope["Type"], envelope["TopicArn"]) == ("Notification", topic)
    assert envelope["Message"] == '{"n": 1}'
    assert envelope["MessageAttributes"] == {"kind": {"Type": "String", "Value": "order"}}
    assert "MessageAttributes" not in message


def test_topic_that_the_policy_does_not_name_reaches_nothing(cloud: Cloud, queue: str) -> None:
    topic = subscribe(cloud, is_raw=True)
    publish(cloud, topic)
    assert received(cloud, queue) == NOTHING
    allow(cloud, queue, "sns.amazonaws.com", f"{topic}-other")
    publish(cloud, topic)
    assert received(cloud, queue) == NOTHING


def send_event(cloud: Cloud) -> None:
    answer = cloud.events.put_events(
        Entries=[{"Source": "shop", "DetailType": "order", "Detail": '{"n": 1}'}]
    )
    assert answer["FailedEntryCount"] == 0


def make_rule(cloud: Cloud) -> str:
    arn = cloud.events.put_rule(Name="orders", EventPattern='{"source": ["shop"]}')["RuleArn"]
    target = {"Id": "queue", "Arn": arn_of(cloud, "sqs", "orders")}
    cloud.events.put_targets(Rule="orders", Targets=[target])
    return str(arn)


def test_rule_that_the_policy_names_reaches_the_queue(cloud: Cloud, queue: str) -> None:
    allow(cloud, queue, "events.amazonaws.com", make_rule(cloud))
    send_event(cloud)
    [message] = received(cloud, queue)
    event = json.loads(message["Body"])
    assert (event["source"], event["detail-type"], event["detail"]) == ("shop", "order", {"n": 1})


@pytest.mark.parametrize("service", [None, "sns.amazonaws.com"])
def test_rule_that_the_policy_does_not_allow_reaches_nothing(
    cloud: Cloud, queue: str, service: str | None
) -> None:
    rule = make_rule(cloud)
    if service:
        allow(cloud, queue, service, rule)
    send_event(cloud)
    assert received(cloud, queue) == NOTHING
