"""S3: buckets with versioning, policy and tags. What else a bucket may have is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from automation.local.resources.cloud import AwsError, ignoring
from automation.local.resources.policies import resource_policy_failures
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
)
from automation.local.resources.tagging import as_pairs, from_pairs
from automation.local.resources.values import Properties, members_of

if TYPE_CHECKING:
    from automation.local.resources.cloud import Cloud

# A HEAD request has no body to tell a code in: botocore gives the status.
_MISSING: Final = ("404", "NoSuchBucket")
# The only region in which a location is not named: Amazon S3 API Reference, CreateBucket.
_FIRST_REGION: Final = "us-east-1"
_MAX_NAME: Final = 63
_PREFIX_LENGTH: Final = _MAX_NAME - 26
# Amazon S3 User Guide, General purpose bucket naming rules.
_RESERVED_STARTS: Final = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_ENDS: Final = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")

_PROPERTIES: Final[Mapping[str, Property]] = {
    "bucket": Property(
        kind="string",
        computed=True,
        force_new=True,
        conflicts_with=("bucketPrefix",),
        min_length=3,
        max_length=_MAX_NAME,
    ),
    # What a bucket's name was made from, S3 does not tell.
    "bucketPrefix": Property(
        kind="string",
        force_new=True,
        conflicts_with=("bucket",),
        max_length=_PREFIX_LENGTH,
        sent=False,
        read_back=False,
    ),
    "forceDestroy": Property(kind="bool", default=False, sent=False, read_back=False),
    "policy": Property(kind="string", computed=True, format="policy", sent=False),
    "versioning": Property(
        kind="object",
        computed=True,
        sent=False,
        fields={"enabled": Property(kind="bool", default=False)},
    ),
    "arn": output(),
    "bucketDomainName": output(),
    "bucketRegion": output(),
    "bucketRegionalDomainName": output(),
    **REGION,
    **TAGS,
}


def _name_failures(inputs: Properties) -> Iterator[Failure]:
    name = inputs.get("bucket")
    if isinstance(name, str):
        for reason in _name_reasons(name):
            yield Failure("bucket", f"bucket is {name!r}; {reason}")


def _name_reasons(name: str) -> Iterator[str]:
    if re.fullmatch(r"[a-z0-9][a-z0-9.-]*[a-z0-9]", name) is None:
        yield "lower-case letters, digits, '.' and '-' only, with a letter or digit at both ends"
    if ".." in name:
        yield "two dots may not stand side by side"
    if re.fullmatch(r"\d+\.\d+\.\d+\.\d+", name):
        yield "it may not look like an IP address"
    if name.startswith(_RESERVED_STARTS) or name.endswith(_RESERVED_ENDS):
        listed = ", ".join((*_RESERVED_STARTS, *_RESERVED_ENDS))
        yield f"S3 keeps these beginnings and ends for itself: {listed}"


def _create_request(inputs: Properties) -> Properties:
    return {"Bucket": inputs["bucket"]}


def _create(cloud: Cloud, inputs: Properties) -> str:
    name = str(inputs["bucket"])
    _refuse_own_bucket(cloud, name)
    location = (
        {}
        if cloud.region == _FIRST_REGION
        else {"CreateBucketConfiguration": {"LocationConstraint": cloud.region}}
    )
    cloud.s3.create_bucket(Bucket=name, **location)
    return name


def _refuse_own_bucket(cloud: Cloud, name: str) -> None:
    """Refuses a bucket that is there: in S3's first region making it again is a success."""
    with ignoring(*_MISSING, "403"):
        cloud.s3.head_bucket(Bucket=name)
        raise AwsError("BucketAlreadyOwnedByYou", f"the bucket {name} is there already")


