"""The schema that the engine is given holds what the provider knows, and hangs together."""

import json
from collections.abc import Iterator
from typing import Any

import pulumi_aws
import pytest
from pulumi.runtime.proto import provider_pb2

from automation.local.resources.catalogue import RESOURCE_TYPES
from automation.local.resources.package_schema import package_schema


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (item for key, item in value.items() if key == "$ref")
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, dict | list):
            yield from references(item)


def test_the_engine_gets_every_type(provider: Any) -> None:
    answer = provider.stub.GetSchema(provider_pb2.GetSchemaRequest())
    assert json.loads(answer.schema)["resources"].keys() == RESOURCE_TYPES.keys()


def test_every_reference_leads_somewhere() -> None:
    schema = json.loads(package_schema())
    named = {item for item in references(schema) if item != "pulumi.json#/Archive"}
    assert named == {f"#/types/{name}" for name in schema["types"]}


# The package warns of itself when its Lambda part is first loaded.
@pytest.mark.filterwarnings("ignore:aws.lambda/microvmsimage:DeprecationWarning")
def test_the_types_of_blocks_are_called_as_in_the_official_package() -> None:
    names = [name.split(":")[2] for name in json.loads(package_schema())["types"]]
    own = [name for name in names if name.startswith("Function")]
    assert "FunctionEnvironment" in own
    assert all(hasattr(pulumi_aws.lambda_, f"{name}Args") for name in own)
