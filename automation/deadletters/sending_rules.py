"""What SQS asks of a message, checked before any is sent."""

import re
from decimal import Decimal
from typing import TYPE_CHECKING, cast

from automation.deadletters.message import (
    MAX_ATTRIBUTES,
    Message,
    MessageFormatError,
    is_binary,
)

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef

# SQS API Reference, SendMessage, MessageBody: these characters and no others. They hold for text
# in attributes and for their types as well (SQS Developer Guide, "Message attribute components").
_FORBIDDEN = re.compile("[^\\t\\n\\r\\u0020-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")

# SQS Developer Guide, "Message attribute components": characters, length and reserved beginnings
# of a name, length of a type.
_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_RESERVED_NAME = re.compile(r"(?:aws|amazon)\.", re.IGNORECASE)
_MAX_NAME_CHARACTERS = 256
_MAX_TYPE_CHARACTERS = 256

# SQS Developer Guide, "Message attribute data types": a Number has up to 38 digits, zeros at its
# ends not counted, and lies between 10^-128 and 10^126, whatever its sign.
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
_MAX_DIGITS = 38
_LEAST_NUMBER, _GREATEST_NUMBER = Decimal("1e-128"), Decimal("1e126")

# SQS API Reference, SendMessage, MessageGroupId and MessageDeduplicationId: up to 128 characters,
# letters, digits and punctuation of ASCII. A standard queue takes a group by the same rule.
_TOKEN = re.compile(r"[!-~]{1,128}")
# Its message's deduplication id is our run's id, a hyphen, and the message's own id.
_MAX_FIFO_ID_CHARACTERS = 128 - 12 - 1

_SHOWN_CHARACTERS = 40


def check_sendable(message: Message, *, is_fifo: bool, max_bytes: int) -> None:
    """Refuse what SQS would refuse, without quoting a body or an attribute's value.

    Args:
        message: what is to be sent.
        is_fifo: the queue is a FIFO queue.
        max_bytes: the queue's own limit, 1,024 to 1,048,576 bytes.

    Raises:
        MessageFormatError: with the value, the limit and the fix.
    """
    if not message.body:
        raise MessageFormatError("a message must have a 'body' that is not empty")
    _check_characters("the body", message.body)
    _check_group(message, is_fifo=is_fifo)
    if len(message.attributes) > MAX_ATTRIBUTES:
        raise MessageFormatError(
            f"a message has at most {MAX_ATTRIBUTES} attributes, not {len(message.attributes)}: "
            "put the others into the body"
        )
    for name, value in message.attributes.items():
        check_attribute(name, value)
    if trace := message.system.get("AWSTraceHeader"):
        _check_characters("AWSTraceHeader", trace)
    if message.size_bytes > max_bytes:
        raise MessageFormatError(
            f"the queue takes at most {max_bytes} bytes of one message, attributes included, not "
            f"{message.size_bytes}: make it smaller, or raise the queue's maximum"
        )


def check_attribute(name: str, value: "MessageAttributeValueTypeDef") -> None:
    """Refuse a message attribute that SQS would refuse, without quoting its value.

    Raises:
        MessageFormatError: with the name, the limit and the fix.
    """
    _check_name(name)
    _check_value(name, value)


def _check_characters(what: str, text: str) -> None:
    if found := _FORBIDDEN.search(text):
        raise MessageFormatError(
            f"{what} holds U+{ord(found[0]):04X} at character {found.start() + 1}, which SQS does "
            "not take (allowed: tab, line feed, carriage return, U+0020 to U+D7FF, U+E000 to "
            "U+FFFD, U+10000 to U+10FFFF): leave it out, or send it encoded, as base64 or as JSON "
            "escapes"
        )


def _check_group(message: Message, *, is_fifo: bool) -> None:
    group = message.group
    if group is None and is_fifo:
        raise MessageFormatError("a message to a FIFO queue needs a 'group'")
    if group is not None and not _TOKEN.fullmatch(group):
        raise MessageFormatError(
            f"the group {_shown(group)} must be 1 to 128 letters, digits and punctuation of ASCII, "
            f"without spaces; it has {len(group)} characters: name another group"
        )
    own_id = message.message_id
    is_right = _TOKEN.fullmatch(own_id) and len(own_id) <= _MAX_FIFO_ID_CHARACTERS
    if is_fifo and not is_right:
        raise MessageFormatError(
            f"the id {_shown(own_id)} becomes part of the deduplication id, and must be 1 to "
            f"{_MAX_FIFO_ID_CHARACTERS} letters, digits and punctuation of ASCII; it has "
            f"{len(own_id)} characters: shorten it, or leave it out"
        )


def _check_name(name: str) -> None:
    is_dotted = name.startswith(".") or name.endswith(".") or ".." in name
    if not _NAME.fullmatch(name) or len(name) > _MAX_NAME_CHARACTERS or is_dotted:
        raise MessageFormatError(
            f"the attribute's name {_shown(name)} must be 1 to {_MAX_NAME_CHARACTERS} of A-Z, a-z, "
            "0-9, '_', '-' and '.', with no '.' at its ends or beside another; it has "
            f"{len(name)} characters: rename it"
        )
    if _RESERVED_NAME.match(name):
        raise MessageFormatError(
            f"the attribute's name {_shown(name)} begins with 'AWS.' or 'Amazon.', which AWS keeps "
            "for itself: rename it"
        )


def _check_value(name: str, value: "MessageAttributeValueTypeDef") -> None:
    kind, what = value["DataType"], f"the attribute {_shown(name)}"
    base = kind.partition(".")[0]
    if base not in ("String", "Number", "Binary"):
        raise MessageFormatError(
            f"{what} has the type {_shown(kind)}; allowed: String, Number, Binary, each with a "
            "label if you like, as in Binary.png"
        )
    _check_characters(f"the type of {what}", kind)
    if len(kind) > _MAX_TYPE_CHARACTERS:
        raise MessageFormatError(
            f"{what} has a type of {len(kind)} characters; at most {_MAX_TYPE_CHARACTERS}: shorten "
            "its label"
        )
    content = cast(
        "str | bytes | None", value.get("BinaryValue" if is_binary(kind) else "StringValue")
    )
    if content is None:
        key = "base64" if is_binary(kind) else "value"
        raise MessageFormatError(f"{what} is of type {_shown(kind)}: give it as {key!r}")
    if not content:
        raise MessageFormatError(f"{what} is empty: give it a value, or leave it out")
    if isinstance(content, str):
        _check_characters(what, content)
        if base == "Number":
            _check_number(what, content)


def _check_number(what: str, text: str) -> None:
    if not _NUMBER.fullmatch(text):
        raise MessageFormatError(f"{what} is of type Number and no number: send it as String")
    mantissa = text.lower().partition("e")[0]
    digits = mantissa.lstrip("+-").replace(".", "").strip("0")
    if len(digits) > _MAX_DIGITS:
        raise MessageFormatError(
            f"{what} is a Number of {len(digits)} digits; at most {_MAX_DIGITS}: send it as String"
        )
    size = abs(Decimal(text))
    if size and not _LEAST_NUMBER <= size <= _GREATEST_NUMBER:
        raise MessageFormatError(
            f"{what} is a Number of the magnitude 10^{size.adjusted()}; allowed: 10^"
            f"{_LEAST_NUMBER.adjusted()} to 10^{_GREATEST_NUMBER.adjusted()}: send it as String"
        )


def _shown(text: str) -> str:
    """A name in quotes, escaped, and not longer than a line."""
    return repr(text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…")
