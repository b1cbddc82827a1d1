"""The consumer's structured log records: what it processed and what it refused."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from automation.accounting import Identity

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient


def processed_messages(
    logs: "CloudWatchLogsClient", log_group: str, *, since_ms: int
) -> Iterator[Identity]:
    """Yield (run_id, seq) of each delivery that the consumer logged as done.

    Args:
        logs: client.
        log_group: the consumer's log group.
        since_ms: Unix time in milliseconds; records before it are left out.
    """
    for record in structured_records(logs, log_group, since_ms=since_ms):
        processed = record.get("processed")
        if not isinstance(processed, dict):
            continue
        for run_id, numbers in cast("dict[str, list[int]]", processed).items():
            for seq in numbers:
                yield run_id, seq


def structured_records(
    logs: "CloudWatchLogsClient", log_group: str, *, since_ms: int
) -> Iterator[dict[str, object]]:
    """Yield each log record that is a JSON object; Lambda's own lines are left out."""
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=log_group, startTime=since_ms
    )
    for page in pages:
        for event in page.get("events", []):
            record = _json_object(event.get("message", ""))
            if record is not None:
                yield record


def _json_object(line: str) -> dict[str, object] | None:
    if not line.startswith("{"):
        return None
    try:
        record: object = json.loads(line)
    except json.JSONDecodeError:
        return None
    return cast("dict[str, object]", record) if isinstance(record, dict) else None
