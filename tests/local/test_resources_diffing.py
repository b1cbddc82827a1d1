"""What counts as a difference, and how it is told."""

from typing import Any

import pytest

from automation.local.resources.diffing import diff
from automation.local.resources.schema import Property, ResourceType, text_list, text_map
from automation.local.resources.values import UNKNOWN


def no_call(*_arguments: Any) -> Any:
    raise AssertionError("a diff asks AWS nothing")


THING = ResourceType(
    token="aws:test/thing:Thing",
    properties={
        "ordered": text_list(),
        "set": text_list(unordered=True),
        "map": text_map(),
        "text": Property(kind="string"),
        "computed": Property(kind="string", computed=True),
        "size": Property(kind="int", service_default=10),
        "block": Property(
            kind="object",
            fields={
                "given": Property(kind="string"),
                "made": Property(kind="string", computed=True),
                "blocks": Property(
                    kind="list",
                    unordered=True,
                    element=Property(kind="object", fields={"json": Property(kind="string")}),
                ),
            },
        ),
        "document": Property(kind="string", format="json"),
    },
    create=no_call,
    read=no_call,
    delete=no_call,
)


def paths(state: dict[str, Any], inputs: dict[str, Any]) -> dict[str, str]:
    return {change.path: change.kind for change in diff(THING, state, inputs).changes}


@pytest.mark.parametrize(
    ("state", "inputs"),
    [
        ({"set": ["a", "b"]}, {"set": ["b", "a"]}),
        ({"computed": "x"}, {}),
        ({"text": ""}, {}),
        ({}, {"text": ""}),
        ({"size": 10}, {}),
        ({"map": {}}, {}),
        ({"block": {"given": "x", "made": "y"}}, {"block": {"given": "x"}}),
        (
            {"block": {"blocks": [{"json": "1"}, {"json": "2"}]}},
            {"block": {"blocks": [{"json": "2"}, {"json": "1"}]}},
        ),
        ({"document": '{"a": 1}'}, {"document": '{"a":1}'}),
    ],
)
def test_what_means_the_same_is_no_difference(
    state: dict[str, Any], inputs: dict[str, Any]
) -> None:
    assert paths(state, inputs) == {}


@pytest.mark.parametrize(
    ("state", "inputs", "expected"),
    [
        ({"ordered": ["a", "b"]}, {"ordered": ["b", "a"]}, {"ordered": "update"}),
        ({"set": ["a", "a"]}, {"set": ["a", "b"]}, {"set": "update"}),
        ({"set": ["a"]}, {"set": ["a", "b"]}, {"set": "update"}),
        ({"text": "x"}, {}, {"text": "delete"}),
        ({}, {"text": "x"}, {"text": "add"}),
        ({"size": 5}, {}, {"size": "delete"}),
        ({"computed": "x"}, {"computed": "y"}, {"computed": "update"}),
        ({"text": "x"}, {"text": UNKNOWN}, {"text": "update"}),
        ({"document": '{"a":1}'}, {"document": '{"a":2}'}, {"document": "update"}),
    ],
)
def test_a_difference_is_told_by_its_kind(
    state: dict[str, Any], inputs: dict[str, Any], expected: dict[str, str]
) -> None:
    assert paths(state, inputs) == expected


def test_inside_maps_and_blocks_each_difference_has_its_path() -> None:
    state = {"map": {"kept": "1", "gone": "2", "other": "3"}, "block": {"given": "x"}}
    inputs = {"map": {"kept": "1", "other": "4", "new.one": "5"}, "block": {"given": "y"}}
    assert paths(state, inputs) == {
        "map.gone": "delete",
        "map.other": "update",
        'map["new.one"]': "add",
        "block.given": "update",
    }


def test_ignored_properties_do_not_differ() -> None:
    difference = diff(THING, {"text": "x"}, {"text": "y"}, frozenset({"text"}))
    assert difference.changes == ()
