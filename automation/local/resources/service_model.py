"""Holds a request against AWS's own model of the operation: required, types, ranges, patterns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from automation.local.resources.values import UNKNOWN

if TYPE_CHECKING:
    from botocore.model import ListShape, MapShape, Shape, StructureShape


@dataclass(frozen=True)
class Problem:
    """A value that AWS's model does not allow; `path` is where it sits in the request."""

    path: tuple[str, ...]
    reason: str


def problems(shape: Shape, value: Any, path: tuple[str, ...] = ()) -> Iterator[Problem]:
    """Everything in a request that its shape forbids. What is still unknown passes.

    botocore itself checks types, required members and minima only; patterns, maxima and enums
    are in its models all the same.
    """
    if value is UNKNOWN:
        return
    match shape.type_name:
        case "structure":
            yield from _structure_problems(cast("StructureShape", shape), value, path)
        case "list":
            yield from _list_problems(cast("ListShape", shape), value, path)
        case "map":
            yield from _map_problems(cast("MapShape", shape), value, path)
        case "string":
            yield from _text_problems(shape, value, path)
        case "integer" | "long" | "float" | "double":
            yield from _range_problems(shape, value, path)
        case _:
            return


def _structure_problems(
    shape: StructureShape, value: Mapping[str, Any], path: tuple[str, ...]
) -> Iterator[Problem]:
    for name in shape.required_members:
        if name not in value:
            yield Problem((*path, name), "is required")
    for name, member in value.items():
        if name in shape.members:
            yield from problems(shape.members[name], member, (*path, name))
        else:
            yield Problem((*path, name), f"is unknown to AWS's {shape.name}")


def _list_problems(shape: ListShape, value: list[Any], path: tuple[str, ...]) -> Iterator[Problem]:
    yield from _size_problems(shape, len(value), "items", path)
    for index, item in enumerate(value):
        yield from problems(shape.member, item, (*path, str(index)))


def _map_problems(
    shape: MapShape, value: Mapping[str, Any], path: tuple[str, ...]
) -> Iterator[Problem]:
    yield from _size_problems(shape, len(value), "entries", path)
    for key, item in value.items():
        yield from problems(shape.key, key, (*path, key))
        yield from problems(shape.value, item, (*path, key))


def _text_problems(shape: Shape, value: str, path: tuple[str, ...]) -> Iterator[Problem]:
    yield from _size_problems(shape, len(value), "characters", path)
    allowed = cast("list[str]", shape.metadata.get("enum", []))
    if allowed and value not in allowed:
        yield Problem(path, f"is {value!r}; allowed: {', '.join(allowed)}")
    pattern = _compiled(str(shape.metadata.get("pattern", "")))
    if pattern is not None and pattern.fullmatch(value) is None:
        yield Problem(path, f"is {value!r}; it must match {pattern.pattern}")


def _size_problems(shape: Shape, size: int, unit: str, path: tuple[str, ...]) -> Iterator[Problem]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if (low is not None and size < low) or (high is not None and size > high):
        yield Problem(path, f"has {size} {unit}; allowed: {_interval(low, high)}")


def _range_problems(shape: Shape, value: float, path: tuple[str, ...]) -> Iterator[Problem]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if (low is not None and value < low) or (high is not None and value > high):
        yield Problem(path, f"is {value}; allowed: {_interval(low, high)}")


def _interval(low: float | None, high: float | None) -> str:
    return f"{low if low is not None else 'any'} to {high if high is not None else 'any'}"


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """The pattern, or None when it is empty or uses what Python's `re` has not (`\\p{L}`)."""
    try:
        return re.compile(pattern, re.DOTALL) if pattern else None
    except re.error:
        return None
