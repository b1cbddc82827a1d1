"""Least privilege by enforcement: what is granted is enough, one action less is not."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.automation import CommandError

from automation.target import Target
from automation.waiting import wait_until
from components import (
    ConsumerArgs,
    DependencyLayer,
    PythonFunction,
    PythonFunctionArgs,
    ReliableQueue,
    ReliableQueueArgs,
    dependency_layer,
)

pytestmark = pytest.mark.engine

ROOT = Path(__file__).resolve().parents[3]
RUN = {"rate": None, "max_messages": 20, "bad_ratio": 0.5, "seed": 1}


@pytest.fixture(scope="session")
def dependencies() -> DependencyLayer:
    return dependency_layer(ROOT / "functions" / "requirements.txt", build_folder=ROOT / ".build")


@pytest.fixture
def program(dependencies: DependencyLayer) -> Callable[..., Callable[[], None]]:
    """The worked case, without one action of the policies called `name`."""

    def without(action: str | None = None, name: str = "") -> Callable[[], None]:
        def remove(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
            if action is None or args.name != name:
                return None
            policy = pulumi.Output.from_input(args.props["policy"]).apply(
                lambda text: without_action(text, action)
            )
            return pulumi.ResourceTransformResult({**args.props, "policy": policy}, args.opts)

        def worked_case() -> None:
            opts = pulumi.ResourceOptions(transforms=[remove])
            consumer = PythonFunctionArgs(
                source=ROOT / "functions" / "consumer",
                handler="consumer.handler",
                dependencies=dependencies,
            )
            # The functions speak plain HTTP to the embedded AWS.
            args = ReliableQueueArgs(
                consumer=ConsumerArgs(function=consumer), requires_tls=False, alarms=None
            )
            queue = ReliableQueue("events", args, opts)
            producer = PythonFunctionArgs(
                source=ROOT / "functions" / "producer",
                handler="producer.handler",
                dependencies=dependencies,
                environment={"QUEUE_URL": queue.queue_url},
                timeout_seconds=60,
            )
            sender = PythonFunction("producer", producer, opts)
            queue.grant_send(sender)
            pulumi.export("dlq", queue.dlq_url)
            pulumi.export("logs", queue.consumer_log_group_name)
            pulumi.export("producer", sender.function_name)

        return worked_case

    return without


def without_action(policy: str, action: str) -> str:
    document = json.loads(policy)
    for statement in document["Statement"]:
        assert action in statement["Action"], f"{action} is not granted at all"
        statement["Action"].remove(action)
    # A statement has an action at least, and this one grants nothing that anybody uses.
    for statement in document["Statement"]:
        statement["Action"] = statement["Action"] or ["sqs:ListQueueTags"]
    return json.dumps(document)


def produce(aws: Target, outputs: dict[str, Any]) -> dict[str, Any]:
    answer = aws.clients.functions.invoke(
        FunctionName=outputs["producer"], Payload=json.dumps(RUN).encode()
    )
    return dict(json.loads(json.loads(answer["Payload"].read())["body"])["message"])


def warnings_of(aws: Target, outputs: dict[str, Any]) -> set[str]:
    pages = aws.clients.logs.get_paginator("filter_log_events").paginate(
        logGroupName=outputs["logs"]
    )
    lines = [event.get("message", "") for page in pages for event in page.get("events", [])]
    records = [json.loads(line) for line in lines if line.startswith("{")]
    return {record["message"] for record in records if record.get("level") == "WARNING"}


def dead_letters(aws: Target, outputs: dict[str, Any]) -> int:
    answer = aws.clients.sqs.get_queue_attributes(
        QueueUrl=outputs["dlq"], AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])


@pytest.mark.slow
def test_with_what_is_granted_the_case_works(
    strict_aws: Target, deployed: Callable[..., Any], program: Callable[..., Any]
) -> None:
    with deployed(strict_aws, program()) as stack:
        began = time.monotonic()
        sent = produce(strict_aws, stack.outputs)
        assert sent["status"] is True
        wait_until(
            "all bad messages are dead letters",
            lambda: ((n := dead_letters(strict_aws, stack.outputs)) == sent["bad_msg"], n),
            timeout_seconds=30,
        )
        # Without the back-off a message comes back after the visibility timeout, a minute.
        assert time.monotonic() - began < 30
        assert warnings_of(strict_aws, stack.outputs) == set()


@pytest.mark.slow
@pytest.mark.parametrize("action", ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"])
def test_lambda_refuses_a_consumer_that_lacks(
    strict_aws: Target,
    deployed: Callable[..., Any],
    program: Callable[..., Any],
    action: str,
) -> None:
    lacking = program(f"sqs:{action}", "events-consumer-may-consume")
    with pytest.raises(CommandError, match=action), deployed(strict_aws, lacking):
        pass


@pytest.mark.slow
def test_without_change_message_visibility_there_is_no_back_off(
    strict_aws: Target, deployed: Callable[..., Any], program: Callable[..., Any]
) -> None:
    lacking = program("sqs:ChangeMessageVisibility", "events-consumer-may-consume")
    with deployed(strict_aws, lacking) as stack:
        produce(strict_aws, stack.outputs)
        wait_until(
            "the consumer says that its back-off failed",
            lambda: (
                any("Back-off failed" in text for text in warnings_of(strict_aws, stack.outputs)),
                "no warning",
            ),
            timeout_seconds=20,
        )


@pytest.mark.slow
def test_without_send_message_nothing_is_sent(
    strict_aws: Target, deployed: Callable[..., Any], program: Callable[..., Any]
) -> None:
    lacking = program("sqs:SendMessage", "producer-may-send-events")
    with deployed(strict_aws, lacking) as stack:
        sent = produce(strict_aws, stack.outputs)
        assert (sent["status"], sent["msg_cnt"]) == (False, 0)
        assert "AccessDenied" in sent["error_message"]
