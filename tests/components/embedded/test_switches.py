"""What is switched off goes off, and what replaces a queue is told before it does."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

from automation.target import Target
from components import (
    AlarmArgs,
    ConsumerArgs,
    CustomerKeyArgs,
    FifoArgs,
    PollersArgs,
    PythonFunctionArgs,
    ReliableQueue,
    ReliableQueueArgs,
)

pytestmark = pytest.mark.engine


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """The folder of a consumer."""
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "consumer.py").write_text("def handler(event, context): ...\n")
    return folder


def program(code: Path, *, is_on: bool, transforms: Any = ()) -> Callable[[], None]:
    """A queue with everything that can be switched off, on or off."""
    function = PythonFunctionArgs(source=code, handler="consumer.handler")
    args = ReliableQueueArgs(consumer=ConsumerArgs(function=function))
    if is_on:
        function = PythonFunctionArgs(
            source=code, handler="consumer.handler", traces=True, reserved_concurrency=50,
            environment={"MODE": "x"}, tags={"cost": "1"},
        )  # fmt: skip
        consumer = ConsumerArgs(
            function=function, filters=[{"body": {"a": ["b"]}}], pollers=PollersArgs(maximum=5)
        )
        args = ReliableQueueArgs(
            consumer=consumer,
            key=CustomerKeyArgs(data_key_reuse_seconds=600),
            alarms=AlarmArgs(is_topic_encrypted=True),
            tags={"team": "a"},
        )

    def run() -> None:
        queue = ReliableQueue("all", args, pulumi.ResourceOptions(transforms=[*transforms]))
        pulumi.export("queue", queue.queue_url)
        pulumi.export("function", queue.consumer_function_name)
        pulumi.export("topic", queue.alarm_topic_arn)

    return run


def switches(aws: Target, outputs: dict[str, Any]) -> dict[str, object]:
    """What AWS itself says of everything that can be switched off."""
    queue = aws.clients.sqs.get_queue_attributes(QueueUrl=outputs["queue"], AttributeNames=["All"])[
        "Attributes"
    ]
    function = aws.clients.functions.get_function(FunctionName=outputs["function"])
    configuration = function["Configuration"]
    [mapping] = aws.clients.functions.list_event_source_mappings(EventSourceArn=queue["QueueArn"])[
        "EventSourceMappings"
    ]
    topic = aws.clients.sns.get_topic_attributes(TopicArn=outputs["topic"])["Attributes"]
    queue_tags = aws.clients.sqs.list_queue_tags(QueueUrl=outputs["queue"])
    return {
        "traces": configuration["TracingConfig"]["Mode"] == "Active",
        "reserved_concurrency": "ReservedConcurrentExecutions" in function.get("Concurrency", {}),
        "environment": "MODE" in configuration["Environment"]["Variables"],
        "tags": bool(function.get("Tags")),
        "filters": bool(mapping.get("FilterCriteria", {}).get("Filters")),
        "key": bool(queue.get("KmsMasterKeyId")),
        "is_topic_encrypted": bool(topic.get("KmsMasterKeyId")),
        "queue's tags": bool(queue_tags.get("Tags")),
    }


def test_what_is_switched_off_goes_off_and_comes_back(
    aws: Target, deployed: Callable[..., Any], code: Path
) -> None:
    with deployed(aws, program(code, is_on=True)) as stack:
        for is_on in (True, False, True):
            wanted = program(code, is_on=is_on)
            if is_on is not all(switches(aws, stack.outputs).values()):
                assert stack.changes(wanted), "a preview tells"
            stack.up(wanted)
            found = switches(aws, stack.outputs)
            assert found == dict.fromkeys(found, is_on)
            assert stack.changes(wanted) == {}
            stack.stack.refresh()
            assert stack.changes(wanted) == {}
            traced = {"mode": "Active" if is_on else "PassThrough"}
            assert in_state(stack, "aws:lambda/function:Function")["tracingConfig"] == traced


def in_state(stack: Any, type_: str) -> Any:
    resources = stack.stack.export_stack().deployment["resources"]
    [found] = [item["outputs"] for item in resources if item["type"] == type_]
    return found


def test_a_stack_of_before_has_no_change_for_what_is_written_down_now(
    aws: Target, deployed: Callable[..., Any], code: Path
) -> None:
    def as_before(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult:
        props = {name: value for name, value in args.props.items() if name != "tracingConfig"}
        return pulumi.ResourceTransformResult(props=props, opts=args.opts)

    with deployed(aws, program(code, is_on=False, transforms=[as_before])) as stack:
        assert stack.changes(program(code, is_on=False)) == {}


BOTH = {"all-queue", "all-dlq"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "changes"),
    [
        (
            {},
            [
                ({"queue_name": "c"}, BOTH),
                ({"queue_name_prefix": "team-"}, BOTH),
                ({"max_receive_count": 5, "tags": {"a": "b"}, "key": CustomerKeyArgs()}, set()),
            ],
        ),
        (
            {"queue_name": "a"},
            [
                ({"queue_name": "a", "fifo": FifoArgs()}, {"a", "a-dlq"}),
                ({"queue_name": "f"}, {"a", "a-dlq"}),
                ({"queue_name": "a"}, set()),
            ],
        ),
        (
            {"queue_name": "b", "fifo": FifoArgs()},
            [({"queue_name": "b"}, {"b.fifo", "b-dlq.fifo"})],
        ),
    ],
    ids=["made-up name", "name", "FIFO"],
)
def test_a_preview_warns_of_messages_that_are_lost_with_their_queue(
    aws: Target,
    deployed: Callable[..., Any],
    before: dict[str, Any],
    changes: list[tuple[dict[str, Any], set[str]]],
) -> None:
    def of(args: dict[str, Any]) -> Callable[[], None]:
        return lambda: export_url(ReliableQueue("all", ReliableQueueArgs(consumer=None, **args)))

    with deployed(aws, of(before)) as stack:
        for after, lost in changes:
            told = stack.preview_of(of(after))
            assert {re.sub("-[0-9a-f]{7}$", "", name) for name in replaced(told)} == lost, after
            assert ("Moving to another queue" in told) == bool(lost), after
        assert stack.changes(of(before)) == {}, "a preview leaves everything as it is"


def export_url(queue: ReliableQueue) -> None:
    pulumi.export("queue", queue.queue_url)


def replaced(told: str) -> set[str]:
    return {line.split()[0] for line in told.split("the queue ")[1:] if "is replaced" in line}


def test_a_first_deployment_warns_of_nothing(aws: Target, deployed: Callable[..., Any]) -> None:
    args = ReliableQueueArgs(consumer=None)
    with deployed(aws, lambda: None) as stack:
        assert replaced(stack.preview_of(lambda: ReliableQueue("all", args))) == set()
