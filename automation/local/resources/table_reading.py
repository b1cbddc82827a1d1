"""A DynamoDB table as its properties: what the service, asked in four calls, tells of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from automation.local.resources.cloud import ignoring
from automation.local.resources.tagging import from_pairs
from automation.local.resources.values import Properties, members_of

if TYPE_CHECKING:
    from automation.local.resources.cloud import Cloud

# How long a table can be restored when nothing else is said: Amazon DynamoDB API Reference,
# PointInTimeRecoverySpecification, RecoveryPeriodInDays.
_RECOVERY_DAYS: Final = 35
_MISSING: Final = "ResourceNotFoundException"


def read_table(cloud: Cloud, name: str, state: Properties) -> Properties | None:
    """The table with what DynamoDB tells by calls of their own; None when it is gone."""
    with ignoring(_MISSING):
        table = cloud.dynamodb.describe_table(TableName=name)["Table"]
        return _as_properties(table) | {
            "ttl": _ttl(cloud, name),
            "pointInTimeRecovery": _recovery(cloud, name, state),
            "tags": _tags(cloud, table["TableArn"]),
        }
    return None


def _as_properties(table: Properties) -> Properties:
    keys = {item["KeyType"]: item["AttributeName"] for item in table["KeySchema"]}
    throughput = members_of(table.get("ProvisionedThroughput"))
    encryption = members_of(table.get("SSEDescription"))
    is_encrypted = encryption.get("Status") == "ENABLED"
    return {
        "attributes": [
            {"name": item["AttributeName"], "type": item["AttributeType"]}
            for item in table["AttributeDefinitions"]
        ],
        "name": table["TableName"],
        "arn": table["TableArn"],
        "billingMode": members_of(table.get("BillingModeSummary")).get("BillingMode")
        or "PROVISIONED",
        "deletionProtectionEnabled": table.get("DeletionProtectionEnabled", False),
        "hashKey": keys["HASH"],
        "rangeKey": keys.get("RANGE"),
        "readCapacity": throughput.get("ReadCapacityUnits", 0),
        "writeCapacity": throughput.get("WriteCapacityUnits", 0),
        "serverSideEncryption": {"enabled": True, "kmsKeyArn": encryption["KMSMasterKeyArn"]}
        if is_encrypted
        else None,
        "streamArn": table.get("LatestStreamArn", ""),
        "streamLabel": table.get("LatestStreamLabel", ""),
        "tableClass": members_of(table.get("TableClassSummary")).get("TableClass") or "STANDARD",
    }


def _ttl(cloud: Cloud, name: str) -> Properties:
    answer = cloud.dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    # Switched off, DynamoDB tells no attribute; the emulator tells the last one.
    if answer["TimeToLiveStatus"] != "ENABLED":
        return {"attributeName": "", "enabled": False}
    return {"attributeName": answer["AttributeName"], "enabled": True}


def _recovery(cloud: Cloud, name: str, state: Properties) -> Properties:
    answer = cloud.dynamodb.describe_continuous_backups(TableName=name)
    description = answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    if description["PointInTimeRecoveryStatus"] != "ENABLED":
        return {"enabled": False}
    # The emulator forgets the days.
    known = members_of(state.get("pointInTimeRecovery")).get("recoveryPeriodInDays")
    days = description.get("RecoveryPeriodInDays") or known or _RECOVERY_DAYS
    return {"enabled": True, "recoveryPeriodInDays": days}


def _tags(cloud: Cloud, arn: str) -> dict[str, str]:
    pages = cloud.dynamodb.get_paginator("list_tags_of_resource").paginate(ResourceArn=arn)
    return from_pairs(tag for page in pages for tag in page["Tags"])
