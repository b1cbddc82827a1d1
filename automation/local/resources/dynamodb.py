"""DynamoDB: tables with a key. Indexes, streams and replicas are refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from automation.local.resources.cloud import AwsError, ignoring
from automation.local.resources.schema import (
    REGION,
    TAGS,
    AutoName,
    Change,
    Operation,
    Property,
    ResourceType,
    output,
)
from automation.local.resources.table_reading import read_table
from automation.local.resources.table_rules import (
    CAPACITIES,
    ON_DEMAND,
    block_failures,
    capacity_failures,
    key_failures,
)
from automation.local.resources.tagging import as_pairs, tag_change
from automation.local.resources.values import Properties, Value, members_of
from automation.local.resources.wire import request

if TYPE_CHECKING:
    from automation.local.resources.cloud import Cloud

_MISSING: Final = "ResourceNotFoundException"


def _same_ttl(left: Value, right: Value) -> bool:
    """Whether two settings expire the same: switched off, the attribute means nothing."""
    old, new = members_of(left), members_of(right)
    if bool(old.get("enabled")) != bool(new.get("enabled")):
        return False
    return not new.get("enabled") or old.get("attributeName") == new.get("attributeName")


_PROPERTIES: Final[Mapping[str, Property]] = {
    # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
    "name": Property(
        kind="string",
        computed=True,
        force_new=True,
        min_length=3,
        max_length=255,
        pattern=r"[a-zA-Z0-9_.-]+",
        wire="TableName",
    ),
    "attributes": Property(
        kind="list",
        required=True,
        unordered=True,
        wire="AttributeDefinitions",
        element=Property(
            kind="object",
            fields={
                "name": Property(
                    kind="string",
                    required=True,
                    min_length=1,
                    max_length=255,
                    wire="AttributeName",
                ),
                "type": Property(
                    kind="string", required=True, enum=("S", "N", "B"), wire="AttributeType"
                ),
            },
        ),
    ),
    "billingMode": Property(kind="string", default="PROVISIONED", enum=("PROVISIONED", ON_DEMAND)),
    "deletionProtectionEnabled": Property(kind="bool", service_default=False),
    # The official provider can do without one for a restored table only, and we restore none.
    "hashKey": Property(
        kind="string", required=True, force_new=True, min_length=1, max_length=255, sent=False
    ),
    "rangeKey": Property(kind="string", force_new=True, min_length=1, max_length=255, sent=False),
    "readCapacity": Property(kind="int", computed=True, minimum=0, sent=False),
    "writeCapacity": Property(kind="int", computed=True, minimum=0, sent=False),
    "pointInTimeRecovery": Property(
        kind="object",
        computed=True,
        sent=False,
        fields={
            "enabled": Property(kind="bool", required=True),
            "recoveryPeriodInDays": Property(kind="int", computed=True, minimum=1, maximum=35),
        },
    ),
    "serverSideEncryption": Property(
        kind="object",
        computed=True,
        wire="SSESpecification",
        fields={
            "enabled": Property(kind="bool", required=True),
            "kmsKeyArn": Property(
                kind="string", computed=True, format="arn", wire="KMSMasterKeyId"
            ),
        },
    ),
    "tableClass": Property(
        kind="string", default="STANDARD", enum=("STANDARD", "STANDARD_INFREQUENT_ACCESS")
    ),
    "ttl": Property(
        kind="object",
        computed=True,
        sent=False,
        same=_same_ttl,
        fields={
            "attributeName": Property(kind="string", max_length=255),
            "enabled": Property(kind="bool", default=False),
        },
    ),
    "arn": output(),
    "streamArn": output(),
    "streamLabel": output(),
    **REGION,
    **TAGS,
}


def _create_request(inputs: Properties) -> Properties:
    keys = {"HASH": inputs.get("hashKey"), "RANGE": inputs.get("rangeKey")}
    parameters = request(_PROPERTIES, inputs)
    parameters["KeySchema"] = [
        {"AttributeName": name, "KeyType": kind} for kind, name in keys.items() if name
    ]
    if isinstance(parameters.get("SSESpecification"), dict):
        parameters["SSESpecification"] = _encryption(inputs)
    return parameters | _throughput(inputs)


def _encryption(inputs: Properties) -> Properties:
    encryption = members_of(inputs.get("serverSideEncryption"))
    key = {"KMSMasterKeyId": encryption["kmsKeyArn"]} if encryption.get("kmsKeyArn") else {}
    # Without a type, switched on means KMS with the account's own key for DynamoDB.
    return {"Enabled": encryption.get("enabled", False), **key} | (
        {"SSEType": "KMS"} if key else {}
    )


def _throughput(inputs: Properties) -> Properties:
    if inputs["billingMode"] == ON_DEMAND:
        return {}
    units = {"ReadCapacityUnits": "readCapacity", "WriteCapacityUnits": "writeCapacity"}
    return {"ProvisionedThroughput": {unit: inputs.get(name) or 0 for unit, name in units.items()}}


def _create(cloud: Cloud, inputs: Properties) -> str:
    tags = as_pairs(inputs.get("tagsAll") or {})
    answer = cloud.dynamodb.create_table(
        **_create_request(inputs), **({"Tags": tags} if tags else {})
    )
    return str(answer["TableDescription"]["TableName"])


def _settle(cloud: Cloud, name: str, inputs: Properties) -> None:
    """Sets what has calls of its own. The emulator's tables are active at once."""
    if members_of(inputs.get("ttl")).get("enabled"):
        _put_ttl(cloud, name, inputs["ttl"])
    if members_of(inputs.get("pointInTimeRecovery")).get("enabled"):
        _put_recovery(cloud, name, inputs["pointInTimeRecovery"])


