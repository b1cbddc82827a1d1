"""The rules of dead-letter queues that the emulator does not check and SQS does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from automation.local.resources.cloud import AwsError, ignoring
from automation.local.resources.schema import Failure
from automation.local.resources.values import Properties, items_of, members_of
from components import limits

if TYPE_CHECKING:
    from automation.local.resources.cloud import Cloud

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
_MAX_SOURCE_QUEUES: Final = 10
_PERMISSIONS: Final = ("allowAll", "denyAll", "byQueue")


def redrive_policy_failures(inputs: Properties) -> Iterator[Failure]:
    """What is wrong with the text of a `redrivePolicy`."""
    return _failures(
        "redrivePolicy",
        inputs,
        known={"deadLetterTargetArn", "maxReceiveCount"},
        reasons=_redrive_policy_reasons,
    )


def _redrive_policy_reasons(policy: Properties) -> Iterator[str]:
    target, count = policy.get("deadLetterTargetArn"), policy.get("maxReceiveCount")
    if not isinstance(target, str) or ":sqs:" not in target:
        yield f"needs deadLetterTargetArn, the ARN of a queue; it is {target!r}"
    allowed = limits.MAX_RECEIVE_COUNT
    if not isinstance(count, int) or not allowed.minimum <= count <= allowed.maximum:
        yield f"needs maxReceiveCount, a JSON integer: {allowed}; it is {count!r}"


def redrive_allow_policy_failures(inputs: Properties) -> Iterator[Failure]:
    """What is wrong with the text of a `redriveAllowPolicy`."""
    return _failures(
        "redriveAllowPolicy",
        inputs,
        known={"redrivePermission", "sourceQueueArns"},
        reasons=_allow_policy_reasons,
    )


def _allow_policy_reasons(policy: Properties) -> Iterator[str]:
    permission, sources = policy.get("redrivePermission"), policy.get("sourceQueueArns")
    if permission not in _PERMISSIONS:
        yield f"needs redrivePermission, one of {', '.join(_PERMISSIONS)}; it is {permission!r}"
    if permission == "byQueue":
        count = len(items_of(sources))
        if not 1 <= count <= _MAX_SOURCE_QUEUES:
            yield f"needs 1 to {_MAX_SOURCE_QUEUES} sourceQueueArns with byQueue; it has {count}"
    elif sources is not None:
        yield "takes sourceQueueArns only with redrivePermission byQueue"


def _failures(
    name: str,
    inputs: Properties,
    *,
    known: set[str],
    reasons: Callable[[Properties], Iterator[str]],
) -> Iterator[Failure]:
    """What is wrong with a policy's text: its form, its members' values, their names."""
    policy = _parsed(inputs.get(name))
    if policy is None:
        return
    if not isinstance(policy, dict):
        yield Failure(name, f"{name} must be a JSON object")
        return
    members = members_of(policy)
    for reason in reasons(members):
        yield Failure(name, f"{name} {reason}")
    if unknown := sorted(members.keys() - known):
        yield Failure(name, f"{name} has members that SQS does not know: {', '.join(unknown)}")


def _parsed(text: Any) -> Any:
    """The parsed text; None when there is none yet or it is no JSON (told elsewhere)."""
    try:
        return json.loads(text) if isinstance(text, str) and text else None
    except ValueError:
        return None


def require_redrive_target(cloud: Cloud, source_arn: str, is_fifo: bool, policy: str) -> None:
    """Refuses a redrive policy whose target is missing, of another type, or does not allow it.

    Raises AwsError with SQS's words.
    """
    if not policy:
        return
    target = str(json.loads(policy)["deadLetterTargetArn"])
    attributes = _attributes_by_arn(cloud, target)
    if attributes is None:
        raise _refused(policy, "Dead letter target does not exist.")
    if is_fifo != limits.is_fifo(target):
        raise _refused(policy, "Dead-letter queue must be same type of queue as the source.")
    allowed = attributes.get("RedriveAllowPolicy")
    if allowed and not _is_allowed(json.loads(allowed), source_arn):
        raise _refused(
            policy, f"Dead letter target's redrive allow policy does not permit {source_arn}."
        )


def _is_allowed(allow_policy: Properties, source_arn: str) -> bool:
    permission = allow_policy.get("redrivePermission")
    if permission == "byQueue":
        return source_arn in allow_policy.get("sourceQueueArns", [])
    return permission != "denyAll"


def _refused(policy: str, reason: str) -> AwsError:
    return AwsError(
        "InvalidParameterValue",
        f"Value {policy} for parameter RedrivePolicy is invalid. Reason: {reason}",
    )


def _attributes_by_arn(cloud: Cloud, arn: str) -> dict[str, str] | None:
    """The queue's attributes; None when there is no such queue in this account and region."""
    parts = arn.split(":")
    if len(parts) != 6 or parts[3] != cloud.region or parts[4] != cloud.account_id:
        return None
    with ignoring("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"):
        url = cloud.sqs.get_queue_url(QueueName=parts[5])["QueueUrl"]
        answer = cloud.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        return {str(name): value for name, value in answer.get("Attributes", {}).items()}
    return None
