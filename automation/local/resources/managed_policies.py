"""IAM: policies that stand for themselves, and their attachment to roles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from automation.local.resources.batch_actions import as_written, for_emulator
from automation.local.resources.cloud import ignoring
from automation.local.resources.policies import identity_policy_failures
from automation.local.resources.roles import document_text
from automation.local.resources.schema import (
    TAGS,
    AutoName,
    Change,
    Operation,
    Property,
    ResourceType,
    name_properties,
    output,
)
from automation.local.resources.tagging import as_pairs, from_pairs, tag_change
from automation.local.resources.values import Properties
from automation.local.resources.wire import request

if TYPE_CHECKING:
    from automation.local.resources.cloud import Cloud

_MISSING: Final = "NoSuchEntity"
# IAM keeps five versions of a policy: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_POLICY_VERSIONS: Final = 5

_POLICY_PROPERTIES: Final[Mapping[str, Property]] = {
    **name_properties(max_length=128, wire="PolicyName", pattern=r"[\w+=,.@-]*"),
    "description": Property(kind="string", force_new=True),
    "path": Property(kind="string", default="/", force_new=True),
    "policy": Property(kind="string", required=True, format="policy", wire="PolicyDocument"),
    "arn": output(),
    "attachmentCount": output("int"),
    "policyId": output(),
    **TAGS,
}


def _create_policy(cloud: Cloud, inputs: Properties) -> str:
    tags = as_pairs(inputs.get("tagsAll") or {})
    parameters = request(_POLICY_PROPERTIES, {**inputs, "policy": for_emulator(inputs["policy"])})
    answer = cloud.iam.create_policy(**parameters, Tags=tags)
    return answer["Policy"].get("Arn", "")


def _read_policy(cloud: Cloud, arn: str, _state: Properties) -> Properties | None:
    with ignoring(_MISSING):
        policy = cloud.iam.get_policy(PolicyArn=arn)["Policy"]
        version = cloud.iam.get_policy_version(
            PolicyArn=arn, VersionId=policy.get("DefaultVersionId", "v1")
        )["PolicyVersion"]
        tags = cloud.iam.list_policy_tags(PolicyArn=arn)["Tags"]
        return {
            "arn": arn,
            "attachmentCount": policy.get("AttachmentCount", 0),
            "description": policy.get("Description", ""),
            "name": policy.get("PolicyName"),
            "path": policy.get("Path", "/"),
            "policy": as_written(document_text(version.get("Document"))),
            "policyId": policy.get("PolicyId"),
            "tags": from_pairs(tags),
        }
    return None


def _update_policy(cloud: Cloud, arn: str, change: Change) -> None:
    if change.touches("policy"):
        _make_room_for_version(cloud, arn)
        cloud.iam.create_policy_version(
            PolicyArn=arn,
            PolicyDocument=for_emulator(change.new["policy"]),
            SetAsDefault=True,
        )
    tags = tag_change(change)
    if tags.removed:
        cloud.iam.untag_policy(PolicyArn=arn, TagKeys=tags.removed)
    if tags.added:
        cloud.iam.tag_policy(PolicyArn=arn, Tags=as_pairs(tags.added))


def _make_room_for_version(cloud: Cloud, arn: str) -> None:
    versions = cloud.iam.list_policy_versions(PolicyArn=arn)["Versions"]
    if len(versions) >= _POLICY_VERSIONS:
        others = [item for item in versions if not item.get("IsDefaultVersion")]
        oldest = min(others, key=lambda item: int(item.get("VersionId", "v0")[1:]))
        cloud.iam.delete_policy_version(PolicyArn=arn, VersionId=oldest.get("VersionId", ""))


def _delete_policy(cloud: Cloud, arn: str, _state: Properties) -> None:
    with ignoring(_MISSING):
        for version in cloud.iam.list_policy_versions(PolicyArn=arn)["Versions"]:
            if not version.get("IsDefaultVersion"):
                cloud.iam.delete_policy_version(
                    PolicyArn=arn, VersionId=version.get("VersionId", "")
                )
        cloud.iam.delete_policy(PolicyArn=arn)


POLICY: Final = ResourceType(
    token="aws:iam/policy:Policy",  # noqa: S106 - a type token
    properties=_POLICY_PROPERTIES,
    auto_name=AutoName(max_length=128),
    operation=Operation(service="iam", name="CreatePolicy"),
    rules=(identity_policy_failures("policy"),),
    unsupported=frozenset({"delayAfterPolicyCreationInMs"}),
    create=_create_policy,
    read=_read_policy,
    update=_update_policy,
    delete=_delete_policy,
)

_ATTACHMENT_PROPERTIES: Final[Mapping[str, Property]] = {
    "policyArn": Property(kind="string", required=True, force_new=True, format="arn"),
    "role": Property(
        kind="string", required=True, force_new=True, wire="RoleName", pattern=r"[\w+=,.@-]+"
    ),
}


def _attach(cloud: Cloud, inputs: Properties) -> str:
    cloud.iam.attach_role_policy(**request(_ATTACHMENT_PROPERTIES, inputs))
    return f"{inputs['role']}/{inputs['policyArn']}"


def _read_attachment(cloud: Cloud, resource_id: str, _state: Properties) -> Properties | None:
    role, _, arn = resource_id.partition("/")
    with ignoring(_MISSING):
        attached = cloud.iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
        if any(policy.get("PolicyArn") == arn for policy in attached):
            return {"role": role, "policyArn": arn}
    return None


def _detach(cloud: Cloud, resource_id: str, _state: Properties) -> None:
    role, _, arn = resource_id.partition("/")
    with ignoring(_MISSING):
        cloud.iam.detach_role_policy(RoleName=role, PolicyArn=arn)


ROLE_POLICY_ATTACHMENT: Final = ResourceType(
    token="aws:iam/rolePolicyAttachment:RolePolicyAttachment",  # noqa: S106 - a type token
    properties=_ATTACHMENT_PROPERTIES,
    operation=Operation(service="iam", name="AttachRolePolicy"),
    delete_before_replace=True,
    create=_attach,
    read=_read_attachment,
    delete=_detach,
)
