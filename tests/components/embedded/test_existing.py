"""A queue that is there already, on the embedded AWS: wrapped, used, and left behind as it was."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pulumi
import pulumi_aws as sdk
import pytest
from pulumi.automation import CommandError

from automation.target import Target
from automation.waiting import wait_until
from components import (
    ConsumerArgs,
    ExistingQueueArgs,
    PythonFunctionArgs,
    ReliableQueue,
    ReliableQueueArgs,
)

pytestmark = pytest.mark.engine

# Fails on what is bad, and says the rest.
_CONSUMER = """
def handler(event, context):
    bad = [record for record in event["Records"] if record["body"].startswith("bad")]
    print("got " + ",".join(r["body"] for r in event["Records"] if r not in bad))
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in bad]}
"""
Deploy = Callable[..., Any]


class Queue:
    """A queue that was made without Pulumi."""

    def __init__(self, aws: Target, name: str, **attributes: str) -> None:
        self._sqs: Any = aws.clients.sqs
        self.name = name
        self.url = self._sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        self.arn = self.attributes()["QueueArn"]

    def attributes(self) -> dict[str, str]:
        return self._sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])[
            "Attributes"
        ]

    def settings(self) -> dict[str, str]:
        """What was decided about it; counts and times come and go."""
        changing = ("ApproximateNumber", "LastModified")
        return {k: v for k, v in self.attributes().items() if not k.startswith(changing)}

    def lead_to(self, dlq: "Queue", receives: int) -> None:
        policy = {"deadLetterTargetArn": dlq.arn, "maxReceiveCount": receives}
        self._sqs.set_queue_attributes(
            QueueUrl=self.url, Attributes={"RedrivePolicy": json.dumps(policy)}
        )

    def send(self, *bodies: str, **more: str) -> None:
        for body in bodies:
            self._sqs.send_message(QueueUrl=self.url, MessageBody=body, **more)

    def wait_for(self, count: int) -> None:
        def probe() -> tuple[bool, str]:
            seen = self.attributes()["ApproximateNumberOfMessages"]
            return seen == str(count), seen

        wait_until(f"{count} messages in {self.name}", probe, timeout_seconds=30)


@pytest.fixture
def new(aws: Target) -> Iterator[Callable[..., Queue]]:
    """Makes queues of names that no other test has, and takes them away."""
    made: list[Queue] = []

    def make(ending: str = "", **attributes: str) -> Queue:
        queue = Queue(aws, f"there-{uuid4().hex[:8]}{ending}", **attributes)
        made.append(queue)
        return queue

    yield make
    for queue in made:
        aws.clients.sqs.delete_queue(QueueUrl=queue.url)


@pytest.fixture
def function(tmp_path: Path) -> PythonFunctionArgs:
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "consumer.py").write_text(_CONSUMER)
    return PythonFunctionArgs(source=folder, handler="consumer.handler", timeout_seconds=5)


def wrapping(existing: ExistingQueueArgs, consumer: ConsumerArgs | None, **more: Any) -> Any:
    """A program with the component around a queue."""

    def program() -> None:
        queue = ReliableQueue(
            "orders", ReliableQueueArgs(consumer=consumer, existing=existing, **more)
        )
        for name in ("queue_url", "dlq_url", "dlq_arn", "consumer_log_group_name", "alarm_names"):
            pulumi.export(name, getattr(queue, name))

    return program


def got(aws: Target, log_group: str) -> set[str]:
    events = aws.clients.logs.filter_log_events(logGroupName=log_group).get("events", [])
    lines = [event.get("message", "").strip() for event in events]
    said = [line.removeprefix("got ") for line in lines if line.startswith("got ")]
    return {body for line in said for body in line.split(",") if body}


def wait_for_bodies(aws: Target, log_group: str, bodies: set[str]) -> None:
    wait_until(
        f"the consumer got {bodies}",
        lambda: ((seen := got(aws, log_group)) >= bodies, seen),
        timeout_seconds=30,
    )


def test_a_queue_gets_a_dead_letter_queue_and_alarms_and_stays_with_its_messages(
    aws: Target, deployed: Deploy, new: Callable[..., Queue], function: PythonFunctionArgs
) -> None:
    queue = new(VisibilityTimeout="6", MessageRetentionPeriod="7200", DelaySeconds="0")
    before = queue.settings()
    queue.send("good 1", "bad 1")
    program = wrapping(
        ExistingQueueArgs(queue_arn=queue.arn), ConsumerArgs(function=function), max_receive_count=1
    )
    with deployed(aws, program) as stack:
        assert stack.outputs["queue_url"] == queue.url
        wait_for_bodies(aws, stack.outputs["consumer_log_group_name"], {"good 1"})
        dlq = aws.clients.sqs.get_queue_attributes
        url = stack.outputs["dlq_url"]

        def dead() -> tuple[bool, str]:
            seen = dlq(QueueUrl=url, AttributeNames=["All"])["Attributes"]
            return seen["ApproximateNumberOfMessages"] == "1", str(seen)

        wait_until("the bad one is dead-lettered", dead, timeout_seconds=60)
        answer = aws.clients.cloudwatch.describe_alarms(AlarmNames=stack.outputs["alarm_names"])
        assert len(answer["MetricAlarms"]) == 5
        # The queue keeps messages for two hours of the dead-letter queue's fourteen days.
        [age] = [a for a in answer["MetricAlarms"] if "dead-letter-age" in a["AlarmName"]]
        assert age.get("Threshold") == (1_209_600 - 7_200) // 2
        policy = json.loads(queue.settings()["RedrivePolicy"])
        assert policy["deadLetterTargetArn"] == stack.outputs["dlq_arn"]
        after = {k: v for k, v in queue.settings().items() if k != "RedrivePolicy"}
        assert after == before
        assert stack.changes(program).keys() == {"read"}
        stack.up(wrapping(ExistingQueueArgs(queue_arn=queue.arn), None, max_receive_count=1))
        queue.send("good 2")
    assert queue.settings() == before
    queue.wait_for(1)


@pytest.mark.slow
def test_two_queues_that_belong_together_are_left_as_they_are(
    aws: Target, deployed: Deploy, new: Callable[..., Queue], function: PythonFunctionArgs
) -> None:
    queue = new(".fifo", FifoQueue="true", VisibilityTimeout="6")
    dlq = new(".fifo", FifoQueue="true")
    queue.lead_to(dlq, 1)
    before = queue.settings(), dlq.settings()
    ids = {"MessageGroupId": "a", "MessageDeduplicationId": "1"}
    queue.send("good 1", **ids)
    queue.send("bad 1", **{**ids, "MessageDeduplicationId": "2"})
    program = wrapping(
        ExistingQueueArgs(queue_arn=queue.arn, dlq_arn=dlq.arn), ConsumerArgs(function=function)
    )
    with deployed(aws, program) as stack:
        assert stack.outputs["dlq_url"] == dlq.url
        wait_for_bodies(aws, stack.outputs["consumer_log_group_name"], {"good 1"})
        dlq.wait_for(1)
        # It is read under the name that a queue of the component's own would have.
        done = set(stack.steps)
        assert not {name for _, name in done} & {"orders-redrive", "orders-redrive-allow"}
        assert ("create", "orders-dlq") not in done
    assert (queue.settings(), dlq.settings()) == before
    dlq.wait_for(1)


def test_a_redrive_policy_of_somebody_else_is_not_overwritten(
    aws: Target, deployed: Deploy, new: Callable[..., Queue]
) -> None:
    queue, dlq = new(), new()
    queue.lead_to(dlq, 7)
    before = queue.settings()
    said = f"has a redrive policy already, after 7 receives to {dlq.arn}, and it is not overwritten"
    program = wrapping(ExistingQueueArgs(queue_arn=queue.arn), None)
    with deployed(aws, lambda: None) as stack:
        with pytest.raises(CommandError, match=said):
            stack.preview_of(program)
        with pytest.raises(CommandError, match=said):
            stack.up(program)
        assert queue.settings() == before
    assert queue.settings() == before


@pytest.mark.slow
def test_a_dead_letter_queue_that_exists_is_attached_when_that_is_asked(
    aws: Target, deployed: Deploy, new: Callable[..., Queue]
) -> None:
    queue, dlq = new(), new()
    before = dlq.settings()
    existing = ExistingQueueArgs(queue_arn=queue.arn, dlq_arn=dlq.arn, attaches_dlq=True)
    with deployed(aws, wrapping(existing, None, max_receive_count=4)) as stack:
        policy = {"deadLetterTargetArn": dlq.arn, "maxReceiveCount": 4}
        assert json.loads(queue.settings()["RedrivePolicy"]) == policy
        again = wrapping(existing, None, max_receive_count=4)
        assert stack.changes(again).keys() == {"read"}
        stack.up(wrapping(existing, None, max_receive_count=5))
        assert ("update", "orders-redrive") in stack.steps
    assert "RedrivePolicy" not in queue.settings()
    assert dlq.settings() == before


@pytest.mark.slow
def test_queues_of_the_same_program_are_wrapped_once_they_are_there(
    aws: Target, deployed: Deploy, function: PythonFunctionArgs
) -> None:
    """At the first preview nothing is known of them, not even whether they are FIFO queues."""

    def wrapped(name: str, consumer: ConsumerArgs, **existing: Any) -> None:
        args = ReliableQueueArgs(consumer=consumer, existing=ExistingQueueArgs(**existing))
        pulumi.export(name, ReliableQueue(name, args).dlq_url)

    def program() -> None:
        consumer = ConsumerArgs(function=function)
        orders = sdk.sqs.Queue("orders", fifo_queue=True, visibility_timeout_seconds=60)
        wrapped("first", consumer, queue_arn=orders.arn)
        dlq = sdk.sqs.Queue("dlq")
        policy = {"deadLetterTargetArn": dlq.arn, "maxReceiveCount": 3}
        events = sdk.sqs.Queue(
            "events",
            redrive_policy=pulumi.Output.json_dumps(policy),
            visibility_timeout_seconds=60,
        )
        wrapped("second", consumer, queue_arn=events.arn, dlq_arn=dlq.arn)

    with deployed(aws, lambda: None) as stack:
        assert stack.changes(program)["create"] > 30
        stack.up(program)
        assert stack.outputs["first"].endswith(".fifo")
        assert stack.changes(program).keys() == {"read"}


@pytest.mark.slow
def test_a_function_that_outlasts_the_visibility_timeout_is_refused_in_the_preview(
    aws: Target, deployed: Deploy, new: Callable[..., Queue], function: PythonFunctionArgs
) -> None:
    queue = new(VisibilityTimeout="4")
    program = wrapping(ExistingQueueArgs(queue_arn=queue.arn), ConsumerArgs(function=function))
    with (
        deployed(aws, lambda: None) as stack,
        pytest.raises(CommandError, match="visibility timeout of 4 seconds, below the function"),
    ):
        stack.preview_of(program)


@pytest.mark.slow
def test_queues_that_were_the_component_s_own_are_let_go(aws: Target, deployed: Deploy) -> None:
    def own() -> None:
        queue = ReliableQueue("orders", ReliableQueueArgs(consumer=None))
        for name in ("queue_url", "queue_arn", "dlq_url", "dlq_arn"):
            pulumi.export(name, getattr(queue, name))

    with deployed(aws, own) as stack:
        given = dict(stack.outputs)
        existing = ExistingQueueArgs(
            queue_arn=given["queue_arn"], dlq_arn=given["dlq_arn"], attaches_dlq=True
        )
        stack.up(wrapping(existing, None))
        deleted = {name for kind, name in stack.steps if kind.startswith("delete")}
        assert deleted == {"orders-queue-policy", "orders-dlq-policy", "orders-redrive-allow"}
    for url in (given["queue_url"], given["dlq_url"]):
        aws.clients.sqs.get_queue_attributes(QueueUrl=url)
        aws.clients.sqs.delete_queue(QueueUrl=url)
