"""AWS's limits, and the rules that hold between a queue, its consumer and its dead letters.

Nothing here knows Pulumi: the component checks its arguments with it at preview, and the local
provider checks what reaches it.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass


class LimitError(ValueError):
    """A value that AWS, or the reliability of the queue, does not allow."""


@dataclass(frozen=True)
class Limit:
    """An allowed range of whole numbers, both ends included.

    `source` names the page of AWS's documentation that states it.
    """

    minimum: int
    maximum: int
    unit: str
    source: str

    def check(self, argument: str, value: object) -> None:
        """Raise `LimitError` unless `value` is a whole number within the range."""
        # bool is an int to Python; True seconds is a mistake all the same.
        if isinstance(value, bool) or not isinstance(value, int):
            raise LimitError(f"{argument} = {value!r} is not a whole number; allowed: {self}")
        if not self.minimum <= value <= self.maximum:
            raise LimitError(f"{argument} = {value} is out of range; allowed: {self}")

    def __str__(self) -> str:
        return f"{self.minimum} to {self.maximum} {self.unit}"


_SET_QUEUE_ATTRIBUTES = "Amazon SQS API Reference, SetQueueAttributes"
_MAPPING = "AWS Lambda API Reference, CreateEventSourceMapping"

VISIBILITY_TIMEOUT = Limit(0, 43_200, "seconds", _SET_QUEUE_ATTRIBUTES)
MESSAGE_RETENTION = Limit(60, 1_209_600, "seconds", _SET_QUEUE_ATTRIBUTES)
DELAY = Limit(0, 900, "seconds", _SET_QUEUE_ATTRIBUTES)
MESSAGE_BYTES = Limit(1_024, 1_048_576, "bytes", _SET_QUEUE_ATTRIBUTES)
RECEIVE_WAIT = Limit(0, 20, "seconds", _SET_QUEUE_ATTRIBUTES)
DATA_KEY_REUSE = Limit(60, 86_400, "seconds", _SET_QUEUE_ATTRIBUTES)
KEY_DELETION_WINDOW = Limit(7, 30, "days", "AWS KMS API Reference, ScheduleKeyDeletion")
MAX_RECEIVE_COUNT = Limit(
    1, 1_000, "receives", "Amazon SQS Developer Guide, Dead-letter queues, maxReceiveCount"
)
FUNCTION_TIMEOUT = Limit(1, 900, "seconds", "AWS Lambda Developer Guide, Lambda quotas")
FUNCTION_MEMORY = Limit(128, 10_240, "MB", "AWS Lambda Developer Guide, Lambda quotas")
# AWS accepts 0 too, where nothing runs, and 1, which is below the least a mapping polls with.
RESERVED_CONCURRENCY = Limit(
    2,
    10_000,
    "concurrent executions",
    "AWS Lambda Developer Guide, Using Lambda with SQS, Configuring maximum concurrency: at least 2"
    " (the upper end is the account's quota)",
)
MAXIMUM_CONCURRENCY = Limit(2, 1_000, "concurrent executions", f"{_MAPPING}, ScalingConfig")
BATCH_SIZE = Limit(1, 10_000, "messages", f"{_MAPPING}, BatchSize, Amazon SQS standard queues")
BATCHING_WINDOW = Limit(0, 300, "seconds", f"{_MAPPING}, MaximumBatchingWindowInSeconds")

_POLLERS = "AWS Lambda Developer Guide, Lambda parameters for Amazon SQS event source mappings"
MINIMUM_POLLERS = Limit(2, 200, "event pollers", f"{_POLLERS}, ProvisionedPollerConfig")
MAXIMUM_POLLERS = Limit(2, 2_000, "event pollers", f"{_POLLERS}, ProvisionedPollerConfig")
# The same page: each poller handles up to 10 concurrent invocations.
INVOCATIONS_PER_POLLER = 10

COUNT_THRESHOLD = Limit(
    0, 1_000_000, "messages or invocations", "ours: CloudWatch API Reference sets no upper end"
)
AGE_PERCENT = Limit(
    1, 99, "per cent", "Amazon SQS Developer Guide, Setting up dead-letter queue retention: a part"
)

# AWS Lambda Developer Guide, Using Lambda with SQS: above 10 messages a window of 1 s is needed.
# The same is the most that a FIFO queue's mapping takes.
BATCH_SIZE_WITHOUT_WINDOW = 10

# AWS Lambda Developer Guide, Using Lambda with SQS, Configuring a queue for use with Lambda: at
# least six times the function's timeout, plus the batching window, so that Lambda can retry a
# batch that was throttled while the one before it was still being processed.
VISIBILITY_PER_FUNCTION_TIMEOUT = 6

# Amazon CloudWatch Logs API Reference, PutRetentionPolicy, retentionInDays.
LOG_RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1_096, 1_827, 2_192, 2_557, 2_922, 3_288, 3_653),
)

# AWS Lambda API Reference, CreateFunction, FunctionName; IAM API Reference, CreateRole, RoleName.
# A queue or topic may have 80 characters, so the function and its role decide.
FUNCTION_NAME_LENGTH = 64

# Pulumi adds a hyphen and seven hexadecimal digits to the name of a resource.
AUTO_NAME_SUFFIX_LENGTH = 8

# Amazon SQS API Reference, CreateQueue, QueueName: 80 characters, of a FIFO queue with `.fifo`.
QUEUE_NAME_LENGTH = 80
FIFO_SUFFIX = ".fifo"
DLQ_SUFFIX = "-dlq"
# What the AWS provider appends to a prefix: a time and a counter.
PREFIX_SUFFIX_LENGTH = 26

# AWS Lambda Developer Guide, Lambda quotas, Function layers.
MAX_LAYERS = 5
# AWS Lambda Developer Guide, Control which events Lambda sends to your function: 5 filters a
# mapping, 10 after a request to AWS; AWS Lambda API Reference, Filter: 4,096 characters each.
MAX_FILTERS = 10
MAX_FILTER_LENGTH = 4_096

# AWS Tagging User Guide, Tag naming limits and requirements. IAM takes the fewest characters: IAM
# API Reference, Tag.
MAX_TAGS = 50
_TAG_KEY = re.compile(r"[\w .:/=+\-@]{1,128}")
_TAG_VALUE = re.compile(r"[\w .:/=+\-@]{0,256}")

# An account starts with 1,000 concurrent executions, a new one often with 10 (AWS Lambda Developer
# Guide, Lambda quotas). Without a maximum a mapping takes what there is, and messages of an
# invocation that was throttled use up their receives.
DEFAULT_MAXIMUM_CONCURRENCY = 10

_NAME = re.compile(r"[A-Za-z][0-9A-Za-z_-]*")
_QUEUE_NAME = re.compile(r"[0-9A-Za-z_-]+")


def derived_visibility_timeout_seconds(
    function_timeout_seconds: int, batching_window_seconds: int
) -> int:
    """The visibility timeout that AWS advises for a queue that a function consumes."""
    return VISIBILITY_PER_FUNCTION_TIMEOUT * function_timeout_seconds + batching_window_seconds


def check_visibility_timeout(
    visibility_timeout_seconds: int, function_timeout_seconds: int
) -> None:
    """Refuse what Lambda refuses when the mapping is created: visibility below the timeout.

    Source: AWS Lambda Developer Guide, Using Lambda with SQS, Configuring a queue.
    """
    VISIBILITY_TIMEOUT.check("visibility_timeout_seconds", visibility_timeout_seconds)
    if visibility_timeout_seconds < function_timeout_seconds:
        raise LimitError(
            f"visibility_timeout_seconds = {visibility_timeout_seconds} is below the function's "
            f"timeout_seconds = {function_timeout_seconds}: a message would be delivered again "
            f"while it is still being processed; allowed: {function_timeout_seconds} to "
            f"{VISIBILITY_TIMEOUT.maximum} seconds; leave it out to have it derived"
        )


def visibility_timeout_advice(
    visibility_timeout_seconds: int, function_timeout_seconds: int, batching_window_seconds: int
) -> str | None:
    """What to say about an allowed visibility timeout that is lower than AWS advises, if it is."""
    advised = derived_visibility_timeout_seconds(function_timeout_seconds, batching_window_seconds)
    if visibility_timeout_seconds >= advised:
        return None
    return (
        f"visibility_timeout_seconds = {visibility_timeout_seconds} is below the {advised} seconds "
        f"that AWS advises ({VISIBILITY_PER_FUNCTION_TIMEOUT} x timeout_seconds "
        f"{function_timeout_seconds} + batching_window_seconds {batching_window_seconds}): when "
        "the function is throttled, good messages can use up their receives and be dead-lettered; "
        "leave it out to have it derived"
    )


def retention_advice(
    retention_seconds: int, visibility_timeout_seconds: int, max_receive_count: int
) -> str | None:
    """What to say about messages that may expire before their receives are used up, if they may."""
    needed = visibility_timeout_seconds * max_receive_count
    if needed < retention_seconds:
        return None
    return (
        f"retention_seconds = {retention_seconds} is not above max_receive_count "
        f"{max_receive_count} x visibility_timeout_seconds {visibility_timeout_seconds} = {needed}:"
        " a message whose consumer never answers would expire, and be lost, before it is "
        "dead-lettered; raise retention_seconds, or lower one of the others"
    )


def check_batch(batch_size: int, batching_window_seconds: int) -> None:
    """Refuse a batch that Lambda can't gather: above 10 messages it needs a window."""
    BATCH_SIZE.check("batch_size", batch_size)
    BATCHING_WINDOW.check("batching_window_seconds", batching_window_seconds)
    if batch_size > BATCH_SIZE_WITHOUT_WINDOW and batching_window_seconds == 0:
        raise LimitError(
            f"batch_size = {batch_size} needs a batching window; allowed: 1 to "
            f"{BATCH_SIZE_WITHOUT_WINDOW} messages with batching_window_seconds = 0; "
            "set batching_window_seconds to 1 or more, or lower batch_size"
        )


