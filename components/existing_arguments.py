"""A queue that is there already: which one, and what can't be asked of it.

Wrong arguments raise `LimitError` as those in `arguments` do.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import pulumi

from . import limits
from .kinds import check_kinds, check_known

_SET_ON_THE_QUEUE = "it is left as it is; change it where the queue is made"
# What is about the queue itself, and where it is decided instead.
_OF_THE_QUEUE = {
    "fifo": "its ARN says by .fifo whether it is one",
    "retention_seconds": _SET_ON_THE_QUEUE,
    "visibility_timeout_seconds": _SET_ON_THE_QUEUE,
    "delay_seconds": _SET_ON_THE_QUEUE,
    "max_message_bytes": _SET_ON_THE_QUEUE,
    "receive_wait_seconds": _SET_ON_THE_QUEUE,
    "key": "it is encrypted already; give existing.key_arn where that is with a customer key",
    "statements": "its policy is left as it is; add them where the queue is made",
    "queue_name": "it has a name; that of a created dead-letter queue is made up",
    "queue_name_prefix": "it has a name; that of a created dead-letter queue is made up",
}
# The same of a dead-letter queue that exists.
_OF_THE_DLQ = {
    "dlq_retention_seconds": "it is left as it is; change it where the dead-letter queue is made",
    "requires_tls": "both queues' policies are left as they are; change them where they are made",
}
_OF_THE_REDRIVE_POLICY = {
    "max_receive_count": "it is read from the queue's redrive policy, which is left as it is; "
    "change it there, or have it set by existing.attaches_dlq = True",
}


@dataclass(frozen=True, kw_only=True)
class ExistingQueueArgs:
    """A queue that is there already. Its attributes, policy and tags stay; it is never deleted.

    queue_arn: which one, in the account and region of the program's AWS provider.
    dlq_arn: its dead-letter queue, which is left alone as well; by default one is created and the
        queue's redrive policy set. A redrive policy that is there already is not overwritten.
    attaches_dlq: with `dlq_arn`, set the queue's redrive policy to lead there; by default the queue
        does that already.
    key_arn: ARN of the customer key that the queue is encrypted with, if it is: consumer, senders
        and operators are let use it, and a created dead-letter queue is encrypted with it.
    """

    queue_arn: pulumi.Input[str]
    dlq_arn: pulumi.Input[str] | None = None
    attaches_dlq: bool = False
    key_arn: pulumi.Input[str] | None = None

    def __post_init__(self) -> None:
        check_kinds(self, "existing.")
        check_known("existing.queue_arn", self.queue_arn, limits.check_queue_arn)
        check_known("existing.dlq_arn", self.dlq_arn, limits.check_queue_arn)
        check_known("existing.key_arn", self.key_arn, limits.check_key_arn)
        if isinstance(self.queue_arn, str) and isinstance(self.dlq_arn, str):
            limits.check_pair(self.queue_arn, self.dlq_arn)

    @property
    def sets_redrive_policy(self) -> bool:
        """Whether the queue's redrive policy is set, rather than left as it is."""
        return self.dlq_arn is None or self.attaches_dlq


def check_left_to_the_queue(args: object, existing: ExistingQueueArgs) -> None:
    """Refuse arguments about what is there already, each by its name.

    args: those of the component. One that is given as its default is not seen.
    """
    refused = dict(_OF_THE_QUEUE)
    if existing.dlq_arn is not None:
        refused |= _OF_THE_DLQ
    if not existing.sets_redrive_policy:
        refused |= _OF_THE_REDRIVE_POLICY
    for argument in dataclasses.fields(cast("Any", args)):
        value = getattr(args, argument.name)
        if argument.name in refused and not _is_default(value, argument.default):
            raise limits.LimitError(
                f"{argument.name} = {value!r} is about what is there already with existing: "
                f"{refused[argument.name]}, and leave it out here"
            )


def _is_default(value: object, default: object) -> bool:
    if isinstance(value, Sequence) and isinstance(default, Sequence):
        return list(cast("Sequence[object]", value)) == list(cast("Sequence[object]", default))
    return value == default
