"""SQS's rules for what may be sent and asked, as it refuses what breaks them."""

import base64
import binascii
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, cast

# Amazon SQS API Reference, SendMessage, MessageBody: what XML 1.0 can hold.
_NOT_ALLOWED = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Amazon SQS Developer Guide, Amazon SQS message metadata.
_MAX_ATTRIBUTES = 10
_ATTRIBUTE_NAME = re.compile(r"(?!\.)(?!.*\.\.)(?!.*\.$)[A-Za-z0-9_.-]{1,256}")
_RESERVED_NAME = re.compile(r"(aws|amazon)\.", re.IGNORECASE)
_ATTRIBUTE_TYPE = re.compile(r"(?P<kind>String|Number|Binary)(\.[^\x00-\x1f]+)?")
_MAX_TYPE_LENGTH = 256
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?")
_LARGEST_NUMBER, _SMALLEST_NUMBER = Decimal("1e126"), Decimal("1e-128")
# Amazon SQS API Reference, SendMessage, MessageGroupId and MessageDeduplicationId.
_GROUP_OR_DEDUPLICATION_ID = re.compile(r"[!-~]{1,128}")
# Amazon SQS API Reference, ReceiveMessage, ChangeMessageVisibility and SendMessage.
_RANGES = {
    "MaxNumberOfMessages": (1, 10),
    "WaitTimeSeconds": (0, 20),
    "VisibilityTimeout": (0, 43_200),
    "DelaySeconds": (0, 900),
}


class RefusedError(Exception):
    """SQS does not take this; `code` is its name for the error."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class QueueRules:
    """What decides on a message beside the message: the queue's kind and settings.

    max_bytes: of one message with its attributes, 1,024 to 1,048,576.
    """

    is_fifo: bool
    has_content_based_deduplication: bool
    max_bytes: int


def check_message(message: Mapping[str, Any], queue: QueueRules) -> None:
    """Refuse a message, or an entry of a batch, for which SQS refuses the whole request.

    Raises:
        RefusedError: `MissingParameter`, `InvalidParameterValue` or `InvalidMessageContents`.
    """
    body = message.get("MessageBody")
    if not body:
        raise RefusedError("MissingParameter", "MessageBody is missing or empty")
    if _NOT_ALLOWED.search(body):
        raise RefusedError("InvalidMessageContents", "MessageBody holds characters not allowed")
    attributes = _members(message.get("MessageAttributes"))
    if len(attributes) > _MAX_ATTRIBUTES:
        raise _invalid(f"{len(attributes)} message attributes; at most {_MAX_ATTRIBUTES} allowed")
    for name, value in attributes.items():
        _check_attribute(name, _members(value))
    _check_system_attributes(_members(message.get("MessageSystemAttributes")))
    check_ranges(message)
    _check_ids(message, queue)


def check_size(size: int, queue: QueueRules) -> None:
    """Refuse a message of `size` bytes above the queue's limit; of a batch SQS refuses it alone.

    Raises:
        RefusedError: `InvalidParameterValue`.
    """
    if size > queue.max_bytes:
        raise _invalid(f"the message has {size} bytes; at most {queue.max_bytes} allowed")


def check_ranges(request: Mapping[str, Any]) -> None:
    """Refuse numbers out of range, as far as they are given.

    Raises:
        RefusedError: `InvalidParameterValue`.
    """
    for name, (least, most) in _RANGES.items():
        value = request.get(name)
        if value is None:
            continue
        text = str(value)
        if not re.fullmatch(r"-?\d{1,18}", text) or not least <= int(text) <= most:
            raise _invalid(f"{name} is {text}; allowed: {least} to {most}")


def size_bytes(message: Mapping[str, Any]) -> int:
    """What SQS counts: the body, and each attribute's name, type and value, in UTF-8 bytes."""
    return _length(message.get("MessageBody")) + sum(
        len(name.encode()) + _value_bytes(_members(value))
        for name, value in _members(message.get("MessageAttributes")).items()
    )


def _value_bytes(value: Mapping[str, Any]) -> int:
    binary = value.get("BinaryValue")
    return (
        _length(value.get("DataType"))
        + _length(value.get("StringValue"))
        + (len(_decoded(binary)) if binary else 0)
    )


def _length(text: str | None) -> int:
    return len(text.encode("utf-8", "surrogatepass")) if text else 0


def _decoded(binary: str) -> bytes:
    try:
        return base64.b64decode(binary, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _invalid("a BinaryValue is not in Base64") from error


def _check_attribute(name: str, value: Mapping[str, Any]) -> None:
    if not _is_attribute_name(name):
        raise _invalid(f"message attribute name {name!r} is not allowed")
    data_type = str(value.get("DataType") or "")
    kind = _kind(data_type)
    if kind is None:
        raise _invalid(f"message attribute {name!r} has the type {data_type!r}")
    content = value.get("BinaryValue" if kind == "Binary" else "StringValue")
    if not content:
        raise _invalid(f"message attribute {name!r} has no value of type {kind!r}, or an empty one")
    if kind == "Binary":
        _decoded(content)
    elif _NOT_ALLOWED.search(content):
        raise _invalid(f"message attribute {name!r} holds characters not allowed")
    if kind == "Number" and not _is_number(content):
        raise _invalid(f"message attribute {name!r} is {content!r}, which is no number")


# Thousands of messages a second have the same few names and types.
@functools.lru_cache(maxsize=1_024)
def _is_attribute_name(name: str) -> bool:
    return bool(_ATTRIBUTE_NAME.fullmatch(name)) and not _RESERVED_NAME.match(name)


@functools.lru_cache(maxsize=1_024)
def _kind(data_type: str) -> str | None:
    found = _ATTRIBUTE_TYPE.fullmatch(data_type)
    return found["kind"] if found and len(data_type) <= _MAX_TYPE_LENGTH else None


def _is_number(text: str) -> bool:
    if not _NUMBER.fullmatch(text):
        return False
    try:
        number = abs(Decimal(text))
    except InvalidOperation:
        return False
    return number == 0 or _SMALLEST_NUMBER <= number <= _LARGEST_NUMBER


def _check_system_attributes(attributes: Mapping[str, Any]) -> None:
    for name, value in attributes.items():
        given = _members(value)
        if name != "AWSTraceHeader" or given.get("DataType") != "String":
            raise _invalid(f"message system attribute {name!r}: only AWSTraceHeader, a String")
        if not given.get("StringValue"):
            raise _invalid("AWSTraceHeader is empty")


def _check_ids(message: Mapping[str, Any], queue: QueueRules) -> None:
    for name in ("MessageGroupId", "MessageDeduplicationId"):
        value = message.get(name)
        if value is not None and not _GROUP_OR_DEDUPLICATION_ID.fullmatch(value):
            raise _invalid(f"{name} is {value!r}; allowed: 1 to 128 letters, digits, punctuation")
    has_deduplication_id = message.get("MessageDeduplicationId") is not None
    if not queue.is_fifo:
        # A group id is taken by standard queues too: Amazon SQS Developer Guide, Fair queues.
        if has_deduplication_id:
            raise _invalid("MessageDeduplicationId is not valid for a standard queue")
        return
    if message.get("MessageGroupId") is None:
        raise RefusedError("MissingParameter", "MessageGroupId is missing")
    if not has_deduplication_id and not queue.has_content_based_deduplication:
        raise _invalid("neither MessageDeduplicationId nor content-based deduplication")


def _members(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _invalid(reason: str) -> RefusedError:
    return RefusedError("InvalidParameterValue", reason)