def check_fifo_batch(batch_size: int, batching_window_seconds: int) -> None:
    """Refuse a batch that a FIFO queue doesn't give: above 10 messages, or gathered in a window.

    Source: AWS Lambda Developer Guide, Lambda parameters for Amazon SQS event source mappings.
    """
    if batching_window_seconds != 0:
        raise LimitError(
            f"batching_window_seconds = {batching_window_seconds}: a FIFO queue has no batching "
            "window; allowed: 0; leave it out"
        )
    if batch_size > BATCH_SIZE_WITHOUT_WINDOW:
        raise LimitError(
            f"batch_size = {batch_size} is out of range; allowed with a FIFO queue: 1 to "
            f"{BATCH_SIZE_WITHOUT_WINDOW} messages"
        )


def check_retention(
    retention_seconds: int, dlq_retention_seconds: int, *, is_fifo: bool = False
) -> None:
    """Refuse a dead-letter queue that forgets as early as the queue before it.

    A standard queue keeps the time of the first enqueue when it moves a message, so a dead letter
    arrives with part of its life spent; in a FIFO queue its time starts anew. Source: Amazon SQS
    Developer Guide, Dead-letter queues, Setting up dead-letter queue retention.
    """
    MESSAGE_RETENTION.check("retention_seconds", retention_seconds)
    MESSAGE_RETENTION.check("dlq_retention_seconds", dlq_retention_seconds)
    if not is_fifo and dlq_retention_seconds <= retention_seconds:
        raise LimitError(
            f"dlq_retention_seconds = {dlq_retention_seconds} is not above retention_seconds = "
            f"{retention_seconds}: dead letters keep their age and could expire on arrival; "
            f"allowed: {retention_seconds + 1} to {MESSAGE_RETENTION.maximum} seconds; raise "
            "dlq_retention_seconds or lower retention_seconds"
        )


