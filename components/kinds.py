"""Holds arguments against their declared types, for programs that no type checker reads."""

import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, ForwardRef, Literal, Union, cast, get_args, get_origin, is_typeddict

import pulumi

from .limits import LimitError
from .unknowns import is_late

# How a kind is told to people.
_TOLD: dict[object, str] = {
    bool: "True or False",
    float: "a number",
    int: "a whole number",
    str: "text",
    Path: "a path",
    NoneType: "None",
}


def check_kinds(args: object, part: str = "") -> None:
    """Refuse arguments of another kind than declared, each by its name.

    args: a dataclass.
    part: what stands before its arguments' names, as `key.`.

    Whole numbers are left to their ranges, which say more, and words out of a list to that list.
    """
    for argument in dataclasses.fields(cast("Any", args)):
        _check(f"{part}{argument.name}", getattr(args, argument.name), argument.type)


def _check(argument: str, value: object, hint: Any) -> None:
    choices = _choices(hint)
    if any(_fits(value, choice) for choice in choices):
        inner = next((choice for choice in choices if get_args(choice)), None)
        if inner is not None and not is_late(value):
            _check_members(argument, value, inner)
        return
    if is_late(value):
        raise LimitError(
            f"{argument} is known only once something else is deployed; give a value"
            + _late_parts(choices)
        )
    told = [text for choice in choices if (text := _told(choice))]
    raise LimitError(
        f"{argument} = {value!r} is not {' or '.join(dict.fromkeys(told))}" + _advice(choices)
    )


def _choices(hint: Any) -> list[Any]:
    """The kinds that a hint allows, those of an input being its own and an output."""
    if get_origin(hint) in (Union, UnionType):
        return [choice for part in get_args(hint) for choice in _choices(part)]
    return [hint]


def _fits(value: object, kind: Any) -> bool:
    origin = get_origin(kind) or kind
    if isinstance(kind, ForwardRef):
        # The SDK's own input type names the output by a text.
        return isinstance(value, pulumi.Output)
    if origin in (object, Any, Literal) or not isinstance(origin, type):
        return not is_late(value) or origin is not Literal
    if origin is int:
        return not is_late(value)
    if origin is Sequence:
        return isinstance(value, Sequence) and not isinstance(value, str | bytes)
    if is_typeddict(origin):
        return isinstance(value, Mapping)
    return isinstance(value, origin)


def _check_members(argument: str, value: object, kind: Any) -> None:
    members, hint = get_args(kind), get_origin(kind)
    if hint is Sequence and isinstance(value, Sequence) and not isinstance(value, str):
        for index, item in enumerate(cast("Sequence[object]", value)):
            _check(f"{argument}[{index}]", item, members[0])
    elif hint is Mapping and isinstance(value, Mapping):
        for key, item in cast("Mapping[object, object]", value).items():
            if members[0] is str and not isinstance(key, str):
                raise LimitError(f"{argument} has the key {key!r}, which is not text; give '{key}'")
            _check(f"{argument}[{key!r}]", item, members[1])


def _told(kind: Any) -> str | None:
    origin = get_origin(kind) or kind
    if origin is Awaitable:
        return None
    if isinstance(kind, ForwardRef):
        return "an output"
    if origin is Sequence:
        return "a list"
    if origin is Mapping or is_typeddict(origin):
        return "a map"
    return _TOLD.get(origin, getattr(origin, "__name__", str(origin)))


def _advice(choices: list[Any]) -> str:
    """What to write where an object of arguments of its own is expected, or text."""
    classes = [item for item in choices if dataclasses.is_dataclass(item)]
    if classes:
        return f"; give {' or '.join(f'{_told(item)}(...)' for item in classes)}"
    if str in choices:
        return "; give text, as '5' for 5, or leave it out"
    return ""


def _late_parts(choices: list[Any]) -> str:
    origins = [get_origin(choice) for choice in choices]
    if any(origin in (Mapping, Sequence) for origin in origins):
        return "; what stands in it may be an output"
    return ""


def check_args(args: object, kind: type) -> None:
    """Refuse a map, or anything else, where a component takes an object of arguments."""
    if not isinstance(args, kind):
        raise LimitError(f"args = {args!r} is not {kind.__name__}; give {kind.__name__}(...)")


def check_known(argument: str, value: object, check: Callable[[str, str], None]) -> None:
    """Hold a text against a rule if it is known already."""
    if isinstance(value, str):
        check(argument, value)
