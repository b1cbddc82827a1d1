"""Why messages failed: the consumer's log records, by message."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from automation.aws.consumer_log import LogEvent, LogReader
from automation.deadletters.disk_map import DiskMap

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

# Any text in message_id, in CloudWatch's filter pattern language for JSON.
_HAS_MESSAGE_ID = '{ $.message_id = "*" }'


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a message failed the last time, as the consumer's log says.

    Attributes:
        reason: in words; the exception's name where there are none.
        attempts: how often the consumer has tried it.
    """

    reason: str
    attempts: int


class Failures:
    """Last failures of messages, on disk.

    They are found by message id, and else by (run_id, seq), which a message keeps when it gets a
    new id from a restore.
    """

    def __init__(self) -> None:
        self._by_message = DiskMap()

    def close(self) -> None:
        """Free the disk."""
        self._by_message.close()

    def load(
        self, logs: "CloudWatchLogsClient", log_groups: Iterable[str], *, since_ms: int
    ) -> None:
        """Read the consumers' logs from a Unix time in milliseconds on."""
        for event in failure_events(logs, log_groups, since_ms=since_ms):
            self.add(event)

    def add(self, event: LogEvent) -> None:
        """Take in one record; later ones win."""
        record = event.record
        said = (record.get("reason"), record.get("exception_name"))
        reason = next((words for words in said if words and isinstance(words, str)), "unknown")
        value = json.dumps([reason, _attempts(record.get("receive_count"))])
        keys = [str(record["message_id"])]
        if record.get("run_id") is not None and record.get("seq") is not None:
            keys.append(_identity_key(str(record["run_id"]), str(record["seq"])))
        self._by_message.put([(key, value) for key in keys])

    def of(self, message_id: str, run_id: str | None, seq: str | None) -> Failure | None:
        """What is known of a message; None when the log says nothing."""
        value = self._by_message.get(message_id)
        if value is None and run_id is not None and seq is not None:
            value = self._by_message.get(_identity_key(run_id, seq))
        if value is None:
            return None
        reason, attempts = cast("tuple[str, int]", json.loads(value))
        return Failure(reason=reason, attempts=attempts)


def _attempts(value: object) -> int:
    """The count as our consumer logs it; another one may log anything under that name."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def failure_events(
    logs: "CloudWatchLogsClient", log_groups: Iterable[str], *, since_ms: int
) -> Iterator[LogEvent]:
    """Yield the consumers' records of failed messages, of each log the oldest first."""
    for log_group in log_groups:
        reader = LogReader(logs, log_group, since_ms=since_ms, pattern=_HAS_MESSAGE_ID)
        yield from (event for event in reader.new_events() if event.is_failure)


def _identity_key(run_id: str, seq: str) -> str:
    return f"{run_id}/{seq}"
