"""Lambda: aliases, names for a version of a function."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from automation.local.resources.cloud import AwsError, ignoring
from automation.local.resources.documents import function_name, same_function
from automation.local.resources.schema import (
    REGION,
    AutoName,
    Change,
    Failure,
    Operation,
    Property,
    ResourceType,
    output,
)
from automation.local.resources.values import Properties, has_unknown, members_of
from automation.local.resources.wire import request

if TYPE_CHECKING:
    from automation.local.resources.cloud import Cloud

_MISSING: Final = "ResourceNotFoundException"
_LATEST: Final = "$LATEST"

_PROPERTIES: Final[Mapping[str, Property]] = {
    # https://docs.aws.amazon.com/lambda/latest/api/API_CreateAlias.html
    "name": Property(
        kind="string",
        computed=True,
        force_new=True,
        min_length=1,
        max_length=128,
        pattern="(?!^[0-9]+$)[a-zA-Z0-9_-]+",
    ),
    "description": Property(kind="string", max_length=256),
    "functionName": Property(
        kind="string", required=True, force_new=True, min_length=1, same=same_function
    ),
    "functionVersion": Property(kind="string", required=True, pattern=r"\$LATEST|[0-9]+"),
    "routingConfig": Property(
        kind="object",
        fields={
            "additionalVersionWeights": Property(
                kind="map", element=Property(kind="number", minimum=0, maximum=1)
            )
        },
    ),
    "arn": output(),
    "invokeArn": output(),
    **REGION,
}


def _routing_failures(inputs: Properties) -> Iterator[Failure]:
    """An alias leads to two versions at most, and `$LATEST` is none of the two.

    AWS Lambda Developer Guide, Implement Lambda canary deployments using a weighted alias.
    """
    weights, version = _weights(inputs), inputs["functionVersion"]
    if not weights or has_unknown([weights, version]):
        return
    if len(weights) > 1:
        found = ", ".join(sorted(weights))
        reason = f"has {len(weights)} versions, {found}; Lambda takes 1 beside functionVersion"
        yield Failure("routingConfig", f"routingConfig.additionalVersionWeights {reason}")
    if _LATEST in (version, *weights):
        reason = f"can't be used with {_LATEST}; publish a version"
        yield Failure("routingConfig", f"routingConfig.additionalVersionWeights {reason}")
    if version in weights:
        reason = f"names {version}, which functionVersion is already"
        yield Failure("routingConfig", f"routingConfig.additionalVersionWeights {reason}")


def _weights(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return members_of(members_of(inputs.get("routingConfig")).get("additionalVersionWeights"))


def _create(cloud: Cloud, inputs: Properties) -> str:
    _require_versions(cloud, inputs)
    answer = cloud.functions.create_alias(**request(_PROPERTIES, inputs))
    return answer["AliasArn"]


def _require_versions(cloud: Cloud, inputs: Properties) -> None:
    """Refuses a version that does not exist; the emulator's alias would lead nowhere."""
    name = function_name(str(inputs["functionName"]))
    for version in (inputs["functionVersion"], *_weights(inputs)):
        try:
            cloud.functions.get_function_configuration(FunctionName=name, Qualifier=version)
        except cloud.functions.exceptions.ResourceNotFoundException as error:
            arn = f"arn:aws:lambda:{cloud.region}:{cloud.account_id}:function:{name}:{version}"
            raise AwsError(_MISSING, f"Function not found: {arn}") from error


def _place(resource_id: str, state: Properties) -> tuple[str, str]:
    """Function and alias: from the state, or from what an import was given."""
    if state:
        return str(state["functionName"]), str(state["name"])
    if resource_id.startswith("arn:"):
        function, _, alias = resource_id.rpartition(":")
        return function_name(function), alias
    function, _, alias = resource_id.partition("/")
    if not function or not alias:
        raise ValueError(f"{resource_id!r} is not an alias: FUNCTION/ALIAS or its ARN expected")
    return function, alias


def _read(cloud: Cloud, resource_id: str, state: Properties) -> Properties | None:
    function, name = _place(resource_id, state)
    with ignoring(_MISSING):
        alias = cloud.functions.get_alias(FunctionName=function_name(function), Name=name)
        arn = alias["AliasArn"]
        weights = members_of(alias.get("RoutingConfig")).get("AdditionalVersionWeights")
        path = f"arn:aws:apigateway:{cloud.region}:lambda:path/2015-03-31/functions"
        return {
            "name": alias["Name"],
            "arn": arn,
            "description": alias.get("Description", ""),
            "functionName": function,
            "functionVersion": alias["FunctionVersion"],
            "invokeArn": f"{path}/{arn}/invocations",
            "routingConfig": {"additionalVersionWeights": weights} if weights else None,
        }
    return None


def _arn(properties: Properties) -> str:
    return str(properties["arn"])


def _update(cloud: Cloud, _arn: str, change: Change) -> None:
    _require_versions(cloud, change.new)
    cloud.functions.update_alias(
        FunctionName=function_name(str(change.new["functionName"])),
        Name=change.new["name"],
        Description=change.new.get("description", ""),
        FunctionVersion=change.new["functionVersion"],
        # Lambda keeps the weights that a request leaves out.
        RoutingConfig={"AdditionalVersionWeights": _weights(change.new)},
    )


def _delete(cloud: Cloud, _arn: str, state: Properties) -> None:
    with ignoring(_MISSING):
        cloud.functions.delete_alias(
            FunctionName=function_name(str(state["functionName"])), Name=state["name"]
        )


ALIAS: Final = ResourceType(
    token="aws:lambda/alias:Alias",  # noqa: S106 - a type token
    properties=_PROPERTIES,
    auto_name=AutoName(max_length=128),
    operation=Operation(service="lambda", name="CreateAlias"),
    rules=(_routing_failures,),
    id_of=_arn,
    create=_create,
    read=_read,
    update=_update,
    delete=_delete,
)
