"""What has to fit between a queue that exists and what is put around it.

A queue that exists is left as it is, so what does not fit is told, and mended where it is made.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from .names import is_fifo
from .queues import (
    MESSAGE_RETENTION,
    VISIBILITY_TIMEOUT,
    check_retention,
    derived_visibility_timeout_seconds,
)
from .ranges import LimitError

# Amazon SQS Developer Guide, Key management, Key terms: the key of AWS's that SQS takes when it is
# told to use KMS and none of one's own. Who may use SQS may use it; its policy can't be changed.
_AWS_MANAGED_KEY = "alias/aws/sqs"


@dataclass(frozen=True)
class RedriveTarget:
    """Where a queue's dead letters go, and after how many receives; as `redrivePolicy` says it."""

    dlq_arn: str
    max_receive_count: int


def redrive_target(redrive_policy: str | None) -> RedriveTarget | None:
    """What the text of a redrive policy says; None without one."""
    if not redrive_policy:
        return None
    policy: Mapping[str, Any] = json.loads(redrive_policy)
    # SQS takes the number as text too, and gives it back as it was written.
    return RedriveTarget(policy["deadLetterTargetArn"], int(policy["maxReceiveCount"]))


def check_found(argument: str, given: str, found: str) -> None:
    """Refuse a queue of which the program's AWS provider finds only a namesake.

    Alarms, dashboard and policies are made where the provider is, so the queue has to be there too.
    """
    if given != found:
        raise LimitError(
            f"{argument} = {given!r} is not where the program's AWS provider is, which has {found} "
            "by that name; give the component a provider of the queue's account and region: "
            "pulumi.ResourceOptions(providers=[aws.Provider(...)])"
        )


def check_pair(queue_arn: str, dlq_arn: str) -> None:
    """Refuse what can't be the dead-letter queue of a queue.

    Source: Amazon SQS Developer Guide, Using dead-letter queues: of the same account, Region and
    type.
    """
    argument = f"existing.dlq_arn = {dlq_arn!r}"
    if queue_arn == dlq_arn:
        raise LimitError(f"{argument} is existing.queue_arn itself; give its dead-letter queue's")
    place, dlq_place = queue_arn.rpartition(":")[0], dlq_arn.rpartition(":")[0]
    if place != dlq_place:
        raise LimitError(
            f"{argument} is not in the account and region of existing.queue_arn = {queue_arn!r}; "
            f"allowed: {place}:..."
        )
    if is_fifo(queue_arn) != is_fifo(dlq_arn):
        kind = "a FIFO" if is_fifo(queue_arn) else "a standard"
        raise LimitError(
            f"{argument} is of another type than existing.queue_arn = {queue_arn!r}; the "
            f"dead-letter queue of {kind} queue is {kind} queue too: give one"
        )


def check_leads_to(queue_name: str, target: RedriveTarget | None, dlq_arn: str) -> None:
    """Refuse a dead-letter queue that the queue does not send its dead letters to."""
    if target is None:
        raise LimitError(
            f"existing.dlq_arn = {dlq_arn!r}, but the queue {queue_name} has no redrive policy: "
            "what fails would be tried until it expires; give existing.attaches_dlq = True to have "
            "one set, or set one where the queue is made"
        )
    if target.dlq_arn != dlq_arn:
        raise LimitError(
            f"existing.dlq_arn = {dlq_arn!r}, but the queue {queue_name} sends its dead letters to "
            f"{target.dlq_arn}; give that one"
        )


def check_has_no_target(queue_name: str, target: RedriveTarget | None) -> None:
    """Refuse to overwrite a redrive policy that somebody else has set."""
    if target is not None:
        raise LimitError(
            f"the queue {queue_name} has a redrive policy already, after "
            f"{target.max_receive_count} receives to {target.dlq_arn}, and it is not overwritten; "
            f"give existing.dlq_arn = '{target.dlq_arn}' without existing.attaches_dlq to leave it "
            "so, or take the policy away from the queue first"
        )


def check_allows(dlq_arn: str, redrive_allow_policy: str | None, queue_arn: str) -> None:
    """Refuse to attach a dead-letter queue whose own policy does not let the queue in.

    Source: Amazon SQS API Reference, SetQueueAttributes, RedriveAllowPolicy.
    """
    if not redrive_allow_policy:
        return
    policy: Mapping[str, Any] = json.loads(redrive_allow_policy)
    permission = policy.get("redrivePermission")
    sources = cast("list[str]", policy.get("sourceQueueArns", []))
    if permission == "denyAll" or (permission == "byQueue" and queue_arn not in sources):
        raise LimitError(
            f"existing.dlq_arn = {dlq_arn!r} takes no dead letters of {queue_arn}: its redrive "
            f"allow policy is {redrive_allow_policy}; add the queue to it where the dead-letter "
            "queue is made"
        )


