"""One SQS message with everything that must survive a move, a backup and a restore."""

import base64
import binascii
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from automation.aws.consumer_log import Identity
from automation.errors import AutomationError

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import (
        MessageAttributeValueOutputTypeDef,
        MessageAttributeValueTypeDef,
        MessageTypeDef,
        SendMessageBatchRequestEntryTypeDef,
    )

# Amazon SQS Developer Guide, "Amazon SQS message quotas": body and attributes together, of one
# message and of all messages in a batch alike; a batch has at most 10 entries, a message at most
# 10 attributes.
MAX_BYTES = 1_048_576
MAX_BATCH_ENTRIES = 10
MAX_ATTRIBUTES = 10

# Of counts and sequence numbers. Python refuses to read thousands of digits as a number, and an
# attribute of somebody else may have them under our names.
MAX_DIGITS = 18

REDRIVE_COUNT = "redrive_count"
"""The message attribute (Number) that says how often our mover has sent a message again."""


class MessageFormatError(AutomationError):
    """A line of a file is no message in our format."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message as SQS delivered it, or as a file holds it.

    Attributes:
        message_id: SQS's id; empty for a message that was never sent.
        body: text.
        attributes: message attributes by name, in SQS's own shape; binary values are bytes.
        system: SQS's attributes by name: `SentTimestamp`, `MessageGroupId` and so on.
        receipt_handle: what deletes this delivery; empty when it comes from a file.
    """

    message_id: str
    body: str = field(repr=False)
    attributes: "Mapping[str, MessageAttributeValueTypeDef]" = field(repr=False)
    system: Mapping[str, str] = field(repr=False)
    receipt_handle: str = field(repr=False, default="")

    @property
    def group(self) -> str | None:
        """The message group: always there in a FIFO queue, seldom in a standard one."""
        return self.system.get("MessageGroupId")

    @property
    def source(self) -> str | None:
        """Name of the queue that SQS moved it from; None when it was sent to where it is."""
        arn = self.system.get("DeadLetterQueueSourceArn")
        return arn.rpartition(":")[2] if arn else None

    @property
    def sent_at_seconds(self) -> float:
        """Unix time at which the message was sent; a standard DLQ keeps the first queue's."""
        return int(self.system.get("SentTimestamp", "0")) / 1000

    @property
    def receive_count(self) -> int:
        """How often SQS has delivered it, deliveries to this tool included."""
        return int(self.system.get("ApproximateReceiveCount", "0"))

    @property
    def redrive_count(self) -> int | None:
        """How often it has been redriven; None when the attribute is somebody else's."""
        attribute = self.attributes.get(REDRIVE_COUNT)
        if attribute is None:
            return 0
        text = attribute.get("StringValue", "")
        count = whole_number(text) if attribute["DataType"] == "Number" else None
        # The next one must be readable too.
        return None if count is None or len(str(count + 1)) > MAX_DIGITS else count

    def text(self, attribute: str) -> str | None:
        """The value of a message attribute that is text or a number; None without it."""
        value = self.attributes.get(attribute)
        return value.get("StringValue") if value else None

    @functools.cached_property
    def size_bytes(self) -> int:
        """What SQS counts against its limit: the body, each attribute's name, type and value."""
        texts = [self.body]
        binary_bytes = 0
        for name, value in self.attributes.items():
            texts += name, value["DataType"], value.get("StringValue", "")
            if "BinaryValue" in value:
                binary_bytes += len(bytes(cast("bytes", value["BinaryValue"])))
        return byte_count("".join(texts)) + binary_bytes

    def redriven(self, max_bytes: int = MAX_BYTES) -> "Message":
        """The same message with its redrive count one higher.

        Unchanged where SQS would not take it: ten other attributes, no byte left, or an attribute
        of that name that is not ours.

        Args:
            max_bytes: what the queue that it goes to takes of one message; default SQS's limit.
        """
        count = self.redrive_count
        if count is None:
            return self
        attributes = {
            **self.attributes,
            REDRIVE_COUNT: cast(
                "MessageAttributeValueTypeDef",
                {"DataType": "Number", "StringValue": str(count + 1)},
            ),
        }
        counted = Message(
            message_id=self.message_id,
            body=self.body,
            attributes=attributes,
            system=self.system,
            receipt_handle=self.receipt_handle,
        )
        fits = len(attributes) <= MAX_ATTRIBUTES and counted.size_bytes <= max_bytes
        return counted if fits else self

    def batch_entry(
        self, entry_id: str, *, deduplication_id: str | None
    ) -> "SendMessageBatchRequestEntryTypeDef":
        """This message as one entry of `SendMessageBatch`.

        Args:
            entry_id: the entry's id in its batch.
            deduplication_id: for a FIFO queue, up to 128 characters; None for a standard one.
        """
        entry: SendMessageBatchRequestEntryTypeDef = {
            "Id": entry_id,
            "MessageBody": self.body,
            "MessageAttributes": self.attributes,
        }
        if self.group is not None:
            entry["MessageGroupId"] = self.group
        if deduplication_id is not None:
            entry["MessageDeduplicationId"] = deduplication_id
        if trace := self.system.get("AWSTraceHeader"):
            # The one system attribute that a sender may set; it counts against no limit
            # (SQS API Reference, SendMessageBatchRequestEntry).
            entry["MessageSystemAttributes"] = {
                "AWSTraceHeader": {"DataType": "String", "StringValue": trace}
            }
        return entry


