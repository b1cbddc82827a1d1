"""What a mapping delivers of a message, as far as the consumer reads it."""

from __future__ import annotations

from typing import TypedDict


class MessageAttribute(TypedDict, total=False):
    """One message attribute; of a binary one there is no `stringValue`."""

    stringValue: str
    dataType: str


class SqsRecord(TypedDict):
    """One record of an event: Lambda Developer Guide, Using Lambda with Amazon SQS, Example event.

    `attributes` are SQS's own, `messageAttributes` the sender's.
    """

    messageId: str
    receiptHandle: str
    body: str
    attributes: dict[str, str]
    messageAttributes: dict[str, MessageAttribute]
    eventSourceARN: str


def count_receives(record: SqsRecord) -> int:
    """How often SQS delivered a record, this time among them."""
    return int(record["attributes"]["ApproximateReceiveCount"])
