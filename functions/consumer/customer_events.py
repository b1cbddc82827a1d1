"""The work on one message: its customer event is read and checked."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from sqs_records import SqsRecord

STORE_IDS = frozenset({"1", "2", "3", "4", "5"})

EVENT_FIELDS: dict[str, type] = {
    "name": str,
    "dob": str,
    "gender": str,
    "ssn_no": str,
    "data_share_consent": bool,
    "evnt_time": str,
}

# What a producer may use as its run_id. Anything else comes from a stranger, may hold anything,
# and is therefore not logged.
RUN_ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}")
GROUP_PATTERN = re.compile(r"store-[1-5]")
# At most 18 digits: a seq that fits into 64 bits, and no cost in reading it.
SEQ_PATTERN = re.compile(r"[0-9]{1,18}")


class BadRecordError(Exception):
    """A record that no retry can help. Its text is logged: it never quotes the record."""


class MissingStoreIdError(BadRecordError):
    """The message attribute `store_id` is absent."""


class UnusableStoreIdError(BadRecordError):
    """The message attribute `store_id` is there, but is not one of the stores."""


class UnreadableEventError(BadRecordError):
    """The body is not a customer event."""


@dataclass(frozen=True, kw_only=True)
class MessageKey:
    """Who sent a message, and its number there; None where a foreign message lacks it.

    `group` is its message group; None without one, or when it is not of the form that we send.
    """

    run_id: str | None
    seq: int | None
    group: str | None


def process_record(record: SqsRecord) -> MessageKey:
    """Process one message.

    The worked case's work is to read and check the event. It changes nothing, so a message that
    is delivered twice does no harm.

    Raises:
        BadRecordError: what is wrong with the message, without quoting it.
    """
    _check_store_id(record)
    _check_event(record["body"])
    return read_message_key(record)


def read_message_key(record: SqsRecord) -> MessageKey:
    """Read a message's key; what is absent or not of the form that we send is None."""
    run_id = _read_attribute(record, "run_id") or ""
    seq = _read_attribute(record, "seq") or ""
    group = record["attributes"].get("MessageGroupId") or ""
    return MessageKey(
        run_id=run_id if RUN_ID_PATTERN.fullmatch(run_id) else None,
        seq=int(seq) if SEQ_PATTERN.fullmatch(seq) else None,
        group=group if GROUP_PATTERN.fullmatch(group) else None,
    )


def _check_store_id(record: SqsRecord) -> None:
    if record["messageAttributes"].get("store_id") is None:
        raise MissingStoreIdError("the message attribute store_id is missing")
    if _read_attribute(record, "store_id") not in STORE_IDS:
        raise UnusableStoreIdError("the message attribute store_id is not an integer from 1 to 5")


def _check_event(body: str) -> None:
    try:
        event: Any = json.loads(body)
    except (ValueError, RecursionError):
        # Not chained: a JSONDecodeError carries the whole body.
        raise UnreadableEventError("the body is not JSON") from None
    if not isinstance(event, dict):
        raise UnreadableEventError("the body is not a JSON object")
    fields = cast("dict[str, object]", event)
    for name, kind in EVENT_FIELDS.items():
        if not isinstance(fields.get(name), kind):
            raise UnreadableEventError(f"the body's field {name} is missing or of a wrong type")


def _read_attribute(record: SqsRecord, name: str) -> str | None:
    attribute = record["messageAttributes"].get(name)
    return None if attribute is None else attribute.get("stringValue")
