"""How long it is kept that a message has been processed."""

from .ranges import Limit

# The shortest that a queue keeps a message, and the longest that it and its dead-letter queue do.
IDEMPOTENCY = Limit(
    60, 2_419_200, "seconds", "Amazon SQS API Reference, SetQueueAttributes, MessageRetentionPeriod"
)


def derived_idempotency_seconds(retention_seconds: int, dlq_retention_seconds: int) -> int:
    """As long as a message can come back: from the queue, and once more from its dead letters.

    Source: Amazon SQS Developer Guide, Standard queues, At-least-once delivery; Learn how to
    configure a dead-letter queue redrive (what is redriven is kept anew).
    """
    return retention_seconds + dlq_retention_seconds


def idempotency_advice(expires_after_seconds: int, retention_seconds: int) -> str | None:
    """What to say about a memory that is shorter than the life of a message, if it is."""
    if expires_after_seconds >= retention_seconds:
        return None
    return (
        f"idempotency.expires_after_seconds = {expires_after_seconds} is below retention_seconds = "
        f"{retention_seconds}: a message that is delivered again after that is processed a second "
        "time; leave it out to have it derived"
    )
