"""Holds one property's value against its description: type, range, enum, pattern, format."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from automation.local.resources.schema import Failure, Property
from automation.local.resources.values import Archive, Unknown, Value, has_unknown

_TYPE_NAMES = {
    "string": "a string",
    "int": "a whole number",
    "number": "a number",
    "bool": "a boolean",
    "list": "a list",
    "map": "a map",
    "object": "an object",
    "archive": "an archive",
}
# partition, service, region, account, resource; the last two of the middle ones may be empty.
_ARN = re.compile(r"arn:[\w-]+:[\w-]+:[\w-]*:(\d{12}|aws|)?:.+", re.DOTALL)


def coerced(prop: Property, value: Value) -> Value:
    """The value as it is kept: an object given for a JSON text becomes that text."""
    if prop.format in ("json", "policy") and isinstance(value, dict | list):
        return Unknown.VALUE if has_unknown(value) else json.dumps(value, separators=(",", ":"))
    if prop.kind == "object" and isinstance(value, dict):
        return with_field_defaults(prop, value)
    if prop.kind == "list" and isinstance(value, list) and prop.element is not None:
        element = prop.element
        return [coerced(element, item) for item in value]
    return value


def with_field_defaults(prop: Property, value: dict[str, Value]) -> dict[str, Value]:
    """The block with the defaults of its own fields."""
    result = {
        name: coerced(prop.fields[name], item) if name in prop.fields else item
        for name, item in value.items()
        if item is not None
    }
    for name, inner in prop.fields.items():
        if inner.default is not None and name not in result:
            result[name] = inner.default
    return result


def value_failures(prop: Property, value: Value, path: str) -> Iterator[Failure]:
    """Everything wrong with a value; nothing for what is still unknown."""
    if value is None or isinstance(value, Unknown):
        return
    if not _has_type(prop, value):
        yield Failure(path, f"{path} must be {_TYPE_NAMES[prop.kind]}, but is {shown(value)}")
    elif isinstance(value, dict):
        yield from _member_failures(prop, value, path)
    elif isinstance(value, list):
        yield from _item_failures(prop, value, path)
    elif isinstance(value, str):
        yield from _text_failures(prop, value, path)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _number_failures(prop, value, path)


def _has_type(prop: Property, value: Value) -> bool:
    match prop.kind:
        case "string":
            return isinstance(value, str)
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "bool":
            return isinstance(value, bool)
        case "list":
            return isinstance(value, list)
        case "archive":
            return isinstance(value, Archive)
        case "map" | "object":
            return isinstance(value, dict)


def _member_failures(prop: Property, value: dict[str, Value], path: str) -> Iterator[Failure]:
    if prop.kind == "map":
        element = prop.element or Property(kind="string")
        if prop.max_items is not None and len(value) > prop.max_items:
            yield Failure(
                path, f"{path} has {len(value)} entries; at most {prop.max_items} allowed"
            )
        for key, item in value.items():
            yield from value_failures(element, item, f"{path}.{key}")
        return
    for name, item in value.items():
        if name not in prop.fields:
            known = ", ".join(sorted(prop.fields))
            yield Failure(
                path, f"{path}.{name} is not a property the local provider knows; {known}"
            )
        else:
            yield from value_failures(prop.fields[name], item, f"{path}.{name}")
    for name, inner in prop.fields.items():
        if inner.required and value.get(name) is None:
            yield Failure(path, f"{path}.{name} is required")


def _item_failures(prop: Property, value: list[Value], path: str) -> Iterator[Failure]:
    if prop.max_items is not None and len(value) > prop.max_items:
        yield Failure(path, f"{path} has {len(value)} items; at most {prop.max_items} allowed")
    element = prop.element or Property(kind="string")
    for index, item in enumerate(value):
        yield from value_failures(element, item, f"{path}[{index}]")


def _text_failures(prop: Property, value: str, path: str) -> Iterator[Failure]:
    if prop.enum and value not in prop.enum:
        yield Failure(path, f"{path} is {value!r}; allowed: {_listed(prop)}")
    low, high = prop.min_length, prop.max_length
    if (low is not None and len(value) < low) or (high is not None and len(value) > high):
        yield Failure(
            path, f"{path} has {len(value)} characters; allowed: {low or 0} to {high or 'any'}"
        )
    if prop.pattern is not None and re.fullmatch(prop.pattern, value) is None:
        yield Failure(path, f"{path} is {value!r}; it must match {prop.pattern}")
    if prop.format == "arn" and _ARN.fullmatch(value) is None:
        yield Failure(path, f"{path} is {value!r}; it must be an ARN")
    if prop.format in ("json", "policy") and value:
        yield from _json_failures(value, path)


def _json_failures(value: str, path: str) -> Iterator[Failure]:
    try:
        json.loads(value)
    except ValueError as error:
        yield Failure(path, f"{path} is not valid JSON: {error}")


def _number_failures(prop: Property, value: float, path: str) -> Iterator[Failure]:
    if prop.enum and value not in prop.enum:
        yield Failure(path, f"{path} is {value}; allowed: {_listed(prop)}")
    low, high = prop.minimum, prop.maximum
    if (low is not None and value < low) or (high is not None and value > high):
        yield Failure(path, f"{path} is {value}; allowed: {_interval(low, high)}")


def _interval(low: float | None, high: float | None) -> str:
    if high is None:
        return f"{low} or more"
    return f"{low} to {high}" if low is not None else f"{high} or less"


def _listed(prop: Property) -> str:
    return ", ".join(str(item) for item in prop.enum)


def shown(value: Value) -> str:
    """A short text of a value for an error; long ones and structures by their type only."""
    if isinstance(value, Archive):
        return "an archive"
    if isinstance(value, list | dict):
        return f"a {type(value).__name__}"
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
