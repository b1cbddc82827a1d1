"""The consumer's log records of what it processed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from automation.accounting import Identity
from automation.log_events import LogReader

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient


@dataclass(frozen=True, kw_only=True)
class Processing:
    """One delivery that the consumer logged as done.

    Attributes:
        identity: (run_id, seq).
        at_ms: Unix time in milliseconds.
    """

    identity: Identity
    at_ms: int


def processed_messages(
    logs: "CloudWatchLogsClient", log_group: str, *, since_ms: int
) -> Iterator[Processing]:
    """Yield each delivery that the consumer logged as done.

    Args:
        logs: client.
        log_group: the consumer's log group.
        since_ms: Unix time in milliseconds; records before it are left out.
    """
    for event in LogReader(logs, log_group, since_ms=since_ms).new_events():
        processed = event.record.get("processed")
        if not isinstance(processed, dict):
            continue
        for run_id, numbers in cast("dict[str, list[int]]", processed).items():
            for seq in numbers:
                yield Processing(identity=(run_id, seq), at_ms=event.at_ms)
