"""Whether a text is a policy that AWS takes: its elements, and those each kind needs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, Literal, TypeAlias

from automation.local.resources.schema import Failure, Rule
from automation.local.resources.values import Properties, items_of, members_of

PolicyKind: TypeAlias = Literal["identity", "resource", "trust"]

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
_VERSIONS: Final = ("2012-10-17", "2008-10-17")
_ELEMENTS: Final = frozenset(
    {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource"}
    | {"Principal", "NotPrincipal", "Condition"}
)


def identity_policy_failures(property_name: str) -> Rule:
    """A rule for a policy that is attached to a role."""
    return _rule(property_name, "identity")


def resource_policy_failures(property_name: str) -> Rule:
    """A rule for a policy that is attached to a queue or topic."""
    return _rule(property_name, "resource")


def trust_policy_failures(property_name: str) -> Rule:
    """A rule for the policy that says who may assume a role."""
    return _rule(property_name, "trust")


def _rule(property_name: str, kind: PolicyKind) -> Rule:
    def rule(inputs: Properties) -> Iterator[Failure]:
        text = inputs.get(property_name)
        if isinstance(text, str) and text:
            for reason in policy_reasons(json.loads(text), kind):
                yield Failure(property_name, f"{property_name} is a malformed policy: {reason}")

    return rule


def policy_reasons(document: Any, kind: PolicyKind) -> Iterator[str]:
    """What AWS would call malformed in a policy document."""
    if not isinstance(document, dict):
        yield "it must be a JSON object"
        return
    members = members_of(document)
    if members.get("Version", _VERSIONS[1]) not in _VERSIONS:
        yield f"Version is {members['Version']!r}; allowed: {', '.join(_VERSIONS)}"
    unknown = members.keys() - {"Version", "Id", "Statement"}
    if unknown:
        yield f"unknown elements: {', '.join(sorted(unknown))}"
    statements = items_of(members.get("Statement"))
    if not statements:
        yield "it has no Statement"
        return
    for index, statement in enumerate(statements):
        for reason in _statement_reasons(statement, kind):
            yield f"statement {index}: {reason}"


def _statement_reasons(statement: Any, kind: PolicyKind) -> Iterator[str]:
    if not isinstance(statement, dict):
        yield "it must be a JSON object"
        return
    members = members_of(statement)
    if members.get("Effect") not in ("Allow", "Deny"):
        yield f"Effect is {members.get('Effect')!r}; allowed: Allow, Deny"
    unknown = members.keys() - _ELEMENTS
    if unknown:
        yield f"unknown elements: {', '.join(sorted(unknown))}"
    yield from _one_of(members, "Action", "NotAction")
    has_principal = "Principal" in members or "NotPrincipal" in members
    if kind == "identity":
        yield from _one_of(members, "Resource", "NotResource")
        if has_principal:
            yield "a policy of a role has no Principal"
    elif not has_principal:
        yield "Principal is missing"
    if kind == "trust" and ("Resource" in members or "NotResource" in members):
        yield "a trust policy has no Resource"
    yield from _action_reasons(members)


def _one_of(members: Properties, name: str, other: str) -> Iterator[str]:
    if (name in members) == (other in members):
        yield f"exactly one of {name} and {other} is needed"


def _action_reasons(members: Properties) -> Iterator[str]:
    """Actions are `service:name` or `*`: AWS refuses anything else at once."""
    for action in items_of(members.get("Action", members.get("NotAction"))):
        if not isinstance(action, str) or (action != "*" and action.count(":") != 1):
            yield f"action {action!r} is not of the form service:name"
