"""Buckets: names as S3 takes them, what is refused, and what keeps a bucket from being deleted."""

import json
from typing import Any

import grpc
import pytest

from automation.local.resources.cloud import Cloud

BUCKET = "aws:s3/bucket:Bucket"


def failures(provider: Any, **inputs: Any) -> str:
    return "\n".join(provider.check(BUCKET, inputs)[1])


@pytest.fixture
def name(account_id: str) -> str:
    """A name that nobody else has: those of buckets are the world's."""
    return f"bucket-{account_id}"


@pytest.mark.parametrize(
    ("inputs", "named"),
    [
        ({"bucket": "ab"}, "allowed: 3 to 63"),
        ({"bucket": "Letters"}, "lower-case letters"),
        ({"bucket": "a_b_c"}, "lower-case letters"),
        ({"bucket": "-bucket"}, "a letter or digit at both ends"),
        ({"bucket": "a..b"}, "two dots"),
        ({"bucket": "127.0.0.1"}, "IP address"),
        ({"bucket": "xn--bucket"}, "keeps these beginnings and ends for itself"),
        ({"bucket": "bucket--x-s3"}, "keeps these beginnings and ends for itself"),
        ({"bucketPrefix": "x" * 38}, "0 to 37"),
        ({"bucket": "bucket", "bucketPrefix": "b"}, "exclude each other"),
        ({"policy": '{"Statement": []}'}, "no Statement"),
        ({"versioning": {"mfaDelete": True}}, "versioning.mfaDelete is not a property"),
        ({"tags": {"a": 1}}, "must be a string"),
        ({"acl": "private"}, "the local provider does not support it"),
        ({"lifecycleRules": []}, "the local provider does not support it"),
        ({"name": "bucket"}, "'name' of aws:s3/bucket:Bucket is refused: it does not exist"),
    ],
)
def test_a_bucket_is_checked_before_it_is_made(
    provider: Any, inputs: dict[str, Any], named: str
) -> None:
    assert named in failures(provider, **inputs)


def test_a_made_up_name_has_no_capitals(provider: Any) -> None:
    inputs, found = provider.check(BUCKET, {}, name="MyBucket")
    assert found == []
    assert inputs["bucket"].startswith("mybucket-")
    prefixed, found = provider.check(BUCKET, {"bucketPrefix": "files-"})
    assert found == []
    assert len(prefixed["bucket"]) == len("files-") + 26


def test_a_bucket_has_what_was_asked_for(provider: Any, cloud: Cloud, name: str) -> None:
    principal = {"AWS": cloud.account_id}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "s3:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    inputs = {"bucket": name, "policy": policy, "versioning": {"enabled": True}, "tags": {"a": "1"}}
    made = provider.create(BUCKET, inputs)
    assert made.id == name
    assert made.outputs["arn"] == f"arn:aws:s3:::{name}"
    assert made.outputs["bucketRegionalDomainName"] == f"{name}.s3.eu-west-1.amazonaws.com"
    assert made.outputs["bucketRegion"] == "eu-west-1"
    assert cloud.s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    assert cloud.s3.get_bucket_tagging(Bucket=name)["TagSet"] == [{"Key": "a", "Value": "1"}]
    assert json.loads(cloud.s3.get_bucket_policy(Bucket=name)["Policy"]) == json.loads(policy)


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_a_bucket_that_is_there_is_not_taken_over(provider: Any, name: str, region: str) -> None:
    inputs = {"bucket": name, "region": region}
    made = provider.create(BUCKET, inputs)
    assert made.outputs["bucketRegion"] == region
    with pytest.raises(grpc.RpcError, match="BucketAlreadyOwnedByYou"):
        provider.create(BUCKET, inputs)


@pytest.mark.parametrize("is_versioned", [False, True])
def test_a_bucket_with_objects_goes_only_when_it_is_told_to(
    provider: Any, cloud: Cloud, name: str, is_versioned: bool
) -> None:
    inputs = {"bucket": name, "versioning": {"enabled": is_versioned}}
    made = provider.create(BUCKET, inputs)
    cloud.s3.put_object(Bucket=name, Key="a", Body=b"1")
    cloud.s3.put_object(Bucket=name, Key="a", Body=b"2")
    cloud.s3.put_object(Bucket=name, Key="b", Body=b"3")
    cloud.s3.delete_object(Bucket=name, Key="b")
    with pytest.raises(grpc.RpcError, match="BucketNotEmpty"):
        provider.delete(BUCKET, made)
    emptied = provider.update(BUCKET, made, inputs | {"forceDestroy": True})
    provider.delete(BUCKET, emptied)
    assert provider.read(BUCKET, made.id, emptied) is None
    provider.delete(BUCKET, emptied)
