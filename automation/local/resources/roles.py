"""IAM: roles, and the policies inside them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from automation.local.resources.batch_actions import as_written, for_emulator
from automation.local.resources.cloud import ignoring
from automation.local.resources.policies import identity_policy_failures, trust_policy_failures
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
    from datetime import datetime

    from automation.local.resources.cloud import Cloud

_MISSING: Final = "NoSuchEntity"

_ROLE_PROPERTIES: Final[Mapping[str, Property]] = {
    **name_properties(max_length=64, wire="RoleName", pattern=r"[\w+=,.@-]*"),
    "assumeRolePolicy": Property(
        kind="string", required=True, format="policy", wire="AssumeRolePolicyDocument"
    ),
    "description": Property(kind="string", max_length=1000),
    "forceDetachPolicies": Property(kind="bool", default=False, sent=False, read_back=False),
    "maxSessionDuration": Property(kind="int", default=3600, minimum=3600, maximum=43200),
    "path": Property(kind="string", default="/", force_new=True, max_length=512),
    "permissionsBoundary": Property(kind="string", format="arn"),
    "arn": output(),
    "createDate": output(),
    "uniqueId": output(),
    **TAGS,
}


def document_text(value: Any) -> str:
    """boto3 gives a policy decoded; the state holds its text."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _timestamp(value: datetime) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ")


def _create_role(cloud: Cloud, inputs: Properties) -> str:
    tags = as_pairs(inputs.get("tagsAll") or {})
    cloud.iam.create_role(**request(_ROLE_PROPERTIES, inputs), Tags=tags)
    return str(inputs["name"])


def _read_role(cloud: Cloud, name: str, _state: Properties) -> Properties | None:
    with ignoring(_MISSING):
        role = cloud.iam.get_role(RoleName=name)["Role"]
        tags = cloud.iam.list_role_tags(RoleName=name)["Tags"]
        boundary = role.get("PermissionsBoundary", {})
        return {
            "name": name,
            "arn": role["Arn"],
            "assumeRolePolicy": document_text(role.get("AssumeRolePolicyDocument")),
            "createDate": _timestamp(role["CreateDate"]),
            "description": role.get("Description", ""),
            "maxSessionDuration": role.get("MaxSessionDuration", 3600),
            "path": role["Path"],
            "permissionsBoundary": boundary.get("PermissionsBoundaryArn", ""),
            "uniqueId": role["RoleId"],
            "tags": from_pairs(tags),
        }
    return None


def _update_role(cloud: Cloud, name: str, change: Change) -> None:
    iam, new = cloud.iam, change.new
    if change.touches("assumeRolePolicy"):
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=new["assumeRolePolicy"])
    if change.touches("description"):
        iam.update_role_description(RoleName=name, Description=new.get("description", ""))
    if change.touches("maxSessionDuration"):
        iam.update_role(RoleName=name, MaxSessionDuration=new["maxSessionDuration"])
    if change.touches("permissionsBoundary"):
        boundary = new.get("permissionsBoundary")
        if boundary:
            iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=boundary)
        else:
            iam.delete_role_permissions_boundary(RoleName=name)
    tags = tag_change(change)
    if tags.removed:
        iam.untag_role(RoleName=name, TagKeys=tags.removed)
    if tags.added:
        iam.tag_role(RoleName=name, Tags=as_pairs(tags.added))


def _delete_role(cloud: Cloud, name: str, state: Properties) -> None:
    with ignoring(_MISSING):
        if state.get("forceDetachPolicies"):
            _strip_role(cloud, name)
        cloud.iam.delete_role(RoleName=name)


def _strip_role(cloud: Cloud, name: str) -> None:
    """Takes a role's policies away: IAM deletes no role that has some."""
    for policy in cloud.iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        cloud.iam.detach_role_policy(RoleName=name, PolicyArn=policy.get("PolicyArn", ""))
    for policy_name in cloud.iam.list_role_policies(RoleName=name)["PolicyNames"]:
        cloud.iam.delete_role_policy(RoleName=name, PolicyName=policy_name)


ROLE: Final = ResourceType(
    token="aws:iam/role:Role",  # noqa: S106 - a type token
    properties=_ROLE_PROPERTIES,
    auto_name=AutoName(max_length=64),
    operation=Operation(service="iam", name="CreateRole"),
    rules=(trust_policy_failures("assumeRolePolicy"),),
    unsupported=frozenset({"inlinePolicies", "managedPolicyArns"}),
    create=_create_role,
    read=_read_role,
    update=_update_role,
    delete=_delete_role,
)

_ROLE_POLICY_PROPERTIES: Final[Mapping[str, Property]] = {
    **name_properties(max_length=128, wire="PolicyName", pattern=r"[\w+=,.@-]*"),
    "policy": Property(kind="string", required=True, format="policy", wire="PolicyDocument"),
    "role": Property(
        kind="string",
        required=True,
        force_new=True,
        min_length=1,
        max_length=128,
        wire="RoleName",
        # The official provider wants the name, and fails for an ARN.
        pattern=r"[\w+=,.@-]+",
    ),
}


def _put_role_policy(cloud: Cloud, inputs: Properties) -> str:
    document = for_emulator(inputs["policy"])
    cloud.iam.put_role_policy(**request(_ROLE_POLICY_PROPERTIES, {**inputs, "policy": document}))
    return f"{inputs['role']}:{inputs['name']}"


def _read_role_policy(cloud: Cloud, resource_id: str, _state: Properties) -> Properties | None:
    role, _, name = resource_id.partition(":")
    with ignoring(_MISSING):
        answer = cloud.iam.get_role_policy(RoleName=role, PolicyName=name)
        document = as_written(document_text(answer["PolicyDocument"]))
        return {"role": role, "name": name, "policy": document}
    return None


def _update_role_policy(cloud: Cloud, _id: str, change: Change) -> None:
    _put_role_policy(cloud, change.new)


def _delete_role_policy(cloud: Cloud, resource_id: str, _state: Properties) -> None:
    role, _, name = resource_id.partition(":")
    with ignoring(_MISSING):
        cloud.iam.delete_role_policy(RoleName=role, PolicyName=name)


ROLE_POLICY: Final = ResourceType(
    token="aws:iam/rolePolicy:RolePolicy",  # noqa: S106 - a type token
    properties=_ROLE_POLICY_PROPERTIES,
    auto_name=AutoName(max_length=128),
    operation=Operation(service="iam", name="PutRolePolicy"),
    rules=(identity_policy_failures("policy"),),
    create=_put_role_policy,
    read=_read_role_policy,
    update=_update_role_policy,
    delete=_delete_role_policy,
)
