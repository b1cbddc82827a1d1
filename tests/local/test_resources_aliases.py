"""Aliases of a function: what is refused as Lambda refuses it, and where an alias leads."""

import json
from typing import Any

import grpc
import pytest

from automation.local.resources.cloud import Cloud
from tests.local.conftest import make_function

ALIAS = "aws:lambda/alias:Alias"
MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping"


@pytest.fixture
def function(cloud: Cloud) -> str:
    """A function of one version, which answers 1; its newest code answers 2."""
    name = make_function(cloud, "consumer", "def handler(event, context): return 1")
    cloud.functions.publish_version(FunctionName=name)
    return name


@pytest.mark.parametrize(
    ("inputs", "named"),
    [
        ({"name": "12"}, "must match"),
        ({"name": "a b"}, "must match"),
        ({"functionName": None}, "'functionName' of aws:lambda/alias:Alias is required"),
        ({"functionVersion": "newest"}, "must match"),
        ({"functionVersion": 1}, "must be a string"),
        ({"description": "x" * 257}, "0 to 256"),
        ({"routingConfig": {"additionalVersionWeights": {"2": 1.5}}}, "0 to 1"),
        ({"routingConfig": {"additionalVersionWeights": {"2": 0.1, "3": 0.1}}}, "2 versions, 2, 3"),
        ({"routingConfig": {"additionalVersionWeights": {"$LATEST": 0.1}}}, "publish a version"),
        ({"routingConfig": {"additionalVersionWeights": {"1": 0.1}}}, "functionVersion is already"),
        ({"routingConfig": {"weights": {}}}, "routingConfig.weights is not a property"),
        ({"version": "1"}, "'version' of aws:lambda/alias:Alias is refused"),
    ],
)
def test_an_alias_is_checked_before_it_is_made(
    provider: Any, inputs: dict[str, Any], named: str
) -> None:
    good = {"name": "live", "functionName": "consumer", "functionVersion": "1"}
    assert provider.check(ALIAS, good)[1] == []
    assert named in "\n".join(provider.check(ALIAS, good | inputs)[1])


@pytest.mark.parametrize(
    "versions",
    [
        {"functionVersion": "2"},
        {"functionVersion": "1", "routingConfig": {"additionalVersionWeights": {"2": 0.5}}},
    ],
)
def test_an_alias_leads_to_versions_that_exist(
    provider: Any, function: str, versions: dict[str, Any]
) -> None:
    with pytest.raises(grpc.RpcError, match=r"Function not found: arn:.*:function:consumer:2"):
        provider.create(ALIAS, {"functionName": function, **versions})
    made = provider.create(ALIAS, {"functionName": function, "functionVersion": "1"})
    with pytest.raises(grpc.RpcError, match=r"Function not found: arn:.*:function:consumer:2"):
        provider.update(ALIAS, made, {**made.inputs, **versions})


def test_the_name_and_the_arn_of_a_function_are_the_same_to_an_alias(
    provider: Any, function: str
) -> None:
    made = provider.create(ALIAS, {"functionName": function, "functionVersion": "1"})
    arn = made.outputs["arn"].rpartition(":")[0]
    again, _ = provider.check(ALIAS, {**made.inputs, "functionName": arn}, old=made.inputs)
    assert list(provider.diff(ALIAS, made, again).diffs) == []


def test_an_alias_can_be_imported_by_its_arn(provider: Any, function: str) -> None:
    inputs = {"name": "live", "functionName": function, "functionVersion": "1"}
    made = provider.create(ALIAS, inputs)
    assert made.id == made.outputs["arn"]
    imported = provider.read(ALIAS, made.id)
    assert imported.outputs == made.outputs
    with pytest.raises(grpc.RpcError, match="FUNCTION/ALIAS"):
        provider.read(ALIAS, "live")


def test_an_alias_runs_its_version_and_goes_with_its_function(
    provider: Any, cloud: Cloud, function: str
) -> None:
    inputs = {"name": "live", "functionName": function, "functionVersion": "1"}
    made = provider.create(ALIAS, inputs)
    answer = cloud.functions.invoke(FunctionName=made.id)
    assert (json.loads(answer["Payload"].read()), answer.get("ExecutedVersion")) == (1, "1")
    cloud.functions.delete_function(FunctionName=function)
    assert provider.read(ALIAS, made.id, made) is None
    provider.delete(ALIAS, made)