def _settle(cloud: Cloud, name: str, inputs: Properties) -> None:
    if members_of(inputs.get("versioning")).get("enabled"):
        _put_versioning(cloud, name, is_enabled=True)
    if inputs.get("policy"):
        cloud.s3.put_bucket_policy(Bucket=name, Policy=inputs["policy"])
    if inputs.get("tagsAll"):
        _put_tags(cloud, name, inputs["tagsAll"])


def _put_versioning(cloud: Cloud, name: str, *, is_enabled: bool) -> None:
    # Once switched on it can only be suspended: Amazon S3 API Reference, PutBucketVersioning.
    status = "Enabled" if is_enabled else "Suspended"
    cloud.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": status})


def _put_tags(cloud: Cloud, name: str, tags: Mapping[str, str]) -> None:
    if tags:
        cloud.s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": as_pairs(tags)})
    else:
        cloud.s3.delete_bucket_tagging(Bucket=name)


def _read(cloud: Cloud, name: str, _state: Properties) -> Properties | None:
    with ignoring(*_MISSING):
        region = cloud.s3.head_bucket(Bucket=name)["BucketRegion"]
        status = cloud.s3.get_bucket_versioning(Bucket=name).get("Status")
        return {
            "bucket": name,
            "arn": f"arn:aws:s3:::{name}",
            "bucketDomainName": f"{name}.s3.amazonaws.com",
            "bucketRegion": region,
            "bucketRegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
            "policy": _policy(cloud, name),
            "tags": _tags(cloud, name),
            "versioning": {"enabled": status == "Enabled"},
        }
    return None


def _policy(cloud: Cloud, name: str) -> str:
    with ignoring("NoSuchBucketPolicy"):
        return str(cloud.s3.get_bucket_policy(Bucket=name)["Policy"])
    return ""


def _tags(cloud: Cloud, name: str) -> dict[str, str]:
    with ignoring("NoSuchTagSet"):
        return from_pairs(cloud.s3.get_bucket_tagging(Bucket=name)["TagSet"])
    return {}


def _update(cloud: Cloud, name: str, change: Change) -> None:
    if change.touches("versioning"):
        enabled = members_of(change.new.get("versioning")).get("enabled", False)
        _put_versioning(cloud, name, is_enabled=enabled)
    if change.touches("policy"):
        if change.new.get("policy"):
            cloud.s3.put_bucket_policy(Bucket=name, Policy=change.new["policy"])
        else:
            cloud.s3.delete_bucket_policy(Bucket=name)
    if change.touches("tags", "tagsAll"):
        _put_tags(cloud, name, change.new.get("tagsAll") or {})


def _delete(cloud: Cloud, name: str, state: Properties) -> None:
    with ignoring(*_MISSING):
        if state.get("forceDestroy"):
            _empty(cloud, name)
        cloud.s3.delete_bucket(Bucket=name)


def _empty(cloud: Cloud, name: str) -> None:
    """Deletes every object, every version of it, and every mark that one was deleted."""
    pages: Any = cloud.s3.get_paginator("list_object_versions").paginate(Bucket=name)
    for page in pages:
        for item in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
            cloud.s3.delete_object(Bucket=name, Key=item["Key"], VersionId=item["VersionId"])


BUCKET: Final = ResourceType(
    token="aws:s3/bucket:Bucket",  # noqa: S106 - a type token
    properties=_PROPERTIES,
    auto_name=AutoName(property="bucket", max_length=_MAX_NAME, is_lower_case=True),
    operation=Operation(service="s3", name="CreateBucket"),
    request=_create_request,
    rules=(_name_failures, resource_policy_failures("policy")),
    unsupported=frozenset(
        {
            "accelerationStatus",
            "acl",
            "bucketNamespace",
            "corsRules",
            "grants",
            "lifecycleRules",
            "logging",
            "objectLockConfiguration",
            "objectLockEnabled",
            "replicationConfiguration",
            "requestPayer",
            "serverSideEncryptionConfiguration",
            "website",
        }
    ),
    create=_create,
    settle=_settle,
    read=_read,
    update=_update,
    delete=_delete,
)
