"""A topic and a rule feed a queue whose consumer, an alias, keeps its state in a table."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws
import pytest

from automation.target import Target
from automation.waiting import wait_until
from components import (
    ConsumerArgs,
    ExistingFunctionArgs,
    ReliableQueue,
    ReliableQueueArgs,
    policies,
)
from components.statements import QueueStatement

pytestmark = [
    pytest.mark.engine,
    # The SDK warns of resources of its own whenever its S3 is imported.
    pytest.mark.filterwarnings("ignore:.*has been deprecated in favor of:DeprecationWarning"),
]

# Keeps each message in a bucket, and last in a table.
_CONSUMER = """
import os

import boto3

def handler(event, context):
    for record in event["Records"]:
        body = record["body"].encode()
        boto3.client("s3").put_object(
            Bucket=os.environ["BUCKET"], Key=record["messageId"], Body=body
        )
        item = {"id": {"S": record["messageId"]}, "body": {"S": record["body"]}}
        boto3.client("dynamodb").put_item(TableName=os.environ["TABLE"], Item=item)
    return {"batchItemFailures": []}
"""


def may_send(service: str, source: pulumi.Output[str]) -> QueueStatement:
    return {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sqs:SendMessage",
        "Condition": {"ArnEquals": {"aws:SourceArn": source}},
    }


def create_consumer(
    table: pulumi_aws.dynamodb.Table, bucket: pulumi_aws.s3.Bucket
) -> ExistingFunctionArgs:
    """A published function, which the queue reaches by an alias."""
    role = pulumi_aws.iam.Role("role", assume_role_policy=policies.LAMBDA_TRUST)
    function = pulumi_aws.lambda_.Function(
        "function",
        role=role.arn,
        runtime="python3.13",
        handler="consumer.handler",
        code=pulumi.AssetArchive({"consumer.py": pulumi.StringAsset(_CONSUMER)}),
        environment={"variables": {"TABLE": table.name, "BUCKET": bucket.bucket}},
        publish=True,
    )
    alias = pulumi_aws.lambda_.Alias(
        "live", name="live", function_name=function.name, function_version=function.version
    )
    return ExistingFunctionArgs(function_arn=alias.arn, role_name=role.name, timeout_seconds=3)


def program() -> None:
    table = pulumi_aws.dynamodb.Table(
        "table",
        attributes=[{"name": "id", "type": "S"}],
        billing_mode="PAY_PER_REQUEST",
        hash_key="id",
    )
    bucket = pulumi_aws.s3.Bucket("bucket", force_destroy=True)
    topic = pulumi_aws.sns.Topic("topic")
    rule = pulumi_aws.cloudwatch.EventRule("rule", event_pattern='{"source": ["shop"]}')
    args = ReliableQueueArgs(
        consumer=ConsumerArgs(function=create_consumer(table, bucket)),
        statements=[
            may_send("sns.amazonaws.com", topic.arn),
            may_send("events.amazonaws.com", rule.arn),
        ],
        alarms=None,
        has_dashboard=False,
    )
    queue = ReliableQueue("orders", args)
    pulumi_aws.sns.TopicSubscription(
        "subscription",
        topic=topic.arn,
        protocol="sqs",
        endpoint=queue.queue_arn,
        raw_message_delivery=True,
    )
    pulumi_aws.cloudwatch.EventTarget(
        "target", rule=rule.name, arn=queue.queue_arn, input_path="$.detail"
    )
    pulumi.export("topic", topic.arn)
    pulumi.export("table", table.name)
    pulumi.export("bucket", bucket.bucket)


def test_messages_of_a_topic_and_of_a_rule_are_processed(
    aws: Target, deployed: Callable[..., Any]
) -> None:
    def client(service: str) -> Any:
        session: Any = aws.clients.session
        return session.client(service, endpoint_url=aws.clients.endpoint_url)

    with deployed(aws, program) as stack:
        assert stack.changes(program) == {}
        aws.clients.sns.publish(TopicArn=stack.outputs["topic"], Message='{"from": "topic"}')
        entry = {"Source": "shop", "DetailType": "order", "Detail": json.dumps({"from": "rule"})}
        client("events").put_events(Entries=[entry])
        table, wanted = stack.outputs["table"], {'{"from": "topic"}', '{"from": "rule"}'}

        def kept() -> dict[str, str]:
            items = client("dynamodb").scan(TableName=table)["Items"]
            return {item["body"]["S"]: item["id"]["S"] for item in items}

        wait_until(
            "both are in the table",
            lambda: ((seen := kept()).keys() == wanted, seen),
            timeout_seconds=20,
        )
        objects = client("s3").list_objects_v2(Bucket=stack.outputs["bucket"])["Contents"]
        assert {item["Key"] for item in objects} == set(kept().values())
    assert table not in client("dynamodb").list_tables()["TableNames"]
