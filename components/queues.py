"""The queue, its dead-letter queue, and the policies that bind them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import pulumi
import pulumi_aws as aws

from . import limits, policies
from .arguments import ReliableQueueArgs
from .encryption import Encryption
from .statements import QueueStatement, check_statements, hold_outputs
from .unknowns import when_known


@dataclass(frozen=True, kw_only=True)
class Queues:
    """A queue and its dead-letter queue; `redrive` leads from the first to the second."""

    queue: aws.sqs.Queue
    dlq: aws.sqs.Queue
    redrive: aws.sqs.RedrivePolicy


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
        encryption,
        pulumi.ResourceOptions(parent=parent, hooks=hooks),
    )
    dlq = _create_queue(
        f"{name}-dlq",
        args,
        aws.sqs.QueueArgs(
            name=_fixed_name(args, limits.DLQ_SUFFIX),
            name_prefix=args.queue_name_prefix and f"{args.queue_name_prefix}dlq-",
            message_retention_seconds=args.dlq_retention_seconds,
        ),
        encryption,
        pulumi.ResourceOptions(parent=parent, hooks=hooks),
    )
    _create_policy(f"{name}-queue-policy", queue, args, args.statements, parent)
    _create_policy(f"{name}-dlq-policy", dlq, args, (), parent)
    return Queues(queue=queue, dlq=dlq, redrive=_bind(name, queue, dlq, args, parent))


def _create_queue(
    name: str,
    args: ReliableQueueArgs,
    queue: aws.sqs.QueueArgs,
    encryption: Encryption,
    opts: pulumi.ResourceOptions,
) -> aws.sqs.Queue:
    queue.max_message_size = args.max_message_bytes
    queue.tags = args.tags or None
    if encryption.key_arn is None:
        queue.sqs_managed_sse_enabled = True
    else:
        queue.kms_master_key_id = encryption.key_arn
        queue.kms_data_key_reuse_period_seconds = encryption.data_key_reuse_seconds
    if args.fifo:
        queue.fifo_queue = True
        queue.content_based_deduplication = args.fifo.content_based_deduplication
        # The two go together: Amazon SQS Developer Guide, High throughput for FIFO queues.
        is_wide = args.fifo.high_throughput
        queue.deduplication_scope = "messageGroup" if is_wide else "queue"
        queue.fifo_throughput_limit = "perMessageGroupId" if is_wide else "perQueue"
    return aws.sqs.Queue(name, queue, opts)


def _fixed_name(args: ReliableQueueArgs, ending: str) -> str | None:
    if args.queue_name is None:
        return None
    # A made-up name gets its `.fifo` from the provider, a fixed one has to bring it.
    return f"{args.queue_name}{ending}{limits.FIFO_SUFFIX if args.is_fifo else ''}"


def _create_policy(
    name: str,
    queue: aws.sqs.Queue,
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


def _bind(
    name: str,
    queue: aws.sqs.Queue,
    dlq: aws.sqs.Queue,
    args: ReliableQueueArgs,
    parent: pulumi.Resource,
) -> aws.sqs.RedrivePolicy:
    child = pulumi.ResourceOptions(parent=parent)
    # Resources of their own: inline, the two queues would name each other.
    aws.sqs.RedriveAllowPolicy(
        f"{name}-redrive-allow",
        queue_url=dlq.url,
        redrive_allow_policy=pulumi.Output.json_dumps(
            {"redrivePermission": "byQueue", "sourceQueueArns": [queue.arn]}
        ),
        opts=child,
    )
    return aws.sqs.RedrivePolicy(
        f"{name}-redrive",
        queue_url=queue.url,
        redrive_policy=pulumi.Output.json_dumps(
            {"deadLetterTargetArn": dlq.arn, "maxReceiveCount": args.max_receive_count}
        ),
        opts=child,
    )
