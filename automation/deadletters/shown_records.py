"""A log record as it may be shown: without what may quote a message's body."""

import re
from collections.abc import Mapping
from typing import cast

from automation.aws.consumer_log import LogEvent
from automation.deadletters.exception_words import exception_words
from automation.deadletters.masking import MASK

# What a logger writes about the run, and in which form: a consumer can give its records fields of
# the same names. Powertools for AWS Lambda, Logger, "Standard structured keys" and "Capturing
# Lambda context info"; AWS Lambda Developer Guide, "Configuring JSON and plain text log formats".
_ABOUT_THE_RUN = {
    "timestamp": r"[\dTZ:.,+/ -]{1,40}",
    "time": r"[\dTZ:.,+/ -]{1,40}",
    "level": r"[A-Za-z]{1,10}",
    "log_level": r"[A-Za-z]{1,10}",
    "location": r"[\w./<>-]{1,200}(?::[\w<>.]{1,100})?:\d{1,6}",
    "service": r"[\w.-]{1,100}",
    "cold_start": r"True|False",
    "function_name": r"[\w-]{1,140}",
    "function_memory_size": r"\d{1,6}",
    "function_arn": r"arn:[\w:$-]{1,200}",
    "function_request_id": r"[\w-]{1,60}",
    "requestId": r"[\w-]{1,60}",
    "xray_trace_id": r"[\w-]{1,60}",
    "type": r"platform\.\w{1,40}",
}
# What our consumer logs of a message and of its batch; others that use these names say the same
# with them (docs/operations.md).
_ABOUT_A_MESSAGE = frozenset(
    {
        *("message_id", "receive_count", "run_id", "seq", "missing_store_id"),
        *("exception_name", "reason", "timestamp"),
    }
)
_ABOUT_A_BATCH = frozenset({"resp", "processed", "groups"})
_COUNTS = frozenset({"status", "tot_msgs", "f_msgs", "s_msgs"})
# The constant ones of our consumer.
_OUR_MESSAGES = frozenset(
    {
        "Record failed",
        "Batch processed",
        "Skipped: a record before it in its message group failed",
    }
)


def shown_record(event: LogEvent, *, personal: bool = False) -> dict[str, object]:
    """What a record says of the run and of the message, without the words that may quote it.

    Args:
        event: the record.
        personal: mask nothing. Default False.
    """
    line = event.line
    if personal:
        return {**event.record, **({"message": line.text} if line.record is None else {})}
    shown = _shown_fields(line.record) if line.record else {**event.record, "message": MASK}
    if line.request_id and line.request_id not in shown.values():
        shown["request_id"] = line.request_id
    if line.thrown and "exception_name" not in shown:
        shown["exception_name"] = line.thrown.name
        words = exception_words(line.thrown)
        shown |= {"reason": words} if words != line.thrown.name else {}
    if line.ending:
        shown |= {"level": "ERROR", "message": line.ending}
    if line.named_ids and "message_id" not in shown:
        shown["message_ids"] = sorted(line.named_ids)
    return shown


def _shown_fields(record: Mapping[str, object]) -> dict[str, object]:
    shown = {
        name: value
        for name, value in record.items()
        if name in _ABOUT_THE_RUN and re.fullmatch(_ABOUT_THE_RUN[name], str(value), re.ASCII)
    }
    if isinstance(record.get("message_id"), str):
        shown |= {name: record[name] for name in record.keys() & _ABOUT_A_MESSAGE}
    shown |= {name: record[name] for name in record.keys() & _ABOUT_A_BATCH}
    if isinstance(resp := record.get("resp"), dict):
        counts = cast("dict[str, object]", resp)
        shown["resp"] = {name: counts[name] for name in counts.keys() & _COUNTS}
    if "message" in record:
        message = record["message"]
        is_ours = isinstance(message, str) and message in _OUR_MESSAGES
        shown["message"] = message if is_ours else MASK
    stack = record.get("stack")
    if isinstance(stack, list) and all(map(_is_frame, cast("list[object]", stack))):
        shown["stack"] = stack
    # In the order in which it was logged.
    return {name: shown[name] for name in record if name in shown}


def _is_frame(line: object) -> bool:
    return isinstance(line, str) and line.startswith('  File "')
