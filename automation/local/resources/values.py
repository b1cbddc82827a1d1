"""Property values as the Pulumi engine sends them, in plain Python and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeAlias, cast

from google.protobuf import struct_pb2

# Marks that the engine's wire format puts into a struct; fixed by Pulumi's protocol.
_SIGNATURE_KEY: Final = "4dabf18193072939515e22adb298388d"
_ASSET_SIGNATURE: Final = "c44067f5952c0a294b673a41bacd8c17"
_ARCHIVE_SIGNATURE: Final = "0def7320c3a5731c473e5ecbe6d01bc7"
_SECRET_SIGNATURE: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a mark, not a secret
_UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


class Unknown(Enum):
    """A value that is known only after another resource exists."""

    VALUE = "unknown"

    def __repr__(self) -> str:
        return "<unknown>"


UNKNOWN: Final = Unknown.VALUE


@dataclass(frozen=True)
class Asset:
    """A file or a text: `content` holds `path`, `text` or `uri`, and the engine's `hash`."""

    content: Mapping[str, str]


@dataclass(frozen=True)
class Archive:
    """Files that belong together: `content` holds `path`, `uri` or `assets`, and a `hash`."""

    content: Mapping[str, Any]

    @property
    def hash(self) -> str:
        """The engine's hash of what is inside; empty when the engine computed none."""
        return str(self.content.get("hash", ""))


Value: TypeAlias = (
    "bool | int | float | str | list[Value] | dict[str, Value] | Asset | Archive | Unknown | None"
)

# What a service's module reads and writes. The values have passed the schema by then, so that a
# lookup needs no narrowing.
Properties: TypeAlias = dict[str, Any]


def decode(struct: struct_pb2.Struct) -> dict[str, Value]:
    """The struct's members; whole numbers come out as `int`, secrets without their wrapping."""
    return {key: _decode_value(value) for key, value in struct.fields.items()}


def _decode_value(value: struct_pb2.Value) -> Value:
    match value.WhichOneof("kind"):
        case "bool_value":
            return value.bool_value
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "string_value":
            return UNKNOWN if value.string_value == _UNKNOWN_TEXT else value.string_value
        case "list_value":
            return [_decode_value(item) for item in value.list_value.values]
        case "struct_value":
            return _decode_object(decode(value.struct_value))
        case _:
            return None


def _decode_object(members: dict[str, Value]) -> Value:
    signature = members.pop(_SIGNATURE_KEY, None)
    if signature == _ASSET_SIGNATURE:
        return Asset({key: str(value) for key, value in members.items()})
    if signature == _ARCHIVE_SIGNATURE:
        return Archive(members)
    if signature == _SECRET_SIGNATURE:
        return members.get("value")
    return members


def encode(properties: Mapping[str, Value]) -> struct_pb2.Struct:
    """The members as the engine reads them; those that are None are left out."""
    fields = {key: _encode_value(value) for key, value in properties.items() if value is not None}
    return struct_pb2.Struct(fields=fields)


def _encode_value(value: Value) -> struct_pb2.Value:
    if value is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, int | float):
        return struct_pb2.Value(number_value=value)
    if isinstance(value, str):
        return struct_pb2.Value(string_value=value)
    if isinstance(value, Unknown):
        return struct_pb2.Value(string_value=_UNKNOWN_TEXT)
    if isinstance(value, list):
        items = [_encode_value(item) for item in value]
        return struct_pb2.Value(list_value=struct_pb2.ListValue(values=items))
    if isinstance(value, Asset):
        return _encode_signed(_ASSET_SIGNATURE, value.content)
    if isinstance(value, Archive):
        return _encode_signed(_ARCHIVE_SIGNATURE, value.content)
    return struct_pb2.Value(struct_value=encode(value))


def _encode_signed(signature: str, content: Mapping[str, Value]) -> struct_pb2.Value:
    return struct_pb2.Value(struct_value=encode({_SIGNATURE_KEY: signature, **content}))


def has_unknown(value: Value) -> bool:
    """Whether the value, or anything inside it, is unknown."""
    if isinstance(value, Unknown):
        return True
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    if isinstance(value, dict):
        return any(has_unknown(item) for item in value.values())
    return False


def is_empty(value: Value) -> bool:
    """Whether Terraform's schema would not tell the value from one that is not there."""
    if isinstance(value, dict):
        return all(is_empty(item) for item in value.values())
    return value is None or value is False or value == 0 or value == "" or value == []


def items_of(value: Any) -> list[Any]:
    """The items of a list, or the one value as a list; nothing for None.

    The way to walk what is not typed: JSON documents and AWS's answers.
    """
    if value is None:
        return []
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def members_of(value: Any) -> Properties:
    """The members of an object; nothing for what is none."""
    return cast("Properties", value) if isinstance(value, dict) else {}
