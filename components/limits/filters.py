"""What Lambda takes as a filter of messages, and what no message could ever match.

Lambda deletes what matches no filter, so a pattern that matches nothing deletes every message.
Sources: AWS Lambda Developer Guide, Control which events Lambda sends to your function, Filter rule
syntax, and Using event filtering with an Amazon SQS event source; the operators' values: Amazon
EventBridge User Guide, Comparison operators for use in event patterns, whose rules Lambda follows.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from .ranges import LimitError

# AWS Lambda Developer Guide, Control which events Lambda sends to your function: 5 filters a
# mapping, 10 after a request to AWS; AWS Lambda API Reference, Filter: 4,096 characters each.
MAX_FILTERS = 10
MAX_FILTER_LENGTH = 4_096

# EventBridge User Guide, Comparison operators, Numeric matching: from -5.0e9 to 5.0e9, 15 digits or
# 6 behind the point.
_LARGEST_NUMBER = 5_000_000_000
_DECIMALS = 6
_NUMBER = "a number from -5e9 to 5e9 with at most 6 digits behind the point"
_OR = "$or"
_IGNORE_CASE = "equals-ignore-case"


def check_filters(filters: Sequence[object]) -> None:
    """Refuse filters that Lambda doesn't take, or that would have it delete every message.

    What is None is not known yet and is looked at when it is. Sources: the module's.
    """
    if len(filters) > MAX_FILTERS:
        raise LimitError(f"filters has {len(filters)} entries; allowed: 0 to {MAX_FILTERS}")
    for index, pattern in enumerate(filters):
        if pattern is not None:
            check_filter(f"filters[{index}]", pattern)


def check_filter(argument: str, pattern: object) -> None:
    """Refuse one filter; see `check_filters`."""
    if not isinstance(pattern, Mapping):
        raise LimitError(
            f'{argument} = {pattern!r} is no pattern; give an object, as in {{"body": ["a"]}}'
        )
    members = cast("Mapping[object, object]", pattern)
    if list(members) != ["body"]:
        looked_at = ", ".join(map(str, members)) or "nothing"
        raise LimitError(
            f"{argument} looks at {looked_at}; allowed: body alone; Lambda looks at nothing else "
            "of a message, and deletes what matches no filter"
        )
    _check_node(f"{argument}.body", members["body"])
    _check_text_body(f"{argument}.body", members["body"])
    length = len(filter_text(cast("object", pattern)))
    if length > MAX_FILTER_LENGTH:
        raise LimitError(
            f"{argument} has {length} characters as JSON; allowed: 1 to {MAX_FILTER_LENGTH}"
        )


def filter_text(pattern: object) -> str:
    """A filter as Lambda is given it."""
    return json.dumps(pattern, default=dict)


def _check_node(where: str, node: object) -> None:
    """One place in a pattern: an object with more places in it, or a list of what is allowed."""
    if isinstance(node, Mapping) and node:
        for key, inner in cast("Mapping[object, object]", node).items():
            if not isinstance(key, str):
                raise LimitError(f"{where} has the key {key!r}; keys are text; give '{key}'")
            _check_is_field(where, key, inner)
            if key == _OR:
                _check_alternatives(f"{where}.{key}", inner)
            else:
                _check_node(f"{where}.{key}", inner)
        return
    values = _as_list(cast("object", node))
    if not values:
        raise LimitError(
            f"{where} = {node!r} is no pattern, or one that nothing matches: each key leads to an "
            "object or to a list of what is allowed there, at least one, as in "
            '{"body": {"kind": ["a", "b"]}}; Lambda deletes what matches no filter'
        )
    for index, value in enumerate(values):
        _check_value(f"{where}[{index}]", value)


def _check_is_field(where: str, key: str, inner: object) -> None:
    """Refuse a comparison that stands in no list: it is taken for a field that no message has."""
    if key in _OPERATORS and _OPERATORS[key][0](inner):
        raise LimitError(
            f"{where} = {{{key!r}: {inner!r}}} looks for a field of that name; to compare, put it "
            f"into a list: [{{{key!r}: {inner!r}}}]"
        )


def _check_alternatives(where: str, node: object) -> None:
    alternatives = _as_list(node)
    if alternatives is None or len(alternatives) < 2:
        raise LimitError(
            f'{where} = {node!r}; allowed: a list of 2 or more objects, as in {{"$or": '
            '[{"a": [1]}, {"b": [2]}]}'
        )
    for index, alternative in enumerate(alternatives):
        if not isinstance(alternative, Mapping):
            raise LimitError(f"{where}[{index}] = {alternative!r} is no object; give one")
        _check_node(f"{where}[{index}]", cast("object", alternative))


def _check_value(where: str, value: object) -> None:
    if isinstance(value, Mapping):
        _check_comparison(where, cast("Mapping[object, object]", value))
    elif isinstance(value, float) and not math.isfinite(value):
        raise LimitError(f"{where} = {value!r} is no number that JSON knows; give a finite one")
    elif value is not None and not isinstance(value, str | int | float):
        raise LimitError(
            f"{where} = {value!r}; allowed: text, a number, True, False, None, or a comparison as "
            '{"prefix": "a"}'
        )


def _check_comparison(where: str, comparison: Mapping[object, object]) -> None:
    operators = ", ".join(_OPERATORS)
    if len(comparison) != 1:
        raise LimitError(f"{where} = {comparison!r} is not one comparison; allowed: {operators}")
    [(operator, operand)] = comparison.items()
    if not isinstance(operator, str) or operator not in _OPERATORS:
        raise LimitError(
            f"{where} compares by {operator!r}, which Lambda does not; allowed: {operators}"
        )
    is_right, allowed = _OPERATORS[operator]
    if not is_right(operand):
        raise LimitError(f"{where}, {operator} = {operand!r}; allowed: {allowed}")


def _is_text_or_ignores_case(operand: object) -> bool:
    if isinstance(operand, Mapping):
        members = cast("Mapping[object, object]", operand)
        return list(members) == [_IGNORE_CASE] and isinstance(members[_IGNORE_CASE], str)
    return isinstance(operand, str)


def _is_exception(operand: object) -> bool:
    values = _as_list(operand)
    if values is None:
        values = [operand]
    is_text = all(isinstance(value, str) for value in values)
    return bool(values) and (is_text or all(_is_number(value) for value in values))


def _is_number(value: object) -> bool:
    # NaN is not within any range.
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and -_LARGEST_NUMBER <= value <= _LARGEST_NUMBER
        and round(value, _DECIMALS) == value
    )


def _is_numeric(operand: object) -> bool:
    terms = _as_list(operand) or []
    signs, numbers = terms[::2], terms[1::2]
    if len(signs) != len(numbers) or not all(_is_number(number) for number in numbers):
        return False
    if len(signs) == 1:
        return signs[0] in ("=", "<", "<=", ">", ">=")
    if len(signs) != 2 or signs[0] not in (">", ">=") or signs[1] not in ("<", "<="):
        return False
    lower, upper = cast("list[float]", numbers)
    return lower < upper


# What each operator takes, and how that is told.
_OPERATORS: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "prefix": (_is_text_or_ignores_case, 'text, or {"equals-ignore-case": text}'),
    "suffix": (_is_text_or_ignores_case, 'text, or {"equals-ignore-case": text}'),
    _IGNORE_CASE: (lambda operand: isinstance(operand, str), "text"),
    "anything-but": (_is_exception, f"a text or {_NUMBER}, or a list of one kind, not empty"),
    "numeric": (
        _is_numeric,
        f'a sign and {_NUMBER}, as [">", 1], or a range, as [">=", 1, "<", 5], the lower end first '
        "and below the upper",
    ),
    "exists": (lambda operand: isinstance(operand, bool), "True or False"),
}


def _check_text_body(where: str, body: object) -> None:
    """A list in place of an object is about bodies that are no JSON: each is a text, and there."""
    for index, value in enumerate(_as_list(body) or []):
        is_text = isinstance(value, str)
        if isinstance(value, Mapping):
            members = cast("Mapping[object, object]", value)
            is_text = "numeric" not in members and members.get("exists") is not False
        if not is_text:
            raise LimitError(
                f"{where}[{index}] = {value!r} matches no message: a body is a text, and always "
                'there; allowed: text, or an object to look into JSON, as {"body": {"size": [1]}}'
            )


def _as_list(value: object) -> list[object] | None:
    return list(cast("Sequence[object]", value)) if isinstance(value, list | tuple) else None
