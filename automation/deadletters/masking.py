"""What of a message may be shown: personal data stays hidden unless somebody asks for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from automation.deadletters.message import Message, byte_count
from automation.deadletters.where import plain_value
from automation.foreign_text import read_json

MASK = "***"
# What is known to be about no person. A field or attribute that we don't know may be.
_IMPERSONAL_FIELDS = frozenset({"data_share_consent", "evnt_time"})
_IMPERSONAL_ATTRIBUTES = frozenset({"project", "ts", "store_id", "run_id", "seq", "redrive_count"})


@dataclass(frozen=True, kw_only=True)
class Disclosure:
    """What to show.

    Attributes:
        body: show bodies, personal fields masked. Default False.
        personal: mask nothing that is shown. Default False.
    """

    body: bool = False
    personal: bool = False


def shown_attributes(message: Message, disclosure: Disclosure) -> dict[str, str | float]:
    """Message attributes by name, those that may be personal masked."""
    return {
        name: plain_value(cast("Mapping[str, object]", value))
        if may_be_shown(name, disclosure)
        else MASK
        for name, value in message.attributes.items()
    }


def may_be_shown(attribute: str, disclosure: Disclosure) -> bool:
    """Whether the message attribute of this name holds no personal data, or that may be shown."""
    return disclosure.personal or attribute in _IMPERSONAL_ATTRIBUTES


def is_impersonal_name(name: str) -> bool:
    """Whether a field or attribute of this name is known: then the name itself is nobody's data."""
    return name in _IMPERSONAL_FIELDS | _IMPERSONAL_ATTRIBUTES


def shown_body(message: Message, disclosure: Disclosure) -> object:
    """The body as far as it may be shown: its JSON, its text, or how long it is."""
    if not disclosure.body:
        return f"{MASK} ({byte_count(message.body)} bytes)"
    try:
        body = read_json(message.body)
    except ValueError:
        return message.body if disclosure.personal else f"{MASK} (text, may be personal)"
    return body if disclosure.personal else _masked(body)


def _masked(value: object) -> object:
    if not isinstance(value, dict):
        return MASK
    fields = cast("dict[str, object]", value)
    return {
        name: item if name in _IMPERSONAL_FIELDS and not isinstance(item, dict | list) else MASK
        for name, item in fields.items()
    }
