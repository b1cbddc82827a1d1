"""CloudWatch Logs: log groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from automation.local.resources.cloud import ignoring
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
from automation.local.resources.values import Properties
from automation.local.resources.wire import request

if TYPE_CHECKING:
    from automation.local.resources.cloud import Cloud

_MISSING: Final = "ResourceNotFoundException"
# 0 is the provider's word for "never expires"; the rest is what PutRetentionPolicy takes:
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
_RETENTION_DAYS: Final = (
    *(0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
_PROPERTIES: Final[Mapping[str, Property]] = {
    **name_properties(max_length=512, wire="logGroupName", pattern=r"[0-9A-Za-z_./#-]+"),
    "kmsKeyId": Property(kind="string", wire="kmsKeyId"),
    "logGroupClass": Property(
        kind="string",
        computed=True,
        force_new=True,
        enum=("STANDARD", "INFREQUENT_ACCESS", "DELIVERY"),
        wire="logGroupClass",
    ),
    "retentionInDays": Property(kind="int", default=0, enum=_RETENTION_DAYS, sent=False),
    "skipDestroy": Property(kind="bool", default=False, sent=False, read_back=False),
    "arn": output(),
    **REGION,
    **TAGS,
}


def _create(cloud: Cloud, inputs: Properties) -> str:
    tags: Any = inputs.get("tagsAll") or {}
    parameters = request(_PROPERTIES, inputs)
    # Logs refuses an empty map of tags.
    if tags:
        parameters["tags"] = tags
    cloud.logs.create_log_group(**parameters)
    return str(inputs["name"])


def _put_retention(cloud: Cloud, name: str, inputs: Properties) -> None:
    if inputs.get("logGroupClass") == "DELIVERY":
        return
    days = inputs["retentionInDays"]
    if days:
        cloud.logs.put_retention_policy(logGroupName=name, retentionInDays=days)


def _read(cloud: Cloud, name: str, _state: Properties) -> Properties | None:
    groups = cloud.logs.describe_log_groups(logGroupNamePrefix=name).get("logGroups", [])
    group = next((item for item in groups if item.get("logGroupName") == name), None)
    if group is None:
        return None
    arn = group.get("arn", "").removesuffix(":*")
    tags = cloud.logs.list_tags_for_resource(resourceArn=arn).get("tags", {})
    return {
        "name": name,
        "arn": arn,
        "kmsKeyId": group.get("kmsKeyId", ""),
        "logGroupClass": group.get("logGroupClass", "STANDARD"),
        "retentionInDays": group.get("retentionInDays", 0),
        "tags": dict(tags),
    }


def _update(cloud: Cloud, name: str, change: Change) -> None:
    logs = cloud.logs
    if change.touches("retentionInDays"):
        if change.new["retentionInDays"] == 0:
            logs.delete_retention_policy(logGroupName=name)
        else:
            _put_retention(cloud, name, change.new)
    if change.touches("kmsKeyId"):
        key = change.new.get("kmsKeyId")
        if key:
            logs.associate_kms_key(logGroupName=name, kmsKeyId=key)
        else:
            logs.disassociate_kms_key(logGroupName=name)
    tags = tag_change(change)
    if tags.removed:
        logs.untag_resource(resourceArn=change.old["arn"], tagKeys=tags.removed)
    if tags.added:
        logs.tag_resource(resourceArn=change.old["arn"], tags=cast("Any", tags.added))


def _delete(cloud: Cloud, name: str, state: Properties) -> None:
    if state.get("skipDestroy"):
        return
    with ignoring(_MISSING):
        cloud.logs.delete_log_group(logGroupName=name)


LOG_GROUP: Final = ResourceType(
    token="aws:cloudwatch/logGroup:LogGroup",  # noqa: S106 - a type token
    properties=_PROPERTIES,
    auto_name=AutoName(max_length=255),
    operation=Operation(service="logs", name="CreateLogGroup"),
    unsupported=frozenset({"deletionProtectionEnabled"}),
    create=_create,
    settle=_put_retention,
    read=_read,
    update=_update,
    delete=_delete,
)
