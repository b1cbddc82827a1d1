"""What a reliable queue may be asked for: every argument, its range, and what goes together.

Wrong arguments raise `LimitError` when they are made, before anything is created; it names the
argument, its value and what is allowed. The rules and their sources are in `limits`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from . import limits
from .alarm_arguments import AlarmArgs
from .consumer_arguments import ConsumerArgs
from .existing_arguments import ExistingQueueArgs, check_left_to_the_queue
from .function import PythonFunctionArgs
from .kinds import check_kinds, check_known
from .statements import QueueStatement, check_statements

# Amazon SQS API Reference, SetQueueAttributes, VisibilityTimeout: SQS's own default.
_VISIBILITY_WITHOUT_CONSUMER_SECONDS = 30


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

    def __post_init__(self) -> None:
        check_kinds(self, "fifo.")


@dataclass(frozen=True, kw_only=True)
class CustomerKeyArgs:
    """A KMS key of your own in place of SQS's.

    key_arn: ARN of a key that exists; its key policy must let the account's IAM policies decide,
        and let CloudWatch use it when the alarm topic is encrypted. By default a key is created.
    data_key_reuse_seconds: how long SQS uses a data key before it asks KMS again, 60 to 86,400.
    deletion_window_days: how long a created key can be brought back once deleted, 7 to 30.
    """

    key_arn: pulumi.Input[str] | None = None
    data_key_reuse_seconds: int = 300
    deletion_window_days: int = 30

    def __post_init__(self) -> None:
        check_kinds(self, "key.")
        check_known("key.key_arn", self.key_arn, limits.check_key_arn)
        limits.DATA_KEY_REUSE.check("key.data_key_reuse_seconds", self.data_key_reuse_seconds)
        limits.KEY_DELETION_WINDOW.check("key.deletion_window_days", self.deletion_window_days)


@dataclass(frozen=True, kw_only=True)
class ReliableQueueArgs:
    """How long messages are kept, how often they are tried, who processes them, who is told.

    consumer: the function that the queue feeds; None for a queue that others read.
    existing: a queue that is there already, in place of a new one. It is left as it is, so what is
        about the queue itself can't be given with it.
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
    statements: more statements for the queue's policy, about the queue itself; what stands in them
        may be an output.
    queue_name, queue_name_prefix: a fixed name, or what a made-up one begins with; the
        dead-letter queue's has `-dlq` at its end. By default both are made up.
    alarms: when to tell people, and whom; None for no alarms and no topic.
    has_dashboard: whether there is a CloudWatch dashboard.
    tags: for every resource that takes tags; the values may be outputs.
    """

    consumer: ConsumerArgs | None
    existing: ExistingQueueArgs | None = None
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
    statements: Sequence[QueueStatement] = ()
    queue_name: str | None = None
    queue_name_prefix: str | None = None
    alarms: AlarmArgs | None = field(default_factory=AlarmArgs)
    has_dashboard: bool = True
    tags: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, pulumi.Input[str]])

    def __post_init__(self) -> None:
        check_kinds(self)
        limits.MAX_RECEIVE_COUNT.check("max_receive_count", self.max_receive_count)
        limits.DELAY.check("delay_seconds", self.delay_seconds)
        limits.MESSAGE_BYTES.check("max_message_bytes", self.max_message_bytes)
        limits.RECEIVE_WAIT.check("receive_wait_seconds", self.receive_wait_seconds)
        self._check_retention()
        limits.check_queue_names(self.queue_name, self.queue_name_prefix, is_fifo=self.is_fifo)
        limits.check_tags(self.tags)
        check_statements(self.statements)
        self._check_consumer()
        self._check_alarms()

    @property
    def is_fifo(self) -> bool:
        """Whether the queue, and its dead-letter queue with it, is known to be a FIFO queue.

        Of one that exists it is not yet while its ARN is an output.
        """
        if self.existing is not None:
            arn = self.existing.queue_arn
            return isinstance(arn, str) and limits.is_fifo(arn)
        return self.fifo is not None

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
    def idempotency_seconds(self) -> int | None:
        """How long the consumer remembers what it has processed; None when it doesn't."""
        if self.consumer is None or self.consumer.idempotency is None:
            return None
        chosen = self.consumer.idempotency.expires_after_seconds
        if chosen is not None:
            return chosen
        return limits.derived_idempotency_seconds(
            self.retention_seconds, self.dlq_retention_seconds
        )

    @property
    def visibility_timeout_without_consumer(self) -> int:
        """The visibility timeout of a queue that no function of its own is fed from."""
        chosen = self.visibility_timeout_seconds
        return _VISIBILITY_WITHOUT_CONSUMER_SECONDS if chosen is None else chosen

    def _check_retention(self) -> None:
        if self.existing is not None:
            check_left_to_the_queue(self, self.existing)
            limits.MESSAGE_RETENTION.check("dlq_retention_seconds", self.dlq_retention_seconds)
            return
        limits.check_retention(
            self.retention_seconds, self.dlq_retention_seconds, is_fifo=self.is_fifo
        )

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
        # How long a queue that exists keeps its messages is known once it has been looked at.
        if self.alarms.message_age_seconds is not None and self.existing is None:
            limits.check_message_age_alarm(self.alarms.message_age_seconds, self.retention_seconds)
        key = "key" if self.existing is None else "existing.key_arn"
        if self.alarms.is_topic_encrypted and not self._has_key:
            raise limits.LimitError(
                f"alarms.is_topic_encrypted = True needs {key}: CloudWatch can't publish to a "
                f"topic that is encrypted with SNS's own key; give {key}, or leave the topic "
                "unencrypted"
            )

    @property
    def _has_key(self) -> bool:
        existing = self.existing
        return self.key is not None or (existing is not None and existing.key_arn is not None)
