"""Warns at preview of a queue that is replaced, since SQS deletes its messages with it.

A hook on the deletion would be told at once, but then nothing could be destroyed without running
the program (`pulumi destroy` refuses it). So two others are asked: one at the creation of either
queue, one at the change of the operator's policy, which names both. A queue that is created while
the policy of an older one is changed takes the older one's place.
"""

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pulumi

# The statements of `policies.operate` that are about one queue each.
_STATEMENTS = {"RedriveToQueue": "queue", "WorkOnDeadLetters": "dlq"}


class ReplacementWatch:
    """Sees whether a queue, or its dead-letter queue, takes the place of an older one.

    name: of the component.
    component: which one, and where the warning is shown.
    """

    def __init__(self, name: str, component: pulumi.Resource) -> None:
        self._name, self._component = name, component
        self._created = set[str]()
        # Also at preview, and never in the way of a deployment.
        options = pulumi.ResourceHookOptions(on_dry_run=True, ignore_errors=True)
        # Hooks need names that no other component of the program has.
        run = uuid4().hex
        self._on_create = pulumi.ResourceHook(f"{name}-created-{run}", self._note, options)
        self._on_change = pulumi.ResourceHook(f"{name}-changed-{run}", self._compare, options)

    @property
    def of_queue(self) -> pulumi.ResourceHookBinding:
        """The hooks of the queue and of its dead-letter queue."""
        return pulumi.ResourceHookBinding(before_create=[self._on_create])

    @property
    def of_policy(self) -> pulumi.ResourceHookBinding:
        """The hooks of the operator's policy."""
        return pulumi.ResourceHookBinding(before_update=[self._on_change])

    def _note(self, args: pulumi.ResourceHookArgs) -> None:
        self._created.add(args.name)

    def _compare(self, args: pulumi.ResourceHookArgs) -> None:
        for role, arn in queues_in(args.old_inputs or {}).items():
            if f"{self._name}-{role}" in self._created:
                pulumi.log.warn(replacement_warning(role, arn), resource=self._component)


def queues_in(inputs: Mapping[str, Any]) -> dict[str, str]:
    """The ARNs of the queue and its dead-letter queue in what an operator's policy was given."""
    document = inputs.get("policy")
    if not isinstance(document, str):
        return {}
    return {
        _STATEMENTS[statement["Sid"]]: statement["Resource"]
        for statement in json.loads(document)["Statement"]
        if statement["Sid"] in _STATEMENTS
    }


def replacement_warning(role: str, arn: str) -> str:
    """What is lost with a queue, and how to keep it."""
    name = arn.rpartition(":")[2]
    what = "dead letters" if role == "dlq" else "messages"
    return (
        f"the queue {name} is replaced by another: SQS deletes the {what} in it, and who knows its "
        "URL or ARN loses it. To keep them, leave this queue as it is, create a second "
        "ReliableQueue beside it, let the senders move there, and remove the first once it is "
        "empty; dead letters are saved and restored by python -m automation dlq purge and dlq "
        "restore. Steps: docs/component.md, Moving to another queue"
    )
