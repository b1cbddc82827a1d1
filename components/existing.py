"""A queue that is there already: looked at, held against what is put around it, never changed.

Its attributes are read at every preview and deployment, so that what is decided elsewhere is seen.
The redrive policy is the one thing of it that may be set, and only where there is none.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, cast
from uuid import uuid4

import pulumi
import pulumi_aws as aws

from . import limits
from .arguments import CustomerKeyArgs, ReliableQueueArgs
from .encryption import Encryption
from .existing_arguments import ExistingQueueArgs
from .queues import QueueOutputs, Queues, attach, create_dlq, let_in
from .terms import Terms
from .unknowns import checked, computed, when_known


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A queue as it is."""

    arn: str
    name: str
    url: str
    region: str
    retention_seconds: int
    visibility_timeout_seconds: int
    target: limits.RedriveTarget | None
    redrive_allow_policy: str | None
    key_id: str | None


def key_of_existing(existing: ExistingQueueArgs) -> Encryption:
    """What a queue that exists is encrypted with."""
    if existing.key_arn is None:
        return Encryption()
    return Encryption(
        key_arn=checked("existing.key_arn", existing.key_arn, limits.check_key_arn),
        data_key_reuse_seconds=CustomerKeyArgs.data_key_reuse_seconds,
    )


def wrap_queues(
    name: str,
    args: ReliableQueueArgs,
    existing: ExistingQueueArgs,
    *,
    encryption: Encryption,
    hooks: pulumi.ResourceHookBinding,
    parent: pulumi.Resource,
) -> Queues:
    """Look at the queue, and at its dead-letter queue or create one; attach it if that is asked."""
    # The names of queues of ours: where one of those becomes one that exists, the engine then reads
    # it and lets it go. Under another name it would delete the old resource, and the queue with it.
    seen = _look_at(f"{name}-queue", "existing.queue_arn", existing.queue_arn, parent)
    seen_dlq = None
    if existing.dlq_arn is not None:
        seen_dlq = _look_at(f"{name}-dlq", "existing.dlq_arn", existing.dlq_arn, parent)
    seen = _fitting(args, existing, seen, seen_dlq, parent)
    _check_key(existing, seen, seen_dlq, parent)
    _check_timeout(args, seen, parent)
    terms = _terms(args, existing, seen, seen_dlq)
    queue = _outputs(seen)
    if seen_dlq is not None:
        dlq = _outputs(seen_dlq)
    else:
        dlq = create_dlq(
            name,
            args,
            is_fifo=terms.is_fifo,
            encryption=encryption,
            hooks=hooks,
            parent=parent,
        )
        let_in(name, queue, dlq, parent=parent)
    redrive = list[pulumi.Resource]()
    if existing.sets_redrive_policy:
        guard = _OverwriteGuard(name, seen)
        held = replace(queue, url=guard.url)
        redrive.append(attach(name, held, dlq, terms, hooks=guard.hooks, parent=parent))
    return Queues(queue=queue, dlq=dlq, redrive=redrive, terms=terms)


class _OverwriteGuard:
    """Refuses to create a redrive policy for a queue that has one.

    A component does not see the state, and so can't tell a policy of its own that it finds from
    somebody else's. The engine can: it creates only what is not in the state.
    """

    def __init__(self, name: str, seen: pulumi.Output[Seen]) -> None:
        self._found = list[Seen]()
        # By way of this output the queue was looked at before the policy is created.
        self.url = seen.apply(self._note)
        options = pulumi.ResourceHookOptions(on_dry_run=True)
        # Hooks need names that no other component of the program has.
        hook = pulumi.ResourceHook(f"{name}-attached-{uuid4().hex}", self._compare, options)
        self.hooks = pulumi.ResourceHookBinding(before_create=[hook])

    def _note(self, seen: Seen) -> str:
        self._found.append(seen)
        return seen.url

    def _compare(self, _args: pulumi.ResourceHookArgs) -> None:
        for seen in self._found:
            limits.check_has_no_target(seen.name, seen.target)


def _look_at(
    name: str, argument: str, given: pulumi.Input[str], parent: pulumi.Resource
) -> pulumi.Output[Seen]:
    """A queue by its ARN. Its URL can't be told from that: partitions and endpoints differ."""
    arn = checked(argument, given, limits.check_queue_arn)
    found = aws.sqs.get_queue_output(
        name=arn.apply(lambda arn: arn.rpartition(":")[2]),
        opts=pulumi.InvokeOutputOptions(parent=parent),
    )

    def told(known: list[str]) -> str:
        limits.check_found(argument, known[0], known[1])
        return known[2]

    url = when_known(pulumi.Output.all(arn, found.arn, found.url), told)
    queue = aws.sqs.Queue.get(name, url, opts=pulumi.ResourceOptions(parent=parent))
    return pulumi.Output.all(
        arn=queue.arn,
        name=queue.name,
        url=queue.url,
        region=queue.region,
        retention_seconds=queue.message_retention_seconds,
        visibility_timeout_seconds=queue.visibility_timeout_seconds,
        target=queue.redrive_policy.apply(limits.redrive_target),
        redrive_allow_policy=queue.redrive_allow_policy,
        key_id=queue.kms_master_key_id,
    ).apply(lambda known: Seen(**known))


