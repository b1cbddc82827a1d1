"""What becomes of a batch after its invocation: which messages go, which stay in the queue.

The emulator takes every answer that it can't read for success.
"""

import logging
import time
from collections.abc import Collection
from typing import Any, cast

from automation.local.corrections.replacing import replace, require, service

_log = logging.getLogger(__name__)
# How long a throttled invocation waits for its next attempt; AWS tells no number.
_THROTTLED_PAUSE_SECONDS = 1.0


def failed_messages(answer: object, sent: Collection[str]) -> frozenset[str]:
    """The ids of the messages that stay in the queue after a function's answer.

    AWS Lambda Developer Guide, Handling errors for an SQS event source in Lambda, Success and
    failure conditions: an answer without failures is a complete success; one with an id that is
    empty, null, misspelt or unknown, or that is no object, is a complete failure.

    Args:
        answer: what the function returned, parsed.
        sent: the ids of the batch.
    """
    if answer is None or answer == "":
        return frozenset()
    if not isinstance(answer, dict):
        return frozenset(sent)
    failures = cast("dict[str, object]", answer).get("batchItemFailures")
    if failures is None:
        return frozenset()
    if not isinstance(failures, list):
        return frozenset(sent)
    named = [_identifier(failure) for failure in cast("list[object]", failures)]
    if any(identifier not in sent for identifier in named):
        return frozenset(sent)
    return frozenset(cast("list[str]", named))


def _identifier(failure: object) -> str | None:
    if not isinstance(failure, dict):
        return None
    identifier = cast("dict[str, object]", failure).get("itemIdentifier")
    return identifier if isinstance(identifier, str) else None


def apply() -> None:
    """Let the emulator's mappings judge a batch by the rules above."""
    functions, sqs = service("lambda_svc"), service("sqs")
    require(functions, _execute_function="func event", _poll_sqs="")
    require(sqs, _delete_messages_for_esm="queue_url receipt_handles")

    def run_batch(
        esm: Any, func_rec: Any, event: Any, batch: Any, queue_url: Any, queue_name: Any
    ) -> None:
        result = _invoked(functions, func_rec, event, batch)
        sent = {record["messageId"] for record in event["Records"]}
        if result.get("error"):
            failed = frozenset(sent)
            _log.warning("batch from %s failed: %s", queue_name, result.get("body"))
            functions._esm_backoff_until[esm["UUID"]] = time.time() + functions._ESM_BACKOFF_SECONDS
        else:
            reports = "ReportBatchItemFailures" in esm.get("FunctionResponseTypes", [])
            failed = failed_messages(result.get("body"), sent) if reports else frozenset[str]()
            functions._esm_backoff_until.pop(esm["UUID"], None)
        # What a filter left out of the event is in the batch, and goes with either outcome.
        done = {message["receipt_handle"] for message in batch if message["id"] not in failed}
        sqs._delete_messages_for_esm(queue_url, done)
        esm["LastProcessingResult"] = (
            "FAILED" if result.get("error") else f"OK - {len(sent)} records"
        )

    replace(functions, "_run_sqs_batch", run_batch)


def _invoked(functions: Any, function: Any, event: Any, batch: Any) -> Any:
    """The result of the invocation; a throttled one is repeated while the messages are hidden.

    AWS Lambda Developer Guide, Handling errors for an SQS event source in Lambda, Backoff strategy
    for failed invocations.
    """
    visible_again_at = min(message["visible_at"] for message in batch)
    while True:
        result = functions._execute_function(function, event)
        left = visible_again_at - time.time()
        if not result.get("throttle") or left <= _THROTTLED_PAUSE_SECONDS:
            return result
        time.sleep(_THROTTLED_PAUSE_SECONDS)
