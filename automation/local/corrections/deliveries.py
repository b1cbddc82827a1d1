"""What SNS, EventBridge and S3 deliver to a queue arrives only where the queue's policy allows it.

The emulator asks the policy in a run with policies enforced, and for EventBridge never. On AWS
such a delivery fails without a word, so a program that forgot the policy must not pass here.
"""

import importlib
from typing import Any

from automation.local.corrections.replacing import replace, require, service

# Amazon EventBridge User Guide, Using resource-based policies: Amazon SQS permissions.
_EVENTS = "events.amazonaws.com"


def apply() -> None:
    """Ask the queue's policy before each delivery to it."""
    sqs, events = service("sqs"), service("eventbridge")
    require(sqs, _queue_by_arn="arn")
    evaluator = _evaluator()
    require(evaluator, evaluate_resource_policy="doc ctx service named_only direct_only")

    def queue_policy_allows(
        queue_arn: str, service: str, source_arn: str, source_account: str
    ) -> bool:
        queue = sqs._queue_by_arn(queue_arn)
        if queue is None:
            return False
        return _allows(queue, queue_arn, service, source_arn, source_account)

    def invoke_target(target: Any, event: Any, rule: Any, view: Any = None) -> None:
        arn, rule_arn = str(target.get("Arn", "")), str(rule.get("Arn", ""))
        if not _is_queue(arn) or queue_policy_allows(
            arn, _EVENTS, rule_arn, rule_arn.split(":")[4]
        ):
            original(target, event, rule, view)

    replace(sqs, "queue_policy_allows", queue_policy_allows)
    original = replace(events, "_invoke_target", invoke_target)


def _evaluator() -> Any:
    """The emulator's judge of policies; it has no types."""
    return importlib.import_module("ministack.core.iam_evaluator")


def _is_queue(arn: str) -> bool:
    return arn.startswith("arn:") and arn.split(":")[2] == "sqs"


def _allows(queue: Any, queue_arn: str, caller: str, source_arn: str, source_account: str) -> bool:
    evaluator = _evaluator()
    context = evaluator.EvalContext(
        # The service itself, and nobody in the account, is who calls.
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action="sqs:SendMessage",
        resource_arn=queue_arn,
        region=queue_arn.split(":")[3],
        # Services deliver over TLS, whatever the request came by that made them.
        secure_transport=True,
        service_context={
            "aws:sourcearn": source_arn,
            "aws:sourceaccount": source_account,
            "aws:sourceowner": source_account,
        },
    )
    policy = queue["attributes"].get("Policy") or ""
    return bool(policy) and (
        evaluator.evaluate_resource_policy(policy, context, service=caller).decision == "Allow"
    )
