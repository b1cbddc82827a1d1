"""Whether a role fits its function: Lambda may assume it, and it may do what a mapping needs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

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


def require_role_allows(
    cloud: Cloud, role_arn: str, actions: Sequence[str], resource_arn: str
) -> None:
    """Refuses a role that may not do all of the actions on the resource.

    Lambda checks this when a mapping is created; the emulator does not, but it can simulate the
    role's policies.
    """
    answer = cloud.iam.simulate_principal_policy(
        PolicySourceArn=role_arn, ActionNames=list(actions), ResourceArns=[resource_arn]
    )
    for result in answer.get("EvaluationResults", []):
        if result["EvalDecision"] != "allowed":
            action = result["EvalActionName"].split(":", 1)[-1]
            raise AwsError(
                "InvalidParameterValueException",
                f"The function execution role does not have permissions to call {action} on SQS "
                f"(role {role_arn}, queue {resource_arn})",
            )
