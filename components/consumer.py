"""The function that a queue feeds, ours or one that exists, and the mapping between them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

import pulumi
import pulumi_aws as aws

from . import limits, policies
from .consumer_arguments import ConsumerArgs, ExistingFunctionArgs
from .function import PythonFunction, PythonFunctionArgs
from .idempotency import Memory
from .queues import Queues
from .unknowns import checked, computed, holds_outputs, when_known


@dataclass(frozen=True, kw_only=True)
class Consumer:
    """The function that a queue feeds, ours or not."""

    function_name: pulumi.Output[str]
    function_arn: pulumi.Output[str]
    log_group_name: pulumi.Output[str]
    log_streams_arn: pulumi.Output[str]


def create_consumer(
    name: str,
    args: ConsumerArgs,
    *,
    queues: Queues,
    key: policies.EncryptionKey[pulumi.Output[str]] | None,
    memory: Memory | None,
    tags: Mapping[str, pulumi.Input[str]],
    parent: pulumi.Resource,
) -> Consumer:
    """Create the function unless it exists, let it consume the queue, and have it fed."""
    document = policies.consume(queue_arn=queues.queue.arn, key=key)
    if isinstance(args.function, ExistingFunctionArgs):
        consumer, rights = _existing(
            f"{name}-consumer", args.function, queues.queue.arn, document, parent
        )
    else:
        environment = {
            **args.function.environment,
            "QUEUE_URL": queues.queue.url,
            "MAX_RECEIVE_COUNT": computed(str, queues.terms.max_receive_count),
            **(memory.environment if memory else {}),
        }
        own = replace(args.function, environment=environment, tags={**tags, **args.function.tags})
        consumer, rights = _created(f"{name}-consumer", own, document, memory, parent)
    aws.lambda_.EventSourceMapping(
        f"{name}-mapping",
        event_source_arn=queues.queue.arn,
        function_name=consumer.function_arn,
        enabled=args.is_enabled,
        batch_size=args.batch_size,
        maximum_batching_window_in_seconds=args.batching_window_seconds,
        function_response_types=["ReportBatchItemFailures"],
        filter_criteria=_filter_criteria(args),
        scaling_config=_scaling(args),
        provisioned_poller_config=_pollers(args),
        tags=tags or None,
        # Lambda tests the role when the mapping is created, and no message may be tried before the
        # queue knows where its dead letters go, or before the function may remember it. A queue
        # and a function can have one mapping only, so another can't come before the old one is
        # gone.
        opts=pulumi.ResourceOptions(
            parent=parent, depends_on=[*rights, *queues.redrive], delete_before_replace=True
        ),
    )
    return consumer


def _created(
    name: str,
    args: PythonFunctionArgs,
    document: policies.PolicyDocument[pulumi.Output[str]],
    memory: Memory | None,
    parent: pulumi.Resource,
) -> tuple[Consumer, list[aws.iam.RolePolicy]]:
    function = PythonFunction(name, args, opts=pulumi.ResourceOptions(parent=parent))
    consumer = Consumer(
        function_name=function.function_name,
        function_arn=function.function_arn,
        log_group_name=function.log_group_name,
        log_streams_arn=function.log_streams_arn,
    )
    rights = [function.allow("consume", document)]
    if memory is not None:
        rights.append(function.allow("remember", policies.remember(table_arn=memory.table_arn)))
    return consumer, rights


def _existing(
    name: str,
    args: ExistingFunctionArgs,
    queue_arn: pulumi.Output[str],
    document: policies.PolicyDocument[pulumi.Output[str]],
    parent: pulumi.Resource,
) -> tuple[Consumer, list[aws.iam.RolePolicy]]:
    may_consume = aws.iam.RolePolicy(
        f"{name}-may-consume",
        role=checked("role_name", args.role_name, limits.check_role_name),
        policy=pulumi.Output.json_dumps(document),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    arn = _whole_arn(args.function_arn, queue_arn)
    name_in_arn = arn.apply(function_name)
    log_group = (
        pulumi.Output.concat("/aws/lambda/", name_in_arn)
        if args.log_group_name is None
        else checked("log_group_name", args.log_group_name, limits.check_log_group)
    )
    consumer = Consumer(
        function_name=name_in_arn,
        function_arn=arn,
        log_group_name=log_group,
        log_streams_arn=pulumi.Output.all(arn, log_group).apply(lambda two: log_streams_arn(*two)),
    )
    return consumer, [may_consume]


def _whole_arn(given: pulumi.Input[str], queue_arn: pulumi.Output[str]) -> pulumi.Output[str]:
    """The ARN of a function; one that is named shorter is where its queue is."""

    def told(known: str) -> pulumi.Input[str]:
        limits.check_function("function_arn", known)
        if known.startswith("arn:"):
            return known
        return queue_arn.apply(lambda arn: limits.whole_function_arn(known, arn))

    # An output within an output becomes one.
    return cast("pulumi.Output[str]", when_known(given, told))


def function_name(function_arn: str) -> str:
    """The name in a function's ARN, which may have a version or an alias behind it."""
    return function_arn.split(":")[6]


def unqualified(function_arn: str) -> str:
    """The ARN of a function without the version or alias behind it."""
    return ":".join(function_arn.split(":")[:7])


def log_streams_arn(function_arn: str, log_group_name: str) -> str:
    """The ARN of the streams of a log group that is where a function is."""
    _, partition, _, region, account_id = function_arn.split(":")[:5]
    return f"arn:{partition}:logs:{region}:{account_id}:log-group:{log_group_name}:*"


def _scaling(args: ConsumerArgs) -> aws.lambda_.EventSourceMappingScalingConfigArgsDict | None:
    if args.pollers is not None:
        return None
    reserved = args.function.reserved_concurrency
    return {"maximum_concurrency": limits.maximum_concurrency(args.maximum_concurrency, reserved)}


def _pollers(
    args: ConsumerArgs,
) -> aws.lambda_.EventSourceMappingProvisionedPollerConfigArgsDict | None:
    if args.pollers is None:
        return None
    return {"minimum_pollers": args.pollers.minimum, "maximum_pollers": args.pollers.maximum}


def _filter_criteria(
    args: ConsumerArgs,
) -> aws.lambda_.EventSourceMappingFilterCriteriaArgsDict | None:
    if not args.filters:
        return None
    patterns = [_pattern(f"filters[{n}]", pattern) for n, pattern in enumerate(args.filters)]
    return {"filters": [{"pattern": pattern} for pattern in patterns]}


def _pattern(argument: str, pattern: pulumi.Input[Mapping[str, object]]) -> pulumi.Input[str]:
    if not holds_outputs(pattern):
        return limits.filter_text(pattern)

    def told(known: object) -> str:
        limits.check_filter(argument, known)
        return limits.filter_text(known)

    return when_known(pattern, told)
