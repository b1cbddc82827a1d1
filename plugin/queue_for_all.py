"""The component as programs in other languages see it: plain values, objects, lists.

The names are those of `components.arguments`, whose classes check the values and hold the defaults.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict, cast

import pulumi

import components
from components import dependency_layer


class OwnFunction(TypedDict, total=False):
    source: str
    """Folder with the code, as a path on the machine that deploys."""
    handler: str
    """`module.function`, the module a file in that folder."""
    requirements: str | None
    """Requirements file, pinned and with hashes, of the packages that the code imports."""
    environment: dict[str, str] | None
    """Variables of the environment."""
    timeout_seconds: int | None
    """1 to 900; 10 by default."""
    memory_mb: int | None
    """128 to 10,240; 256 by default."""
    reserved_concurrency: int | None
    """Executions kept for this function alone, 2 or more; none by default."""
    log_retention_days: int | None
    """One of CloudWatch Logs' periods; 14 by default."""
    log_level: str | None
    """DEBUG, INFO, WARNING, ERROR or CRITICAL; INFO by default."""
    traces: bool | None
    """Whether X-Ray records its runs; false by default."""


class ExistingFunction(TypedDict, total=False):
    function_arn: pulumi.Input[str]
    """ARN of the function."""
    role_name: pulumi.Input[str]
    """Name of its role, which gets what it needs of the queue."""
    timeout_seconds: int
    """Its timeout, from which the visibility timeout is derived."""
    reserved_concurrency: int | None
    """What it has reserved, if it has."""


class Pollers(TypedDict, total=False):
    minimum: int | None
    """Kept always, 2 to 200; 2 by default."""
    maximum: int | None
    """Scaled up to, 2 to 2,000; 200 by default."""


class Consumer(TypedDict, total=False):
    own_function: OwnFunction | None
    """Code of your own; this or existing_function."""
    existing_function: ExistingFunction | None
    """A function that exists; this or own_function."""
    batch_size: int | None
    """Messages in one invocation at most; 10 by default."""
    batching_window_seconds: int | None
    """How long to gather a batch, 0 to 300; 0 by default."""
    maximum_concurrency: int | None
    """Batches processed at once, 2 to 1,000; what is reserved, else 10, by default."""
    pollers: Pollers | None
    """Provisioned pollers; none by default."""


class Fifo(TypedDict, total=False):
    content_based_deduplication: bool | None
    """The same body within five minutes is one message; true by default."""
    high_throughput: bool | None
    """Limits and deduplication for each message group alone; true by default."""


class CustomerKey(TypedDict, total=False):
    key_arn: pulumi.Input[str] | None
    """A key that exists; created by default."""
    data_key_reuse_seconds: int | None
    """60 to 86,400; 300 by default."""
    deletion_window_days: int | None
    """Of a created key, 7 to 30; 30 by default."""


class Subscription(TypedDict):
    protocol: str
    """email, email-json, https, lambda, sms or sqs."""
    endpoint: pulumi.Input[str]
    """An address, a URL or an ARN."""


class Alarms(TypedDict, total=False):
    topic_arn: pulumi.Input[str] | None
    """A topic that exists; created by default."""
    is_topic_encrypted: bool | None
    """Encrypt the created topic with the queue's key; false by default."""
    subscriptions: dict[str, Subscription] | None
    """Who is told, each under a name."""
    dead_letters_above: int | None
    """0 by default."""
    dead_letter_age_percent: int | None
    """1 to 99; 50 by default."""
    message_age_seconds: int | None
    """Below the retention; 3,600 by default."""
    consumer_errors_above: int | None
    """0 by default."""
    consumer_throttles_above: int | None
    """0 by default."""


class QueueArgs(TypedDict, total=False):
    consumer: Consumer | None
    """The function that the queue feeds; none by default: others read the queue."""
    fifo: Fifo | None
    """Makes it a FIFO queue; a standard queue by default."""
    max_receive_count: int | None
    """Receives before a message is dead-lettered, 1 to 1,000; 2 by default."""
    retention_seconds: int | None
    """60 to 1,209,600; 4 days by default."""
    dlq_retention_seconds: int | None
    """Above the queue's; 14 days by default."""
    visibility_timeout_seconds: int | None
    """Not below the function's timeout; derived by default."""
    delay_seconds: int | None
    """0 to 900; 0 by default."""
    max_message_bytes: int | None
    """1,024 to 1,048,576, the default."""
    receive_wait_seconds: int | None
    """0 to 20, the default."""
    key: CustomerKey | None
    """Encrypts with a KMS key; SQS's own by default."""
    requires_tls: bool | None
    """Refuse plain HTTP; true by default."""
    queue_name: str | None
    """A fixed name; made up by default."""
    queue_name_prefix: str | None
    """What a made-up name begins with."""
    alarms: Alarms | None
    """When to tell people, and whom; every alarm by default."""
    has_dashboard: bool | None
    """Whether there is a dashboard; true by default."""
    tags: dict[str, str] | None
    """For every resource that takes tags."""


