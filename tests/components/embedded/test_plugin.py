"""The component provider in use: programs that reach it through the engine, in any language."""

import dataclasses
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest
from pulumi import automation

from automation.target import Target
from automation.waiting import wait_until
from components import PythonFunction, PythonFunctionArgs

pytestmark = pytest.mark.engine

ROOT = Path(__file__).resolve().parents[3]
CONSUMER = ROOT / "examples" / "own_consumer" / "consumer"


class RemoteQueue(pulumi.ComponentResource):
    """What an SDK that Pulumi generates registers: the type, its inputs by name, its outputs."""

    def __init__(self, name: str, inputs: dict[str, Any]) -> None:
        outputs = ("queueUrl", "queueArn", "dlqUrl", "alarmNames", "consumerFunctionName")
        props = {**inputs, **dict.fromkeys(outputs)}
        super().__init__("reliable-queue:index:ReliableQueue", name, props, remote=True)


@pytest.fixture
def with_plugin(aws: Target) -> Target:
    """The embedded AWS, with the plugin where the engine looks for it."""
    path = f"{ROOT / 'plugin'}:{aws.environment['PATH']}"
    return dataclasses.replace(aws, environment={**aws.environment, "PATH": path})


def own_function(**more: object) -> dict[str, Any]:
    return {
        "ownFunction": {"source": str(CONSUMER), "handler": "orders.handler", "timeoutSeconds": 1},
        **more,
    }


def body_of_dead_letter(target: Target, dlq_url: str) -> Callable[[], tuple[bool, object]]:
    def probe() -> tuple[bool, object]:
        answer = target.clients.sqs.receive_message(QueueUrl=dlq_url)
        bodies = [message["Body"] for message in answer.get("Messages", [])]
        return bodies == ["{}"], bodies

    return probe


def log_holds(target: Target, function: str, text: str) -> Callable[[], tuple[bool, object]]:
    group = target.clients.functions.get_function_configuration(FunctionName=function)
    name = group["LoggingConfig"]["LogGroup"]

    def probe() -> tuple[bool, object]:
        events = target.clients.logs.filter_log_events(logGroupName=name).get("events", [])
        lines = [event.get("message", "") for event in events]
        return any(text in line for line in lines), lines

    return probe


def test_a_remote_component_processes_messages_and_keeps_dead_letters(
    with_plugin: Target, deployed: Callable[..., Any]
) -> None:
    def program() -> None:
        shop = aws.sns.Topic("shop")
        statement = {
            "sid": "LetShopSend",
            "effect": "Allow",
            "principal": {"Service": "sns.amazonaws.com"},
            "action": ["sqs:SendMessage"],
            "condition": {"ArnEquals": {"aws:SourceArn": shop.arn}},
        }
        queue: Any = RemoteQueue(
            "orders",
            {
                "maxReceiveCount": 1,
                "visibilityTimeoutSeconds": 1,
                "consumer": own_function(maximumConcurrency=2),
                "statements": [statement],
                "alarms": {"without": ["consumer-throttles", "message-age"]},
            },
        )
        pulumi.export("topicArn", shop.arn)
        for output in ("queueUrl", "dlqUrl", "alarmNames", "consumerFunctionName"):
            pulumi.export(output, getattr(queue, output))

    with deployed(with_plugin, program) as stack:
        outputs, sqs = stack.outputs, with_plugin.clients.sqs
        assert [name.rpartition("-")[0] for name in outputs["alarmNames"]] == [
            "orders-dead-letters",
            "orders-dead-letter-age",
            "orders-consumer-errors",
        ]
        attributes = sqs.get_queue_attributes(
            QueueUrl=outputs["queueUrl"], AttributeNames=["Policy"]
        )["Attributes"]
        assert outputs["topicArn"] in attributes["Policy"]
        for body in ('{"order": 7}', "{}"):
            sqs.send_message(QueueUrl=outputs["queueUrl"], MessageBody=body)
        wait_until(
            "the order is done",
            log_holds(with_plugin, outputs["consumerFunctionName"], "order 7 done"),
            timeout_seconds=20,
        )
        wait_until(
            "what can't be processed is a dead letter",
            body_of_dead_letter(with_plugin, outputs["dlqUrl"]),
            timeout_seconds=20,
        )
        assert stack.changes(program) == {}


