"""Pulumi's inputs as an AWS request, by the names in the schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from automation.local.resources.cloud import Connections
from automation.local.resources.schema import Failure, Property, ResourceType
from automation.local.resources.service_model import Problem, problems
from automation.local.resources.values import Properties, Value


def request(properties: Mapping[str, Property], inputs: Mapping[str, Value]) -> Properties:
    """The parameters that the given inputs stand for.

    Left out: what the program did not give, and what the schema marks as not `sent` (because it
    has a call of its own or no counterpart in AWS).
    """
    return {
        prop.wire_name(name): _converted(prop, inputs[name], request)
        for name, prop in properties.items()
        if prop.sent and not prop.output and inputs.get(name) is not None
    }


def from_wire(properties: Mapping[str, Property], answer: Mapping[str, Value]) -> Properties:
    """The properties that an AWS answer holds, under Pulumi's names.

    Members that the schema does not have are left out.
    """
    return {
        name: _converted(prop, answer[prop.wire_name(name)], from_wire)
        for name, prop in properties.items()
        if answer.get(prop.wire_name(name)) is not None
    }


def _converted(
    prop: Property,
    value: Value,
    members: Callable[[Mapping[str, Property], Mapping[str, Value]], Properties],
) -> Value:
    """A value with the objects in it converted by `members`, at any depth."""
    if isinstance(value, dict) and prop.kind == "object":
        return members(prop.fields, value)
    if isinstance(value, list) and prop.element is not None:
        return [_converted(prop.element, item, members) for item in value]
    return value


def model_failures(
    resource_type: ResourceType, inputs: Mapping[str, Value], connections: Connections
) -> Iterator[Failure]:
    """What AWS's model of the create operation forbids in these inputs."""
    operation = resource_type.operation
    if operation is None:
        return
    shape = connections.input_shape(operation.service, operation.name)
    if shape is None:
        return
    build = resource_type.request or partial(request, resource_type.properties)
    parameters = build(dict(inputs))
    # What is not sent, and not put in by `request`, the type's own code adds after this.
    names = {
        prop.wire_name(name): name
        for name, prop in resource_type.inputs.items()
        if prop.sent or prop.wire_name(name) in parameters
    }
    for problem in problems(shape, parameters):
        if problem.path[0] in names:
            yield _as_failure(problem, names, f"{operation.service} {operation.name}")


def _as_failure(problem: Problem, names: Mapping[str, str], operation: str) -> Failure:
    name = names[problem.path[0]]
    path = ".".join((name, *problem.path[1:]))
    return Failure(name, f"{path} {problem.reason} (AWS's {operation})")
