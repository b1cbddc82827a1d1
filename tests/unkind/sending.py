"""What SQS checks before it takes a message."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tests.unkind.errors import client_error
from tests.unkind.queue import Queue

MAX_BYTES = 1_048_576
MAX_ENTRIES = 10
MAX_ATTRIBUTES = 10

# SQS API Reference, SendMessage: characters that a body can't hold.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_GROUP = re.compile(r"[!-~]{1,128}")


def size_bytes(body: str, attributes: Mapping[str, Any]) -> int:
    """What SQS counts: the body, each attribute's name, type and value."""
    return len(body.encode()) + sum(
        len(name.encode())
        + len(value["DataType"].encode())
        + len(value.get("StringValue", "").encode())
        + len(value.get("BinaryValue", b""))
        for name, value in attributes.items()
    )


def check_entries(
    entries: Sequence[Mapping[str, Any]], operation: str, *, are_messages: bool
) -> None:
    """Refuse a batch as a whole: SQS API Reference, SendMessageBatch, "Errors".

    Raises:
        ClientError: with SQS's code.
    """
    ids = [entry["Id"] for entry in entries]
    prefix = "AWS.SimpleQueueService."
    if not entries:
        raise client_error(f"{prefix}EmptyBatchRequest", operation)
    if len(entries) > MAX_ENTRIES:
        raise client_error(f"{prefix}TooManyEntriesInBatchRequest", operation)
    if len(set(ids)) < len(ids):
        raise client_error(f"{prefix}BatchEntryIdsNotDistinct", operation)
    if not all(re.fullmatch(r"[\w-]{1,80}", one, re.ASCII) for one in ids):
        raise client_error(f"{prefix}InvalidBatchEntryId", operation)
    if are_messages:
        total = sum(size_bytes(e["MessageBody"], e.get("MessageAttributes", {})) for e in entries)
        if total > MAX_BYTES:
            raise client_error(
                f"{prefix}BatchRequestTooLong",
                operation,
                f"Batch requests cannot be longer than {MAX_BYTES} bytes. You have sent {total} "
                "bytes.",
            )


def check_entry(entry: Mapping[str, Any], queue: Queue) -> tuple[str, str, bool] | None:
    """Say why SQS does not take an entry: code, words, whether the request falls with it."""
    body, attributes = entry["MessageBody"], entry.get("MessageAttributes", {})
    group, deduplication_id = entry.get("MessageGroupId"), entry.get("MessageDeduplicationId")
    if not body or _FORBIDDEN.search(body):
        return "InvalidMessageContents", "Invalid characters found", True
    if queue.is_fifo and group is None:
        return "MissingParameter", "The request must contain the parameter MessageGroupId.", True
    if queue.is_fifo and deduplication_id is None:
        words = "The queue should either have ContentBasedDeduplication enabled or "
        return "InvalidParameterValue", f"{words}MessageDeduplicationId provided explicitly", True
    if not queue.is_fifo and deduplication_id is not None:
        words = "The request includes a parameter that is not valid for this queue type"
        return "InvalidParameterValue", words, True
    if any(one is not None and not _GROUP.fullmatch(one) for one in (group, deduplication_id)):
        return "InvalidParameterValue", "1 to 128 alphanumeric and punctuation characters", True
    if len(attributes) > MAX_ATTRIBUTES:
        return "InvalidParameterValue", f"at most {MAX_ATTRIBUTES} message attributes", False
    if size_bytes(body, attributes) > queue.max_message_bytes:
        words = f"Message must be shorter than {queue.max_message_bytes} bytes."
        return "InvalidParameterValue", f"One or more parameters are invalid. {words}", False
    return None
