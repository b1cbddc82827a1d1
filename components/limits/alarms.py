"""Thresholds at which an alarm can ring."""

from .ranges import Limit, LimitError

COUNT_THRESHOLD = Limit(
    0, 1_000_000, "messages or invocations", "ours: CloudWatch API Reference sets no upper end"
)
AGE_PERCENT = Limit(
    1, 99, "per cent", "Amazon SQS Developer Guide, Setting up dead-letter queue retention: a part"
)


def check_message_age_alarm(message_age_seconds: int, retention_seconds: int) -> None:
    """Refuse an alarm that can't ring: no message grows older than the queue keeps it."""
    if not 1 <= message_age_seconds < retention_seconds:
        raise LimitError(
            f"alarms.message_age_seconds = {message_age_seconds} is out of range; allowed: 1 to "
            f"{retention_seconds - 1} seconds, below retention_seconds; None switches it off"
        )
