"""What the consumer logs: one record for each failure, one for the batch, never a body."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.logging import Logger

from customer_events import BadRecordError, MessageKey, MissingStoreIdError, read_message_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batch_processing import Failure

logger = Logger()


def log_failure(failure: Failure) -> None:
    """Log an ERROR with what failed and why, or a WARNING for a record that was skipped."""
    record, error = failure.record, failure.error
    key = read_message_key(record)
    fields: dict[str, Any] = {
        "message_id": record["messageId"],
        "receive_count": failure.receive_count,
        "run_id": key.run_id,
        "seq": key.seq,
        "exception_name": type(error).__name__,
    }
    if failure.is_skipped:
        logger.warning("Skipped: a record before it in its message group failed", extra=fields)
        return
    fields["missing_store_id"] = isinstance(error, MissingStoreIdError)
    if isinstance(error, BadRecordError):
        fields["reason"] = str(error)
    else:
        # A defect of ours. Where it happened is logged, its text is not: it may quote the body.
        fields["stack"] = traceback.format_tb(error.__traceback__)
    logger.error("Record failed", extra=fields)


def log_batch(
    processed: Sequence[MessageKey], failures: Sequence[Failure], *, is_fifo: bool
) -> None:
    """Log an INFO with the counts of a batch and the (run_id, seq) of all that was processed."""
    seqs_of_run: dict[str, list[int]] = {}
    seqs_of_group: dict[str, dict[str, list[int]]] = {}
    for key in processed:
        if key.run_id is not None and key.seq is not None:
            seqs_of_run.setdefault(key.run_id, []).append(key.seq)
            if key.group is not None:
                groups = seqs_of_group.setdefault(key.run_id, {})
                groups.setdefault(key.group, []).append(key.seq)
    resp = {
        "status": True,
        "tot_msgs": len(processed) + len(failures),
        "f_msgs": len(failures),
        "s_msgs": len(processed),
    }
    fields: dict[str, Any] = {"resp": resp, "processed": seqs_of_run}
    if is_fifo:
        # In the order of processing: what proves that a group kept its order.
        fields["groups"] = seqs_of_group
    logger.info("Batch processed", extra=fields)
