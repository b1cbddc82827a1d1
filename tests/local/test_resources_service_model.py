"""Requests are held against AWS's own models, further than botocore does."""

from pathlib import Path
from typing import Any

import pytest

from automation.local.resources.cloud import Connections
from automation.local.resources.service_model import problems
from automation.local.resources.values import UNKNOWN


@pytest.fixture(scope="module")
def connections() -> Connections:
    """Clients of nowhere: the models need no connection."""
    return Connections(
        endpoint_url="http://127.0.0.1:1", account_id="123456789012", program_directory=Path()
    )


GOOD: dict[str, Any] = {
    "FunctionName": "consumer",
    "Role": "arn:aws:iam::123456789012:role/r",
    "Code": {},
    "Runtime": "python3.12",
}


def found(connections: Connections, **changed: Any) -> list[tuple[str, str]]:
    shape = connections.input_shape("lambda", "CreateFunction")
    assert shape is not None
    return [(".".join(item.path), item.reason) for item in problems(shape, GOOD | changed)]


def test_a_good_request_has_no_problem(connections: Connections) -> None:
    assert found(connections) == []


@pytest.mark.parametrize(
    ("parameter", "value", "path", "reason"),
    [
        ("FunctionName", "a b", "FunctionName", "must match"),
        ("MemorySize", 64, "MemorySize", "128 to 32768"),
        ("Runtime", "cobol", "Runtime", "allowed: nodejs"),
        ("Handler", "x" * 129, "Handler", "129 characters"),
        ("Architectures", [], "Architectures", "0 items; allowed: 1 to 1"),
        ("Architectures", ["z80"], "Architectures.0", "allowed: x86_64, arm64"),
        ("Environment", {"Variables": {"1": "x"}}, "Environment.Variables.1", "must match"),
        ("Environment", {"Values": {}}, "Environment.Values", "unknown to AWS"),
        ("TracingConfig", {"Mode": "Off"}, "TracingConfig.Mode", "Active, PassThrough"),
        ("DeadLetterConfig", {"TargetArn": "q"}, "DeadLetterConfig.TargetArn", "must match"),
    ],
)
def test_a_wrong_value_is_named_by_its_place(
    connections: Connections, parameter: str, value: Any, path: str, reason: str
) -> None:
    [(place, words)] = found(connections, **{parameter: value})
    assert place == path
    assert reason in words


def test_a_missing_parameter_is_named(connections: Connections) -> None:
    shape = connections.input_shape("lambda", "CreateFunction")
    assert shape is not None
    missing = [item.path for item in problems(shape, {"Code": {}})]
    assert missing == [("FunctionName",), ("Role",)]


def test_what_is_unknown_has_no_problem(connections: Connections) -> None:
    assert found(connections, FunctionName=UNKNOWN, Layers=[UNKNOWN]) == []


def test_a_pattern_that_python_cannot_read_is_passed_over(connections: Connections) -> None:
    shape = connections.input_shape("iam", "TagRole")
    assert shape is not None
    tags = [{"Key": "team", "Value": "Aufträge"}]
    assert list(problems(shape, {"RoleName": "r", "Tags": tags})) == []
