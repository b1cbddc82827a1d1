"""Lambda: layer versions. AWS numbers them; nothing about one can change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from automation.local.resources.archives import zip_bytes
from automation.local.resources.cloud import ignoring
from automation.local.resources.runtimes import ARCHITECTURES, RUNTIMES
from automation.local.resources.schema import (
    REGION,
    Failure,
    Operation,
    Property,
    ResourceType,
    output,
)
from automation.local.resources.values import Properties, members_of
from automation.local.resources.wire import from_wire, request

if TYPE_CHECKING:
    from automation.local.resources.cloud import Cloud

_PROPERTIES: Final[Mapping[str, Property]] = {
    "code": Property(kind="archive", force_new=True, sent=False, read_back=False),
    "compatibleArchitectures": Property(
        kind="list",
        element=Property(kind="string", enum=ARCHITECTURES),
        force_new=True,
        unordered=True,
        max_items=2,
    ),
    "compatibleRuntimes": Property(
        kind="list",
        element=Property(kind="string", enum=RUNTIMES),
        force_new=True,
        unordered=True,
        max_items=15,
    ),
    "description": Property(kind="string", force_new=True, max_length=256),
    "layerName": Property(kind="string", required=True, force_new=True),
    "licenseInfo": Property(kind="string", force_new=True, max_length=512),
    "skipDestroy": Property(
        kind="bool", default=False, force_new=True, sent=False, read_back=False
    ),
    "sourceCodeHash": Property(
        kind="string", computed=True, force_new=True, sent=False, read_back=False
    ),
    "arn": output(),
    "codeSha256": output(),
    "createdDate": output(),
    "layerArn": output(),
    "signingJobArn": output(),
    "signingProfileVersionArn": output(),
    "sourceCodeSize": output("int"),
    "version": output(),
    **REGION,
}


def _code_failures(inputs: Properties) -> Iterator[Failure]:
    if "code" not in inputs:
        yield Failure("code", "code is needed: the local provider takes layers from archives only")


def _create(cloud: Cloud, inputs: Properties) -> str:
    content = zip_bytes(inputs["code"], cloud.connections.program_directory)
    answer = cloud.functions.publish_layer_version(
        **request(_PROPERTIES, inputs), Content={"ZipFile": content}
    )
    return answer["LayerVersionArn"]


def _name_and_version(resource_id: str) -> tuple[str, int]:
    """A layer version's ARN, or `NAME/VERSION` as `pulumi import` may be given."""
    if resource_id.startswith("arn:"):
        parts = resource_id.split(":")
        name, version = parts[6], parts[7] if len(parts) > 7 else ""
    else:
        name, _, version = resource_id.partition("/")
    if not version.isdigit():
        raise ValueError(f"{resource_id!r} is not a layer version: ARN or NAME/VERSION expected")
    return name, int(version)


def _read(cloud: Cloud, resource_id: str, _state: Properties) -> Properties | None:
    name, version = _name_and_version(resource_id)
    with ignoring("ResourceNotFoundException"):
        answer = cloud.functions.get_layer_version(LayerName=name, VersionNumber=version)
        described = from_wire(_PROPERTIES, members_of(answer))
        return described | {
            "layerName": name,
            "arn": answer["LayerVersionArn"],
            "version": str(version),
            "codeSha256": answer["Content"].get("CodeSha256"),
            "sourceCodeSize": answer["Content"].get("CodeSize"),
        }
    return None


def _id(properties: Properties) -> str:
    return str(properties["arn"])


def _delete(cloud: Cloud, resource_id: str, state: Properties) -> None:
    if state.get("skipDestroy"):
        return
    name, version = _name_and_version(resource_id)
    with ignoring("ResourceNotFoundException"):
        cloud.functions.delete_layer_version(LayerName=name, VersionNumber=version)


LAYER_VERSION: Final = ResourceType(
    token="aws:lambda/layerVersion:LayerVersion",  # noqa: S106 - a type token
    properties=_PROPERTIES,
    operation=Operation(service="lambda", name="PublishLayerVersion"),
    rules=(_code_failures,),
    unsupported=frozenset({"s3Bucket", "s3Key", "s3ObjectVersion"}),
    id_of=_id,
    create=_create,
    read=_read,
    delete=_delete,
)
