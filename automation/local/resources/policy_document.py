"""The function `getPolicyDocument`: a policy document from typed statements, as the bridge does."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from automation.local.resources.schema import Property, text_list
from automation.local.resources.values import Properties, items_of

_DEFAULT_VERSION: Final = "2012-10-17"
_PRINCIPAL: Final = Property(
    kind="object",
    fields={
        "type": Property(kind="string", required=True),
        "identifiers": Property(kind="list", required=True, element=Property(kind="string")),
    },
)
_CONDITION: Final = Property(
    kind="object",
    fields={
        "test": Property(kind="string", required=True),
        "variable": Property(kind="string", required=True),
        "values": Property(kind="list", required=True, element=Property(kind="string")),
    },
)
_STATEMENT: Final = Property(
    kind="object",
    fields={
        "actions": text_list(unordered=True),
        "conditions": Property(kind="list", element=_CONDITION),
        "effect": Property(kind="string", default="Allow", enum=("Allow", "Deny")),
        "notActions": text_list(unordered=True),
        "notPrincipals": Property(kind="list", element=_PRINCIPAL),
        "notResources": text_list(unordered=True),
        "principals": Property(kind="list", element=_PRINCIPAL),
        "resources": text_list(unordered=True),
        "sid": Property(kind="string", pattern="[a-zA-Z0-9]*"),
    },
)
ARGUMENTS: Final[Mapping[str, Property]] = {
    "overridePolicyDocuments": Property(
        kind="list", element=Property(kind="string", format="json")
    ),
    "policyId": Property(kind="string"),
    "sourcePolicyDocuments": Property(kind="list", element=Property(kind="string", format="json")),
    "statements": Property(kind="list", element=_STATEMENT),
    "version": Property(
        kind="string", default=_DEFAULT_VERSION, enum=("2008-10-17", _DEFAULT_VERSION)
    ),
}


def policy_document(arguments: Properties) -> Properties:
    """The outputs of the function. Raises ValueError for a Sid that is there twice."""
    version: str = arguments["version"]
    own: Properties = {
        "Version": version,
        "Id": arguments.get("policyId") or "",
        "Statement": [_statement(item, version) for item in items_of(arguments.get("statements"))],
    }
    _require_distinct_sids([own])
    sources = [json.loads(text) for text in items_of(arguments.get("sourcePolicyDocuments"))]
    _require_distinct_sids(sources)
    overrides = [json.loads(text) for text in items_of(arguments.get("overridePolicyDocuments"))]
    merged: Properties = {}
    for document in (*sources, own, *overrides):
        merged = _merged(merged, document)
    document = {name: value for name, value in merged.items() if value}
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return {
        **{name: value for name, value in arguments.items() if value is not None},
        "id": str(zlib.crc32(text.encode())),
        "json": text,
        "minifiedJson": json.dumps(document, separators=(",", ":"), ensure_ascii=False),
    }


def _statement(given: Properties, version: str) -> Properties:
    statement: Properties = {
        "Sid": given.get("sid"),
        "Effect": given.get("effect") or "Allow",
        "Action": _one_or_many(given.get("actions")),
        "NotAction": _one_or_many(given.get("notActions")),
        "Resource": _one_or_many(_variables(given.get("resources"), version)),
        "NotResource": _one_or_many(_variables(given.get("notResources"), version)),
        "Principal": _principals(given.get("principals"), version),
        "NotPrincipal": _principals(given.get("notPrincipals"), version),
        "Condition": _conditions(given.get("conditions"), version),
    }
    return {name: value for name, value in statement.items() if value}


def _one_or_many(values: list[str] | None) -> str | list[str] | None:
    if not values:
        return None
    return values[0] if len(values) == 1 else sorted(set(values), reverse=True)


def _variables(values: list[str] | None, version: str) -> list[str]:
    """`&{...}` stands for `${...}`, which the programs' own languages would replace."""
    if version != _DEFAULT_VERSION and any("&{" in value for value in values or []):
        raise ValueError(f"policy variables (&{{...}}) need version {_DEFAULT_VERSION}")
    return [value.replace("&{", "${") for value in values or []]


def _principals(given: list[Properties] | None, version: str) -> Any:
    principals: dict[str, list[str]] = {}
    for item in given or []:
        identifiers = _variables(item["identifiers"], version)
        principals.setdefault(item["type"], []).extend(identifiers)
    if principals == {"*": ["*"]}:
        return "*"
    return {kind: _one_or_many(values) for kind, values in sorted(principals.items())}


def _conditions(given: list[Properties] | None, version: str) -> Properties:
    conditions: dict[str, dict[str, Any]] = {}
    for item in given or []:
        values = _variables(item["values"], version)
        variables = conditions.setdefault(item["test"], {})
        variables[item["variable"]] = values[0] if len(values) == 1 else values
    return {test: dict(sorted(conditions[test].items())) for test in sorted(conditions)}


def _sids(documents: list[Properties]) -> Iterator[str]:
    for document in documents:
        for statement in items_of(document.get("Statement")):
            if statement.get("Sid"):
                yield statement["Sid"]


def _require_distinct_sids(documents: list[Properties]) -> None:
    seen: set[str] = set()
    for sid in _sids(documents):
        if sid in seen:
            raise ValueError(f"duplicate Sid ({sid}): statements need Sids of their own or none")
        seen.add(sid)


def _merged(base: Properties, added: Properties) -> Properties:
    """Statements with a known Sid replace the earlier one, others follow."""
    statements: list[Properties] = list(base.get("Statement", []))
    for statement in items_of(added.get("Statement")):
        sid = statement.get("Sid")
        places = [index for index, item in enumerate(statements) if sid and item.get("Sid") == sid]
        if places:
            statements[places[0]] = statement
        else:
            statements.append(statement)
    return {
        "Version": max(base.get("Version", ""), added.get("Version", "")),
        "Id": added.get("Id") or base.get("Id", ""),
        "Statement": statements,
    }
