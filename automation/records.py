"""The consumer's log records of what it processed."""

from collections.abc import Iterator, Mapping
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
        group: the message group; None in a standard queue.
        at_ms: Unix time in milliseconds.
    """

    identity: Identity
    at_ms: int
    group: str | None = None


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
        for run_id, numbers in _numbers(event.record, "processed").items():
            group_of = {
                seq: group
                for group, seqs in _numbers(_object(event.record, "groups"), run_id).items()
                for seq in seqs
            }
            for seq in numbers:
                yield Processing(identity=(run_id, seq), at_ms=event.at_ms, group=group_of.get(seq))


def _object(record: Mapping[str, object], key: str) -> dict[str, object]:
    value = record.get(key)
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _numbers(record: Mapping[str, object], key: str) -> dict[str, list[int]]:
    return cast("dict[str, list[int]]", _object(record, key))