def check_existing_visibility(
    queue_name: str, visibility_timeout_seconds: int, function_timeout_seconds: int, window: int
) -> None:
    """Refuse a function whose timeout is above the visibility timeout of the queue, as Lambda does.

    window: the batching window, in seconds. Source: as of `check_visibility_timeout`.
    """
    advised = derived_visibility_timeout_seconds(function_timeout_seconds, window)
    if visibility_timeout_seconds < function_timeout_seconds:
        raise LimitError(
            f"the queue {queue_name} has a visibility timeout of {visibility_timeout_seconds} "
            f"seconds, below the function's timeout_seconds = {function_timeout_seconds}: a "
            "message would be delivered again while it is still being processed; raise it where "
            f"the queue is made, best to {min(advised, VISIBILITY_TIMEOUT.maximum)}, or lower "
            "timeout_seconds"
        )


def existing_visibility_advice(
    queue_name: str, visibility_timeout_seconds: int, function_timeout_seconds: int, window: int
) -> str | None:
    """What to say about a queue's visibility timeout that is lower than AWS advises, if it is."""
    advised = derived_visibility_timeout_seconds(function_timeout_seconds, window)
    if visibility_timeout_seconds >= advised:
        return None
    return (
        f"the queue {queue_name} has a visibility timeout of {visibility_timeout_seconds} seconds, "
        f"below the {advised} that AWS advises (6 x timeout_seconds {function_timeout_seconds} + "
        f"batching_window_seconds {window}): when the function is throttled, good messages can use "
        "up their receives and be dead-lettered; raise it where the queue is made"
    )


def check_existing_retention(
    retention_seconds: int, dlq_retention_seconds: int, *, is_fifo: bool
) -> None:
    """Refuse a created dead-letter queue that forgets before it need: as `check_retention`.

    A queue that keeps messages for the longest time there is leaves it no longer one.
    """
    if retention_seconds < MESSAGE_RETENTION.maximum:
        check_retention(retention_seconds, dlq_retention_seconds, is_fifo=is_fifo)


def existing_retention_advice(
    queue_name: str, retention_seconds: int, dlq_retention_seconds: int, *, is_fifo: bool
) -> str | None:
    """What to say about dead letters that may expire on arrival, if they may."""
    if is_fifo or dlq_retention_seconds > retention_seconds:
        return None
    return (
        f"the queue {queue_name} keeps messages for {retention_seconds} seconds, its dead-letter "
        f"queue for {dlq_retention_seconds}: dead letters keep their age and could expire on "
        "arrival, and be lost; let the dead-letter queue keep them for longer than the queue"
    )


def check_existing_key(queue_name: str, key_id: str | None, key_arn: str | None) -> None:
    """Refuse to leave out the key that a queue is encrypted with, or to give another.

    Without it nobody that the component lets in could read or send. An alias tells nothing of its
    key.
    """
    if not has_customer_key(key_id):
        if key_arn is not None:
            raise LimitError(
                f"existing.key_arn = {key_arn!r}, but the queue {queue_name} is not encrypted with "
                "a customer key; leave it out"
            )
        return
    if key_arn is None:
        raise LimitError(
            f"the queue {queue_name} is encrypted with the key {key_id}, which its consumer, "
            "senders and operators have to be let use; give existing.key_arn, the ARN of that key"
        )
    if is_other_key(key_id, key_arn):
        raise LimitError(
            f"existing.key_arn = {key_arn!r}, but the queue {queue_name} is encrypted with "
            f"{key_id}; give the ARN of that key"
        )


def has_customer_key(key_id: str | None) -> bool:
    """Whether what a queue names as its key is a key of its owner's, and not AWS's."""
    return bool(key_id) and not str(key_id).endswith(_AWS_MANAGED_KEY)


def is_other_key(key_id: str | None, key_arn: str | None) -> bool:
    """Whether what a queue names as its key is surely not the key of an ARN."""
    if not has_customer_key(key_id) or "alias/" in str(key_id):
        return False
    return str(key_id).rpartition("/")[2] != str(key_arn).rpartition("/")[2]
