"""What a reliable queue may be asked for: every argument, its range, and what goes together.

Wrong arguments raise `LimitError` when they are made, before anything is created; it names the
argument, its value and what is allowed. The rules and their sources are in `limits`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import pulumi

from . import limits, policies
from .function import PythonFunctionArgs

# Amazon SQS API Reference, SetQueueAttributes, VisibilityTimeout: SQS's own default.
_VISIBILITY_WITHOUT_CONSUMER_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class ExistingFunctionArgs:
    """A function that is there already, or is created elsewhere in the program.

    function_arn: which one. It should answer which messages of a batch failed.
    role_name: its role, which gets what it needs of the queue.
    timeout_seconds: its timeout, from which the visibility timeout is derived; when it isn't known
        at preview, it is checked at deployment.
    reserved_concurrency: what it has reserved, if it has.
    log_group_name: where it logs; by default `/aws/lambda/` and its name.
    """

    function_arn: pulumi.Input[str]
    role_name: pulumi.Input[str]
    timeout_seconds: pulumi.Input[int]
    reserved_concurrency: int | None = None
    log_group_name: pulumi.Input[str] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.timeout_seconds, int):
            limits.FUNCTION_TIMEOUT.check("timeout_seconds", self.timeout_seconds)


@dataclass(frozen=True, kw_only=True)
class PollersArgs:
    """Pollers that Lambda keeps ready for the queue, for spikes; each costs by the hour.

    minimum: kept always, 2 to 200.
    maximum: scaled up to, 2 to 2,000; each can invoke the function 10 times at once.
    """

    minimum: int = 2
    maximum: int = 200


@dataclass(frozen=True, kw_only=True)
class ConsumerArgs:
    """How messages are handed to a function, and which one.

    function: its code, time and memory, or one that exists. The queue's URL reaches a function of
        ours as `QUEUE_URL`, the number of receives before a message is dead-lettered as
        `MAX_RECEIVE_COUNT`.
    batch_size: messages in one invocation at most, 1 to 10, or to 10,000 with a window.
    batching_window_seconds: how long to gather a batch, 0 to 300; a FIFO queue has none.
    maximum_concurrency: batches processed at once, 2 to 1,000; by default what the function has
        reserved, else 10. Not with `pollers`.
    pollers: provisioned pollers; by default Lambda scales its own.
    filters: patterns of which a message's body must match one, up to 10. Lambda deletes what
        matches none: such messages are neither processed nor dead-lettered.
    is_enabled: False pauses the consumer: messages wait in the queue, within its retention.

    A batch always answers which of its messages failed: one bad message doesn't fail the others.
    """

    function: PythonFunctionArgs | ExistingFunctionArgs
    batch_size: int = 10
    batching_window_seconds: int = 0
    maximum_concurrency: int | None = None
    pollers: PollersArgs | None = None
    filters: Sequence[Mapping[str, object]] = ()
    is_enabled: bool = True

    def __post_init__(self) -> None:
        reserved = self.function.reserved_concurrency
        limits.check_batch(self.batch_size, self.batching_window_seconds)
        limits.maximum_concurrency(self.maximum_concurrency, reserved)
        limits.check_filters(self.filters)
        if self.pollers is not None:
            limits.check_pollers(
                self.pollers.minimum,
                self.pollers.maximum,
                maximum_concurrency=self.maximum_concurrency,
                reserved=reserved,
            )


@dataclass(frozen=True, kw_only=True)
class FifoArgs:
    """How a FIFO queue, and the dead-letter queue with it, tells messages apart and scales.

    content_based_deduplication: a message that is the same as one of the last five minutes is
        taken for it, unless the sender says otherwise by a deduplication id of its own. That also
        swallows a message that is sent again on purpose.
    high_throughput: limits and deduplication hold for each message group alone, not for the whole
        queue.
    """

    content_based_deduplication: bool = True
    high_throughput: bool = True


@dataclass(frozen=True, kw_only=True)
class CustomerKeyArgs:
    """A KMS key of your own in place of SQS's.

    key_arn: a key that exists; its key policy must let the account's IAM policies decide, and let
        CloudWatch use it when the alarm topic is encrypted. By default a key is created.
    data_key_reuse_seconds: how long SQS uses a data key before it asks KMS again, 60 to 86,400.
    deletion_window_days: how long a created key can be brought back once deleted, 7 to 30.
    """

    key_arn: pulumi.Input[str] | None = None
    data_key_reuse_seconds: int = 300
    deletion_window_days: int = 30

    def __post_init__(self) -> None:
        limits.DATA_KEY_REUSE.check("key.data_key_reuse_seconds", self.data_key_reuse_seconds)
        limits.KEY_DELETION_WINDOW.check("key.deletion_window_days", self.deletion_window_days)


Protocol = Literal["email", "email-json", "https", "lambda", "sms", "sqs"]


@dataclass(frozen=True, kw_only=True)
class SubscriptionArgs:
    """Somebody who is told when an alarm rings and when it is over.

    protocol, endpoint: an e-mail address, an HTTPS URL, or the ARN of a queue or function, which
        must let the topic in. An e-mail subscription works once its receiver has confirmed it.
    """

    protocol: Protocol
    endpoint: pulumi.Input[str]

    def __post_init__(self) -> None:
        limits.check_one_of("subscriptions, protocol", self.protocol, get_args(Protocol))


@dataclass(frozen=True, kw_only=True)
class AlarmArgs:
    """When to tell people, and whom. Each alarm is switched off by None.

    dead_letters_above: messages in the dead-letter queue; rings above that, 0 and up.
    dead_letter_age_percent: how much of the time that a dead letter may be left has passed for the
        oldest one, 1 to 99.
    message_age_seconds: age of the oldest message in the queue, below its retention.
    consumer_errors_above: failed invocations in a minute, 0 and up.
    consumer_throttles_above: throttled invocations in a minute, 0 and up.
    topic_arn: an SNS topic that exists; by default one is created.
    is_topic_encrypted: encrypt the created topic with the queue's customer key.
    subscriptions: who is told, each under a name of its own.
    """

    dead_letters_above: int | None = 0
    dead_letter_age_percent: int | None = 50
    message_age_seconds: int | None = 3_600
    consumer_errors_above: int | None = 0
    consumer_throttles_above: int | None = 0
    topic_arn: pulumi.Input[str] | None = None
    is_topic_encrypted: bool = False
    subscriptions: Mapping[str, SubscriptionArgs] = field(
        default_factory=dict[str, SubscriptionArgs]
    )

    def __post_init__(self) -> None:
        for name in ("dead_letters_above", "consumer_errors_above", "consumer_throttles_above"):
            value = getattr(self, name)
            if value is not None:
                limits.COUNT_THRESHOLD.check(f"alarms.{name}", value)
        if self.dead_letter_age_percent is not None:
            limits.AGE_PERCENT.check("alarms.dead_letter_age_percent", self.dead_letter_age_percent)
        if self.is_topic_encrypted and self.topic_arn is not None:
            raise limits.LimitError(
                "alarms.is_topic_encrypted = True is about a topic that is created, but "
                "alarms.topic_arn gives one; leave one of them out"
            )


@dataclass(frozen=True, kw_only=True)
class ReliableQueueArgs:
    """How long messages are kept, how often they are tried, who processes them, who is told.

    consumer: the function that the queue feeds; None for a queue that others read.
    fifo: makes it a FIFO queue; by default it is a standard queue.
    max_receive_count: receives before a message is dead-lettered, 1 to 1,000.
    retention_seconds: how long the queue keeps a message, 60 to 1,209,600; 4 days, as SQS does.
    dlq_retention_seconds: the same of the dead-letter queue; 14 days, and above the queue's.
    visibility_timeout_seconds: how long a received message stays hidden, up to 43,200 and not
        below the function's timeout; by default 6 x that timeout + the batching window, and 30
        without a consumer.
    delay_seconds: how long a new message stays hidden, 0 to 900.
    max_message_bytes: 1,024 to 1,048,576, SQS's most.
    receive_wait_seconds: how long a receive that finds nothing waits, 0 to 20. Lambda's pollers
        choose their own.
    key: encrypts with a KMS key; by default SQS encrypts with a key of its own.
    requires_tls: refuse requests over plain HTTP, to both queues.
    statements: more statements for the queue's policy, about the queue itself.
    queue_name, queue_name_prefix: a fixed name, or what a made-up one begins with; the
        dead-letter queue's has `-dlq` at its end. By default both are made up.
    alarms: when to tell people, and whom; None for no alarms and no topic.
    has_dashboard: whether there is a CloudWatch dashboard.
    tags: for every resource that takes tags.
    """

    consumer: ConsumerArgs | None
    fifo: FifoArgs | None = None
    max_receive_count: int = 2
    retention_seconds: int = 345_600
    dlq_retention_seconds: int = 1_209_600
    visibility_timeout_seconds: int | None = None
    delay_seconds: int = 0
    max_message_bytes: int = 1_048_576
    receive_wait_seconds: int = 20
    key: CustomerKeyArgs | None = None
    requires_tls: bool = True
    statements: Sequence[policies.QueueStatement] = ()
    queue_name: str | None = None
    queue_name_prefix: str | None = None
    alarms: AlarmArgs | None = field(default_factory=AlarmArgs)
    has_dashboard: bool = True
    tags: Mapping[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        limits.MAX_RECEIVE_COUNT.check("max_receive_count", self.max_receive_count)
        limits.DELAY.check("delay_seconds", self.delay_seconds)
        limits.MESSAGE_BYTES.check("max_message_bytes", self.max_message_bytes)
        limits.RECEIVE_WAIT.check("receive_wait_seconds", self.receive_wait_seconds)
        limits.check_retention(
            self.retention_seconds, self.dlq_retention_seconds, is_fifo=self.is_fifo
        )
        limits.check_queue_names(self.queue_name, self.queue_name_prefix, is_fifo=self.is_fifo)
        limits.check_tags(self.tags)
        policies.check_statements(self.statements)
        self._check_consumer()
        self._check_alarms()

    @property
    def is_fifo(self) -> bool:
        """Whether the queue, and its dead-letter queue with it, is a FIFO queue."""
        return self.fifo is not None

    @property
    def dead_letter_life_seconds(self) -> int:
        """How long a dead letter may be left at least.

        A standard queue's dead letters keep their age, which may be all of the queue's retention.
        """
        spent = 0 if self.is_fifo else self.retention_seconds
        return self.dlq_retention_seconds - spent

    def visibility_timeout_for(self, function_timeout_seconds: int) -> int:
        """The visibility timeout for a function's timeout. Raises `LimitError` when it is low."""
        chosen, window = self.visibility_timeout_seconds, 0
        if self.consumer is not None:
            window = self.consumer.batching_window_seconds
        if chosen is None:
            return limits.derived_visibility_timeout_seconds(function_timeout_seconds, window)
        limits.check_visibility_timeout(chosen, function_timeout_seconds)
        return chosen

    @property
    def visibility_timeout_without_consumer(self) -> int:
        """The visibility timeout of a queue that no function of its own is fed from."""
        chosen = self.visibility_timeout_seconds
        return _VISIBILITY_WITHOUT_CONSUMER_SECONDS if chosen is None else chosen

    def _check_consumer(self) -> None:
        if self.visibility_timeout_seconds is not None:
            limits.VISIBILITY_TIMEOUT.check(
                "visibility_timeout_seconds", self.visibility_timeout_seconds
            )
        if self.consumer is None:
            return
        timeout = self.consumer.function.timeout_seconds
        if isinstance(timeout, int):
            self.visibility_timeout_for(timeout)
        if isinstance(self.consumer.function, PythonFunctionArgs):
            limits.check_tags({**self.tags, **self.consumer.function.tags})
        if self.is_fifo:
            limits.check_fifo_batch(self.consumer.batch_size, self.consumer.batching_window_seconds)

    def _check_alarms(self) -> None:
        if self.alarms is None:
            return
        if self.alarms.message_age_seconds is not None:
            limits.check_message_age_alarm(self.alarms.message_age_seconds, self.retention_seconds)
        if self.alarms.is_topic_encrypted and self.key is None:
            raise limits.LimitError(
                "alarms.is_topic_encrypted = True needs key: CloudWatch can't publish to a topic "
                "that is encrypted with SNS's own key; give key, or leave the topic unencrypted"
            )
