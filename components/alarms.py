"""The alarms that watch a queue, its dead letters and its consumer, and the topic they tell."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from . import limits
from .alarm_arguments import AlarmArgs, SubscriptionArgs
from .encryption import Encryption
from .terms import Terms
from .unknowns import checked, computed

# How often SQS and Lambda publish: Amazon SQS Developer Guide, Available CloudWatch metrics.
PERIOD_SECONDS = 60
_SECONDS_PER_DAY = 86_400


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What alarms are about."""

    queue_name: pulumi.Output[str]
    dlq_name: pulumi.Output[str]
    consumer_name: pulumi.Output[str] | None
    terms: Terms


@dataclass(frozen=True, kw_only=True)
class AlarmRule:
    """One alarm: it rings when a minute's value of a metric is above the threshold.

    role: the end of its name.
    metric, dimension, of: which metric, of what.
    description: what whoever is woken by it reads.
    """

    role: str
    namespace: Literal["AWS/SQS", "AWS/Lambda"]
    metric: str
    statistic: Literal["Maximum", "Sum"]
    dimension: Literal["QueueName", "FunctionName"]
    of: pulumi.Output[str]
    threshold: pulumi.Input[int]
    description: pulumi.Output[str]


@dataclass(frozen=True, kw_only=True)
class Alarms:
    """The alarms of a queue by the end of their names, and the topic that hears of them."""

    topic_arn: pulumi.Output[str]
    alarms: Mapping[str, aws.cloudwatch.MetricAlarm]


def create_alarms(
    name: str,
    args: AlarmArgs,
    rules: list[AlarmRule],
    *,
    encryption: Encryption,
    tags: Mapping[str, pulumi.Input[str]],
    parent: pulumi.Resource,
) -> Alarms:
    """Create the topic unless it exists, who is subscribed to it, and the alarms that tell it."""
    child = pulumi.ResourceOptions(parent=parent)
    if args.topic_arn is not None:
        topic_arn = checked("alarms.topic_arn", args.topic_arn, limits.check_topic_arn)
    else:
        # The topic's default policy lets CloudWatch publish for alarms of the same account (Amazon
        # SNS Developer Guide, AWS:SourceOwner). Without a customer key it is not encrypted: with
        # SNS's own key CloudWatch can't publish (Amazon SNS Developer Guide, Key management), and
        # nothing secret passes.
        topic_arn = aws.sns.Topic(
            f"{name}-alarms",
            kms_master_key_id=encryption.key_arn if args.is_topic_encrypted else None,
            tags=tags or None,
            opts=child,
        ).arn
    for who, subscription in args.subscriptions.items():
        aws.sns.TopicSubscription(
            f"{name}-tells-{who}",
            topic=topic_arn,
            protocol=subscription.protocol,
            endpoint=_endpoint(who, subscription),
            opts=child,
        )
    alarms = {rule.role: _create_alarm(name, rule, topic_arn, tags, child) for rule in rules}
    return Alarms(topic_arn=topic_arn, alarms=alarms)


def _endpoint(who: str, subscription: SubscriptionArgs) -> pulumi.Output[str]:
    def check(argument: str, value: str) -> None:
        limits.check_endpoint(argument, subscription.protocol, value)

    return checked(f"alarms.subscriptions[{who!r}].endpoint", subscription.endpoint, check)


def _create_alarm(
    name: str,
    rule: AlarmRule,
    topic_arn: pulumi.Input[str],
    tags: Mapping[str, pulumi.Input[str]],
    opts: pulumi.ResourceOptions,
) -> aws.cloudwatch.MetricAlarm:
    return aws.cloudwatch.MetricAlarm(
        f"{name}-{rule.role}",
        alarm_description=rule.description,
        namespace=rule.namespace,
        metric_name=rule.metric,
        dimensions={rule.dimension: rule.of},
        statistic=rule.statistic,
        comparison_operator="GreaterThanThreshold",
        threshold=rule.threshold,
        period=PERIOD_SECONDS,
        evaluation_periods=1,
        # An idle queue or function stops sending data after a while, which is no alarm.
        treat_missing_data="notBreaching",
        alarm_actions=[topic_arn],
        ok_actions=[topic_arn],
        tags=tags or None,
        opts=opts,
    )


def alarm_rules(args: AlarmArgs, watched: Watched, stack: str) -> list[AlarmRule]:
    """The alarms that are switched on; those of a consumer only with one of the queue's own."""
    return [
        *_dead_letter_rules(args, watched.terms, watched.dlq_name, stack),
        *_queue_rules(args, watched.queue_name, stack),
        *_consumer_rules(args, watched.consumer_name, stack),
    ]


