"""Stands in front of the emulator's SQS: refuses what SQS refuses, and keeps what it keeps."""

from typing import Any

from automation.local.corrections.messages import (
    QueueRules,
    RefusedError,
    check_message,
    check_ranges,
    check_size,
    size_bytes,
)
from automation.local.corrections.replacing import replace, require, service

# Amazon SQS API Reference, SendMessageBatch: the sum over all entries.
_MAX_BATCH_BYTES = 1_048_576


def apply() -> None:
    """Check each request before the emulator sees it, and send batches entry by entry."""
    sqs = service("sqs")
    require(
        sqs,
        _get_q="url action",
        _act_send_message="data qurl",
        _validate_batch_entries="entries entry_name",
        _Err="code message status",
    )

    async def dispatch(action: str, data: Any, qurl: str) -> Any:
        try:
            _check(sqs, action, data, qurl)
        except RefusedError as error:
            raise sqs._Err(error.code, error.reason) from error
        return await original(action, data, qurl)

    def send_message_batch(data: Any, qurl: str) -> Any:
        return _send_batch(sqs, data, qurl)

    original = replace(sqs, "_dispatch", dispatch)
    replace(sqs, "_act_send_message_batch", send_message_batch)
    sqs._HANDLERS["SendMessageBatch"] = send_message_batch


def _check(sqs: Any, action: str, data: Any, qurl: str) -> None:
    match action:
        case "SendMessage":
            queue = _rules(sqs._get_q(data.get("QueueUrl", qurl), "sqs:SendMessage"))
            check_message(data, queue)
            check_size(size_bytes(data), queue)
        case "ReceiveMessage" | "ChangeMessageVisibility":
            check_ranges(data)
        case "ChangeMessageVisibilityBatch":
            for entry in _entries(data):
                check_ranges(entry)
        case _:
            pass


def _entries(data: Any) -> list[Any]:
    return data.get("Entries") or list[Any]()


def _rules(queue: Any) -> QueueRules:
    attributes = queue["attributes"]
    return QueueRules(
        is_fifo=queue["is_fifo"],
        has_content_based_deduplication=attributes.get("ContentBasedDeduplication") == "true",
        max_bytes=int(attributes["MaximumMessageSize"]),
    )


def _send_batch(sqs: Any, data: Any, qurl: str) -> Any:
    """Send a batch with all that its entries hold; the emulator's own drops AWSTraceHeader.

    One malformed entry refuses the request, one that is only too long fails alone: recorded for
    ids that are missing and for sizes.
    """
    url = data.get("QueueUrl", qurl)
    queue = _rules(sqs._get_q(url, "sqs:SendMessage"))
    entries = _entries(data)
    sqs._validate_batch_entries(entries, "SendMessageBatchRequestEntry")
    try:
        sizes = [size_bytes(entry) for entry in entries]
        total = sum(sizes)
        if total > _MAX_BATCH_BYTES:
            reason = f"the batch has {total} bytes; at most {_MAX_BATCH_BYTES} allowed"
            raise RefusedError("BatchRequestTooLong", reason)
        for entry in entries:
            check_message(entry, queue)
    except RefusedError as error:
        raise sqs._Err(error.code, error.reason) from error
    sent: list[Any] = []
    failed: list[Any] = []
    for entry, size in zip(entries, sizes, strict=True):
        try:
            check_size(size, queue)
            sent.append(
                sqs._act_send_message({**entry, "QueueUrl": url}, url) | {"Id": entry["Id"]}
            )
        except RefusedError as error:
            failed.append(_failure(entry, error.code, error.reason))
        except sqs._Err as error:
            failed.append(_failure(entry, error.code, error.message))
    return {"Successful": sent, "Failed": failed}


def _failure(entry: Any, code: str, reason: str) -> dict[str, Any]:
    return {"Id": entry["Id"], "Code": code, "Message": reason, "SenderFault": True}