class ReliableQueue(components.ReliableQueue):
    """A queue that loses nothing: what can't be processed is kept in a dead-letter queue."""

    queue_url: pulumi.Output[str]
    """URL of the queue."""
    queue_arn: pulumi.Output[str]
    """ARN of the queue."""
    queue_name: pulumi.Output[str]
    """Name of the queue."""
    dlq_url: pulumi.Output[str]
    """URL of the dead-letter queue."""
    dlq_arn: pulumi.Output[str]
    """ARN of the dead-letter queue."""
    dlq_name: pulumi.Output[str]
    """Name of the dead-letter queue."""
    consumer_function_name: pulumi.Output[str] | None
    """Name of the consumer; absent without one."""
    consumer_function_arn: pulumi.Output[str] | None
    """ARN of the consumer; absent without one."""
    consumer_log_group_name: pulumi.Output[str] | None
    """Log group of the consumer; absent without one."""
    alarm_names: pulumi.Output[list[str]]
    """Names of the alarms."""
    alarm_topic_arn: pulumi.Output[str] | None
    """ARN of the topic that hears of ALARM and of OK."""
    region: pulumi.Output[str]
    """Region of the queue."""
    key_arn: pulumi.Output[str] | None
    """ARN of the customer key; absent without one."""
    send_policy_arn: pulumi.Output[str]
    """ARN of the managed policy that allows to send."""
    consume_policy_arn: pulumi.Output[str]
    """ARN of the managed policy that allows to receive and delete."""
    operator_policy_arn: pulumi.Output[str]
    """ARN of the managed policy for operators."""
    dashboard_name: pulumi.Output[str] | None
    """Name of the dashboard."""

    def __init__(
        self, name: str, args: QueueArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, queue_args(args), opts)


def queue_args(given: QueueArgs) -> components.ReliableQueueArgs:
    """The component's own arguments. Raises `LimitError` as they do."""
    values: dict[str, Any] = {**_given(given), "consumer": _consumer(given.get("consumer"))}
    for name, kind in (("fifo", components.FifoArgs), ("key", components.CustomerKeyArgs)):
        if name in values:
            values[name] = kind(**_given(values[name]))
    if "alarms" in values:
        alarms = _given(values["alarms"])
        alarms["subscriptions"] = {
            who: components.SubscriptionArgs(**subscription)
            for who, subscription in alarms.get("subscriptions", {}).items()
        }
        values["alarms"] = components.AlarmArgs(**alarms)
    return components.ReliableQueueArgs(**values)


def _consumer(given: Consumer | None) -> components.ConsumerArgs | None:
    if given is None:
        return None
    values = _given(given)
    own, existing = values.pop("own_function", None), values.pop("existing_function", None)
    if (own is None) == (existing is None):
        raise components.LimitError(
            "consumer needs exactly one of ownFunction and existingFunction; give one of them"
        )
    if "pollers" in values:
        values["pollers"] = components.PollersArgs(**_given(values["pollers"]))
    function = _own(own) if own else components.ExistingFunctionArgs(**_given(existing))
    return components.ConsumerArgs(function=function, **values)


def _own(given: OwnFunction) -> components.PythonFunctionArgs:
    values = _given(given)
    requirements, source = values.pop("requirements", None), Path(values.pop("source"))
    layer = requirements and dependency_layer(Path(requirements), build_folder=Path(".build"))
    return components.PythonFunctionArgs(source=source, dependencies=layer or None, **values)


def _given(values: object) -> dict[str, Any]:
    """What was given; whole numbers as such, which come as fractions from other languages."""
    return {
        name: int(value) if isinstance(value, float) and value.is_integer() else value
        for name, value in cast("Mapping[str, Any]", values).items()
        if value is not None
    }
