"""Lambda: permissions, the statements of a function's resource policy. None can change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from automation.local.resources.cloud import ignoring
from automation.local.resources.documents import same_function
from automation.local.resources.schema import (
    REGION,
    AutoName,
    Operation,
    Property,
    ResourceType,
)
from automation.local.resources.values import Properties, items_of, members_of
from automation.local.resources.wire import request

if TYPE_CHECKING:
    from automation.local.resources.cloud import Cloud

_MISSING: Final = "ResourceNotFoundException"
_NAME: Final = "[0-9A-Za-z_-]+"

_PROPERTIES: Final[Mapping[str, Property]] = {
    "action": Property(
        kind="string", required=True, force_new=True, pattern=r"lambda:\*|lambda:[A-Za-z]+|\*"
    ),
    "eventSourceToken": Property(
        kind="string", force_new=True, min_length=1, max_length=256, pattern="[0-9A-Za-z_.-]+"
    ),
    "function": Property(
        kind="string",
        required=True,
        force_new=True,
        min_length=1,
        max_length=140,
        wire="FunctionName",
        same=same_function,
    ),
    "functionUrlAuthType": Property(kind="string", force_new=True, enum=("AWS_IAM", "NONE")),
    "principal": Property(kind="string", required=True, force_new=True),
    "principalOrgId": Property(kind="string", force_new=True, wire="PrincipalOrgID"),
    "qualifier": Property(
        kind="string", force_new=True, min_length=1, max_length=128, pattern="[0-9A-Za-z_$-]+"
    ),
    "sourceAccount": Property(kind="string", force_new=True, pattern=r"\d{12}"),
    "sourceArn": Property(kind="string", force_new=True, format="arn"),
    "statementId": Property(
        kind="string",
        computed=True,
        force_new=True,
        conflicts_with=("statementIdPrefix",),
        min_length=1,
        max_length=100,
        pattern=_NAME,
    ),
    "statementIdPrefix": Property(
        kind="string",
        computed=True,
        force_new=True,
        conflicts_with=("statementId",),
        max_length=74,
        pattern=_NAME,
        sent=False,
    ),
    **REGION,
}


def _create(cloud: Cloud, inputs: Properties) -> str:
    cloud.functions.add_permission(**request(_PROPERTIES, inputs))
    return str(inputs["statementId"])


def _place(resource_id: str, state: Properties) -> tuple[str, str | None, str]:
    """Function, qualifier and statement: from the state, or from what an import was given."""
    if state:
        return str(state["function"]), state.get("qualifier"), resource_id
    function, _, statement = resource_id.rpartition("/")
    if not function:
        raise ValueError(
            f"{resource_id!r} is not a permission: FUNCTION/STATEMENT or "
            "FUNCTION:QUALIFIER/STATEMENT expected"
        )
    is_arn = function.startswith("arn:")
    name, _, qualifier = (function, "", "") if is_arn else function.partition(":")
    return name, qualifier or None, statement


def _read(cloud: Cloud, resource_id: str, state: Properties) -> Properties | None:
    function, qualifier, statement_id = _place(resource_id, state)
    selector = {"Qualifier": qualifier} if qualifier else {}
    with ignoring(_MISSING):
        answer = cloud.functions.get_policy(FunctionName=function, **selector)
        for statement in items_of(json.loads(answer["Policy"]).get("Statement")):
            if statement.get("Sid") == statement_id:
                described = _as_properties(statement)
                return described | {"function": function, "qualifier": qualifier}
    return None


def _as_properties(statement: Mapping[str, Any]) -> Properties:
    principal, condition = statement.get("Principal"), members_of(statement.get("Condition"))
    principals = members_of(principal)
    equals, like = members_of(condition.get("StringEquals")), members_of(condition.get("ArnLike"))
    return {
        "statementId": statement["Sid"],
        "action": statement["Action"],
        "principal": principals.get("Service") or principals.get("AWS") or principal,
        "sourceArn": like.get("AWS:SourceArn"),
        "sourceAccount": equals.get("AWS:SourceAccount"),
        "principalOrgId": equals.get("aws:PrincipalOrgID"),
        "eventSourceToken": equals.get("lambda:EventSourceToken"),
        "functionUrlAuthType": equals.get("lambda:FunctionUrlAuthType"),
    }


def _id(properties: Properties) -> str:
    return str(properties["statementId"])


def _delete(cloud: Cloud, statement_id: str, state: Properties) -> None:
    qualifier = state.get("qualifier")
    selector = {"Qualifier": qualifier} if qualifier else {}
    with ignoring(_MISSING):
        cloud.functions.remove_permission(
            FunctionName=state["function"], StatementId=statement_id, **selector
        )


PERMISSION: Final = ResourceType(
    token="aws:lambda/permission:Permission",  # noqa: S106 - a type token
    properties=_PROPERTIES,
    auto_name=AutoName(property="statementId", max_length=100),
    operation=Operation(service="lambda", name="AddPermission"),
    unsupported=frozenset({"invokedViaFunctionUrl"}),
    id_of=_id,
    create=_create,
    read=_read,
    delete=_delete,
)
