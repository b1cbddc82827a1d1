"""The component's arguments as programs in other languages write them: values, objects, lists.

The names are those of the component's own arguments, in camelCase there. What is left out has the
component's default.
"""

from typing import Any, Required, TypedDict

import pulumi


class Vpc(TypedDict):
    """Where in a VPC a function runs. It reaches SQS there by a NAT or by SQS's VPC endpoint."""

    subnet_ids: list[pulumi.Input[str]]
    """In which subnets, of several zones best."""
    security_group_ids: list[pulumi.Input[str]]
    """What it may reach."""


class OwnFunction(TypedDict, total=False):
    """Code of your own in Python, which becomes a function."""

    source: Required[str]
    """Folder with the code, on the machine that deploys; an absolute path is safest."""
    handler: Required[str]
    """`module.function`, the module a file in that folder."""
    requirements: str
    """Requirements file, pinned and with hashes, of the packages that the code imports."""
    layers: list[pulumi.Input[str]]
    """ARNs of layers, up to 5 with that of the requirements."""
    environment: dict[str, pulumi.Input[str]]
    """Variables of the environment."""
    timeout_seconds: int
    """1 to 900; 10 by default."""
    memory_mb: int
    """128 to 10,240; 256 by default."""
    reserved_concurrency: int
    """Executions kept for this function alone, 2 or more; none by default."""
    log_level: str
    """DEBUG, INFO, WARNING, ERROR or CRITICAL; INFO by default."""
    log_retention_days: int
    """One of CloudWatch Logs' periods; 14 by default."""
    traces: bool
    """Whether X-Ray records its runs; false by default."""
    vpc: Vpc
    """The VPC that it runs in; none by default."""
    runtime: str
    """python3.12, python3.13 or python3.14; python3.13 by default."""
    architecture: str
    """arm64 or x86_64; arm64 by default."""
    tags: dict[str, pulumi.Input[str]]
    """For the function alone, beside the queue's."""


class ExistingFunction(TypedDict, total=False):
    """A function that is there already, or is created elsewhere in the program."""

    function_arn: Required[pulumi.Input[str]]
    """ARN of the function, or its name where it is in the queue's account and region; it should
    answer which messages of a batch failed."""
    role_name: Required[pulumi.Input[str]]
    """Name of its role, which gets what it needs of the queue."""
    # The SDK takes no output for a whole number.
    timeout_seconds: Required[pulumi.Input[float]]
    """Its timeout, from which the visibility timeout is derived."""
    reserved_concurrency: int
    """What it has reserved, if it has."""
    log_group_name: pulumi.Input[str]
    """Where it logs; `/aws/lambda/` and its name by default."""


class Pollers(TypedDict, total=False):
    """Pollers that Lambda keeps ready for the queue, for spikes; each costs by the hour."""

    minimum: int
    """Kept always, 2 to 200; 2 by default."""
    maximum: int
    """Scaled up to, 2 to 2,000; 200 by default."""


class Idempotency(TypedDict, total=False):
    """A table in which the function remembers what it has processed, for Powertools."""

    expires_after_seconds: int
    """How long; as long as both queues together keep a message by default."""


class Consumer(TypedDict, total=False):
    """How messages are handed to a function, and which one."""

    own_function: OwnFunction
    """Code of your own; this or existingFunction."""
    existing_function: ExistingFunction
    """A function that exists; this or ownFunction."""
    batch_size: int
    """Messages in one invocation at most; 10 by default."""
    batching_window_seconds: int
    """How long to gather a batch, 0 to 300; 0 by default."""
    maximum_concurrency: int
    """Batches processed at once, 2 to 1,000; what is reserved, else 10, by default."""
    pollers: Pollers
    """Provisioned pollers; none by default."""
    filters: list[pulumi.Input[dict[str, Any]]]
    """Patterns of which a message must match one, up to 10. Lambda deletes what matches none."""
    is_enabled: bool
    """Whether the consumer is fed; false pauses it, and messages wait. True by default."""
    idempotency: Idempotency
    """Makes a table for what has been processed, and lets ownFunction use it; none by default."""


