"""What Lambda takes of a mapping from a queue, and what keeps it from throttling itself."""

from .functions import RESERVED_CONCURRENCY
from .ranges import Limit, LimitError

_MAPPING = "AWS Lambda API Reference, CreateEventSourceMapping"
MAXIMUM_CONCURRENCY = Limit(2, 1_000, "concurrent executions", f"{_MAPPING}, ScalingConfig")
BATCH_SIZE = Limit(1, 10_000, "messages", f"{_MAPPING}, BatchSize, Amazon SQS standard queues")
BATCHING_WINDOW = Limit(0, 300, "seconds", f"{_MAPPING}, MaximumBatchingWindowInSeconds")

_POLLERS = "AWS Lambda Developer Guide, Lambda parameters for Amazon SQS event source mappings"
MINIMUM_POLLERS = Limit(2, 200, "event pollers", f"{_POLLERS}, ProvisionedPollerConfig")
# Lambda itself takes up to 10,000 (AWS Lambda API Reference, ProvisionedPollerConfig,
# MaximumPollers), the official provider 2,000.
MAXIMUM_POLLERS = Limit(2, 2_000, "event pollers", f"{_POLLERS}, ProvisionedPollerConfig")
# The same page: each poller handles up to 10 concurrent invocations.
INVOCATIONS_PER_POLLER = 10

# AWS Lambda Developer Guide, Using Lambda with SQS: above 10 messages a window of 1 s is needed.
# The same is the most that a FIFO queue's mapping takes.
BATCH_SIZE_WITHOUT_WINDOW = 10

# An account starts with 1,000 concurrent executions, a new one often with 10 (AWS Lambda Developer
# Guide, Lambda quotas). Without a maximum a mapping takes what there is, and messages of an
# invocation that was throttled use up their receives.
DEFAULT_MAXIMUM_CONCURRENCY = 10


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
        fewer = reserved // INVOCATIONS_PER_POLLER
        can_be_lower = fewer >= MAXIMUM_POLLERS.minimum
        raise LimitError(
            f"pollers.maximum = {maximum} can invoke {invocations} times at once, above "
            f"reserved_concurrency = {reserved}: throttled messages would use up their receives; "
            f"reserve {invocations}, or "
            + (f"lower it to {fewer}" if can_be_lower else "leave pollers out")
            + f": each poller can invoke {INVOCATIONS_PER_POLLER} times at once"
        )
