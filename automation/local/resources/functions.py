"""Lambda: functions whose code is an archive."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from automation.local.resources.archives import zip_bytes
from automation.local.resources.cloud import AwsError, ignoring
from automation.local.resources.environment import environment_failures
from automation.local.resources.execution_role import (
    require_assumable_role,
    require_traceable_role,
)
from automation.local.resources.runtimes import ARCHITECTURES, RUNTIMES
from automation.local.resources.schema import (
    REGION,
    TAGS,
    AutoName,
    Change,
    Failure,
    Operation,
    Property,
    ResourceType,
    output,
    text_list,
    text_map,
)
from automation.local.resources.tagging import tag_change
from automation.local.resources.values import Archive, Properties, members_of
from automation.local.resources.wire import from_wire, request

if TYPE_CHECKING:
    from automation.local.resources.cloud import Cloud

_MISSING: Final = "ResourceNotFoundException"
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_MAX_LAYERS: Final = 5
_LOG_LEVELS: Final = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")

# What UpdateFunctionConfiguration takes.
_CONFIGURATION: Final[Mapping[str, Property]] = {
    "deadLetterConfig": Property(
        kind="object", fields={"targetArn": Property(kind="string", required=True, format="arn")}
    ),
    "description": Property(kind="string", max_length=256),
    "environment": Property(kind="object", fields={"variables": text_map()}),
    "ephemeralStorage": Property(
        kind="object",
        computed=True,
        fields={"size": Property(kind="int", computed=True, minimum=512, maximum=10240)},
    ),
    "handler": Property(kind="string", min_length=1, max_length=128),
    "kmsKeyArn": Property(kind="string", format="arn", wire="KMSKeyArn"),
    "layers": text_list(max_items=_MAX_LAYERS),
    "loggingConfig": Property(
        kind="object",
        computed=True,
        fields={
            "logFormat": Property(kind="string", required=True, enum=("Text", "JSON")),
            "applicationLogLevel": Property(kind="string", enum=_LOG_LEVELS),
            "logGroup": Property(
                kind="string",
                computed=True,
                min_length=1,
                max_length=512,
                pattern="[0-9A-Za-z_./#-]+",
            ),
            "systemLogLevel": Property(kind="string", enum=("DEBUG", "INFO", "WARN")),
        },
    ),
    "memorySize": Property(kind="int", default=128, minimum=128, maximum=32768),
    "role": Property(kind="string", required=True, format="arn"),
    "runtime": Property(kind="string", enum=RUNTIMES),
    "timeout": Property(kind="int", default=3, minimum=1, maximum=900),
    "tracingConfig": Property(
        kind="object",
        computed=True,
        fields={
            "mode": Property(kind="string", required=True, enum=("Active", "PassThrough")),
        },
    ),
}
# What UpdateFunctionCode takes. The hashes belong to it: another hash is other code.
_CODE: Final = ("code", "codeSha256", "sourceCodeHash", "architectures")

_PROPERTIES: Final[Mapping[str, Property]] = {
    "name": Property(
        kind="string",
        computed=True,
        force_new=True,
        max_length=64,
        pattern="[0-9A-Za-z_-]+",
        wire="FunctionName",
    ),
    **_CONFIGURATION,
    "architectures": Property(
        kind="list",
        computed=True,
        element=Property(kind="string", enum=ARCHITECTURES),
        max_items=1,
    ),
    "code": Property(kind="archive", required=True, sent=False, read_back=False),
    "codeSha256": Property(kind="string", computed=True, sent=False),
    "packageType": Property(kind="string", default="Zip", force_new=True, enum=("Zip",)),
    "publish": Property(kind="bool", default=False, read_back=False),
    "reservedConcurrentExecutions": Property(kind="int", default=-1, minimum=-1, sent=False),
    "skipDestroy": Property(kind="bool", default=False, sent=False, read_back=False),
    "sourceCodeHash": Property(kind="string", computed=True, sent=False, read_back=False),
    "arn": output(),
    "invokeArn": output(),
    "lastModified": output(),
    "qualifiedArn": output(),
    "qualifiedInvokeArn": output(),
    "responseStreamingInvokeArn": output(),
    "signingJobArn": output(),
    "signingProfileVersionArn": output(),
    "sourceCodeSize": output("int"),
    "version": output(),
    **REGION,
    **TAGS,
}


def _zip_failures(inputs: Properties) -> Iterator[Failure]:
    for name in ("handler", "runtime"):
        if name not in inputs:
            yield Failure(name, f"{name} is required when packageType is Zip")


def _create(cloud: Cloud, inputs: Properties) -> str:
    require_assumable_role(cloud, inputs["role"])
    require_traceable_role(cloud, inputs)
    answer = cloud.functions.create_function(
        **request(_PROPERTIES, inputs),
        Code={"ZipFile": zip_bytes(inputs["code"], cloud.connections.program_directory)},
        Tags=inputs.get("tagsAll") or {},
    )
    return answer["FunctionName"]


def _settle(cloud: Cloud, name: str, inputs: Properties) -> None:
    """Sets the reserved concurrency.

    The official provider also waits until the function is active. The emulator runs a function
    at once and stays in the state Pending for half a second for show, so we don't wait.
    """
    if inputs["reservedConcurrentExecutions"] >= 0:
        _put_concurrency(cloud, name, inputs["reservedConcurrentExecutions"])


def _put_concurrency(cloud: Cloud, name: str, executions: int) -> None:
    if executions < 0:
        cloud.functions.delete_function_concurrency(FunctionName=name)
    else:
        cloud.functions.put_function_concurrency(
            FunctionName=name, ReservedConcurrentExecutions=executions
        )


def _read(cloud: Cloud, name: str, state: Properties) -> Properties | None:
    with ignoring(_MISSING):
        answer = cloud.functions.get_function(FunctionName=name)
        described: Properties = cast("Any", answer["Configuration"])
        properties = from_wire(_PROPERTIES, _flat(described))
        concurrency = answer.get("Concurrency", {}).get("ReservedConcurrentExecutions", -1)
        code = state.get("code")
        return properties | {
            **_arns(cloud, name, described["FunctionArn"]),
            "reservedConcurrentExecutions": concurrency,
            "sourceCodeSize": described["CodeSize"],
            "sourceCodeHash": state.get("sourceCodeHash")
            or (code.hash if isinstance(code, Archive) else None),
            "tags": dict(answer.get("Tags", {})),
        }
    return None


def _flat(described: Properties) -> Properties:
    """The description in the shape of the request that made it."""
    layers = [layer["Arn"] for layer in described.get("Layers", [])]
    environment = members_of(described.get("Environment"))
    kept = {name: value for name, value in described.items() if value not in ("", {}, [])}
    kept.pop("Environment", None)
    if environment.get("Variables"):
        kept["Environment"] = {"Variables": environment["Variables"]}
    return kept | ({"Layers": layers} if layers else {})


def _arns(cloud: Cloud, name: str, arn: str) -> dict[str, str]:
    """The ARNs of the function and of its newest version, which is `$LATEST` when none is."""
    listed = cloud.functions.list_versions_by_function(FunctionName=name).get("Versions", [])
    numbers = [int(version) for item in listed if (version := item.get("Version", "")).isdigit()]
    newest = str(max(numbers)) if numbers else "$LATEST"
    gateway = f"arn:aws:apigateway:{cloud.region}:lambda:path"
    return {
        "arn": arn,
        "version": newest,
        "qualifiedArn": f"{arn}:{newest}",
        "invokeArn": f"{gateway}/2015-03-31/functions/{arn}/invocations",
        "qualifiedInvokeArn": f"{gateway}/2015-03-31/functions/{arn}:{newest}/invocations",
        "responseStreamingInvokeArn": (
            f"{gateway}/2021-11-15/functions/{arn}/response-streaming-invocations"
        ),
    }


def _update(cloud: Cloud, name: str, change: Change) -> None:
    if change.touches("role"):
        require_assumable_role(cloud, change.new["role"])
    if change.touches("role", "tracingConfig"):
        require_traceable_role(cloud, change.new)
    configuration = change.changed & _CONFIGURATION.keys()
    if configuration:
        parameters = _configuration_request(change, frozenset(configuration))
        cloud.functions.update_function_configuration(FunctionName=name, **parameters)
    if change.touches(*_CODE):
        _update_code(cloud, name, change)
    if change.touches("reservedConcurrentExecutions"):
        _put_concurrency(cloud, name, change.new["reservedConcurrentExecutions"])
    if change.new.get("publish") and (configuration or change.touches(*_CODE)):
        cloud.functions.publish_version(FunctionName=name)
    tags = tag_change(change)
    if tags.removed:
        cloud.functions.untag_resource(Resource=change.old["arn"], TagKeys=tags.removed)
    if tags.added:
        cloud.functions.tag_resource(Resource=change.old["arn"], Tags=tags.added)


# How a setting is taken away: Lambda keeps what a request leaves out.
_EMPTY: Final[Mapping[str, Any]] = {
    "deadLetterConfig": {"TargetArn": ""},
    "description": "",
    "environment": {"Variables": {}},
    "kmsKeyArn": "",
    "layers": [],
}


def _configuration_request(change: Change, changed: frozenset[str]) -> Properties:
    properties = {name: _CONFIGURATION[name] for name in changed}
    emptied = {
        properties[name].wire_name(name): _EMPTY[name]
        for name in changed
        if change.new.get(name) is None and name in _EMPTY
    }
    return {**request(properties, change.new), **emptied}


def _update_code(cloud: Cloud, name: str, change: Change) -> None:
    if "code" not in change.new:
        raise AwsError(
            "InvalidParameterValueException", "code is needed to change a function's code"
        )
    parameters = request({"architectures": _PROPERTIES["architectures"]}, change.new)
    content = zip_bytes(change.new["code"], cloud.connections.program_directory)
    cloud.functions.update_function_code(FunctionName=name, ZipFile=content, **parameters)


def _unknown_after(change: Change) -> frozenset[str]:
    """What a preview can't know: new code has another hash, a published version another number."""
    if not change.changed:
        return frozenset()
    unknown = {"lastModified"}
    if change.touches(*_CODE):
        unknown |= {"codeSha256", "sourceCodeHash", "sourceCodeSize"} - change.new.keys()
    if change.new.get("publish"):
        unknown |= {"version", "qualifiedArn", "qualifiedInvokeArn"}
    return frozenset(unknown)


def _delete(cloud: Cloud, name: str, state: Properties) -> None:
    if state.get("skipDestroy"):
        return
    with ignoring(_MISSING):
        cloud.functions.delete_function(FunctionName=name)


FUNCTION: Final = ResourceType(
    token="aws:lambda/function:Function",  # noqa: S106 - a type token
    properties=_PROPERTIES,
    auto_name=AutoName(max_length=64),
    operation=Operation(service="lambda", name="CreateFunction"),
    rules=(_zip_failures, environment_failures),
    unknown_after=_unknown_after,
    unsupported=frozenset(
        {
            "capacityProviderConfig",
            "codeSigningConfigArn",
            "durableConfig",
            "fileSystemConfig",
            "imageConfig",
            "imageUri",
            "publishTo",
            "replaceSecurityGroupsOnDestroy",
            "replacementSecurityGroupIds",
            "s3Bucket",
            "s3Key",
            "s3ObjectVersion",
            "snapStart",
            "sourceKmsKeyArn",
            "tenancyConfig",
            "useResourceTimeoutForPropagation",
            "vpcConfig",
        }
    ),
    create=_create,
    settle=_settle,
    read=_read,
    update=_update,
    delete=_delete,
)
