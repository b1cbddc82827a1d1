"""A queue and a function are mapped once; another function, or another queue, is something else."""

import botocore.exceptions
import pytest

from automation.local.resources.cloud import Cloud
from tests.local.conftest import make_function

SOURCE = "def handler(event, context): pass"


def make_queue(cloud: Cloud, name: str) -> str:
    url = cloud.sqs.create_queue(QueueName=name)["QueueUrl"]
    answer = cloud.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return answer["Attributes"]["QueueArn"]


def map_to(cloud: Cloud, queue: str, function: str) -> str:
    # Switched off: nothing polls while others' tests run.
    answer = cloud.functions.create_event_source_mapping(
        EventSourceArn=queue, FunctionName=function, Enabled=False
    )
    return answer["UUID"]


def test_a_second_mapping_of_a_queue_and_a_function_is_refused(cloud: Cloud) -> None:
    function, other = (make_function(cloud, name, SOURCE) for name in ("once", "another"))
    queue, elsewhere = make_queue(cloud, "once"), make_queue(cloud, "elsewhere")
    first = map_to(cloud, queue, function)
    with pytest.raises(botocore.exceptions.ClientError, match=first) as refused:
        map_to(cloud, queue, function)
    assert refused.value.response["Error"]["Code"] == "ResourceConflictException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409
    map_to(cloud, elsewhere, function)
    map_to(cloud, queue, other)
    cloud.functions.delete_event_source_mapping(UUID=first)
    assert map_to(cloud, queue, function) != first
