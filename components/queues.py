"""The queue, its dead-letter queue, and the policies that bind them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

import pulumi
import pulumi_aws as aws

from . import limits, policies
from .arguments import FifoArgs, ReliableQueueArgs
from .encryption import Encryption
from .statements import QueueStatement, check_statements, hold_outputs
from .terms import Terms
from .unknowns import computed, when_known

Given = TypeVar("Given")

# Of deduplication and of the limits, by whether a FIFO queue has high throughput.
_SCOPES = {True: ("messageGroup", "perMessageGroupId"), False: ("queue", "perQueue")}


@dataclass(frozen=True, kw_only=True)
class QueueOutputs:
    """What tells the rest of the component which queue it is about."""

    arn: pulumi.Output[str]
    url: pulumi.Output[str]
    name: pulumi.Output[str]
    region: pulumi.Output[str]


@dataclass(frozen=True, kw_only=True)
class Queues:
    """A queue and its dead-letter queue; `redrive` leads from the first to the second.

    Where the queue exists and leads there already, `redrive` is empty.
    """

    queue: QueueOutputs
    dlq: QueueOutputs
    redrive: Sequence[pulumi.Resource]
    terms: Terms


def create_queues(
    name: str,
    args: ReliableQueueArgs,
    *,
    visibility_timeout_seconds: pulumi.Input[int],
    encryption: Encryption,
    hooks: pulumi.ResourceHookBinding,
    parent: pulumi.Resource,
) -> Queues:
    """Create both queues, alike but for how long they keep messages, and what leads from one on."""
    terms = Terms(
        is_fifo=args.is_fifo,
        retention_seconds=args.retention_seconds,
        dlq_retention_seconds=args.dlq_retention_seconds,
        max_receive_count=args.max_receive_count,
    )
    queue = _create_queue(
        f"{name}-queue",
        args,
        aws.sqs.QueueArgs(
            name=_fixed_name(args, ""),
            name_prefix=args.queue_name_prefix,
            message_retention_seconds=args.retention_seconds,
            visibility_timeout_seconds=visibility_timeout_seconds,
            delay_seconds=args.delay_seconds,
            receive_wait_time_seconds=args.receive_wait_seconds,
        ),
        terms.is_fifo,
        encryption,
        pulumi.ResourceOptions(parent=parent, hooks=hooks),
    )
    _create_policy(f"{name}-queue-policy", queue, args, args.statements, parent)
    dlq = create_dlq(
        name, args, is_fifo=terms.is_fifo, encryption=encryption, hooks=hooks, parent=parent
    )
    # Resources of their own: inline, the two queues would name each other.
    let_in(name, queue, dlq, parent=parent)
    redrive = attach(name, queue, dlq, terms, parent=parent)
    return Queues(queue=queue, dlq=dlq, redrive=[redrive], terms=terms)


def create_dlq(
    name: str,
    args: ReliableQueueArgs,
    *,
    is_fifo: pulumi.Input[bool],
    encryption: Encryption,
    hooks: pulumi.ResourceHookBinding,
    parent: pulumi.Resource,
) -> QueueOutputs:
    """Create the dead-letter queue, and its policy."""
    dlq = _create_queue(
        f"{name}-dlq",
        args,
        aws.sqs.QueueArgs(
            name=_fixed_name(args, limits.DLQ_SUFFIX),
            name_prefix=args.queue_name_prefix and f"{args.queue_name_prefix}dlq-",
            message_retention_seconds=args.dlq_retention_seconds,
        ),
        is_fifo,
        encryption,
        pulumi.ResourceOptions(parent=parent, hooks=hooks),
    )
    _create_policy(f"{name}-dlq-policy", dlq, args, (), parent)
    return dlq


def outputs_of(queue: aws.sqs.Queue) -> QueueOutputs:
    """What a resource tells of its queue."""
    return QueueOutputs(arn=queue.arn, url=queue.url, name=queue.name, region=queue.region)


def _create_queue(
    name: str,
    args: ReliableQueueArgs,
    queue: aws.sqs.QueueArgs,
    is_fifo: pulumi.Input[bool],
    encryption: Encryption,
    opts: pulumi.ResourceOptions,
) -> QueueOutputs:
    queue.max_message_size = args.max_message_bytes
    queue.tags = args.tags or None
    if encryption.key_arn is None:
        queue.sqs_managed_sse_enabled = True
    else:
        queue.kms_master_key_id = encryption.key_arn
        queue.kms_data_key_reuse_period_seconds = encryption.data_key_reuse_seconds
    fifo = args.fifo or FifoArgs()
    # The two go together: Amazon SQS Developer Guide, High throughput for FIFO queues.
    scope, limit = _SCOPES[fifo.high_throughput]
    queue.fifo_queue = _if_fifo(is_fifo, True)
    queue.content_based_deduplication = _if_fifo(is_fifo, fifo.content_based_deduplication)
    queue.deduplication_scope = _if_fifo(is_fifo, scope)
    queue.fifo_throughput_limit = _if_fifo(is_fifo, limit)
    return outputs_of(aws.sqs.Queue(name, queue, opts))


def _if_fifo(is_fifo: pulumi.Input[bool], value: Given) -> pulumi.Input[Given] | None:
    """A property that a FIFO queue alone has."""

    def told(is_fifo: bool) -> Given | None:
        return value if is_fifo else None

    # An output of None is no property either.
    return cast("pulumi.Input[Given] | None", computed(told, is_fifo))


def _fixed_name(args: ReliableQueueArgs, ending: str) -> str | None:
    if args.queue_name is None:
        return None
    # A made-up name gets its `.fifo` from the provider, a fixed one has to bring it.
    return f"{args.queue_name}{ending}{limits.FIFO_SUFFIX if args.is_fifo else ''}"


def _create_policy(
    name: str,
    queue: QueueOutputs,
    args: ReliableQueueArgs,
    statements: Sequence[QueueStatement],
    parent: pulumi.Resource,
) -> None:
    document = policies.queue_policy(
        queue_arn=queue.arn, requires_tls=args.requires_tls, statements=statements
    )
    if document is not None:
        aws.sqs.QueuePolicy(
            name,
            queue_url=queue.url,
            policy=_checked_text(document, statements),
            opts=pulumi.ResourceOptions(parent=parent),
        )


def _checked_text(
    document: dict[str, object], statements: Sequence[QueueStatement]
) -> pulumi.Output[str]:
    text = pulumi.Output.json_dumps(document)
    if not hold_outputs(statements):
        return text

    def told(known: Sequence[QueueStatement]) -> pulumi.Output[str]:
        check_statements(known)
        return text

    # An output within an output becomes one.
    return cast("pulumi.Output[str]", when_known([*statements], told))


def let_in(name: str, queue: QueueOutputs, dlq: QueueOutputs, *, parent: pulumi.Resource) -> None:
    """Have a dead-letter queue of ours take the dead letters of a queue, and no other's."""
    aws.sqs.RedriveAllowPolicy(
        f"{name}-redrive-allow",
        queue_url=dlq.url,
        redrive_allow_policy=pulumi.Output.json_dumps(
            {"redrivePermission": "byQueue", "sourceQueueArns": [queue.arn]}
        ),
        opts=pulumi.ResourceOptions(parent=parent),
    )


def attach(
    name: str,
    queue: QueueOutputs,
    dlq: QueueOutputs,
    terms: Terms,
    *,
    hooks: pulumi.ResourceHookBinding | None = None,
    parent: pulumi.Resource,
) -> aws.sqs.RedrivePolicy:
    """Lead from a queue to a dead-letter queue."""
    return aws.sqs.RedrivePolicy(
        f"{name}-redrive",
        queue_url=queue.url,
        redrive_policy=pulumi.Output.json_dumps(
            {"deadLetterTargetArn": dlq.arn, "maxReceiveCount": terms.max_receive_count}
        ),
        opts=pulumi.ResourceOptions(parent=parent, hooks=hooks),
    )