def maximum_concurrency(requested: int | None, reserved: int | None) -> int:
    """How many batches may be processed at once: as asked, else what is reserved, else 10.

    Raises `LimitError` when more is asked than the function has reserved: the mapping would poll
    more than the function may take, and messages of throttled invocations use up their receives.
    Source: AWS Lambda Developer Guide, Using Lambda with SQS, Configuring maximum concurrency.
    """
    if reserved is not None:
        RESERVED_CONCURRENCY.check("reserved_concurrency", reserved)
    if requested is None:
        return min(reserved or DEFAULT_MAXIMUM_CONCURRENCY, MAXIMUM_CONCURRENCY.maximum)
    MAXIMUM_CONCURRENCY.check("maximum_concurrency", requested)
    if reserved is not None and requested > reserved:
        raise LimitError(
            f"maximum_concurrency = {requested} is above reserved_concurrency = {reserved}: "
            "throttled messages would use up their receives and be dead-lettered; allowed: "
            f"{MAXIMUM_CONCURRENCY.minimum} to {reserved}; lower it, or reserve more"
        )
    return requested


def check_pollers(
    minimum: int, maximum: int, *, maximum_concurrency: int | None, reserved: int | None
) -> None:
    """Refuse pollers that are out of range, that exclude another setting, or that throttle.

    Source: AWS Lambda Developer Guide, Lambda parameters for Amazon SQS event source mappings, and
    Using provisioned mode with an Amazon SQS event source mapping.
    """
    MINIMUM_POLLERS.check("pollers.minimum", minimum)
    MAXIMUM_POLLERS.check("pollers.maximum", maximum)
    if minimum > maximum:
        raise LimitError(
            f"pollers.minimum = {minimum} is above pollers.maximum = {maximum}; allowed: "
            f"{MINIMUM_POLLERS.minimum} to {maximum}; lower it, or raise the maximum"
        )
    if maximum_concurrency is not None:
        raise LimitError(
            f"maximum_concurrency = {maximum_concurrency} and pollers exclude each other: give one "
            "of them"
        )
    invocations = maximum * INVOCATIONS_PER_POLLER
    if reserved is not None and invocations > reserved:
        raise LimitError(
            f"pollers.maximum = {maximum} can invoke {invocations} times at once, above "
            f"reserved_concurrency = {reserved}: throttled messages would use up their receives; "
            f"lower it to {reserved // INVOCATIONS_PER_POLLER}, or reserve {invocations}"
        )


