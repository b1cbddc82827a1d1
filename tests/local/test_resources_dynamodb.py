"""DynamoDB tables: what is refused as DynamoDB refuses it, and what is really set."""

from typing import Any

import grpc
import pytest

from automation.local.resources.cloud import Cloud

TABLE = "aws:dynamodb/table:Table"
GOOD: dict[str, Any] = {
    "attributes": [{"name": "id", "type": "S"}],
    "billingMode": "PAY_PER_REQUEST",
    "hashKey": "id",
}
TTL = {"enabled": True, "attributeName": "expiration"}


def failures(provider: Any, **inputs: Any) -> str:
    return "\n".join(provider.check(TABLE, GOOD | inputs)[1])


@pytest.mark.parametrize(
    ("inputs", "named"),
    [
        ({"hashKey": None}, "'hashKey' of aws:dynamodb/table:Table is required"),
        ({"attributes": None}, "'attributes' of aws:dynamodb/table:Table is required"),
        ({"hashKey": "key"}, "attributes lacks 'key'"),
        ({"rangeKey": "at"}, "attributes lacks 'at'"),
        ({"rangeKey": "id"}, "as hashKey is"),
        ({"attributes": [*GOOD["attributes"], {"name": "at", "type": "N"}]}, "has 'at', which is"),
        ({"attributes": GOOD["attributes"] * 2}, "has 'id' more than once"),
        ({"attributes": [{"name": "id", "type": "string"}]}, "allowed: S, N, B"),
        ({"attributes": [{"name": "id"}]}, "attributes[0].type is required"),
        ({"billingMode": "ON_DEMAND"}, "PAY_PER_REQUEST"),
        ({"readCapacity": 5}, "with billingMode PAY_PER_REQUEST leave it out"),
        ({"billingMode": None}, "readCapacity is 0; with billingMode PROVISIONED it is 1 or more"),
        ({"ttl": {"enabled": True}}, "ttl.attributeName is needed"),
        ({"serverSideEncryption": {"kmsKeyArn": "arn:aws:kms:x"}}, "enabled is required"),
        ({"pointInTimeRecovery": {"enabled": True, "recoveryPeriodInDays": 36}}, "1 to 35"),
        ({"pointInTimeRecovery": {"enabled": False, "recoveryPeriodInDays": 9}}, "only when"),
        ({"tableClass": "COLD"}, "STANDARD_INFREQUENT_ACCESS"),
        ({"name": "ab"}, "allowed: 3 to 255"),
        ({"name": "a table"}, "must match"),
        ({"streamEnabled": True}, "the local provider does not support it"),
        ({"globalSecondaryIndexes": []}, "the local provider does not support it"),
        ({"hashkey": "id"}, "did you mean 'hashKey'"),
        ({"arn": "arn:aws:dynamodb:x"}, "is set by AWS"),
    ],
)
def test_a_table_is_checked_before_it_is_made(
    provider: Any, inputs: dict[str, Any], named: str
) -> None:
    assert failures(provider) == ""
    assert named in failures(provider, **inputs)


def test_a_key_that_encryption_does_not_use_is_refused(provider: Any) -> None:
    key = {"enabled": False, "kmsKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/k"}
    assert "used only when" in failures(provider, serverSideEncryption=key)


def test_a_table_has_what_was_asked_for(provider: Any, cloud: Cloud) -> None:
    inputs = GOOD | {
        "pointInTimeRecovery": {"enabled": True},
        "serverSideEncryption": {"enabled": True},
        "tags": {"a": "1"},
        "ttl": TTL,
    }
    made = provider.create(TABLE, inputs)
    assert made.id == made.outputs["name"]
    assert made.outputs["arn"].endswith(f":table/{made.id}")
    table = cloud.dynamodb.describe_table(TableName=made.id)["Table"]
    assert table["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["SSEDescription"]["Status"] == "ENABLED"
    ttl = cloud.dynamodb.describe_time_to_live(TableName=made.id)["TimeToLiveDescription"]
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expiration"}
    backups = cloud.dynamodb.describe_continuous_backups(TableName=made.id)
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"


def test_the_days_of_recovery_are_kept_although_the_emulator_forgets_them(provider: Any) -> None:
    recovery = {"enabled": True, "recoveryPeriodInDays": 7}
    made = provider.create(TABLE, GOOD | {"pointInTimeRecovery": recovery})
    refreshed = provider.read(TABLE, made.id, made)
    assert refreshed.outputs["pointInTimeRecovery"] == recovery


def test_a_drift_of_ttl_shows_in_a_refresh(provider: Any, cloud: Cloud) -> None:
    made = provider.create(TABLE, GOOD | {"ttl": TTL})
    cloud.dynamodb.update_time_to_live(
        TableName=made.id,
        TimeToLiveSpecification={"AttributeName": "expiration", "Enabled": False},
    )
    refreshed = provider.read(TABLE, made.id, made)
    assert refreshed.outputs["ttl"] == {"attributeName": "", "enabled": False}
    again, _ = provider.check(TABLE, GOOD | {"ttl": TTL}, old=made.inputs)
    assert list(provider.diff(TABLE, refreshed, again).diffs) == ["ttl"]


def test_ttl_moves_to_another_attribute_only_after_it_was_switched_off(provider: Any) -> None:
    made = provider.create(TABLE, GOOD | {"ttl": TTL})
    other = {"enabled": True, "attributeName": "until"}
    with pytest.raises(grpc.RpcError, match="current AttributeName is expiration"):
        provider.update(TABLE, made, GOOD | {"ttl": other})
    off = provider.update(TABLE, made, GOOD | {"ttl": {"enabled": False}})
    moved = provider.update(TABLE, off, GOOD | {"ttl": other})
    assert moved.outputs["ttl"] == other


def test_the_type_of_a_key_stays(provider: Any) -> None:
    made = provider.create(TABLE, GOOD)
    other = GOOD | {"attributes": [{"name": "id", "type": "N"}]}
    with pytest.raises(grpc.RpcError, match="type of a key attribute can't be changed"):
        provider.update(TABLE, made, other)


def test_a_protected_table_is_not_deleted(provider: Any) -> None:
    made = provider.create(TABLE, GOOD | {"deletionProtectionEnabled": True})
    with pytest.raises(grpc.RpcError, match="protected against deletion"):
        provider.delete(TABLE, made)
    free = provider.update(TABLE, made, GOOD)
    provider.delete(TABLE, free)
    assert provider.read(TABLE, made.id, free) is None


def test_a_table_that_was_deleted_elsewhere_is_gone_at_the_next_refresh(
    provider: Any, cloud: Cloud
) -> None:
    made = provider.create(TABLE, GOOD)
    cloud.dynamodb.delete_table(TableName=made.id)
    assert provider.read(TABLE, made.id, made) is None
