"""The component provider: the schema that it serves, and what it makes of values."""

import dataclasses
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import grpc
import pytest
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

import components
from components import ExistingFunctionArgs, LimitError

PLUGIN = Path(__file__).resolve().parents[2] / "plugin"


@pytest.fixture(scope="module")
def plugin() -> ModuleType:
    spec = importlib.util.spec_from_file_location("queue_for_all", PLUGIN / "queue_for_all.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["queue_for_all"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def schema(plugin: ModuleType) -> Any:
    provider = ComponentProvider([plugin.ReliableQueue], "reliable-queue", None, "0.1.0")
    return json.loads(provider.schema or "")


def test_the_schema_offers_the_component_with_every_argument_but_policies(schema: Any) -> None:
    resource = schema["resources"]["reliable-queue:index:ReliableQueue"]
    assert resource["isComponent"] is True
    offered = set(resource["inputProperties"])
    arguments = {field.name for field in dataclasses.fields(components.ReliableQueueArgs)}
    # A policy's statements have names that no language would keep as they are.
    assert offered == {camel(name) for name in arguments - {"statements"}}
    assert resource["inputProperties"]["maxReceiveCount"]["type"] == "integer"
    assert resource.get("requiredInputs", []) == []


def test_the_schema_has_every_output(schema: Any) -> None:
    properties = schema["resources"]["reliable-queue:index:ReliableQueue"]["properties"]
    assert set(properties) == {camel(name) for name in components.ReliableQueue.__annotations__}
    assert all("description" in prop for prop in properties.values())


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def test_plain_values_make_the_same_queue_as_python_does(
    plugin: ModuleType, deploy: Callable[..., Any], source: Path
) -> None:
    given = {
        "consumer": {
            "own_function": {
                "source": str(source), "handler": "work.handler", "timeout_seconds": 20.0
            },
            "pollers": {"maximum": 5.0},
        },
        "fifo": {"high_throughput": False},
        "key": {"deletion_window_days": 7},
        "max_receive_count": 3.0,
        "alarms": {
            "is_topic_encrypted": True,
            "subscriptions": {"us": {"protocol": "email", "endpoint": "a@example.com"}},
        },
        "tags": None,
    }  # fmt: skip
    theirs = deploy(lambda: plugin.ReliableQueue("events", given))
    same = components.ReliableQueueArgs(
        consumer=components.ConsumerArgs(
            function=components.PythonFunctionArgs(
                source=source, handler="work.handler", timeout_seconds=20
            ),
            pollers=components.PollersArgs(maximum=5),
        ),
        fifo=components.FifoArgs(high_throughput=False),
        key=components.CustomerKeyArgs(deletion_window_days=7),
        max_receive_count=3,
        alarms=components.AlarmArgs(
            is_topic_encrypted=True,
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
    existing = {"function_arn": "arn:aws:lambda:r:1:function:f", "role_name": "r"}
    args = plugin.queue_args({
        "consumer": {"existing_function": {**existing, "timeout_seconds": 9}}
    })  # fmt: skip
    assert isinstance(args.consumer.function, ExistingFunctionArgs)
    assert args.visibility_timeout_for(9) == 54


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"consumer": {}}, "exactly one of ownFunction and existingFunction"),
        ({"max_receive_count": 0}, "max_receive_count = 0 is out of range"),
        ({"fifo": {}, "queue_name": "a.fifo"}, "queue_name = 'a.fifo'"),
    ],
)
def test_wrong_values_are_refused_as_in_python(
    plugin: ModuleType, given: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(LimitError, match=complaint):
        plugin.queue_args(given)


def test_the_plugin_serves_that_schema_to_an_engine(schema: Any) -> None:
    # An engine starts the folder with its own address, and reads the port.
    with subprocess.Popen(
        [sys.executable, PLUGIN, "127.0.0.1:9"], stdout=subprocess.PIPE, text=True
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
