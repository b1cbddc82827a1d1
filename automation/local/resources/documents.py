"""When two JSON texts, two IAM policies or two names of one function mean the same."""

from __future__ import annotations

import json
import re
from typing import TypeAlias

from automation.local.resources.values import Value

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

_ACCOUNT_ROOT = re.compile(r"arn:[\w-]+:iam::(\d{12}):root")
# The elements of a policy statement in which one string and a list of one mean the same, and in
# which order means nothing:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
_SETS = ("Action", "NotAction", "Resource", "NotResource")


def parse_json(text: str) -> Json:
    """The value of a JSON text. Raises ValueError when it is none."""
    return json.loads(text)


def normalised(text: str) -> str:
    """The JSON text without white space, in the order it has; unchanged when it is no JSON."""
    try:
        return json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False)
    except ValueError:
        return text


def same_json(left: Value, right: Value) -> bool:
    """Whether two texts hold the same JSON value."""
    if not isinstance(left, str) or not isinstance(right, str):
        return left == right
    try:
        return parse_json(left) == parse_json(right)
    except ValueError:
        return left == right


def same_policy(left: Value, right: Value) -> bool:
    """Whether two texts are IAM policies that AWS holds equal."""
    if not isinstance(left, str) or not isinstance(right, str):
        return left == right
    try:
        return _canonical_policy(parse_json(left)) == _canonical_policy(parse_json(right))
    except ValueError:
        return left == right


def _canonical_policy(document: Json) -> Json:
    if not isinstance(document, dict):
        return document
    statements = [_canonical_statement(item) for item in as_list(document.get("Statement"))]
    return {**document, "Statement": sorted(statements, key=_sort_key)}


def _canonical_statement(statement: Json) -> Json:
    if not isinstance(statement, dict):
        return statement
    result: dict[str, Json] = {}
    for name, value in statement.items():
        if name in _SETS:
            result[name] = _as_set(value)
        elif name in ("Principal", "NotPrincipal"):
            result[name] = _canonical_principal(value)
        elif name == "Condition":
            result[name] = _canonical_condition(value)
        else:
            result[name] = value
    # An empty Sid is how AWS gives back a statement without one.
    return {name: value for name, value in result.items() if (name, value) != ("Sid", "")}


def _canonical_principal(principal: Json) -> Json:
    if principal == "*":
        return {"AWS": ["*"]}
    if not isinstance(principal, dict):
        return principal
    return {
        kind: _as_set([_account(item) for item in as_list(value)])
        for kind, value in principal.items()
    }


def _account(identifier: Json) -> Json:
    """An account's root ARN and its bare number name the same principal."""
    match = _ACCOUNT_ROOT.fullmatch(identifier) if isinstance(identifier, str) else None
    return match.group(1) if match else identifier


def _canonical_condition(condition: Json) -> Json:
    if not isinstance(condition, dict):
        return condition
    return {
        test: {key.lower(): _as_set(values) for key, values in variables.items()}
        if isinstance(variables, dict)
        else variables
        for test, variables in condition.items()
    }


def as_list(value: Json) -> list[Json]:
    """The value itself when it is a list, else a list of it; empty for None."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _as_set(value: Json) -> Json:
    unique = {_sort_key(item): item for item in (_text(item) for item in as_list(value))}
    return [unique[key] for key in sorted(unique)]


def _text(value: Json) -> Json:
    """AWS gives a condition's booleans and numbers back as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _sort_key(value: Json) -> str:
    return json.dumps(value, sort_keys=True)


def function_name(text: str) -> str:
    """The function's name, out of itself or of an ARN, with a qualifier or not."""
    return _function_parts(text)[0]


def same_function(left: Value, right: Value) -> bool:
    """Whether two names or ARNs mean the same function (and the same qualifier)."""
    if not isinstance(left, str) or not isinstance(right, str):
        return left == right
    return _function_parts(left) == _function_parts(right)


def _function_parts(text: str) -> tuple[str, str]:
    """Name and qualifier (empty when there is none).

    Forms: https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html
    """
    parts = text.split(":")
    # In an ARN, and in its partial form that begins with the account, "function" comes before.
    start = parts.index("function") + 1 if "function" in parts[1:] else 0
    name, qualifier = [*parts[start:], "", ""][:2]
    return name, qualifier
