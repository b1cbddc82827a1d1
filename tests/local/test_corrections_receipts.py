"""What was deleted can be deleted again; what SQS never gave out is refused.

A FIFO queue refuses what ran out too.
"""

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from automation.local.resources.cloud import Cloud
from automation.waiting import wait_until

RAN_OUT = "Reason: The receipt handle has expired."
NOT_THERE = "Reason: Message does not exist or is not available for visibility timeout change."


@pytest.fixture(params=["q", "q.fifo"])
def url(cloud: Cloud, request: pytest.FixtureRequest) -> str:
    return make(cloud, request.param)


def make(cloud: Cloud, name: str) -> str:
    fifo: Any = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    attributes = fifo if name.endswith(".fifo") else {}
    return cloud.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]


def send(cloud: Cloud, url: str) -> None:
    group: Any = {"MessageGroupId": "g"} if url.endswith(".fifo") else {}
    cloud.sqs.send_message(QueueUrl=url, MessageBody="b", **group)


def receive(cloud: Cloud, url: str, hidden_seconds: int = 30) -> str:
    answer = cloud.sqs.receive_message(
        QueueUrl=url, VisibilityTimeout=hidden_seconds, WaitTimeSeconds=2
    )
    (message,) = answer.get("Messages", [])
    return message.get("ReceiptHandle", "")


def depth(cloud: Cloud, url: str) -> int:
    names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    answer = cloud.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)
    return sum(int(count) for count in answer["Attributes"].values())


def delete(cloud: Cloud, url: str, receipt: str) -> tuple[str, str] | None:
    """Delete alone and in a batch, which answer the same: code and words of the refusal."""
    alone: tuple[str, str] | None = None
    try:
        cloud.sqs.delete_message(QueueUrl=url, ReceiptHandle=receipt)
    except ClientError as error:
        alone = error.response["Error"]["Code"], error.response["Error"]["Message"]  # pyright: ignore
    entries: Any = [{"Id": "1", "ReceiptHandle": receipt}]
    answer = cloud.sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    refused = [(each["Code"], each.get("Message", "")) for each in answer.get("Failed", [])]
    assert [each["Id"] for each in answer.get("Successful", [])] == ([] if refused else ["1"])
    assert refused == ([alone] if alone else [])
    return alone


def change(cloud: Cloud, url: str, receipt: str) -> tuple[str, str] | None:
    entries: Any = [{"Id": "1", "ReceiptHandle": receipt, "VisibilityTimeout": 30}]
    answer = cloud.sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)
    for each in answer.get("Failed", []):
        return each["Code"], each.get("Message", "")
    return None


def test_deleted_message_is_deleted_again(cloud: Cloud, url: str) -> None:
    send(cloud, url)
    receipt = receive(cloud, url)
    cloud.sqs.delete_message(QueueUrl=url, ReceiptHandle=receipt)
    assert delete(cloud, url, receipt) is None
    code, words = change(cloud, url, receipt) or ("", "")
    assert code == "InvalidParameterValue"
    assert words.endswith(NOT_THERE)


@pytest.mark.parametrize("receipt", ["made-up", "bWFkZSB1cA==", "é", "b"])
def test_receipt_that_was_never_given_out_is_refused(cloud: Cloud, url: str, receipt: str) -> None:
    send(cloud, url)
    words = f'The input receipt handle "{receipt}" is not a valid receipt handle.'
    assert delete(cloud, url, receipt) == ("ReceiptHandleIsInvalid", words)
    assert change(cloud, url, receipt) == ("ReceiptHandleIsInvalid", words)
    assert depth(cloud, url) == 1


def test_receipt_of_another_queue_is_refused(cloud: Cloud, url: str) -> None:
    other = make(cloud, "other")
    send(cloud, other)
    receipt = receive(cloud, other)
    words = f'The receipt handle "{receipt}" is not valid for this queue.'
    assert delete(cloud, url, receipt) == ("ReceiptHandleIsInvalid", words)
    assert change(cloud, url, receipt) == ("ReceiptHandleIsInvalid", words)


def test_older_receipt_deletes_nothing_and_is_refused_by_a_fifo_queue_only(
    cloud: Cloud, url: str
) -> None:
    send(cloud, url)
    older = receive(cloud, url, hidden_seconds=0)
    newest = receive(cloud, url)
    refused = delete(cloud, url, older)
    if url.endswith(".fifo"):
        assert refused == (
            "InvalidParameterValue",
            f"Value {older} for parameter ReceiptHandle is invalid. {RAN_OUT}",
        )
    else:
        assert refused is None
    assert depth(cloud, url) == 1
    code, _ = change(cloud, url, older) or ("", "")
    assert code == "InvalidParameterValue"
    assert delete(cloud, url, newest) is None
    assert depth(cloud, url) == 0


def test_receipt_whose_time_is_over_deletes_unless_the_queue_is_fifo(
    cloud: Cloud, url: str
) -> None:
    send(cloud, url)
    receipt, began = receive(cloud, url, hidden_seconds=1), time.monotonic()
    wait_until(
        "it is visible again",
        lambda: ((passed := time.monotonic() - began) > 1.1, passed),
        timeout_seconds=5,
        interval_seconds=0.1,
    )
    refused = delete(cloud, url, receipt)
    if url.endswith(".fifo"):
        assert refused is not None
        assert refused[1].endswith(RAN_OUT)
    assert depth(cloud, url) == int(url.endswith(".fifo"))
