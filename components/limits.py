"""AWS's limits, and the rules that hold between a queue, its consumer and its dead letters.

Nothing here knows Pulumi: the component checks its arguments with it at preview, and the local
provider checks what reaches it.
"""

import re
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

# AWS Lambda Developer Guide, Using Lambda with SQS: above 10 messages a window of 1 s is needed.
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

# An account starts with 1,000 concurrent executions, a new one often with 10 (AWS Lambda Developer
# Guide, Lambda quotas). Without a maximum a mapping takes what there is, and messages of an
# invocation that was throttled use up their receives.
DEFAULT_MAXIMUM_CONCURRENCY = 10

_NAME = re.compile(r"[A-Za-z][0-9A-Za-z_-]*")


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


def check_retention(retention_seconds: int, dlq_retention_seconds: int) -> None:
    """Refuse a dead-letter queue that forgets as early as the queue before it.

    A standard queue keeps the time of the first enqueue when it moves a message, so a dead letter
    arrives with part of its life spent. Source: Amazon SQS Developer Guide, Dead-letter queues,
    Configuring the message retention period.
    """
    MESSAGE_RETENTION.check("retention_seconds", retention_seconds)
    MESSAGE_RETENTION.check("dlq_retention_seconds", dlq_retention_seconds)
    if dlq_retention_seconds <= retention_seconds:
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