def received_message(delivery: "MessageTypeDef") -> Message:
    """A `Message` from what `ReceiveMessage` returns."""
    return Message(
        message_id=delivery.get("MessageId", ""),
        body=delivery.get("Body", ""),
        attributes={
            name: _clean(value) for name, value in delivery.get("MessageAttributes", {}).items()
        },
        system={str(name): value for name, value in delivery.get("Attributes", {}).items()},
        receipt_handle=delivery.get("ReceiptHandle", ""),
    )


def _clean(value: "MessageAttributeValueOutputTypeDef") -> "MessageAttributeValueTypeDef":
    # Deliveries may carry empty list values as well, which sending refuses.
    if is_binary(value["DataType"]):
        return {"DataType": value["DataType"], "BinaryValue": value.get("BinaryValue", b"")}
    return {"DataType": value["DataType"], "StringValue": value.get("StringValue", "")}


def is_binary(data_type: str) -> bool:
    """Whether values of this type are bytes; a type may have a label, as in `Binary.gif`."""
    return data_type.partition(".")[0] == "Binary"


def message_to_json(message: Message) -> dict[str, object]:
    """A message as a JSON object that `message_from_json` reads back without a difference."""
    attributes: dict[str, dict[str, str]] = {}
    for name, value in message.attributes.items():
        if is_binary(value["DataType"]):
            content = base64.b64encode(cast("bytes", value.get("BinaryValue", b""))).decode()
            attributes[name] = {"type": value["DataType"], "base64": content}
        else:
            attributes[name] = {"type": value["DataType"], "value": value.get("StringValue", "")}
    return {
        "id": message.message_id,
        "body": message.body,
        "attributes": attributes,
        "system": dict(message.system),
    }


def attribute_from_json(name: str, value: object) -> "MessageAttributeValueTypeDef":
    """One message attribute: text, a number, or an object with type and value or base64.

    Raises:
        MessageFormatError: it is none of these.
    """
    if isinstance(value, str):
        return {"DataType": "String", "StringValue": value}
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {"DataType": "Number", "StringValue": str(value)}
    match value:
        case {"type": str(kind), "value": str(text)}:
            return {"DataType": kind, "StringValue": text}
        case {"type": str(kind), "base64": str(text)}:
            return {"DataType": kind, "BinaryValue": _bytes(name, text)}
        case _:
            raise MessageFormatError(
                f"attribute {name!r} must be text, a number, or an object with 'type' and 'value' "
                "or 'base64'"
            )


def _bytes(name: str, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise MessageFormatError(f"attribute {name!r} is not base64: {error}") from error


def message_from_json(value: object) -> Message:
    """A message from a JSON object as `message_to_json` makes it; a person may write less.

    Only `body` is needed: text, or any JSON, which is sent as its text. `attributes` may be
    plain text and numbers, `group` is short for `system.MessageGroupId`. What is null is left
    out. Whether SQS takes such a message is no matter here: a backup holds what was received.

    Raises:
        MessageFormatError: it is none, and why.
    """
    if not isinstance(value, dict):
        raise MessageFormatError("a message must be a JSON object with a 'body'")
    fields = cast("dict[str, object]", value)
    if unknown := sorted(fields.keys() - {"id", "body", "attributes", "system", "group"}):
        raise MessageFormatError(f"a message has no field {', '.join(map(repr, unknown))}")
    body = fields.get("body")
    if body is None:
        raise MessageFormatError("a message must have a 'body' that is not null")
    system = {
        name: _text(f"system.{name}", item)
        for name, item in _object(fields, "system").items()
        if item is not None
    }
    if fields.get("group") is not None:
        system["MessageGroupId"] = _text("group", fields["group"])
    return Message(
        message_id="" if fields.get("id") is None else _text("id", fields["id"]),
        body=body if isinstance(body, str) else json.dumps(body),
        attributes={
            name: attribute_from_json(name, item)
            for name, item in _object(fields, "attributes").items()
            if item is not None
        },
        system=system,
    )


def _object(fields: Mapping[str, object], name: str) -> dict[str, object]:
    value = fields.get(name)
    if value is not None and not isinstance(value, dict):
        raise MessageFormatError(f"{name!r} must be an object, not {type(value).__name__}")
    return cast("dict[str, object]", value) if value is not None else {}


def _text(name: str, value: object) -> str:
    """Text, or a whole number as text; anything else would be sent as Python writes it."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise MessageFormatError(f"{name!r} must be text, not {json.dumps(value):.40}")


def identity_of(message: Message) -> Identity | None:
    """(run_id, seq); None when the message carries none."""
    run_id, seq = message.text("run_id"), message.text("seq")
    number = whole_number(seq or "")
    return (run_id, number) if run_id and number is not None else None


def whole_number(text: str) -> int | None:
    """A number of at most `MAX_DIGITS` digits of ASCII; None for every other text."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS
    return int(text) if is_number else None


def byte_count(text: str) -> int:
    """Length in UTF-8, also of text that UTF-8 doesn't know: a file may hold lone surrogates."""
    # Most is ASCII, and Python knows which is.
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
