"""The queue, its dead-letter queue, the consumer between them and the alarm behind them."""

from dataclasses import dataclass, replace

import pulumi
import pulumi_aws as aws

from components import limits, monitoring, policies
from components.function import PythonFunction, PythonFunctionArgs

# The suffix of the child with the least room for its name, the consumer's function.
_LONGEST_SUFFIX = "-consumer-function"


@dataclass(frozen=True, kw_only=True)
class ConsumerArgs:
    """How messages are handed to a function, and which one.

    function: its code, time and memory. The queue's URL reaches it as `QUEUE_URL`, the number of
        receives before a message is dead-lettered as `MAX_RECEIVE_COUNT`.
    batch_size: messages in one invocation at most, 1 to 10, or to 10,000 with a window.
    batching_window_seconds: how long to gather a batch, 0 to 300.
    maximum_concurrency: batches processed at once, 2 to 1,000; by default what the function has
        reserved, else 10.

    A batch always answers which of its messages failed: one bad message doesn't fail the others.
    Raises `LimitError` that names the argument, its value and what is allowed.
    """

    function: PythonFunctionArgs
    batch_size: int = 10
    batching_window_seconds: int = 0
    maximum_concurrency: int | None = None

    def __post_init__(self) -> None:
        limits.check_batch(self.batch_size, self.batching_window_seconds)
        limits.maximum_concurrency(self.maximum_concurrency, self.function.reserved_concurrency)


@dataclass(frozen=True, kw_only=True)
class ReliableQueueArgs:
    """How long messages are kept, how often they are tried, and who processes them.

    consumer: the function that the queue feeds.
    max_receive_count: receives before a message is dead-lettered, 1 to 1,000.
    retention_seconds: how long the queue keeps a message, 60 to 1,209,600; 4 days, as SQS does.
    dlq_retention_seconds: the same of the dead-letter queue; 14 days, and above the queue's.
    visibility_timeout_seconds: how long a received message stays hidden, up to 43,200 and not
        below the function's timeout; by default 6 x that timeout + the batching window.

    Raises `LimitError` that names the argument, its value and what is allowed.
    """

    consumer: ConsumerArgs
    max_receive_count: int = 2
    retention_seconds: int = 345_600
    dlq_retention_seconds: int = 1_209_600
    visibility_timeout_seconds: int | None = None

    def __post_init__(self) -> None:
        limits.MAX_RECEIVE_COUNT.check("max_receive_count", self.max_receive_count)
        limits.check_retention(self.retention_seconds, self.dlq_retention_seconds)
        if self.visibility_timeout_seconds is not None:
            limits.check_visibility_timeout(
                self.visibility_timeout_seconds, self.consumer.function.timeout_seconds
            )


