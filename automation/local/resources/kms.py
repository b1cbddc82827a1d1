"""KMS: symmetric keys and their aliases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from automation.local.resources.cloud import ignoring
from automation.local.resources.policies import resource_policy_failures
from automation.local.resources.schema import (
    REGION,
    TAGS,
    AutoName,
    Change,
    Operation,
    Property,
    ResourceType,
    name_properties,
    output,
)
from automation.local.resources.tagging import tag_change
from automation.local.resources.values import Properties, Value
from automation.local.resources.wire import request

if TYPE_CHECKING:
    from automation.local.resources.cloud import Cloud

_MISSING: Final = "NotFoundException"
_PENDING: Final = ("PendingDeletion", "PendingReplicaDeletion")
_POLICY_NAME: Final = "default"

_KEY_PROPERTIES: Final[Mapping[str, Property]] = {
    "bypassPolicyLockoutSafetyCheck": Property(kind="bool", default=False, read_back=False),
    "customerMasterKeySpec": Property(
        kind="string",
        default="SYMMETRIC_DEFAULT",
        force_new=True,
        enum=("SYMMETRIC_DEFAULT",),
        wire="KeySpec",
    ),
    # https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html
    "deletionWindowInDays": Property(
        kind="int", minimum=7, maximum=30, sent=False, read_back=False
    ),
    "description": Property(kind="string", computed=True, max_length=8192),
    "enableKeyRotation": Property(kind="bool", default=False, sent=False),
    "isEnabled": Property(kind="bool", default=True, sent=False),
    "keyUsage": Property(
        kind="string", default="ENCRYPT_DECRYPT", force_new=True, enum=("ENCRYPT_DECRYPT",)
    ),
    "multiRegion": Property(kind="bool", computed=True, force_new=True),
    "policy": Property(kind="string", computed=True, format="policy"),
    # https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html
    "rotationPeriodInDays": Property(
        kind="int",
        computed=True,
        minimum=90,
        maximum=2560,
        required_with=("enableKeyRotation",),
        sent=False,
    ),
    "arn": output(),
    "keyId": output(),
    **REGION,
    **TAGS,
}


def _as_pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    # KMS's own names for what other services call Key and Value.
    return [{"TagKey": key, "TagValue": value} for key, value in tags.items()]


def _create_key(cloud: Cloud, inputs: Properties) -> str:
    answer = cloud.kms.create_key(
        **request(_KEY_PROPERTIES, inputs), Tags=_as_pairs(inputs.get("tagsAll") or {})
    )
    return str(answer["KeyMetadata"]["KeyId"])


def _settle_key(cloud: Cloud, key_id: str, inputs: Properties) -> None:
    if inputs["enableKeyRotation"]:
        _enable_rotation(cloud, key_id, inputs)
    if not inputs["isEnabled"]:
        cloud.kms.disable_key(KeyId=key_id)


def _enable_rotation(cloud: Cloud, key_id: str, inputs: Properties) -> None:
    days = inputs.get("rotationPeriodInDays")
    period = {"RotationPeriodInDays": days} if days else {}
    cloud.kms.enable_key_rotation(KeyId=key_id, **period)


def _read_key(cloud: Cloud, key_id: str, _state: Properties) -> Properties | None:
    with ignoring(_MISSING):
        key = cloud.kms.describe_key(KeyId=key_id)["KeyMetadata"]
        if key["KeyState"] in _PENDING:
            return None
        rotation = cloud.kms.get_key_rotation_status(KeyId=key_id)
        policy = cloud.kms.get_key_policy(KeyId=key_id, PolicyName=_POLICY_NAME)["Policy"]
        tags = cloud.kms.list_resource_tags(KeyId=key_id).get("Tags", [])
        is_rotated = rotation["KeyRotationEnabled"]
        return {
            "arn": key["Arn"],
            "keyId": key["KeyId"],
            "customerMasterKeySpec": key["KeySpec"],
            "description": key["Description"],
            "enableKeyRotation": is_rotated,
            "isEnabled": key["Enabled"],
            "keyUsage": key["KeyUsage"],
            "multiRegion": key["MultiRegion"],
            "policy": policy,
            "rotationPeriodInDays": rotation["RotationPeriodInDays"] if is_rotated else None,
            "tags": {tag["TagKey"]: tag["TagValue"] for tag in tags},
        }
    return None


def _update_key(cloud: Cloud, key_id: str, change: Change) -> None:
    kms, new = cloud.kms, change.new
    # A disabled key can't be changed, hence enabled first and disabled last.
    if change.touches("isEnabled") and new["isEnabled"]:
        kms.enable_key(KeyId=key_id)
    if change.touches("enableKeyRotation", "rotationPeriodInDays"):
        if new["enableKeyRotation"]:
            _enable_rotation(cloud, key_id, new)
        else:
            kms.disable_key_rotation(KeyId=key_id)
    if change.touches("description"):
        kms.update_key_description(KeyId=key_id, Description=new.get("description", ""))
    if change.touches("policy") and new.get("policy"):
        _put_policy(cloud, key_id, new)
    tags = tag_change(change)
    if tags.removed:
        kms.untag_resource(KeyId=key_id, TagKeys=tags.removed)
    if tags.added:
        kms.tag_resource(KeyId=key_id, Tags=_as_pairs(tags.added))
    if change.touches("isEnabled") and not new["isEnabled"]:
        kms.disable_key(KeyId=key_id)


def _put_policy(cloud: Cloud, key_id: str, inputs: Properties) -> None:
    cloud.kms.put_key_policy(
        KeyId=key_id,
        PolicyName=_POLICY_NAME,
        Policy=inputs["policy"],
        BypassPolicyLockoutSafetyCheck=inputs["bypassPolicyLockoutSafetyCheck"],
    )


def _delete_key(cloud: Cloud, key_id: str, state: Properties) -> None:
    days = state.get("deletionWindowInDays")
    window: dict[str, Any] = {"PendingWindowInDays": days} if days else {}
    with ignoring(_MISSING, "KMSInvalidStateException"):
        cloud.kms.schedule_key_deletion(KeyId=key_id, **window)


KEY: Final = ResourceType(
    token="aws:kms/key:Key",  # noqa: S106 - a type token
    properties=_KEY_PROPERTIES,
    operation=Operation(service="kms", name="CreateKey"),
    rules=(resource_policy_failures("policy"),),
    # A queue or topic takes symmetric keys of KMS's own only.
    unsupported=frozenset({"customKeyStoreId", "xksKeyId"}),
    create=_create_key,
    settle=_settle_key,
    read=_read_key,
    update=_update_key,
    delete=_delete_key,
)


def _same_key(left: Value, right: Value) -> bool:
    """Whether two ids or ARNs mean the same key."""
    return str(left).rsplit("/", 1)[-1] == str(right).rsplit("/", 1)[-1]


_ALIAS_PROPERTIES: Final[Mapping[str, Property]] = {
    **name_properties(max_length=256, wire="AliasName", pattern=r"alias/(?!aws/)[0-9A-Za-z_/-]+"),
    "targetKeyId": Property(kind="string", required=True, same=_same_key),
    "arn": output(),
    "targetKeyArn": output(),
    **REGION,
}


def _create_alias(cloud: Cloud, inputs: Properties) -> str:
    cloud.kms.create_alias(**request(_ALIAS_PROPERTIES, inputs))
    return str(inputs["name"])


def _read_alias(cloud: Cloud, name: str, _state: Properties) -> Properties | None:
    pages = cloud.kms.get_paginator("list_aliases").paginate()
    for alias in (item for page in pages for item in page["Aliases"]):
        if alias["AliasName"] == name:
            beginning, key_id = alias["AliasArn"].rsplit(":", 1)[0], alias["TargetKeyId"]
            return {
                "name": name,
                "arn": alias["AliasArn"],
                "targetKeyId": key_id,
                "targetKeyArn": f"{beginning}:key/{key_id}",
            }
    return None


def _update_alias(cloud: Cloud, name: str, change: Change) -> None:
    cloud.kms.update_alias(AliasName=name, TargetKeyId=change.new["targetKeyId"])


def _delete_alias(cloud: Cloud, name: str, _state: Properties) -> None:
    with ignoring(_MISSING):
        cloud.kms.delete_alias(AliasName=name)


ALIAS: Final = ResourceType(
    token="aws:kms/alias:Alias",  # noqa: S106 - a type token
    properties=_ALIAS_PROPERTIES,
    auto_name=AutoName(max_length=238, prefix="alias/"),
    operation=Operation(service="kms", name="CreateAlias"),
    create=_create_alias,
    read=_read_alias,
    update=_update_alias,
    delete=_delete_alias,
)
