"""The queues of a dead-letter queue are listed as SQS lists them."""

import json

import pytest
from botocore.exceptions import ClientError

from automation.local.resources.cloud import Cloud


def create(cloud: Cloud, name: str, dlq_arn: str | None = None) -> str:
    policy = json.dumps({"deadLetterTargetArn": dlq_arn, "maxReceiveCount": 2})
    attributes = {"RedrivePolicy": policy} if dlq_arn else {}
    return cloud.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]  # type: ignore[arg-type]


@pytest.fixture
def dlq(cloud: Cloud) -> tuple[str, str]:
    url = create(cloud, "dlq")
    answer = cloud.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return url, answer["Attributes"]["QueueArn"]


def test_sources_are_listed_by_their_urls(cloud: Cloud, dlq: tuple[str, str]) -> None:
    url, arn = dlq
    sources = {create(cloud, name, arn) for name in ("a", "b", "c")}
    create(cloud, "another")
    assert set(cloud.sqs.list_dead_letter_source_queues(QueueUrl=url)["queueUrls"]) == sources


def test_queue_that_is_nobodys_has_none(cloud: Cloud) -> None:
    url = create(cloud, "alone")
    assert cloud.sqs.list_dead_letter_source_queues(QueueUrl=url)["queueUrls"] == []


def test_pages_come_only_when_asked_for(cloud: Cloud, dlq: tuple[str, str]) -> None:
    url, arn = dlq
    sources = {create(cloud, name, arn) for name in ("a", "b", "c")}
    pages = list(
        cloud.sqs.get_paginator("list_dead_letter_source_queues").paginate(
            QueueUrl=url, PaginationConfig={"PageSize": 2}
        )
    )
    assert [len(page["queueUrls"]) for page in pages] == [2, 1]
    assert {url for page in pages for url in page["queueUrls"]} == sources


def test_what_sqs_refuses_is_refused(cloud: Cloud, dlq: tuple[str, str]) -> None:
    with pytest.raises(ClientError, match="MaxResults"):
        cloud.sqs.list_dead_letter_source_queues(QueueUrl=dlq[0], MaxResults=1_001)
    with pytest.raises(ClientError, match="does not exist"):
        cloud.sqs.list_dead_letter_source_queues(QueueUrl=f"{dlq[0]}-not")
