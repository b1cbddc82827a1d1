"""The whole program, with the configuration that Pulumi.yaml gives it."""

import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pulumi
import pytest
import yaml

from components import (
    ConsumerArgs,
    DependencyLayer,
    LayerError,
    PythonFunctionArgs,
    ReliableQueueArgs,
)

ROOT = Path(__file__).resolve().parents[2]
DECLARED: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
DEFAULTS = {key: str(declared["default"]).lower() for key, declared in DECLARED.items()}


@pytest.fixture
def run_program(
    deploy: Callable[..., Any], dependencies: DependencyLayer, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """Runs the program with changes to the default configuration, without pip."""
    monkeypatch.setattr("components.layer.dependency_layer", lambda *_, **__: dependencies)

    def run(deployment: Any = None, **config: object) -> Any:
        changed = {
            key: str(value).lower() if isinstance(value, bool) else str(value)
            for key, value in config.items()
        }
        return deploy(
            lambda: runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__"),
            {**DEFAULTS, **changed},
            deployment,
        )

    return run


def test_the_exports_are_the_outputs_that_the_schema_describes(
    run_program: Callable[..., Any],
) -> None:
    schema = json.loads((ROOT / "components" / "outputs.schema.json").read_text())
    exports = run_program().exports
    jsonschema.validate(exports, schema)
    assert exports.keys() == schema["properties"].keys()


def test_every_key_is_declared_with_type_description_and_default() -> None:
    for key, declared in DECLARED.items():
        assert declared.keys() == {"type", "description", "default"}, key


def test_the_declared_defaults_are_those_of_the_component(source: Path) -> None:
    function = PythonFunctionArgs(source=source, handler="work.handler")
    consumer = ConsumerArgs(function=function)
    queue = ReliableQueueArgs(consumer=consumer)
    assert {key: declared["default"] for key, declared in DECLARED.items()} == {
        "maxReceiveCount": queue.max_receive_count,
        "functionTimeoutSeconds": function.timeout_seconds,
        "batchSize": consumer.batch_size,
        "batchingWindowSeconds": consumer.batching_window_seconds,
        "maximumConcurrency": 10,
        "dlqRetentionSeconds": queue.dlq_retention_seconds,
        "visibilityTimeoutSeconds": 0,
        "logRetentionDays": function.log_retention_days,
        "consumerPath": "functions/consumer",
        "fifo": queue.is_fifo,
        "requiresTls": queue.requires_tls,
    }


def test_every_key_of_the_configuration_has_an_effect(
    run_program: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "consumer.py").write_text("def handler(event, context): ...\n")
    deployed = run_program(
        maxReceiveCount=3,
        functionTimeoutSeconds=20,
        batchSize=50,
        batchingWindowSeconds=2,
        maximumConcurrency=4,
        dlqRetentionSeconds=400_000,
        visibilityTimeoutSeconds=500,
        logRetentionDays=30,
        consumerPath=tmp_path,
    )
    redrive = deployed.only("aws:sqs/redrivePolicy:RedrivePolicy").document("redrivePolicy")
    assert redrive["maxReceiveCount"] == 3
    consumer = deployed.only("aws:lambda/function:Function", "events-consumer-function").inputs
    assert consumer["timeout"] == 20
    assert consumer["code"].assets["consumer.py"].path == str(tmp_path / "consumer.py")
    mapping = deployed.only("aws:lambda/eventSourceMapping:EventSourceMapping").inputs
    assert mapping["batchSize"] == 50
    assert mapping["maximumBatchingWindowInSeconds"] == 2
    assert mapping["scalingConfig"] == {"maximumConcurrency": 4}
    queues = [r for r in deployed.resources if r.type == "aws:sqs/queue:Queue"]
    retention = {queue.name: queue.inputs["messageRetentionSeconds"] for queue in queues}
    assert retention["events-dlq"] == 400_000
    queue = deployed.only("aws:sqs/queue:Queue", "events-queue").inputs
    assert queue["visibilityTimeoutSeconds"] == 500
    groups = [r for r in deployed.resources if r.type == "aws:cloudwatch/logGroup:LogGroup"]
    assert [group.inputs["retentionInDays"] for group in groups] == [30, 30]


def test_a_fifo_program_has_two_fifo_queues(run_program: Callable[..., Any]) -> None:
    deployed = run_program(fifo=True)
    queues = [r for r in deployed.resources if r.type == "aws:sqs/queue:Queue"]
    assert [queue.inputs["fifoQueue"] for queue in queues] == [True, True]


@pytest.mark.parametrize(("requires_tls", "policies"), [(True, 2), (False, 0)])
def test_plain_http_is_refused_unless_it_is_allowed(
    run_program: Callable[..., Any], requires_tls: bool, policies: int
) -> None:
    deployed = run_program(requiresTls=requires_tls)
    assert len([r for r in deployed.resources if "queuePolicy" in r.type]) == policies


def test_the_producer_may_send_and_nothing_else(run_program: Callable[..., Any]) -> None:
    deployed = run_program()
    may = [
        statement
        for r in deployed.resources
        if r.type == "aws:iam/rolePolicy:RolePolicy" and r.parent == "producer"
        for statement in r.document("policy")["Statement"]
        if statement["Sid"] != "WriteLogs"
    ]
    [statement] = may
    assert statement["Action"] == ["sqs:SendMessage"]
    assert statement["Resource"].endswith(":events-queue-1a2b3c4")
    producer = deployed.only("aws:lambda/function:Function", "producer-function").inputs
    assert producer["handler"] == "producer.handler"
    assert producer["environment"]["variables"]["QUEUE_URL"] == "https://sqs/events-queue-1a2b3c4"


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ({"maxReceiveCount": 0}, "reliable-queue:maxReceiveCount = 0 is out of range; allowed: 1"),
        ({"maxReceiveCount": "two"}, "maxReceiveCount"),
        ({"fifo": "yes"}, "fifo"),
        ({"fifo": True, "batchingWindowSeconds": 1}, "a FIFO queue has no batching window"),
        ({"functionTimeoutSeconds": 901}, "functionTimeoutSeconds = 901 is out of range"),
        ({"maximumConcurrency": 1}, "maximumConcurrency = 1 is out of range; allowed: 2 to 1000"),
        ({"batchSize": 11}, "batchSize = 11 needs a batching window"),
        ({"dlqRetentionSeconds": 60}, "dlqRetentionSeconds = 60 is not above"),
        ({"visibilityTimeoutSeconds": 5}, "visibilityTimeoutSeconds = 5 is below"),
        ({"logRetentionDays": 2}, "reliable-queue:logRetentionDays = 2 is not a retention period"),
        ({"consumerPath": "none"}, "holds no consumer.py"),
        ({"maxRecieveCount": 3, "b": 1}, "unknown configuration: reliable-queue:b, "
         "reliable-queue:maxRecieveCount; known: maxReceiveCount, "),
    ],
)  # fmt: skip
def test_wrong_configuration_is_refused_before_anything_is_created(
    run_program: Callable[..., Any], new_deployment: Any, config: dict[str, Any], complaint: str
) -> None:
    # Pulumi shows a RunError without a traceback.
    with pytest.raises(pulumi.RunError, match=complaint):
        run_program(new_deployment, **config)
    assert new_deployment.resources == []


def test_a_layer_that_can_t_be_built_is_told_without_a_traceback(
    run_program: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> DependencyLayer:
        raise LayerError("requirements.txt can't be installed")

    monkeypatch.setattr("components.layer.dependency_layer", fail)
    with pytest.raises(pulumi.RunError, match=r"^requirements.txt can't be installed$"):
        run_program()
