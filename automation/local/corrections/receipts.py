"""Receipt handles: SQS knows each that it ever gave out, and what became of its message.

The emulator knows the newest of each message that is still there, and calls all others invalid.
"""

import base64
import binascii
from typing import Any, TypeAlias

from automation.local.corrections.message_index import Message, Messages

Refusal: TypeAlias = tuple[str, str]
"""A code of SQS's, and its words."""


class ReceiptRules:
    """What SQS does with the receipt handles of a queue."""

    def new(self, queue: Any, message: Message) -> str:
        """A receipt that says whose it is, so that no queue has to remember those of before."""
        text = f"{message['id']} {message['receive_count']} {_arn(queue)}"
        return base64.b64encode(text.encode()).decode()

    def why_not_deleted(self, queue: Any, messages: Messages, receipt: str) -> Refusal | None:
        """Why a deletion is refused; None when it succeeds, if only because nothing is there.

        With an older receipt it succeeds and deletes nothing (SQS API Reference, DeleteMessage;
        that a message which is gone is no error was verified against AWS for getmoto/moto pull
        request 4655). One of a FIFO queue has run out then.
        """
        return _why_unknown(queue, receipt) or _why_run_out(queue, messages, receipt)

    def why_not_changed(self, queue: Any, messages: Messages, receipt: str) -> Refusal | None:
        """Why a change of visibility is refused; None when it is made."""
        if refusal := self.why_not_deleted(queue, messages, receipt):
            return refusal
        if messages.received_with(receipt):
            return None
        words = "Message does not exist or is not available for visibility timeout change."
        return _invalid_value(receipt, words)


def _why_unknown(queue: Any, receipt: str) -> Refusal | None:
    """SQS never gave it out, or did for another queue (aws/aws-sdk-java-v2 issue 3101)."""
    try:
        _, _, arn = _parts(receipt)
    except (binascii.Error, ValueError):
        words = f'The input receipt handle "{receipt}" is not a valid receipt handle.'
        return "ReceiptHandleIsInvalid", words
    if arn != _arn(queue):
        words = f'The receipt handle "{receipt}" is not valid for this queue.'
        return "ReceiptHandleIsInvalid", words
    return None


def _why_run_out(queue: Any, messages: Messages, receipt: str) -> Refusal | None:
    if not queue["is_fifo"] or messages.is_in_flight(receipt):
        return None
    message_id, _, _ = _parts(receipt)
    is_there = any(message["id"] == message_id for message in messages)
    return _invalid_value(receipt, "The receipt handle has expired.") if is_there else None


def _parts(receipt: str) -> tuple[str, str, str]:
    message_id, receives, arn = base64.b64decode(receipt, validate=True).decode().split(" ")
    return message_id, receives, arn


def _invalid_value(receipt: str, reason: str) -> Refusal:
    words = f"Value {receipt} for parameter ReceiptHandle is invalid. Reason: {reason}"
    return "InvalidParameterValue", words


def _arn(queue: Any) -> str:
    return str(queue["attributes"]["QueueArn"])