@pytest.mark.slow
def test_a_remote_component_is_put_around_a_queue_that_exists(
    with_plugin: Target, deployed: Callable[..., Any]
) -> None:
    sqs: Any = with_plugin.clients.sqs
    urls = [sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("there", "there-dlq")]
    answers = [sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"]) for url in urls]
    queue_arn, dlq_arn = (answer["Attributes"]["QueueArn"] for answer in answers)

    def lead_to(policy: str) -> None:
        sqs.set_queue_attributes(QueueUrl=urls[0], Attributes={"RedrivePolicy": policy})

    def program() -> None:
        queue: Any = RemoteQueue("around", {"existing": {"queueArn": queue_arn}})
        pulumi.export("queueUrl", queue.queueUrl)

    lead_to(json.dumps({"deadLetterTargetArn": dlq_arn, "maxReceiveCount": 7}))
    with deployed(with_plugin, lambda: None) as stack:
        with pytest.raises(automation.CommandError, match="and it is not overwritten"):
            stack.preview_of(program)
        lead_to("")
        stack.up(program)
        assert stack.outputs["queueUrl"] == urls[0]
        assert stack.changes(program).keys() == {"read"}


@pytest.mark.slow
def test_a_remote_component_may_be_given_a_function_of_the_same_program(
    with_plugin: Target, deployed: Callable[..., Any]
) -> None:
    def program() -> None:
        args = PythonFunctionArgs(source=CONSUMER, handler="orders.handler")
        function = PythonFunction("ours", args)

        def late(value: Any) -> Any:
            return function.function_arn.apply(lambda _: value)

        existing = {
            "functionArn": function.function_arn,
            "roleName": function.role_name,
            "timeoutSeconds": late(7),
            "logGroupName": function.log_group_name,
        }
        inputs = {
            "consumer": {
                "existingFunction": existing,
                "filters": [{"body": {"order": [{"numeric": [">", late(0)]}]}}],
            },
            "tags": {"feeds": late("ours")},
            "hasAlarms": False,
        }
        queue: Any = RemoteQueue("orders", inputs)
        pulumi.export("queueUrl", queue.queueUrl)
        pulumi.export("queueArn", queue.queueArn)

    with deployed(with_plugin, program) as stack:
        attributes = with_plugin.clients.sqs.get_queue_attributes(
            QueueUrl=stack.outputs["queueUrl"], AttributeNames=["VisibilityTimeout"]
        )["Attributes"]
        assert attributes["VisibilityTimeout"] == "42"
        [mapping] = with_plugin.clients.functions.list_event_source_mappings(
            EventSourceArn=stack.outputs["queueArn"]
        )["EventSourceMappings"]
        [pattern] = mapping["FilterCriteria"]["Filters"]
        assert json.loads(pattern["Pattern"]) == {"body": {"order": [{"numeric": [">", 0]}]}}
        tags = with_plugin.clients.sqs.list_queue_tags(QueueUrl=stack.outputs["queueUrl"])["Tags"]
        assert tags == {"feeds": "ours"}
        assert [urn for _, urn in stack.steps if urn.startswith("orders-dead-letter")] == []


@pytest.mark.slow
def test_a_preview_of_a_remote_component_warns_of_a_queue_that_is_replaced(
    with_plugin: Target, deployed: Callable[..., Any]
) -> None:
    def of(**inputs: Any) -> Callable[[], None]:
        def program() -> None:
            queue: Any = RemoteQueue("orders", {"hasAlarms": False, **inputs})
            pulumi.export("queueUrl", queue.queueUrl)

        return program

    with deployed(with_plugin, of(queueName="remote")) as stack:
        told = stack.preview_of(of(queueName="remote", fifo={}))
        assert "the queue remote is replaced by another" in told
        assert "the queue remote-dlq is replaced by another" in told
        assert "is replaced" not in stack.preview_of(of(queueName="remote", delaySeconds=5))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("inputs", "complaint"),
    [
        ({"maxReceiveCount": 0}, "maxReceiveCount = 0 is out of range; allowed: 1 to 1000"),
        ({"consumer": {}}, "needs exactly one of ownFunction and existingFunction"),
        ({"retension": 60}, "retension is unknown; known: consumer, existing, fifo"),
        ({"fifo": True}, "fifo = True is not an object"),
        ({"key": {"keyArn": "alias/ours"}}, "key.keyArn = 'alias/ours' is an alias"),
        ({"consumer": {"ownFunction": {}}}, "Missing required input 'consumer.ownFunction.source'"),
    ],
)
def test_a_refusal_reaches_the_program_as_it_is(
    with_plugin: Target, deployed: Callable[..., Any], inputs: dict[str, Any], complaint: str
) -> None:
    with (
        pytest.raises(automation.CommandError, match=complaint) as refused,
        deployed(with_plugin, lambda: RemoteQueue("orders", inputs)),
    ):
        pass
    assert "queue_for_all.py" not in str(refused.value)
    assert "Unexpected" not in str(refused.value)


