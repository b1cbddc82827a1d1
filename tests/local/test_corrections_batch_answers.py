"""What a function answers to a batch decides, as on Lambda, which messages stay in the queue."""

import json
from typing import Any

import pytest

from automation.local.corrections.batch_answers import failed_messages
from automation.local.resources.cloud import Cloud
from automation.waiting import wait_until
from tests.local.conftest import make_function

SENT = frozenset({"1", "2"})
# AWS Lambda Developer Guide, Handling errors for an SQS event source in Lambda.
SUCCESSES: list[Any] = [
    None,
    "",
    {},
    {"batchItemFailures": []},
    {"batchItemFailures": None},
    {"statusCode": 200},
]
FAILURES: list[Any] = [
    {"batchItemFailures": [{"itemIdentifier": ""}]},
    {"batchItemFailures": [{"itemIdentifier": None}]},
    {"batchItemFailures": [{"itemIdentifer": "1"}]},
    # Recorded on AWS.
    {"batchItemFailures": [{"foo": "notvalid"}]},
    {"batchItemFailures": [{"itemIdentifier": "unknown"}]},
    {"batchItemFailures": [{"itemIdentifier": "1"}, {"itemIdentifier": "unknown"}]},
    {"batchItemFailures": [{"itemIdentifier": 1}]},
    {"batchItemFailures": ["1"]},
    {"batchItemFailures": {"itemIdentifier": "1"}},
    {"batchItemFailures": ""},
    '{"batchItemFailures": []}',
    [],
    True,
]
FAILS = "def handler(event, context):\n    raise ValueError('no')\n"
ANSWERS_ITS_BODY = """\
import json

def handler(event, context):
    return json.loads(event["Records"][0]["body"])
"""


@pytest.mark.parametrize("answer", SUCCESSES, ids=json.dumps)
def test_answer_without_failures_is_a_complete_success(answer: Any) -> None:
    assert failed_messages(answer, SENT) == frozenset()


@pytest.mark.parametrize("answer", FAILURES, ids=json.dumps)
def test_answer_that_can_t_be_read_is_a_complete_failure(answer: Any) -> None:
    assert failed_messages(answer, SENT) == SENT


def test_messages_that_are_named_stay() -> None:
    answer = {"batchItemFailures": [{"itemIdentifier": "2"}, {"itemIdentifier": "2"}]}
    assert failed_messages(answer, SENT) == {"2"}


def bodies(cloud: Cloud, url: str) -> list[str]:
    answer = cloud.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
    return sorted(message.get("Body", "") for message in answer.get("Messages", []))


def make_queues(cloud: Cloud) -> tuple[str, str]:
    """A queue with a dead-letter queue that takes what was received once; their URLs."""
    dlq = cloud.sqs.create_queue(QueueName="dlq")["QueueUrl"]
    dlq_arn = f"arn:aws:sqs:{cloud.region}:{cloud.account_id}:dlq"
    redrive = json.dumps({"deadLetterTargetArn": dlq_arn, "maxReceiveCount": 1})
    # Long enough for a worker to start on a slow machine, else a success is dead-lettered too.
    attributes: Any = {"VisibilityTimeout": "6", "RedrivePolicy": redrive}
    return cloud.sqs.create_queue(QueueName="q", Attributes=attributes)["QueueUrl"], dlq


def wait_until_empty(cloud: Cloud, url: str) -> None:
    def probe() -> tuple[bool, list[int]]:
        answer = cloud.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        counts = [
            int(value)
            for name, value in answer["Attributes"].items()
            if name.startswith("ApproximateNumber")
        ]
        return not any(counts), counts

    wait_until("the queue is empty", probe, timeout_seconds=30)


def test_mapping_keeps_the_messages_of_failed_batches_only(cloud: Cloud) -> None:
    function = make_function(cloud, "answers", ANSWERS_ITS_BODY)
    url, dlq = make_queues(cloud)
    failing = [json.dumps(answer) for answer in FAILURES[:4]]
    for body in (*map(json.dumps, SUCCESSES), *failing):
        cloud.sqs.send_message(QueueUrl=url, MessageBody=body)
    cloud.functions.create_event_source_mapping(
        EventSourceArn=f"arn:aws:sqs:{cloud.region}:{cloud.account_id}:q",
        FunctionName=function,
        BatchSize=1,
        ScalingConfig={"MaximumConcurrency": 2},
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    wait_until_empty(cloud, url)
    assert bodies(cloud, dlq) == sorted(failing)


def test_message_that_a_filter_leaves_out_goes_also_when_its_batch_fails(cloud: Cloud) -> None:
    function = make_function(cloud, "fails", FAILS)
    url, dlq = make_queues(cloud)
    entries: Any = [
        {"Id": "1", "MessageBody": '{"kind": "wanted"}'},
        {"Id": "2", "MessageBody": '{"kind": "other"}'},
    ]
    cloud.sqs.send_message_batch(QueueUrl=url, Entries=entries)
    pattern = json.dumps({"body": {"kind": ["wanted"]}})
    cloud.functions.create_event_source_mapping(
        EventSourceArn=f"arn:aws:sqs:{cloud.region}:{cloud.account_id}:q",
        FunctionName=function,
        FilterCriteria={"Filters": [{"Pattern": pattern}]},
    )
    wait_until_empty(cloud, url)
    assert bodies(cloud, dlq) == ['{"kind": "wanted"}']