def _dead_letter_rules(
    alarms: AlarmArgs, terms: Terms, dlq_name: pulumi.Output[str], stack: str
) -> Iterator[AlarmRule]:
    if alarms.dead_letters_above is not None:
        # What is visible: SQS's own moves to a dead-letter queue are not in `NumberOfMessagesSent`
        # (Amazon SQS Developer Guide, Creating alarms for dead-letter queues).
        yield _queue_rule(
            "dead-letters",
            "ApproximateNumberOfMessagesVisible",
            dlq_name,
            alarms.dead_letters_above,
            dead_letter_description(dlq_name, terms, stack),
        )
    percent = alarms.dead_letter_age_percent
    if percent is not None:
        # The metric counts from the move, not from the sending (Amazon SQS Developer Guide, Setting
        # up dead-letter queue retention), hence of the life that is left then.
        life = terms.dead_letter_life_seconds

        def part(seconds: int) -> int:
            return max(1, seconds * percent // 100)

        threshold = computed(part, life)
        yield _queue_rule(
            "dead-letter-age",
            "ApproximateAgeOfOldestMessage",
            dlq_name,
            threshold,
            pulumi.Output.concat(
                "The oldest message has been in the dead-letter queue ",
                dlq_name,
                " for ",
                computed(_time, threshold),
                "; it expires, and is lost, as early as ",
                computed(_time, life),
                " after it came there. What to do: python -m automation dlq list "
                f"--stack {stack}, then redrive or save what is to be kept.",
            ),
        )


def _queue_rules(
    alarms: AlarmArgs, queue_name: pulumi.Output[str], stack: str
) -> Iterator[AlarmRule]:
    if alarms.message_age_seconds is not None:
        yield _queue_rule(
            "message-age",
            "ApproximateAgeOfOldestMessage",
            queue_name,
            alarms.message_age_seconds,
            pulumi.Output.concat(
                f"A message has waited for {_time(alarms.message_age_seconds)} in the queue ",
                queue_name,
                ": the consumer does not keep up, or does not run. What to do: python -m automation"
                f" status --stack {stack} shows the queue and the mapping.",
            ),
        )


def _queue_rule(
    role: str,
    metric: str,
    queue_name: pulumi.Output[str],
    threshold: pulumi.Input[int],
    description: pulumi.Output[str],
) -> AlarmRule:
    return AlarmRule(
        role=role,
        namespace="AWS/SQS",
        metric=metric,
        statistic="Maximum",
        dimension="QueueName",
        of=queue_name,
        threshold=threshold,
        description=description,
    )


def _consumer_rules(
    alarms: AlarmArgs, consumer_name: pulumi.Output[str] | None, stack: str
) -> Iterator[AlarmRule]:
    if consumer_name is None:
        return
    if alarms.consumer_errors_above is not None:
        yield _invocations_rule(
            "consumer-errors",
            "Errors",
            consumer_name,
            alarms.consumer_errors_above,
            " fails or times out as a whole, so that good messages use up their receives too. What "
            f"to do: python -m automation logs --failures --stack {stack} shows why.",
        )
    if alarms.consumer_throttles_above is not None:
        yield _invocations_rule(
            "consumer-throttles",
            "Throttles",
            consumer_name,
            alarms.consumer_throttles_above,
            " is refused invocations: the account or the function has no concurrency left. What to "
            "do: reserve concurrency for it, or lower maximum_concurrency.",
        )


def _invocations_rule(
    role: str, metric: str, consumer_name: pulumi.Output[str], threshold: int, says: str
) -> AlarmRule:
    return AlarmRule(
        role=role,
        namespace="AWS/Lambda",
        metric=metric,
        statistic="Sum",
        dimension="FunctionName",
        of=consumer_name,
        threshold=threshold,
        description=pulumi.Output.concat("The consumer ", consumer_name, says),
    )


def dead_letter_description(
    dlq_name: pulumi.Input[str], terms: Terms, stack: str
) -> pulumi.Output[str]:
    """What whoever is woken by dead letters reads: what happened, and what to do."""

    def since(is_fifo: bool) -> str:
        return "they came there" if is_fifo else "they were first sent"

    return pulumi.Output.concat(
        "Messages could not be processed and are kept in the dead-letter queue ",
        dlq_name,
        ". They expire ",
        computed(_time, terms.dlq_retention_seconds),
        " after ",
        computed(since, terms.is_fifo),
        ". What to do: "
        f"1. python -m automation dlq list --stack {stack} shows them and why they failed. "
        f"2. python -m automation logs --failures --stack {stack} shows the consumer's errors. "
        "3. Mend the cause: the consumer, or what sends the messages. "
        f"4. python -m automation dlq redrive --stack {stack} sends them through again. "
        "The alarm returns to OK when the queue is empty.",
    )


def _time(seconds: int) -> str:
    for unit, length in (("days", _SECONDS_PER_DAY), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds} seconds"