def late_key(late: Callable[[object], object]) -> dict[str, Any]:
    return {"key": {"keyArn": late("alias/ours")}}


def late_number(late: Callable[[object], object]) -> dict[str, Any]:
    return {"maxReceiveCount": late(3)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("inputs_with", "complaint"),
    [
        (late_key, "key.keyArn = 'alias/ours' is an alias"),
        (late_number, "a number is known only once something else is deployed"),
    ],
)
def test_a_refusal_of_what_is_known_late_reaches_the_program_as_it_is(
    with_plugin: Target,
    deployed: Callable[..., Any],
    inputs_with: Callable[[Callable[[object], object]], dict[str, Any]],
    complaint: str,
) -> None:
    def program() -> None:
        # An output that depends on nothing reaches the plugin as a plain value from newer engines.
        arn = aws.sns.Topic("shop").arn

        def late(value: object) -> object:
            return arn.apply(lambda _: value)

        RemoteQueue("orders", inputs_with(late))

    with (
        pytest.raises(automation.CommandError, match=complaint) as refused,
        deployed(with_plugin, program),
    ):
        pass
    assert "queue_for_all.py" not in str(refused.value)
    assert "Unexpected" not in str(refused.value)


@pytest.fixture
def example_in_yaml(aws: Target) -> Iterator[automation.Stack]:
    """The example, deployed by the language host for YAML."""
    if shutil.which("pulumi-language-yaml", path=aws.environment["PATH"]) is None:
        pytest.skip("no pulumi-language-yaml; to build it: python -m automation.engine --yaml")
    options = automation.LocalWorkspaceOptions(
        pulumi_command=aws.engine, env_vars=dict(aws.environment)
    )
    folder = str(ROOT / "examples" / "yaml")
    stack = automation.create_stack("test", work_dir=folder, opts=options)
    try:
        stack.set_config("aws:region", automation.ConfigValue(aws.region))
        stack.up()
        yield stack
    finally:
        stack.destroy(remove=True)


def test_the_example_in_yaml_processes_what_its_topic_sends(
    aws: Target, example_in_yaml: automation.Stack
) -> None:
    outputs = {name: output.value for name, output in example_in_yaml.outputs().items()}
    aws.clients.sns.publish(TopicArn=outputs["topicArn"], Message='{"order": 9}')
    wait_until(
        "the order is done",
        log_holds(aws, outputs["consumerFunctionName"], "order 9 done"),
        timeout_seconds=20,
    )
