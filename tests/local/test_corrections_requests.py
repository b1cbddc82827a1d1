"""The emulator refuses what SQS refuses, and returns what SQS returns."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from automation.local.resources.cloud import Cloud

TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"
TRACED: Any = {"AWSTraceHeader": {"DataType": "String", "StringValue": TRACE}}


@pytest.fixture
def url(cloud: Cloud) -> str:
    return cloud.sqs.create_queue(QueueName="q")["QueueUrl"]


def code_of(refused: "pytest.ExceptionInfo[ClientError]") -> str:
    return refused.value.response["Error"]["Code"]  # pyright: ignore


def count(cloud: Cloud, url: str) -> str:
    name: Any = "ApproximateNumberOfMessages"
    return cloud.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name]


@pytest.mark.parametrize(
    ("call", "parameters", "code"),
    [
        ("send_message", {"MessageBody": "\x02"}, "InvalidMessageContents"),
        (
            "send_message",
            {
                "MessageBody": "b",
                "MessageAttributes": {"a": {"DataType": "String", "StringValue": ""}},
            },
            "InvalidParameterValue",
        ),
        ("send_message", {"MessageBody": "b", "DelaySeconds": -1}, "InvalidParameterValue"),
        ("receive_message", {"WaitTimeSeconds": 21}, "InvalidParameterValue"),
        ("receive_message", {"MaxNumberOfMessages": 0}, "InvalidParameterValue"),
        ("receive_message", {"VisibilityTimeout": 43_201}, "InvalidParameterValue"),
        (
            "change_message_visibility",
            {"ReceiptHandle": "r", "VisibilityTimeout": 43_201},
            "InvalidParameterValue",
        ),
        (
            "change_message_visibility_batch",
            {"Entries": [{"Id": "1", "ReceiptHandle": "r", "VisibilityTimeout": -1}]},
            "InvalidParameterValue",
        ),
    ],
)
def test_request_is_refused(
    cloud: Cloud, url: str, call: str, parameters: dict[str, Any], code: str
) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(cloud.sqs, call)(QueueUrl=url, **parameters)
    assert code_of(refused) == code
    assert count(cloud, url) == "0"


def test_batch_with_one_malformed_entry_is_refused_whole(cloud: Cloud, url: str) -> None:
    entries = [{"Id": "1", "MessageBody": "good"}, {"Id": "2", "MessageBody": "\x02"}]
    with pytest.raises(ClientError) as refused:
        cloud.sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert code_of(refused) == "InvalidMessageContents"
    assert count(cloud, url) == "0"


def test_entry_above_the_queue_s_limit_fails_alone(cloud: Cloud, url: str) -> None:
    cloud.sqs.set_queue_attributes(QueueUrl=url, Attributes={"MaximumMessageSize": "1024"})
    attribute: Any = {"k": {"DataType": "String", "StringValue": "v" * 8}}
    entries: Any = [
        {"Id": "1", "MessageBody": "x" * 1_010, "MessageAttributes": attribute},
        {"Id": "2", "MessageBody": "x" * 1_009, "MessageAttributes": attribute},
    ]
    answer = cloud.sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert [entry["Id"] for entry in answer["Successful"]] == ["2"]
    assert [(entry["Id"], entry["Code"]) for entry in answer["Failed"]] == [
        ("1", "InvalidParameterValue")
    ]
    with pytest.raises(ClientError) as refused:
        cloud.sqs.send_message(QueueUrl=url, MessageBody="x" * 1_010, MessageAttributes=attribute)
    assert code_of(refused) == "InvalidParameterValue"


def test_batch_above_sqs_s_limit_is_refused_attributes_and_all(cloud: Cloud, url: str) -> None:
    attribute: Any = {"k": {"DataType": "String", "StringValue": "v"}}
    body = "x" * (1_048_576 - len("kStringv"))
    entries: Any = [
        {"Id": "1", "MessageBody": body, "MessageAttributes": attribute},
        {"Id": "2", "MessageBody": "x"},
    ]
    with pytest.raises(ClientError) as refused:
        cloud.sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert code_of(refused) == "AWS.SimpleQueueService.BatchRequestTooLong"


def test_trace_header_of_a_batch_is_returned_also_from_the_dead_letter_queue(
    cloud: Cloud, url: str
) -> None:
    dlq = cloud.sqs.create_queue(QueueName="dlq")["QueueUrl"]
    dlq_arn = f"arn:aws:sqs:{cloud.region}:{cloud.account_id}:dlq"
    redrive = json.dumps({"deadLetterTargetArn": dlq_arn, "maxReceiveCount": 1})
    cloud.sqs.set_queue_attributes(
        QueueUrl=url, Attributes={"RedrivePolicy": redrive, "VisibilityTimeout": "0"}
    )
    entries: Any = [{"Id": "1", "MessageBody": "b", "MessageSystemAttributes": TRACED}]
    cloud.sqs.send_message_batch(QueueUrl=url, Entries=entries)
    name: Any = "AWSTraceHeader"
    for queue in (url, dlq):
        # The second receive of the queue moves the message.
        answer = cloud.sqs.receive_message(QueueUrl=queue, MessageSystemAttributeNames=[name])
        [message] = answer.get("Messages", [])
        assert message.get("Attributes") == {name: TRACE}
        cloud.sqs.receive_message(QueueUrl=url)


def test_group_id_is_taken_by_a_standard_queue_and_returned(cloud: Cloud, url: str) -> None:
    cloud.sqs.send_message(QueueUrl=url, MessageBody="b", MessageGroupId="tenant-1")
    names: Any = ["All"]
    answer = cloud.sqs.receive_message(QueueUrl=url, MessageSystemAttributeNames=names)
    [message] = answer.get("Messages", [])
    assert message.get("Attributes", {})["MessageGroupId"] == "tenant-1"