class ReliableQueue(pulumi.ComponentResource):
    """A queue that loses nothing: what can't be processed is kept in a dead-letter queue.

    Whatever arrives there raises an alarm.
    """

    queue_url: pulumi.Output[str]
    queue_arn: pulumi.Output[str]
    queue_name: pulumi.Output[str]
    dlq_url: pulumi.Output[str]
    dlq_arn: pulumi.Output[str]
    dlq_name: pulumi.Output[str]
    consumer_function_name: pulumi.Output[str]
    consumer_function_arn: pulumi.Output[str]
    consumer_log_group_name: pulumi.Output[str]
    alarm_names: pulumi.Output[list[str]]
    alarm_topic_arn: pulumi.Output[str]
    region: pulumi.Output[str]
    send_policy_arn: pulumi.Output[str]
    operator_policy_arn: pulumi.Output[str]
    dashboard_name: pulumi.Output[str]

    def __init__(
        self, name: str, args: ReliableQueueArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        limits.check_name(name, _LONGEST_SUFFIX)
        super().__init__("reliable-queue:index:ReliableQueue", name, {}, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        queue, dlq, redrive = self._create_queues()
        consumer, mapping = self._create_consumer(queue, redrive)
        topic, alarm = self._create_alarm(dlq)
        dashboard = monitoring.dashboard(
            f"{name}-dashboard",
            queue=queue,
            dlq=dlq,
            consumer_name=consumer.function_name,
            opts=self._child,
        )
        self.queue_url, self.queue_arn, self.queue_name = queue.url, queue.arn, queue.name
        self.dlq_url, self.dlq_arn, self.dlq_name = dlq.url, dlq.arn, dlq.name
        self.consumer_function_name = consumer.function_name
        self.consumer_function_arn = consumer.function_arn
        self.consumer_log_group_name = consumer.log_group_name
        self.alarm_names = pulumi.Output.all(alarm.name).apply(list)
        self.alarm_topic_arn, self.region = topic.arn, queue.region
        self.send_policy_arn = self._create_policy("send", policies.send(queue_arn=queue.arn))
        self.operator_policy_arn = self._create_policy(
            "operate",
            policies.operate(
                queue_arn=queue.arn,
                dlq_arn=dlq.arn,
                log_streams_arn=consumer.log_streams_arn,
                alarms_arn=alarm.arn.apply(policies.all_alarms_arn),
                mapping_arn=mapping.arn,
            ),
        )
        self.dashboard_name = dashboard.dashboard_name
        self.register_outputs({name: getattr(self, name) for name in ReliableQueue.__annotations__})

    def _create_queues(self) -> tuple[aws.sqs.Queue, aws.sqs.Queue, aws.sqs.RedrivePolicy]:
        name, args, child = self._name, self._args, self._child
        queue = aws.sqs.Queue(
            f"{name}-queue",
            message_retention_seconds=args.retention_seconds,
            visibility_timeout_seconds=self._visibility_timeout_seconds(),
            sqs_managed_sse_enabled=True,
            opts=child,
        )
        dlq = aws.sqs.Queue(
            f"{name}-dlq",
            message_retention_seconds=args.dlq_retention_seconds,
            sqs_managed_sse_enabled=True,
            opts=child,
        )
        # Resources of their own: inline, the two queues would name each other.
        aws.sqs.RedriveAllowPolicy(
            f"{name}-redrive-allow",
            queue_url=dlq.url,
            redrive_allow_policy=pulumi.Output.json_dumps(
                {"redrivePermission": "byQueue", "sourceQueueArns": [queue.arn]}
            ),
            opts=child,
        )
        redrive = aws.sqs.RedrivePolicy(
            f"{name}-redrive",
            queue_url=queue.url,
            redrive_policy=pulumi.Output.json_dumps(
                {"deadLetterTargetArn": dlq.arn, "maxReceiveCount": args.max_receive_count}
            ),
            opts=child,
        )
        return queue, dlq, redrive

    def _visibility_timeout_seconds(self) -> int:
        consumer, chosen = self._args.consumer, self._args.visibility_timeout_seconds
        timeout, window = consumer.function.timeout_seconds, consumer.batching_window_seconds
        if chosen is None:
            return limits.derived_visibility_timeout_seconds(timeout, window)
        advice = limits.visibility_timeout_advice(chosen, timeout, window)
        if advice:
            pulumi.log.warn(advice, resource=self)
        return chosen

    def _create_consumer(
        self, queue: aws.sqs.Queue, redrive: aws.sqs.RedrivePolicy
    ) -> tuple[PythonFunction, aws.lambda_.EventSourceMapping]:
        name, args = self._name, self._args.consumer
        environment = {
            **args.function.environment,
            "QUEUE_URL": queue.url,
            "MAX_RECEIVE_COUNT": str(self._args.max_receive_count),
        }
        function = replace(args.function, environment=environment)
        consumer = PythonFunction(f"{name}-consumer", function, opts=self._child)
        may_consume = consumer.allow("consume", policies.consume(queue_arn=queue.arn))
        concurrency = limits.maximum_concurrency(
            args.maximum_concurrency, args.function.reserved_concurrency
        )
        mapping = aws.lambda_.EventSourceMapping(
            f"{name}-mapping",
            event_source_arn=queue.arn,
            function_name=consumer.function_arn,
            batch_size=args.batch_size,
            maximum_batching_window_in_seconds=args.batching_window_seconds,
            function_response_types=["ReportBatchItemFailures"],
            scaling_config={"maximum_concurrency": concurrency},
            # Lambda tests the role when the mapping is created, and no message may be tried
            # before the queue knows where its dead letters go.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[may_consume, redrive]),
        )
        return consumer, mapping

    def _create_alarm(self, dlq: aws.sqs.Queue) -> tuple[aws.sns.Topic, aws.cloudwatch.MetricAlarm]:
        name = self._name
        # The topic's default policy lets CloudWatch publish for alarms of the same account (Amazon
        # SNS Developer Guide, AWS:SourceOwner). Not encrypted: with the AWS managed key CloudWatch
        # can't publish (Amazon SNS Developer Guide, Key management), and nothing secret passes.
        topic = aws.sns.Topic(f"{name}-alarms", opts=self._child)
        alarm = monitoring.dead_letter_alarm(
            f"{name}-dead-letters",
            dlq_name=dlq.name,
            dlq_retention_seconds=self._args.dlq_retention_seconds,
            topic_arn=topic.arn,
            opts=self._child,
        )
        return topic, alarm

    def _create_policy(
        self, purpose: str, document: policies.PolicyDocument[pulumi.Output[str]]
    ) -> pulumi.Output[str]:
        policy = aws.iam.Policy(
            f"{self._name}-may-{purpose}",
            policy=pulumi.Output.json_dumps(document),
            opts=self._child,
        )
        return policy.arn
