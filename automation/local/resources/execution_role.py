"""Whether a role fits its function: Lambda may assume it, and it may do what Lambda tests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from automation.local.resources.authorization import Call, is_allowed
from automation.local.resources.cloud import AwsError, ignoring
from automation.local.resources.values import Properties, items_of, members_of

if TYPE_CHECKING:
    from automation.local.resources.cloud import Cloud

_LAMBDA: Final = "lambda.amazonaws.com"


def require_assumable_role(cloud: Cloud, role_arn: str) -> None:
    """Refuses a role that does not exist or does not trust Lambda, in Lambda's words."""
    trust = _trust_policy(cloud, role_arn)
    if trust is None or not any(_trusts_lambda(item) for item in items_of(trust.get("Statement"))):
        raise AwsError(
            "InvalidParameterValueException",
            f"The role defined for the function cannot be assumed by Lambda. ({role_arn})",
        )


def _trust_policy(cloud: Cloud, role_arn: str) -> Properties | None:
    with ignoring("NoSuchEntity"):
        role = cloud.iam.get_role(RoleName=role_arn.rsplit("/", 1)[-1])["Role"]
        document: Any = role.get("AssumeRolePolicyDocument")
        return json.loads(document) if isinstance(document, str) else document
    return None


def _trusts_lambda(statement: Any) -> bool:
    principal = statement.get("Principal")
    services = [*items_of(members_of(principal).get("Service")), principal]
    actions = items_of(statement.get("Action"))
    return (
        statement.get("Effect") == "Allow"
        and (_LAMBDA in services or "*" in services)
        and any(action in ("sts:AssumeRole", "sts:*", "*") for action in actions)
    )


def require_traceable_role(cloud: Cloud, function: Properties) -> None:
    """Refuses a role that may not write the traces that its function is to send."""
    if members_of(function.get("tracingConfig")).get("mode") == "Active":
        # Of the two actions that X-Ray asks for, the one that Lambda tests.
        require_role_allows(cloud, function["role"], [Call(action="xray:PutTraceSegments")])


def require_role_allows(cloud: Cloud, role_arn: str, calls: Iterable[Call]) -> None:
    """Refuses a role that may not make all of the calls, in Lambda's words.

    Lambda tests this when a function or a mapping is created or changed; the emulator does not.
    """
    call = refused_call(cloud, role_arn, calls)
    if call:
        service, action = call.action.split(":")
        raise AwsError(
            "InvalidParameterValueException",
            f"The function execution role does not have permissions to call {action} on "
            f"{service.upper()} (role {role_arn}, resource {call.resource})",
        )


def refused_call(cloud: Cloud, role_arn: str, calls: Iterable[Call]) -> Call | None:
    """The first of the calls that a role's policies do not allow; None when they allow all."""
    documents = list(_policies_of(cloud, role_arn.rsplit("/", 1)[-1]))
    return next((call for call in calls if not is_allowed(call, documents)), None)


def _policies_of(cloud: Cloud, role_name: str) -> Iterator[Any]:
    """The documents of a role: those written into it and those attached to it."""
    iam = cloud.iam
    for page in iam.get_paginator("list_role_policies").paginate(RoleName=role_name):
        for name in page["PolicyNames"]:
            yield iam.get_role_policy(RoleName=role_name, PolicyName=name)["PolicyDocument"]
    for page in iam.get_paginator("list_attached_role_policies").paginate(RoleName=role_name):
        for policy in page.get("AttachedPolicies", []):
            arn = policy.get("PolicyArn", "")
            version = iam.get_policy(PolicyArn=arn)["Policy"].get("DefaultVersionId", "")
            answer = iam.get_policy_version(PolicyArn=arn, VersionId=version)
            yield answer["PolicyVersion"].get("Document")