class ExistingQueue(TypedDict, total=False):
    """A queue that is there already. Its attributes, policy and tags stay; it is never deleted."""

    queue_arn: Required[pulumi.Input[str]]
    """Which one, in the account and region of the program's AWS provider."""
    dlq_arn: pulumi.Input[str]
    """Its dead-letter queue, which is left alone as well; by default one is created, and the
    queue's redrive policy set. One that is there already is not overwritten."""
    attaches_dlq: bool
    """With dlqArn, set the queue's redrive policy to lead there; false by default: it does that
    already."""
    key_arn: pulumi.Input[str]
    """ARN of the customer key that the queue is encrypted with, if it is."""


class Fifo(TypedDict, total=False):
    """How a FIFO queue, and the dead-letter queue with it, tells messages apart and scales."""

    content_based_deduplication: bool
    """The same body within five minutes is one message; true by default."""
    high_throughput: bool
    """Limits and deduplication for each message group alone; true by default."""


class CustomerKey(TypedDict, total=False):
    """A KMS key of your own in place of SQS's."""

    key_arn: pulumi.Input[str]
    """ARN of a key that exists; created by default."""
    data_key_reuse_seconds: int
    """60 to 86,400; 300 by default."""
    deletion_window_days: int
    """Of a created key, 7 to 30; 30 by default."""


class Statement(TypedDict, total=False):
    """A statement of the queue's policy, whose resource, the queue, is filled in."""

    sid: str
    """Its name, different from the others'; made up by default."""
    effect: Required[str]
    """Allow or Deny."""
    principal: Required[pulumi.Input[Any]]
    """Whom it is about: `"*"`, or for example `{"Service": "sns.amazonaws.com"}`."""
    action: Required[list[pulumi.Input[str]]]
    """Actions of SQS, as `sqs:SendMessage`."""
    condition: dict[str, pulumi.Input[Any]]
    """When it holds, as `{"ArnEquals": {"aws:SourceArn": topicArn}}`."""


class Subscription(TypedDict):
    """Somebody who is told when an alarm rings and when it is over."""

    protocol: str
    """email, email-json, https, lambda, sms or sqs."""
    endpoint: pulumi.Input[str]
    """An address, a URL or an ARN."""


class Alarms(TypedDict, total=False):
    """When to tell people, and whom."""

    without: list[str]
    """Alarms that are switched off: dead-letters, dead-letter-age, message-age, consumer-errors,
    consumer-throttles."""
    dead_letters_above: int
    """0 by default."""
    dead_letter_age_percent: int
    """1 to 99; 50 by default."""
    message_age_seconds: int
    """Below the retention; 3,600 by default."""
    consumer_errors_above: int
    """0 by default."""
    consumer_throttles_above: int
    """0 by default."""
    topic_arn: pulumi.Input[str]
    """ARN of a topic that exists; created by default."""
    is_topic_encrypted: bool
    """Encrypt the created topic with the queue's key; false by default."""
    subscriptions: dict[str, Subscription]
    """Who is told, each under a name."""


class QueueArgs(TypedDict, total=False):
    """How long messages are kept, how often they are tried, who processes them, who is told."""

    consumer: Consumer
    """The function that the queue feeds; none by default: others read the queue."""
    existing: ExistingQueue
    """A queue that is there already, in place of a new one, which is the default."""
    fifo: Fifo
    """Makes it a FIFO queue; a standard queue by default."""
    max_receive_count: int
    """Receives before a message is dead-lettered, 1 to 1,000; 2 by default."""
    retention_seconds: int
    """60 to 1,209,600; 345,600 by default, 4 days."""
    dlq_retention_seconds: int
    """Above the queue's; 1,209,600 by default, 14 days."""
    visibility_timeout_seconds: int
    """Not below the function's timeout; derived from it by default."""
    delay_seconds: int
    """0 to 900; 0 by default."""
    max_message_bytes: int
    """1,024 to 1,048,576; 1,048,576 by default."""
    receive_wait_seconds: int
    """0 to 20; 20 by default."""
    key: CustomerKey
    """Encrypts with a KMS key; SQS's own by default."""
    requires_tls: bool
    """Refuse plain HTTP; true by default."""
    statements: list[Statement]
    """More statements of the queue's policy."""
    queue_name: str
    """A fixed name; made up by default."""
    queue_name_prefix: str
    """What a made-up name begins with."""
    has_alarms: bool
    """Whether there are alarms and their topic; true by default."""
    alarms: Alarms
    """When to tell people, and whom; every alarm by default."""
    has_dashboard: bool
    """Whether there is a dashboard; true by default."""
    tags: dict[str, pulumi.Input[str]]
    """For every resource that takes tags."""
