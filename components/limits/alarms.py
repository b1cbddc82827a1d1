"""Thresholds at which an alarm can ring."""

import re

from .ranges import Limit, LimitError

COUNT_THRESHOLD = Limit(
    0, 1_000_000, "messages or invocations", "ours: CloudWatch API Reference sets no upper end"
)
AGE_PERCENT = Limit(
    1, 99, "per cent", "Amazon SQS Developer Guide, Setting up dead-letter queue retention: a part"
)


def check_message_age_alarm(message_age_seconds: int, retention_seconds: int) -> None:
    """Refuse an alarm that can't ring: no message grows older than the queue keeps it."""
    # What is above it is the rule; the source of the retention is at its own limit.
    below = Limit(
        1, retention_seconds - 1, "seconds, below retention_seconds; None switches it off", ""
    )
    below.check("alarms.message_age_seconds", message_age_seconds)


# Amazon SNS API Reference, Subscribe, Endpoint: what each protocol sends to.
_ENDPOINTS = {
    "email": (re.compile(r"[^@\s]+@[^@\s]+"), "a mail address, as on-call@example.com"),
    "email-json": (re.compile(r"[^@\s]+@[^@\s]+"), "a mail address, as on-call@example.com"),
    "https": (re.compile(r"https://\S+"), "a URL that begins with https://"),
    "lambda": (re.compile(r"arn:aws[a-z-]*:lambda:\S+"), "the ARN of a function"),
    "sms": (re.compile(r"\+?[0-9-]+"), "a phone number, as +15550100"),
    "sqs": (re.compile(r"arn:aws[a-z-]*:sqs:\S+"), "the ARN of a queue"),
}


def check_endpoint(argument: str, protocol: str, value: str) -> None:
    """Refuse what a subscription's protocol can't send to. Source: SNS API Reference, Subscribe."""
    pattern, wanted = _ENDPOINTS[protocol]
    if not pattern.fullmatch(value):
        raise LimitError(f"{argument} = {value!r} is nothing for {protocol}; give {wanted}")