def _outputs(seen: pulumi.Output[Seen]) -> QueueOutputs:
    return QueueOutputs(
        arn=seen.apply(lambda seen: seen.arn),
        url=seen.apply(lambda seen: seen.url),
        name=seen.apply(lambda seen: seen.name),
        region=seen.apply(lambda seen: seen.region),
    )


def _terms(
    args: ReliableQueueArgs,
    existing: ExistingQueueArgs,
    seen: pulumi.Output[Seen],
    seen_dlq: pulumi.Output[Seen] | None,
) -> Terms:
    return Terms(
        is_fifo=computed(limits.is_fifo, existing.queue_arn),
        retention_seconds=seen.apply(lambda seen: seen.retention_seconds),
        dlq_retention_seconds=args.dlq_retention_seconds
        if seen_dlq is None
        else seen_dlq.apply(lambda seen: seen.retention_seconds),
        max_receive_count=args.max_receive_count
        if existing.sets_redrive_policy
        else seen.apply(lambda seen: _max_receive_count(args, existing, seen)),
    )


def _max_receive_count(args: ReliableQueueArgs, existing: ExistingQueueArgs, seen: Seen) -> int:
    """After how many receives a message is given up on: as the queue says, unless we say it."""
    if existing.sets_redrive_policy or seen.target is None:
        return args.max_receive_count
    return seen.target.max_receive_count


def _fitting(
    args: ReliableQueueArgs,
    existing: ExistingQueueArgs,
    queue: pulumi.Output[Seen],
    dlq: pulumi.Output[Seen] | None,
    component: pulumi.Resource,
) -> pulumi.Output[Seen]:
    """The queue, once it is known to fit its dead-letter queue, its consumer and its alarms."""

    def told(known: list[Seen | None]) -> Seen:
        seen, seen_dlq = cast("tuple[Seen, Seen | None]", known)
        _check_consumer_and_alarms(args, seen)
        if seen_dlq is None:
            limits.check_existing_retention(
                seen.retention_seconds,
                args.dlq_retention_seconds,
                is_fifo=limits.is_fifo(seen.arn),
            )
        else:
            _check_dlq(existing, seen, seen_dlq)
        for text in _advice(args, existing, seen, seen_dlq):
            pulumi.log.warn(text, resource=component)
        return seen

    return when_known(pulumi.Output.all(queue, dlq), told)


def _check_consumer_and_alarms(args: ReliableQueueArgs, seen: Seen) -> None:
    consumer, alarms = args.consumer, args.alarms
    if consumer is not None and limits.is_fifo(seen.arn):
        limits.check_fifo_batch(consumer.batch_size, consumer.batching_window_seconds)
    if alarms is not None and alarms.message_age_seconds is not None:
        limits.check_message_age_alarm(alarms.message_age_seconds, seen.retention_seconds)


def _check_dlq(existing: ExistingQueueArgs, seen: Seen, dlq: Seen) -> None:
    limits.check_pair(seen.arn, dlq.arn)
    if existing.attaches_dlq:
        limits.check_allows(dlq.arn, dlq.redrive_allow_policy, seen.arn)
    else:
        limits.check_leads_to(seen.name, seen.target, dlq.arn)


def _advice(
    args: ReliableQueueArgs, existing: ExistingQueueArgs, seen: Seen, dlq: Seen | None
) -> Iterator[str]:
    dlq_retention = args.dlq_retention_seconds if dlq is None else dlq.retention_seconds
    told = limits.existing_retention_advice(
        seen.name, seen.retention_seconds, dlq_retention, is_fifo=limits.is_fifo(seen.arn)
    )
    if told:
        yield told
    count = _max_receive_count(args, existing, seen)
    told = limits.retention_advice(seen.retention_seconds, seen.visibility_timeout_seconds, count)
    if told:
        yield f"the queue {seen.name}: {told}"


def _check_key(
    existing: ExistingQueueArgs,
    queue: pulumi.Output[Seen],
    dlq: pulumi.Output[Seen] | None,
    component: pulumi.Resource,
) -> None:
    # Apart from what the queue's outputs wait for: a key that is not known yet shall not make a
    # queue that is known unknown, which a preview would show as a mapping that is replaced.
    def told(known: list[Any]) -> None:
        seen, seen_dlq, key_arn = known
        limits.check_existing_key(seen.name, seen.key_id, key_arn)
        if seen_dlq is not None and limits.is_other_key(seen_dlq.key_id, key_arn):
            pulumi.log.warn(
                f"the dead-letter queue {seen_dlq.name} is encrypted with another key than its "
                f"queue, {seen_dlq.key_id}: let operators use that key too, since the operator's "
                "policy holds the queue's alone",
                resource=component,
            )

    when_known(pulumi.Output.all(queue, dlq, existing.key_arn), told)


def _check_timeout(
    args: ReliableQueueArgs, queue: pulumi.Output[Seen], component: pulumi.Resource
) -> None:
    if args.consumer is None:
        return
    window = args.consumer.batching_window_seconds

    def told(known: list[Any]) -> None:
        seen, seconds = known[0], limits.function_timeout(known[1])
        visibility = seen.visibility_timeout_seconds
        limits.check_existing_visibility(seen.name, visibility, seconds, window)
        advice = limits.existing_visibility_advice(seen.name, visibility, seconds, window)
        if advice:
            pulumi.log.warn(advice, resource=component)

    # Apart for the same reason as the key.
    when_known(pulumi.Output.all(queue, args.consumer.function.timeout_seconds), told)
