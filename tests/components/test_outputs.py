"""The contract with downstream teams: names, types, schema, and what a reader says of others."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from components import outputs
from components.outputs import OutputsError, StackOutputs

SCHEMA = json.loads(Path(outputs.__file__).with_name("outputs.schema.json").read_text())

# What downstream teams were promised: a name may be added to this list, none removed.
CONTRACT = [
    "queueUrl",
    "queueArn",
    "queueName",
    "dlqUrl",
    "dlqArn",
    "dlqName",
    "consumerFunctionName",
    "consumerFunctionArn",
    "consumerLogGroupName",
    "producerFunctionName",
    "producerFunctionArn",
    "producerLogGroupName",
    "alarmNames",
    "alarmTopicArn",
    "region",
    "sendPolicyArn",
    "consumePolicyArn",
    "operatorPolicyArn",
    "dashboardName",
]


@pytest.fixture
def deployed() -> dict[str, Any]:
    """The outputs of a stack."""
    values: dict[str, Any] = dict.fromkeys(CONTRACT, "x")
    values |= {name: "arn:aws:x" for name in CONTRACT if name.endswith("Arn")}
    values |= {name: "https://x" for name in CONTRACT if name.endswith("Url")}
    return values | {"alarmNames": ["a", "b"]}


def test_the_names_are_those_promised() -> None:
    assert [outputs.output_name(field) for field in outputs.FIELDS] == CONTRACT


def test_the_schema_has_the_same_names_all_required() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert list(SCHEMA["properties"]) == CONTRACT
    assert SCHEMA["required"] == CONTRACT


def test_schema_and_reader_accept_the_outputs_of_a_stack(deployed: dict[str, Any]) -> None:
    jsonschema.validate(deployed, SCHEMA)
    read = StackOutputs.from_outputs(deployed)
    assert read.queue_url == "https://x"
    assert read.alarm_names == ("a", "b")


def test_outputs_added_later_are_ignored(deployed: dict[str, Any]) -> None:
    jsonschema.validate(deployed | {"later": 1}, SCHEMA)
    StackOutputs.from_outputs(deployed | {"later": 1})


@pytest.mark.parametrize("name", CONTRACT)
@pytest.mark.parametrize("value", [None, 7, "", [1]])
def test_schema_and_reader_refuse_the_same(
    deployed: dict[str, Any], name: str, value: object
) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(deployed | {name: value}, SCHEMA)
    with pytest.raises(OutputsError, match=name):
        StackOutputs.from_outputs(deployed | {name: value})


def test_the_reader_names_everything_that_is_missing_or_ill_typed(deployed: dict[str, Any]) -> None:
    del deployed["queueUrl"]
    with pytest.raises(OutputsError, match=r"queueUrl is missing; alarmNames is not a list"):
        StackOutputs.from_outputs(deployed | {"alarmNames": "a"})


def test_a_program_must_export_each_output_and_no_other(deployed: dict[str, Any]) -> None:
    values = dataclasses.asdict(StackOutputs.from_outputs(deployed))
    assert outputs.exports(**values).keys() == set(CONTRACT)
    with pytest.raises(TypeError, match="unknown: other"):
        outputs.exports(**values, other=1)
    del values["region"]
    with pytest.raises(TypeError, match="missing or unknown: region"):
        outputs.exports(**values)
