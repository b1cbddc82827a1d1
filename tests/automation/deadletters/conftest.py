"""SQS and CloudWatch Logs, played by moto."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sqs import SQSClient


@pytest.fixture
def aws_session() -> Iterator[boto3.Session]:
    with mock_aws():
        yield boto3.Session("test", "test", region_name="us-east-1")


@pytest.fixture
def sqs(aws_session: boto3.Session) -> "SQSClient":
    return aws_session.client("sqs")


@pytest.fixture
def logs(aws_session: boto3.Session) -> "CloudWatchLogsClient":
    return aws_session.client("logs")


@pytest.fixture
def dlq_url(sqs: "SQSClient") -> str:
    return sqs.create_queue(QueueName="dlq")["QueueUrl"]


@pytest.fixture
def bodies(sqs: "SQSClient") -> "Callable[[str], list[str]]":
    """All bodies in a queue; its messages stay visible."""

    def read(url: str) -> list[str]:
        found: dict[str, str] = {}
        while messages := sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=5
        ).get("Messages", []):
            found.update({m.get("MessageId", ""): m.get("Body", "") for m in messages})
            if len(found) > 1000:
                break
        return sorted(found.values())

    return read


@pytest.fixture
def send_many(sqs: "SQSClient") -> Callable[..., None]:
    def send(url: str, count: int, **attributes: Any) -> None:
        for number in range(count):
            sqs.send_message(
                QueueUrl=url,
                MessageBody=f"body {number}",
                MessageAttributes={
                    "picture": {"DataType": "Binary.gif", "BinaryValue": b"\x00\xff"},
                    "seq": {"DataType": "Number", "StringValue": str(number)},
                    "run_id": {"DataType": "String", "StringValue": "run"},
                    **attributes,
                },
            )

    return send
