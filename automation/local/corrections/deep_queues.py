"""Lets a queue be deep: the emulator looks at every message of a queue in every request to it.

What a request does and answers stays the same; a test drives the emulator's own functions and
these with the same requests and compares.
"""

import functools
import json
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from automation.local.corrections.message_index import LOCK, Message, Messages
from automation.local.corrections.receipts import ReceiptRules, Refusal
from automation.local.corrections.replacing import replace, require, service


def apply() -> None:
    """Put an index in the place of the list of messages of each queue."""
    correct(service("sqs"), ReceiptRules())


def correct(sqs: Any, receipts: ReceiptRules) -> None:
    """The same for a module of one's own, which `sqs` is then, with rules of one's own."""
    require(
        sqs,
        _get_q="url action",
        _ensure_msg_fields="m",
        _validate_batch_entries="entries entry_name",
        _Err="code message status",
    )
    _correct_helpers(sqs, receipts)
    _correct_actions(sqs, receipts)
    _correct_making(sqs)


def indexed(sqs: Any, queue: Any) -> Messages:
    """The messages of one of the emulator's queues."""
    messages = queue["messages"]
    if isinstance(messages, Messages):
        return messages
    with LOCK:
        # Made by another service of the emulator, or read from disk.
        if not isinstance(queue["messages"], Messages):
            queue["messages"] = Messages(
                queue["messages"],
                is_fifo=queue["is_fifo"],
                complete=sqs._ensure_msg_fields,
                # The module's own clock, whatever it is.
                clock=lambda: sqs.time.time(),
            )
        return queue["messages"]


def _correct_helpers(sqs: Any, receipts: ReceiptRules) -> None:
    """What receiving, sending, counting and the mappings have in common."""

    def collect(q: Any, max_n: int, vis_timeout: int) -> list[Message]:
        return indexed(sqs, q).receive(max_n, vis_timeout, functools.partial(receipts.new, q))

    def expire(q: Any) -> None:
        try:
            retention = int(q["attributes"].get("MessageRetentionPeriod", "345600"))
        except (TypeError, ValueError):
            return
        indexed(sqs, q).expire(retention)

    def refresh_counts(q: Any) -> None:
        expire(q)
        visible, in_flight, delayed = indexed(sqs, q).counts()
        name = "ApproximateNumberOfMessages"
        q["attributes"][name] = str(visible)
        q["attributes"][f"{name}NotVisible"] = str(in_flight)
        q["attributes"][f"{name}Delayed"] = str(delayed)

    def sweep(q: Any) -> None:
        receives = _most_receives(q)
        if receives:
            indexed(sqs, q).take_exhausted(receives, lambda due: _moved(original_sweep, q, due))

    def delete_for_mapping(queue_url: str, receipt_handles: Iterable[str]) -> None:
        if receipt_handles:
            queue = sqs._get_q(queue_url)
            for receipt in receipt_handles:
                _delete(receipts, queue, indexed(sqs, queue), receipt)

    def prune(q: Any) -> None:
        _prune(q, sqs.time.time())

    replace(sqs, "_collect_msgs", collect)
    replace(sqs, "_expire_retained", expire)
    replace(sqs, "_refresh_counts", refresh_counts)
    original_sweep = replace(sqs, "_dlq_sweep", sweep)
    replace(sqs, "_prune_dedup", prune)
    replace(sqs, "_delete_messages_for_esm", delete_for_mapping)


def _most_receives(queue: Any) -> int:
    """After how many receives a message is moved; 0 for never, or for what is no redrive policy."""
    try:
        return int(json.loads(queue["attributes"]["RedrivePolicy"])["maxReceiveCount"])
    except (KeyError, TypeError, ValueError):
        return 0


def _moved(sweep: Any, queue: Any, due: list[Message]) -> list[Message]:
    """Let the emulator move messages as it does, from a queue that holds no others."""
    only_due = {**queue, "messages": due}
    sweep(only_due)
    return only_due["messages"]