def check_filters(filters: Sequence[Mapping[str, object]]) -> None:
    """Refuse filters that Lambda doesn't take: too many, too long, or about nothing it looks at.

    Source: AWS Lambda Developer Guide, Control which events Lambda sends to your function.
    """
    if len(filters) > MAX_FILTERS:
        raise LimitError(f"filters has {len(filters)} entries; allowed: 0 to {MAX_FILTERS}")
    for index, pattern in enumerate(filters):
        text = json.dumps(pattern)
        if not pattern:
            raise LimitError(f"filters[{index}] = {{}} matches nothing in particular; leave it out")
        if len(text) > MAX_FILTER_LENGTH:
            raise LimitError(
                f"filters[{index}] has {len(text)} characters as JSON; allowed: 1 to "
                f"{MAX_FILTER_LENGTH}"
            )


def check_layers(count: int) -> None:
    """Refuse more layers than a function takes. Source: AWS Lambda Developer Guide, quotas."""
    if count > MAX_LAYERS:
        raise LimitError(
            f"layers and dependencies are {count} layers together; allowed: 0 to {MAX_LAYERS}"
        )


def check_tags(tags: Mapping[str, str]) -> None:
    """Refuse tags that some service would not take."""
    if len(tags) > MAX_TAGS:
        raise LimitError(f"tags has {len(tags)} entries; allowed: 0 to {MAX_TAGS}")
    for key, value in tags.items():
        if not _TAG_KEY.fullmatch(key) or key.lower().startswith("aws:"):
            raise LimitError(
                f"tags has the key {key!r}; allowed: 1 to 128 letters, digits, spaces and _.:/=+-@,"
                " not beginning with aws:"
            )
        if not _TAG_VALUE.fullmatch(value):
            raise LimitError(
                f"tags[{key!r}] = {value!r}; allowed: 0 to 256 letters, digits, spaces and _.:/=+-@"
            )


