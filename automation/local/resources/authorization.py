"""Whether policies allow a call that nobody makes here, and that AWS would check nonetheless."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from automation.local.resources.values import Properties, items_of, members_of


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call as the policies of a role see it.

    action: `service:Name`.
    resource: ARN of what it is about; `*` where the action knows none.
    context: the condition keys that come with the call.
    """

    action: str
    resource: str = "*"
    context: Mapping[str, str] = field(default_factory=dict[str, str])


def is_allowed(call: Call, documents: Iterable[Any]) -> bool:
    """Whether a statement of the documents allows the call, and none denies it.

    Source: IAM User Guide, Policy evaluation logic, for one account without boundaries. What it
    does not know allows nothing and denies what it may deny.
    """
    statements = [
        members_of(statement)
        for document in documents
        for statement in items_of(members_of(document).get("Statement"))
    ]
    effects = {statement.get("Effect") for statement in statements if _is_about(call, statement)}
    return "Allow" in effects and "Deny" not in effects


def _is_about(call: Call, statement: Properties) -> bool:
    may_deny = statement.get("Effect") == "Deny"
    return (
        _names(statement, "Action", call.action.lower(), str.lower)
        and _names(statement, "Resource", call.resource, str)
        and all(
            _holds(operator, key, items_of(values), call.context, unknown=may_deny)
            for operator, keys in members_of(statement.get("Condition")).items()
            for key, values in members_of(keys).items()
        )
    )


def _names(statement: Properties, element: str, name: str, spelled: Callable[[str], str]) -> bool:
    """Whether an element or its opposite is about the name; actions know no case."""
    wanted = statement.get(element)
    patterns = items_of(statement.get(f"Not{element}") if wanted is None else wanted)
    return any(_matches(name, spelled(str(item))) for item in patterns) == (wanted is not None)


def _matches(text: str, pattern: str) -> bool:
    """IAM's wildcards: `*` for any characters, `?` for one."""
    escaped = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(escaped, text, re.DOTALL) is not None


# IAM User Guide, IAM JSON policy elements: Condition operators.
_OPERATORS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "StringEquals": str.__eq__,
    "StringLike": _matches,
    "ArnEquals": _matches,
    "ArnLike": _matches,
    "Bool": lambda actual, wanted: actual.lower() == wanted.lower(),
}


def _holds(
    operator: str, key: str, wanted: list[Any], context: Mapping[str, str], *, unknown: bool
) -> bool:
    compare = _OPERATORS.get(operator.removesuffix("IfExists"))
    if compare is None:
        return unknown
    # Condition keys know no case.
    actual = {name.lower(): value for name, value in context.items()}.get(key.lower())
    if actual is None:
        return operator.endswith("IfExists")
    return any(compare(actual, str(value)) for value in wanted)