def _prune(queue: Any, now: float) -> None:
    """Forget deduplication ids of before; they are in the order in which their time runs out."""
    if not isinstance(queue["dedup_cache"], OrderedDict):
        queue["dedup_cache"] = OrderedDict(queue["dedup_cache"])
    cache: OrderedDict[str, dict[str, Any]] = queue["dedup_cache"]
    while cache and next(iter(cache.values()))["expire"] <= now:
        cache.popitem(last=False)


def _delete(receipts: ReceiptRules, queue: Any, messages: Messages, receipt: str) -> Refusal | None:
    refusal = receipts.why_not_deleted(queue, messages, receipt)
    if not refusal:
        messages.delete(receipt)
    return refusal


def _correct_actions(sqs: Any, receipts: ReceiptRules) -> None:
    def delete(queue: Any, entry: Any) -> Refusal | None:
        return _delete(receipts, queue, indexed(sqs, queue), entry.get("ReceiptHandle") or "")

    def change(queue: Any, entry: Any) -> Refusal | None:
        messages, receipt = indexed(sqs, queue), entry.get("ReceiptHandle") or ""
        seconds = int(entry.get("VisibilityTimeout", 30))
        refusal = receipts.why_not_changed(queue, messages, receipt)
        if not refusal:
            messages.change_visibility(receipt, seconds)
        if not (refusal or seconds):
            sqs.esm_wake.set()
        return refusal

    def act_delete(data: Any, qurl: str) -> Any:
        queue = sqs._get_q(data.get("QueueUrl", qurl), "sqs:DeleteMessage")
        if not data.get("ReceiptHandle"):
            needed = "The request must contain the parameter ReceiptHandle."
            raise sqs._Err("MissingParameter", needed)
        if refusal := delete(queue, data):
            raise sqs._Err(*refusal)
        return {}

    def act_delete_batch(data: Any, qurl: str) -> Any:
        queue = sqs._get_q(data.get("QueueUrl", qurl), "sqs:DeleteMessage")
        entries = data.get("Entries", [])
        sqs._validate_batch_entries(entries, "DeleteMessageBatchRequestEntry")
        return _answer(entries, [delete(queue, each) for each in entries])

    def act_change(data: Any, qurl: str) -> Any:
        queue = sqs._get_q(data.get("QueueUrl", qurl), "sqs:ChangeMessageVisibility")
        if refusal := change(queue, data):
            raise sqs._Err(*refusal)
        return {}

    def act_change_batch(data: Any, qurl: str) -> Any:
        queue = sqs._get_q(data.get("QueueUrl", qurl), "sqs:ChangeMessageVisibility")
        entries = data.get("Entries", [])
        sqs._validate_batch_entries(entries, "ChangeMessageVisibilityBatchRequestEntry")
        return _answer(entries, [change(queue, each) for each in entries])

    for action, name, replacement in (
        ("DeleteMessage", "_act_delete_message", act_delete),
        ("DeleteMessageBatch", "_act_delete_message_batch", act_delete_batch),
        ("ChangeMessageVisibility", "_act_change_visibility", act_change),
        ("ChangeMessageVisibilityBatch", "_act_change_visibility_batch", act_change_batch),
    ):
        replace(sqs, name, replacement)
        sqs._HANDLERS[action] = replacement


def _answer(entries: list[Any], refusals: list[Refusal | None]) -> dict[str, Any]:
    answer: dict[str, Any] = {"Successful": [], "Failed": []}
    for entry, refusal in zip(entries, refusals, strict=True):
        own = {"Id": entry.get("Id", "")}
        if refusal:
            code, words = refusal
            answer["Failed"].append({**own, "Code": code, "Message": words, "SenderFault": True})
        else:
            answer["Successful"].append(own)
    return answer


def _correct_making(sqs: Any) -> None:
    """Index a queue before anybody knows of it."""

    def create_queue(data: Any, _u: str) -> Any:
        answer = original_create(data, _u)
        indexed(sqs, sqs._queues[answer["QueueUrl"]])
        return answer

    def restore(data: Any) -> None:
        original_restore(data)
        for queue in sqs._queues.all_values():
            indexed(sqs, queue)

    original_create = replace(sqs, "_act_create_queue", create_queue)
    sqs._HANDLERS["CreateQueue"] = create_queue
    original_restore = replace(sqs, "_restore_state", restore)