def check_queue_names(name: str | None, prefix: str | None, *, is_fifo: bool) -> None:
    """Refuse a fixed name, or a prefix, from which SQS would not accept the names of two queues."""
    if name is not None and prefix is not None:
        raise LimitError(
            f"queue_name = {name!r} and queue_name_prefix = {prefix!r} exclude each other: give "
            "one of them"
        )
    longest = QUEUE_NAME_LENGTH - len(DLQ_SUFFIX) - (len(FIFO_SUFFIX) if is_fifo else 0)
    _check_queue_name("queue_name", name, longest)
    _check_queue_name("queue_name_prefix", prefix, longest - PREFIX_SUFFIX_LENGTH)


def _check_queue_name(argument: str, value: str | None, longest: int) -> None:
    if value is not None and not (_QUEUE_NAME.fullmatch(value) and len(value) <= longest):
        raise LimitError(
            f"{argument} = {value!r} ({len(value)} characters) can't be used; allowed: 1 to "
            f"{longest} letters, digits, hyphens and underscores ({DLQ_SUFFIX} and, for a FIFO "
            f"queue, {FIFO_SUFFIX} are added, and SQS allows {QUEUE_NAME_LENGTH} characters)"
        )


def check_message_age_alarm(message_age_seconds: int, retention_seconds: int) -> None:
    """Refuse an alarm that can't ring: no message grows older than the queue keeps it."""
    if not 1 <= message_age_seconds < retention_seconds:
        raise LimitError(
            f"alarms.message_age_seconds = {message_age_seconds} is out of range; allowed: 1 to "
            f"{retention_seconds - 1} seconds, below retention_seconds; None switches it off"
        )


def check_distinct(argument: str, names: Collection[str]) -> None:
    """Refuse names of which two are the same."""
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        raise LimitError(f"{argument}: {', '.join(twice)} is there twice; names must differ")


def check_log_retention(argument: str, value: int) -> None:
    """Refuse a number of days that CloudWatch Logs has no retention period for."""
    if value not in LOG_RETENTION_DAYS:
        allowed = ", ".join(str(days) for days in LOG_RETENTION_DAYS)
        raise LimitError(
            f"{argument} = {value} is not a retention period; allowed, in days: {allowed}"
        )


def check_name(name: str, longest_suffix: str) -> None:
    """Refuse a component's name from which AWS would not accept the names of its resources.

    `longest_suffix` is what the component adds for the child with the least room.
    """
    longest = FUNCTION_NAME_LENGTH - AUTO_NAME_SUFFIX_LENGTH - len(longest_suffix)
    if len(name) > longest or not _NAME.fullmatch(name):
        raise LimitError(
            f"name = {name!r} ({len(name)} characters) can't be used; allowed: 1 to {longest} "
            "letters, digits, hyphens and underscores, a letter first (its resources are called "
            f"{name[:20]}{longest_suffix}-1a2b3c4 and the like, and AWS allows "
            f"{FUNCTION_NAME_LENGTH} characters)"
        )
