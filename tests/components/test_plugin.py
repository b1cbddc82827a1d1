"""The component provider: the schema that it serves, and what it makes of values."""

import dataclasses
import importlib
import inspect
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import grpc
import pulumi
import pytest
import yaml
from pulumi.errors import InputPropertiesError
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

import components
from components import ExistingFunctionArgs, LimitError

PLUGIN = Path(__file__).resolve().parents[2] / "plugin"
QUEUE = "reliable-queue:index:ReliableQueue"
# What is offered under another name, or in another way, than the component's own arguments.
OTHERWISE = {
    "function": {"own_function", "existing_function"},  # other languages have no such union
    "dependencies": {"requirements"},  # the layer is built by a call in Python
}
# None is no value in other languages: what switches off what None does in Python.
SWITCHES = {"QueueArgs": {"has_alarms"}, "Alarms": {"without"}}
SHAPES: dict[str, type] = {
    "QueueArgs": components.ReliableQueueArgs,
    "Consumer": components.ConsumerArgs,
    "OwnFunction": components.PythonFunctionArgs,
    "ExistingFunction": components.ExistingFunctionArgs,
    "ExistingQueue": components.ExistingQueueArgs,
    "Vpc": components.VpcArgs,
    "Pollers": components.PollersArgs,
    "Idempotency": components.IdempotencyArgs,
    "Fifo": components.FifoArgs,
    "CustomerKey": components.CustomerKeyArgs,
    "Subscription": components.SubscriptionArgs,
    "Alarms": components.AlarmArgs,
    "Statement": components.QueueStatement,
}
DATACLASSES = [name for name, shape in SHAPES.items() if dataclasses.is_dataclass(shape)]


@pytest.fixture(scope="module")
def plugin() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(PLUGIN)
        yield importlib.import_module("queue_for_all")


@pytest.fixture(scope="module")
def schema(plugin: ModuleType) -> Any:
    return json.loads(plugin.QueueProvider().schema)


def offered(schema: Any, shape: str) -> dict[str, Any]:
    if shape == "QueueArgs":
        return schema["resources"][QUEUE]["inputProperties"]
    return schema["types"][f"reliable-queue:index:{shape}"]["properties"]


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first.lower() + "".join(part.capitalize() for part in rest)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_schema_offers_every_argument(schema: Any, shape: str) -> None:
    names = set(inspect.get_annotations(SHAPES[shape]))
    expected = set().union(*(OTHERWISE.get(name, {name}) for name in names))
    expected |= SWITCHES.get(shape, set())
    assert set(offered(schema, shape)) == {camel(name) for name in expected}


def test_every_shape_of_the_schema_is_compared(schema: Any) -> None:
    shapes = {name.rpartition(":")[2] for name in schema["types"]}
    assert shapes == SHAPES.keys() - {"QueueArgs"}


@pytest.mark.parametrize("shape", DATACLASSES)
def test_what_may_be_known_late_and_what_is_required_is_as_in_python(
    schema: Any, shape: str
) -> None:
    properties = offered(schema, shape)
    of_type = schema["types"].get(f"reliable-queue:index:{shape}", {})
    for field in dataclasses.fields(SHAPES[shape]):
        if field.name in OTHERWISE or (shape, field.name) == ("QueueArgs", "consumer"):
            continue
        inner = properties[camel(field.name)]
        inner = inner.get("items") or inner.get("additionalProperties") or inner
        assert inner.get("plain", False) != ("Output" in str(field.type)), field.name
        is_required = field.default is field.default_factory is dataclasses.MISSING
        assert (camel(field.name) in of_type.get("required", [])) == is_required, field.name


@pytest.mark.parametrize("shape", DATACLASSES)
def test_the_descriptions_state_the_defaults(schema: Any, shape: str) -> None:
    properties = offered(schema, shape)
    for field in dataclasses.fields(SHAPES[shape]):
        if isinstance(field.default, int | str):
            is_number = type(field.default) is int
            said = f"{field.default:,}" if is_number else str(field.default)
            description = properties[camel(field.name)]["description"]
            assert f"{said} by default".lower() in description.lower(), field.name


def test_the_schema_is_that_of_a_component_without_required_arguments(schema: Any) -> None:
    resource = schema["resources"][QUEUE]
    assert resource["isComponent"] is True
    assert resource["inputProperties"]["maxReceiveCount"]["type"] == "integer"
    assert resource.get("requiredInputs", []) == []


def test_the_schema_describes_every_output(schema: Any) -> None:
    properties = schema["resources"][QUEUE]["properties"]
    assert set(properties) == {camel(name) for name in components.ReliableQueue.__annotations__}
    assert [name for name, output in properties.items() if not output.get("description")] == []


