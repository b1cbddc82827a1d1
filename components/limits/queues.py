"""What SQS takes of a queue, and what keeps its messages from being lost."""

from .ranges import Limit, LimitError

_SET_QUEUE_ATTRIBUTES = "Amazon SQS API Reference, SetQueueAttributes"
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

# AWS Lambda Developer Guide, Using Lambda with SQS, Configuring a queue for use with Lambda: at
# least six times the function's timeout, plus the batching window, so that Lambda can retry a
# batch that was throttled while the one before it was still being processed.
VISIBILITY_PER_FUNCTION_TIMEOUT = 6


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
        longest = MESSAGE_RETENTION.maximum
        can_be_longer = retention_seconds < longest
        raise LimitError(
            f"dlq_retention_seconds = {dlq_retention_seconds} is not above retention_seconds = "
            f"{retention_seconds}: dead letters keep their age and could expire on arrival; "
            + (
                f"allowed: {retention_seconds + 1} to {longest} seconds; raise "
                "dlq_retention_seconds or lower retention_seconds"
                if can_be_longer
                else f"retention_seconds may be {MESSAGE_RETENTION.minimum} to {longest - 1} "
                "seconds, so that dead letters can be kept longer; lower it"
            )
        )