def _put_ttl(cloud: Cloud, name: str, ttl: Properties) -> None:
    specification = {"AttributeName": ttl["attributeName"], "Enabled": ttl["enabled"]}
    cloud.dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=specification)


def _put_recovery(cloud: Cloud, name: str, recovery: Properties) -> None:
    days = recovery.get("recoveryPeriodInDays")
    period = {"RecoveryPeriodInDays": days} if days and recovery["enabled"] else {}
    cloud.dynamodb.update_continuous_backups(
        TableName=name,
        PointInTimeRecoverySpecification={
            "PointInTimeRecoveryEnabled": recovery["enabled"],
            **period,
        },
    )


def _update(cloud: Cloud, name: str, change: Change) -> None:
    _refuse_what_cannot_change(change)
    table = _table_change(change)
    if table:
        cloud.dynamodb.update_table(TableName=name, **table)
    if change.touches("serverSideEncryption"):
        # DynamoDB takes encryption in a call of its own.
        cloud.dynamodb.update_table(TableName=name, SSESpecification=_encryption(change.new))
    if change.touches("ttl"):
        old, new = members_of(change.old.get("ttl")), members_of(change.new.get("ttl"))
        attribute = new.get("attributeName") or old.get("attributeName")
        _put_ttl(cloud, name, {"enabled": new["enabled"], "attributeName": attribute})
    if change.touches("pointInTimeRecovery"):
        _put_recovery(cloud, name, change.new["pointInTimeRecovery"])
    tags = tag_change(change)
    if tags.removed:
        cloud.dynamodb.untag_resource(ResourceArn=change.old["arn"], TagKeys=tags.removed)
    if tags.added:
        cloud.dynamodb.tag_resource(ResourceArn=change.old["arn"], Tags=as_pairs(tags.added))


def _refuse_what_cannot_change(change: Change) -> None:
    """What DynamoDB refuses and the emulator does all the same, or silently doesn't."""
    if change.touches("attributes"):
        raise AwsError(
            "ValidationException",
            "the type of a key attribute can't be changed; replace the table: give it another name",
        )
    old, new = members_of(change.old.get("ttl")), members_of(change.new.get("ttl"))
    if old.get("enabled") and new.get("enabled") and change.touches("ttl"):
        raise AwsError(
            "ValidationException",
            "TimeToLive is active on a different AttributeName: current AttributeName is "
            f"{old['attributeName']}; switch it off in a deployment of its own first",
        )


def _table_change(change: Change) -> Properties:
    """What UpdateTable is asked for."""
    names = ("tableClass", "deletionProtectionEnabled", "billingMode")
    wanted = {"deletionProtectionEnabled": False} | change.new
    touched = {name: _PROPERTIES[name] for name in names if change.touches(name)}
    throughput = _throughput(change.new) if change.touches("billingMode", *CAPACITIES) else {}
    return request(touched, wanted) | throughput


def _delete(cloud: Cloud, name: str, _state: Properties) -> None:
    with ignoring(_MISSING):
        cloud.dynamodb.delete_table(TableName=name)


TABLE: Final = ResourceType(
    token="aws:dynamodb/table:Table",  # noqa: S106 - a type token
    properties=_PROPERTIES,
    auto_name=AutoName(max_length=255),
    operation=Operation(service="dynamodb", name="CreateTable"),
    request=_create_request,
    rules=(key_failures, capacity_failures, block_failures),
    unsupported=frozenset(
        {
            "globalSecondaryIndexes",
            "globalTableWitness",
            "importTable",
            "localSecondaryIndexes",
            "onDemandThroughput",
            "replicas",
            "restoreBackupArn",
            "restoreDateTime",
            "restoreSourceName",
            "restoreSourceTableArn",
            "restoreToLatestTime",
            "streamEnabled",
            "streamViewType",
            "warmThroughput",
        }
    ),
    create=_create,
    settle=_settle,
    read=read_table,
    update=_update,
    delete=_delete,
)
