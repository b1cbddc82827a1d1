"""What options do, seen on the embedded AWS."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

from automation.target import Target
from automation.waiting import wait_until
from components import (
    AlarmArgs,
    ConsumerArgs,
    CustomerKeyArgs,
    ExistingFunctionArgs,
    FifoArgs,
    PythonFunction,
    PythonFunctionArgs,
    ReliableQueue,
    ReliableQueueArgs,
    SubscriptionArgs,
    policies,
)

pytestmark = pytest.mark.engine

# Says on standard output, where the log takes it from, which messages it got.
_CONSUMER = """
def handler(event, context):
    print("got " + ",".join(record["body"] for record in event["Records"]))
    return {"batchItemFailures": []}
"""


# Stays until it is released, and says from when to when it was busy.
_SLOW_CONSUMER = """
import os, time

def handler(event, context):
    began = time.time()
    while not os.path.exists(os.environ["RELEASED"]) and time.time() < began + 30:
        time.sleep(0.01)
    print(f"busy {began} {time.time()}")
    return {"batchItemFailures": []}
"""


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """The folder of a consumer."""
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "consumer.py").write_text(_CONSUMER)
    (folder / "slow.py").write_text(_SLOW_CONSUMER)
    return folder


def export(queue: ReliableQueue) -> None:
    pulumi.export("queue", queue.queue_url)
    pulumi.export("dlq", queue.dlq_url)
    pulumi.export("logs", queue.consumer_log_group_name)
    pulumi.export("key", queue.key_arn)


def attributes(aws: Target, url: str) -> dict[str, str]:
    answer = aws.clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    return {str(name): value for name, value in answer["Attributes"].items()}


def said(aws: Target, log_group: str, word: str) -> list[str]:
    """What a consumer has printed after a word."""
    events = aws.clients.logs.filter_log_events(logGroupName=log_group).get("events", [])
    lines = [event.get("message", "").strip() for event in events]
    return [line.removeprefix(f"{word} ") for line in lines if line.startswith(f"{word} ")]


def got(aws: Target, log_group: str) -> set[str]:
    return {body for line in said(aws, log_group, "got") for body in line.split(",")}


def wait_for_bodies(aws: Target, log_group: str, bodies: set[str]) -> None:
    wait_until(
        f"the consumer got {bodies}",
        lambda: ((seen := got(aws, log_group)) >= bodies, seen),
        timeout_seconds=20,
    )


def test_every_option_at_once_is_taken_and_a_second_look_finds_nothing_to_do(
    aws: Target, deployed: Callable[..., Any], code: Path
) -> None:
    def program() -> None:
        function = PythonFunctionArgs(
            source=code, handler="consumer.handler", log_level="ERROR", traces=True,
            reserved_concurrency=20,
        )  # fmt: skip
        export(
            ReliableQueue(
                "all",
                ReliableQueueArgs(
                    consumer=ConsumerArgs(
                        function=function,
                        batch_size=5,
                        maximum_concurrency=4,
                        filters=[{"body": {"kind": ["a"]}}],
                    ),
                    fifo=FifoArgs(content_based_deduplication=False),
                    max_receive_count=3,
                    retention_seconds=86_400,
                    dlq_retention_seconds=172_800,
                    delay_seconds=1,
                    max_message_bytes=4_096,
                    receive_wait_seconds=5,
                    key=CustomerKeyArgs(data_key_reuse_seconds=600, deletion_window_days=7),
                    statements=[
                        {
                            "Sid": "Friends",
                            "Effect": "Allow",
                            "Principal": {"AWS": "111122223333"},
                            "Action": ["sqs:SendMessage", "sqs:GetQueueUrl"],
                        }
                    ],
                    queue_name="orders",
                    alarms=AlarmArgs(
                        is_topic_encrypted=True,
                        subscriptions={
                            "people": SubscriptionArgs(protocol="email", endpoint="a@example.com")
                        },
                    ),
                    tags={"team": "a"},
                ),
            )
        )

    with deployed(aws, program) as stack:
        queue = attributes(aws, stack.outputs["queue"])
        dlq = attributes(aws, stack.outputs["dlq"])
        assert stack.outputs["queue"].endswith("/orders.fifo")
        assert stack.outputs["dlq"].endswith("/orders-dlq.fifo")
        for attribute, value in {
            "FifoQueue": "true",
            "ContentBasedDeduplication": "false",
            "DeduplicationScope": "messageGroup",
            "FifoThroughputLimit": "perMessageGroupId",
            "MaximumMessageSize": "4096",
            "KmsMasterKeyId": stack.outputs["key"],
            "KmsDataKeyReusePeriodSeconds": "600",
        }.items():
            assert queue[attribute] == dlq[attribute] == value
        assert (queue["DelaySeconds"], dlq["DelaySeconds"]) == ("1", "0")
        assert queue["ReceiveMessageWaitTimeSeconds"] == "5"
        sids = [statement["Sid"] for statement in json.loads(queue["Policy"])["Statement"]]
        assert sids == ["RefusePlainHttp", "Friends"]
        assert stack.changes(program) == {}


@pytest.mark.slow
def test_a_longer_timeout_changes_in_place_and_the_queue_first(
    aws: Target, deployed: Callable[..., Any], code: Path
) -> None:
    def program(timeout_seconds: int) -> Callable[[], None]:
        function = PythonFunctionArgs(
            source=code, handler="consumer.handler", timeout_seconds=timeout_seconds
        )
        args = ReliableQueueArgs(consumer=ConsumerArgs(function=function))
        return lambda: export(ReliableQueue("events", args))

    with deployed(aws, program(10)) as stack:
        stack.up(program(100))
        changed = [name for op, name in stack.steps if op == "update"]
        assert {op for op, _ in stack.steps} == {"update"}
        queue, function = "events-queue", "events-consumer-function"
        assert changed.index(queue) < stack.started[function]
        assert attributes(aws, stack.outputs["queue"])["VisibilityTimeout"] == "600"
        stack.up(program(5))
        assert {op for op, _ in stack.steps} == {"update"}
        assert {queue, function} <= {name for _, name in stack.steps}
        assert attributes(aws, stack.outputs["queue"])["VisibilityTimeout"] == "30"


@pytest.mark.slow
@pytest.mark.parametrize("maximum", [2, 4])
def test_no_more_batches_than_the_maximum_are_processed_at_once(
    aws: Target, deployed: Callable[..., Any], code: Path, tmp_path: Path, maximum: int
) -> None:
    released = tmp_path / "released"

    def program() -> None:
        slow = PythonFunctionArgs(
            source=code,
            handler="slow.handler",
            environment={"RELEASED": str(released)},
            timeout_seconds=60,
        )
        consumer = ConsumerArgs(function=slow, batch_size=1, maximum_concurrency=maximum)
        export(ReliableQueue("busy", ReliableQueueArgs(consumer=consumer)))
        quick = ConsumerArgs(function=PythonFunctionArgs(source=code, handler="consumer.handler"))
        other = ReliableQueue("other", ReliableQueueArgs(consumer=quick))
        pulumi.export("otherQueue", other.queue_url)
        pulumi.export("otherLogs", other.consumer_log_group_name)

    with deployed(aws, program) as stack:
        queue, logs = stack.outputs["queue"], stack.outputs["logs"]
        for number in range(7):
            aws.clients.sqs.send_message(QueueUrl=queue, MessageBody=str(number))
        wait_until(
            f"{maximum} messages are in flight",
            lambda: ((n := in_flight(aws, queue)) >= maximum, n),
            timeout_seconds=20,
        )
        # Each of these was received after the emulator had looked at every queue again.
        for body in ("1", "2"):
            aws.clients.sqs.send_message(QueueUrl=stack.outputs["otherQueue"], MessageBody=body)
            wait_for_bodies(aws, stack.outputs["otherLogs"], {body})
        assert in_flight(aws, queue) == maximum
        released.touch()
        wait_until(
            "all are processed",
            lambda: (len(seen := said(aws, logs, "busy")) == 7, seen),
            timeout_seconds=20,
        )
        spans = [tuple(map(float, line.split())) for line in said(aws, logs, "busy")]
        # Fewer when a worker took long to start; that the maximum was in flight is seen above.
        assert max(sum(a <= at < b for a, b in spans) for at, _ in spans) <= maximum


def in_flight(aws: Target, url: str) -> int:
    return int(attributes(aws, url)["ApproximateNumberOfMessagesNotVisible"])


@pytest.mark.slow
def test_what_matches_no_filter_is_not_processed_and_not_kept(
    aws: Target, deployed: Callable[..., Any], code: Path
) -> None:
    def program() -> None:
        function = PythonFunctionArgs(source=code, handler="consumer.handler")
        consumer = ConsumerArgs(
            function=function, filters=[{"body": {"kind": ["a"]}}, {"body": {"kind": ["c"]}}]
        )
        export(ReliableQueue("filtered", ReliableQueueArgs(consumer=consumer)))

    with deployed(aws, program) as stack:
        matching = {'{"kind":"a"}', '{"kind":"c"}'}
        for body in ('{"kind":"b"}', "no JSON", *matching):
            aws.clients.sqs.send_message(QueueUrl=stack.outputs["queue"], MessageBody=body)
        wait_for_bodies(aws, stack.outputs["logs"], matching)
        left = attributes(aws, stack.outputs["queue"])
        assert left["ApproximateNumberOfMessages"] == "0"
        assert got(aws, stack.outputs["logs"]) == matching
        assert attributes(aws, stack.outputs["dlq"])["ApproximateNumberOfMessages"] == "0"


@pytest.mark.slow
def test_a_paused_consumer_leaves_messages_where_they_are(
    aws: Target, deployed: Callable[..., Any], code: Path
) -> None:
    def program(*, is_enabled: bool) -> None:
        function = PythonFunctionArgs(source=code, handler="consumer.handler")
        consumer = ConsumerArgs(function=function, is_enabled=is_enabled)
        export(ReliableQueue("paused", ReliableQueueArgs(consumer=consumer)))

    with deployed(aws, lambda: program(is_enabled=False)) as stack:
        queue, logs = stack.outputs["queue"], stack.outputs["logs"]
        mappings = aws.clients.functions.list_event_source_mappings(
            EventSourceArn=attributes(aws, queue)["QueueArn"]
        )["EventSourceMappings"]
        assert [mapping.get("State") for mapping in mappings] == ["Disabled"]
        aws.clients.sqs.send_message(QueueUrl=queue, MessageBody="waits")
        stack.up(lambda: program(is_enabled=True))
        assert stack.steps == [("update", "paused-mapping")]
        wait_for_bodies(aws, logs, {"waits"})


@pytest.mark.slow
def test_a_delayed_message_waits_before_it_can_be_received(
    aws: Target, deployed: Callable[..., Any]
) -> None:
    args = ReliableQueueArgs(consumer=None, delay_seconds=900)
    with deployed(aws, lambda: export(ReliableQueue("later", args))) as stack:
        aws.clients.sqs.send_message(QueueUrl=stack.outputs["queue"], MessageBody="x")
        depth = attributes(aws, stack.outputs["queue"])
        assert depth["ApproximateNumberOfMessagesDelayed"] == "1"
        assert depth["ApproximateNumberOfMessages"] == "0"


# With high throughput a message is told apart within its group, else within the whole queue.
@pytest.mark.slow
@pytest.mark.parametrize(("is_wide", "taken"), [(True, "2"), (False, "1")])
def test_a_fifo_queue_takes_the_same_message_once(
    aws: Target, deployed: Callable[..., Any], is_wide: bool, taken: str
) -> None:
    fifo = FifoArgs(high_throughput=is_wide)
    args = ReliableQueueArgs(consumer=None, fifo=fifo, queue_name_prefix="once-")
    with deployed(aws, lambda: export(ReliableQueue("once", args))) as stack:
        url = stack.outputs["queue"]
        assert "/once-" in url
        assert url.endswith(".fifo")
        for group in ("a", "a", "b"):
            aws.clients.sqs.send_message(QueueUrl=url, MessageBody="same", MessageGroupId=group)
        assert attributes(aws, url)["ApproximateNumberOfMessages"] == taken


@pytest.mark.slow
def test_without_content_based_deduplication_the_sender_says_what_is_the_same(
    aws: Target, deployed: Callable[..., Any]
) -> None:
    fifo = FifoArgs(content_based_deduplication=False)
    args = ReliableQueueArgs(consumer=None, fifo=fifo)
    with deployed(aws, lambda: export(ReliableQueue("told", args))) as stack:
        url = stack.outputs["queue"]
        message = {"QueueUrl": url, "MessageBody": "same", "MessageGroupId": "a"}
        for identity in ("1", "1", "2"):
            aws.clients.sqs.send_message(**message, MessageDeduplicationId=identity)
        assert attributes(aws, url)["ApproximateNumberOfMessages"] == "2"
        with pytest.raises(aws.clients.sqs.exceptions.ClientError, match="MessageDeduplicationId"):
            aws.clients.sqs.send_message(**message)


def test_a_fifo_queue_hands_over_each_group_in_its_order(
    aws: Target, deployed: Callable[..., Any], code: Path
) -> None:
    def program() -> None:
        function = PythonFunctionArgs(source=code, handler="consumer.handler")
        consumer = ConsumerArgs(function=function, batch_size=3)
        export(ReliableQueue("ordered", ReliableQueueArgs(consumer=consumer, fifo=FifoArgs())))

    with deployed(aws, program) as stack:
        sent = [f"{group}{number:02}" for number in range(10) for group in "ab"]
        for body in sent:
            aws.clients.sqs.send_message(
                QueueUrl=stack.outputs["queue"], MessageBody=body, MessageGroupId=body[0]
            )
        wait_for_bodies(aws, stack.outputs["logs"], set(sent))
        seen = ",".join(said(aws, stack.outputs["logs"], "got")).split(",")
        for group in "ab":
            assert [b for b in seen if b[0] == group] == [b for b in sent if b[0] == group]


@pytest.mark.slow
def test_a_function_of_the_program_itself_is_fed(
    aws: Target, deployed: Callable[..., Any], code: Path
) -> None:
    def program() -> None:
        function = PythonFunction(
            "theirs", PythonFunctionArgs(source=code, handler="consumer.handler")
        )
        existing = ExistingFunctionArgs(
            function_arn=function.function_arn,
            role_name=function.role_name,
            timeout_seconds=function.function_arn.apply(lambda _: 7),
            log_group_name=function.log_group_name,
        )
        args = ReliableQueueArgs(consumer=ConsumerArgs(function=existing))
        export(ReliableQueue("fed", args))

    with deployed(aws, program) as stack:
        assert attributes(aws, stack.outputs["queue"])["VisibilityTimeout"] == "42"
        aws.clients.sqs.send_message(QueueUrl=stack.outputs["queue"], MessageBody="hello")
        wait_for_bodies(aws, stack.outputs["logs"], {"hello"})


@pytest.mark.slow
def test_a_timeout_that_turns_out_too_long_is_refused_by_its_name(
    aws: Target, deployed: Callable[..., Any], code: Path
) -> None:
    def program() -> None:
        function = PythonFunction(
            "theirs", PythonFunctionArgs(source=code, handler="consumer.handler")
        )
        existing = ExistingFunctionArgs(
            function_arn=function.function_arn,
            role_name=function.role_name,
            timeout_seconds=function.function_arn.apply(lambda _: 60),
        )
        consumer = ConsumerArgs(function=existing)
        args = ReliableQueueArgs(consumer=consumer, visibility_timeout_seconds=30)
        export(ReliableQueue("fed", args))

    with (
        pytest.raises(pulumi.automation.CommandError) as failed,
        deployed(aws, program),
    ):
        pass
    assert "visibility_timeout_seconds = 30 is below the function's timeout_seconds = 60" in str(
        failed.value
    )
    assert "Traceback" not in str(failed.value)


@pytest.mark.slow
def test_a_transform_changes_any_property_of_any_child(
    aws: Target, deployed: Callable[..., Any]
) -> None:
    def shorter(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        if args.name != "events-dlq":
            return None
        props = {**args.props, "messageRetentionSeconds": 700_000}
        return pulumi.ResourceTransformResult(props=props, opts=args.opts)

    def program() -> None:
        opts = pulumi.ResourceOptions(transforms=[shorter])
        export(ReliableQueue("events", ReliableQueueArgs(consumer=None), opts))

    with deployed(aws, program) as stack:
        assert attributes(aws, stack.outputs["dlq"])["MessageRetentionPeriod"] == "700000"
        assert attributes(aws, stack.outputs["queue"])["MessageRetentionPeriod"] == "345600"


@pytest.mark.slow
def test_a_mapping_that_is_left_over_is_adopted_by_a_transform(
    aws: Target, deployed: Callable[..., Any], code: Path
) -> None:
    def program(mapping_id: str | None) -> Callable[[], None]:
        def adopt(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
            if args.name != "events-mapping" or mapping_id is None:
                return None
            args.opts.import_ = mapping_id
            return pulumi.ResourceTransformResult(props=args.props, opts=args.opts)

        function = PythonFunctionArgs(source=code, handler="consumer.handler")
        args = ReliableQueueArgs(consumer=ConsumerArgs(function=function))
        opts = pulumi.ResourceOptions(transforms=[adopt])
        return lambda: export(ReliableQueue("events", args, opts))

    with deployed(aws, program(None)) as stack:
        [urn] = [
            item["urn"]
            for item in stack.stack.export_stack().deployment["resources"]
            if item["type"].endswith(":EventSourceMapping")
        ]
        [mapping] = aws.clients.functions.list_event_source_mappings(
            FunctionName=consumer_of(stack)
        )["EventSourceMappings"]
        # As after a deployment that broke off: the mapping is there, the state knows it not.
        stack.stack.workspace.pulumi_command.run(
            ["state", "delete", urn, "--target-dependents", "--yes", "--stack", stack.stack.name],
            stack.stack.workspace.work_dir,
            dict(aws.environment),
        )
        with pytest.raises(pulumi.automation.CommandError, match="already exists"):
            stack.up(program(None))
        stack.up(program(mapping["UUID"]))
        assert ("import", "events-mapping") in stack.steps


def consumer_of(stack: Any) -> str:
    [name] = [
        item["outputs"]["name"]
        for item in stack.stack.export_stack().deployment["resources"]
        if item["type"] == "aws:lambda/function:Function"
    ]
    return str(name)


def test_plain_http_is_refused_where_policies_are_enforced(strict_aws: Target) -> None:
    # Without a stack: the engine itself speaks plain HTTP to the embedded AWS.
    sqs = strict_aws.clients.sqs
    url = sqs.create_queue(QueueName="safe")["QueueUrl"]
    policy = policies.queue_policy(
        queue_arn=attributes(strict_aws, url)["QueueArn"], requires_tls=True
    )
    sqs.send_message(QueueUrl=url, MessageBody="x")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    with pytest.raises(sqs.exceptions.ClientError, match="AccessDenied"):
        sqs.send_message(QueueUrl=url, MessageBody="x")