def test_plain_values_make_the_same_queue_as_python_does(
    plugin: ModuleType, deploy: Callable[..., Any], source: Path
) -> None:
    given = {
        "consumer": {
            "own_function": {
                "source": str(source), "handler": "work.handler", "timeout_seconds": 20.0,
                "layers": ["arn:aws:lambda:eu-north-1:123456789012:layer:l:1"],
                "runtime": "python3.12",
                "vpc": {"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]},
            },
            "pollers": {"maximum": 5.0},
            "is_enabled": False,
            "filters": [{"body": {"size": [{"numeric": [">", 5.0]}]}}],
            "idempotency": {"expires_after_seconds": 600.0},
        },
        "statements": [{
            "sid": "LetUsSend", "effect": "Allow", "action": ["sqs:SendMessage"],
            "principal": {"AWS": "123456789012"},
            "condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}},
        }],
        "fifo": {"high_throughput": False},
        "key": {"deletion_window_days": 7},
        "max_receive_count": 3.0,
        "alarms": {
            "is_topic_encrypted": True,
            "without": ["dead-letter-age"],
            "subscriptions": {"us": {"protocol": "email", "endpoint": "a@example.com"}},
        },
        "tags": None,
    }  # fmt: skip
    theirs = deploy(lambda: plugin.ReliableQueue("events", given))
    same = components.ReliableQueueArgs(
        consumer=components.ConsumerArgs(
            function=components.PythonFunctionArgs(
                source=source,
                handler="work.handler",
                timeout_seconds=20,
                layers=["arn:aws:lambda:eu-north-1:123456789012:layer:l:1"],
                runtime="python3.12",
                vpc=components.VpcArgs(subnet_ids=["subnet-1"], security_group_ids=["sg-1"]),
            ),
            pollers=components.PollersArgs(maximum=5),
            is_enabled=False,
            filters=[{"body": {"size": [{"numeric": [">", 5]}]}}],
            idempotency=components.IdempotencyArgs(expires_after_seconds=600),
        ),
        statements=[
            {
                "Sid": "LetUsSend",
                "Effect": "Allow",
                "Action": ["sqs:SendMessage"],
                "Principal": {"AWS": "123456789012"},
                "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}},
            }
        ],
        fifo=components.FifoArgs(high_throughput=False),
        key=components.CustomerKeyArgs(deletion_window_days=7),
        max_receive_count=3,
        alarms=components.AlarmArgs(
            is_topic_encrypted=True,
            dead_letter_age_percent=None,
            subscriptions={
                "us": components.SubscriptionArgs(protocol="email", endpoint="a@example.com")
            },
        ),
    )
    ours = deploy(lambda: components.ReliableQueue("events", same))
    inputs = [
        {r.name: r.inputs for r in deployed.resources if "code" not in r.inputs}
        for deployed in (theirs, ours)
    ]
    assert inputs[0] == inputs[1]


def test_a_function_that_exists_may_be_given(plugin: ModuleType) -> None:
    existing = {
        "function_arn": "arn:aws:lambda:eu-north-1:123456789012:function:f",
        "role_name": "r",
    }
    args = plugin.queue_args({
        "consumer": {"existing_function": {**existing, "timeout_seconds": 9}}
    })  # fmt: skip
    assert isinstance(args.consumer.function, ExistingFunctionArgs)
    assert args.visibility_timeout_for(9) == 54


def test_the_example_in_yaml_writes_what_the_schema_knows(schema: Any) -> None:
    example = yaml.safe_load((PLUGIN.parent / "examples" / "yaml" / "Pulumi.yaml").read_text())
    given = example["resources"]["orders"]
    assert given["type"] == QUEUE
    assert unknown(schema, given["properties"], schema["resources"][QUEUE]["inputProperties"]) == []
    used = {value.split(".")[1].rstrip("}") for value in example["outputs"].values()}
    assert used - {"arn"} <= schema["resources"][QUEUE]["properties"].keys()


def unknown(schema: Any, given: Any, known: Any) -> list[str]:
    """The names in a value, on any level, that the schema doesn't know."""
    found = [name for name in given if name not in known]
    for name in given.keys() & known.keys():
        shape = known[name].get("items") or known[name].get("additionalProperties") or known[name]
        inner = given[name] if shape is not known[name] else [given[name]]
        if "#/types/" in shape.get("$ref", ""):
            properties = schema["types"][shape["$ref"].removeprefix("#/types/")]["properties"]
            for item in inner.values() if isinstance(inner, dict) else inner:
                found += unknown(schema, item, properties)
    return found


def test_every_alarm_can_be_switched_off_alone(
    plugin: ModuleType, deploy: Callable[..., Any], source: Path
) -> None:
    function = {"source": str(source), "handler": "work.handler"}

    def alarms(**given: Any) -> set[str]:
        args = {"consumer": {"own_function": function}, **given}
        registered = deploy(lambda: plugin.ReliableQueue("events", args)).resources
        return {item.name for item in registered if item.type.endswith(":MetricAlarm")}

    every = alarms()
    assert len(every) == 5
    for alarm in every:
        assert alarms(alarms={"without": [alarm.removeprefix("events-")]}) == every - {alarm}


def test_all_alarms_can_be_switched_off_with_their_topic(
    plugin: ModuleType, deploy: Callable[..., Any]
) -> None:
    args = {"has_alarms": False, "alarms": {"message_age_seconds": 60}}
    registered = deploy(lambda: plugin.ReliableQueue("events", args)).resources
    assert {item.type for item in registered}.isdisjoint(
        {"aws:sns/topic:Topic", "aws:cloudwatch/metricAlarm:MetricAlarm"}
    )


def test_requirements_become_a_layer_for_what_the_function_runs_on(
    plugin: ModuleType, monkeypatch: pytest.MonkeyPatch, source: Path, tmp_path: Path
) -> None:
    def built(
        requirements: Path, *, build_folder: Path, runtime: Any, architecture: Any
    ) -> components.DependencyLayer:
        assert (requirements, build_folder) == (Path("pins.txt"), PLUGIN.parent / ".build")
        archive = tmp_path / "layer.zip"
        return components.DependencyLayer(
            archive=archive, runtime=runtime, architecture=architecture
        )

    monkeypatch.setattr(components, "dependency_layer", built, raising=False)
    own = {"source": str(source), "handler": "work.handler", "requirements": "pins.txt"}
    args = plugin.queue_args({"consumer": {"own_function": {**own, "architecture": "x86_64"}}})
    assert args.consumer.function.dependencies.architecture == "x86_64"


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"consumer": {}}, "exactly one of own_function and existing_function"),
        ({"max_receive_count": 0}, "max_receive_count = 0 is out of range"),
        ({"max_receive_count": 2.5}, "max_receive_count = 2.5 is not a whole number"),
        ({"fifo": {}, "queue_name": "a.fifo"}, "queue_name = 'a.fifo'"),
        ({"alarms": {"without": ["depth"]}}, "alarms.without has 'depth'; allowed: dead-letters,"),
        (
            {"alarms": {"subscriptions": {"us": {"protocol": "mail", "endpoint": "a@b.c"}}}},
            "protocol = 'mail' is unknown; allowed: email,",
        ),
        (
            {
                "statements": [
                    {"sid": "A", "effect": "allow", "principal": "*", "action": ["sqs:*"]}
                ]
            },
            "Effect = 'allow' is unknown; allowed: Allow, Deny",
        ),
    ],
)
def test_wrong_values_are_refused_as_in_python(
    plugin: ModuleType, given: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(LimitError, match=complaint):
        plugin.queue_args(given)


@pytest.mark.parametrize(
    ("inputs", "complaint"),
    [
        ({"fifo": True}, "fifo = True is not an object"),
        ({"tags": "x"}, "tags = 'x' is not a map"),
        ({"statements": ["x"]}, r"statements\[0\] = 'x' is not an object"),
        ({"consumer": {"filters": {"body": ["a"]}}}, "consumer.filters = .* is not a list"),
        ({"hasAlarms": "no"}, "hasAlarms = 'no' is not true or false"),
        (
            {"retension": 60.0},
            "retension is unknown; known: consumer, existing, fifo, maxReceiveCount",
        ),
        ({"key": {"keyArn": "alias/ours"}}, "key.keyArn = 'alias/ours' is an alias"),
        ({"tags": {"a": 5.0}}, r"tags\['a'\] = 5 is not text"),
        (
            {"statements": [{"effect": "Allow", "principal": {"AWS": ["*"]}, "action": ["sqs:*"]}]},
            r"statements\[0\]: allows everybody in the world",
        ),
    ],
)
def test_what_no_other_language_checks_is_refused_by_its_name_there(
    plugin: ModuleType, inputs: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(InputPropertiesError) as refused:
        plugin.QueueProvider().construct("events", QUEUE, inputs)
    assert re.search(complaint, refused.value.message)


def test_what_is_known_too_late_is_refused(plugin: ModuleType, deploy: Callable[..., Any]) -> None:
    def program() -> None:
        with pytest.raises(LimitError, match="queue_name is known only once something else"):
            plugin.queue_args({"queue_name": pulumi.Output.from_input("a")})

    deploy(program)


def test_a_refusal_uses_the_names_of_the_program_s_language(plugin: ModuleType) -> None:
    with pytest.raises(InputPropertiesError) as refused:
        plugin.QueueProvider().construct(
            "events", QUEUE, {"queueName": "max_receive_count", "queueNamePrefix": "my_events"}
        )
    assert "queueNamePrefix = 'my_events' exclude each other" in refused.value.message


def test_the_plugin_serves_that_schema_to_an_engine(schema: Any) -> None:
    # An engine starts it with its own address, and reads the port.
    command = [PLUGIN / "pulumi-resource-reliable-queue", "127.0.0.1:9"]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PATH": path}
    ) as running:
        try:
            assert running.stdout is not None
            port = int(running.stdout.readline())
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                stub = provider_pb2_grpc.ResourceProviderStub(channel)
                answer = stub.GetSchema(provider_pb2.GetSchemaRequest(), timeout=20)
        finally:
            running.terminate()
    served = json.loads(answer.schema)
    assert served["resources"] == schema["resources"]
    assert served["types"] == schema["types"]
