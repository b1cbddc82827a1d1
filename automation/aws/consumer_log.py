"""Read a function's log: its structured records, in order, once each, also while it grows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient


import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import FilteredLogEventTypeDef

# CloudWatch Logs API Reference, FilterLogEvents, limit: a page holds at most 10,000 events. Behind
# a full page there may be more, token or not.
_FULL_PAGE = 10_000

# What Lambda itself writes, as text, when a run ends without an answer: AWS Lambda Developer Guide,
# Troubleshoot execution issues in Lambda. An exception's own words are left out: they may quote a
# message's body.
_ENDINGS = (
    re.compile(r"(?P<what>Task timed out after [\d.]+ seconds)"),
    re.compile(r"(?P<what>Runtime exited (?:with error: [\w :]+|without providing a reason))"),
    re.compile(r"^\[ERROR\] (?P<what>Runtime\.ImportModuleError: [^\n]+)"),
    re.compile(r"^\[ERROR\] (?P<what>[\w.]+)"),
)


@dataclass(frozen=True, kw_only=True)
class LogEvent:
    """One structured record, or the end of a run that had no time or no way to log one.

    Attributes:
        at_ms: Unix time in milliseconds.
        record: the JSON object that was logged; of a run that Lambda ended, one with `timestamp`,
            `level` and `message`.
        is_ending: whether Lambda ended the run: a time-out, a crash, an exception that nobody
            caught. All messages of its batch have failed then.
    """

    at_ms: int
    record: dict[str, object]
    is_ending: bool = False

    @property
    def is_failure(self) -> bool:
        """Whether the consumer says here that one message failed."""
        return self.record.get("level") == "ERROR" and "message_id" in self.record


class LogReader:
    """Reads on from where it stopped.

    Args:
        logs: client.
        log_group: whose log.
        since_ms: Unix time in milliseconds; what is older is left out.
        pattern: CloudWatch's filter pattern, to spare the way; a stand-in may ignore it. Default
            none.
    """

    def __init__(
        self, logs: "CloudWatchLogsClient", log_group: str, *, since_ms: int, pattern: str = ""
    ) -> None:
        self._logs = logs
        self._log_group = log_group
        self._since_ms = max(0, since_ms)
        self._pattern = pattern
        self._seen_at_the_end: set[tuple[str, str, str]] = set()

    def new_events(self) -> Iterator[LogEvent]:
        """Yield what was not yielded yet: JSON objects, and how runs ended that Lambda ended."""
        while True:
            length_of_last_page = 0
            for page in self._pages():
                length_of_last_page = len(page)
                for event in page:
                    if self._is_new(event):
                        yield from _structured(event)
            if length_of_last_page < _FULL_PAGE:
                return

    def _pages(self) -> "Iterator[list[FilteredLogEventTypeDef]]":
        pages = self._logs.get_paginator("filter_log_events").paginate(
            logGroupName=self._log_group, startTime=self._since_ms, filterPattern=self._pattern
        )
        return (page.get("events", []) for page in pages)

    def _is_new(self, event: "FilteredLogEventTypeDef") -> bool:
        """Remember the events of the last millisecond: the next reading begins in it."""
        at_ms = event.get("timestamp", 0)
        key = (
            event.get("eventId", ""),
            event.get("logStreamName", ""),
            event.get("message", ""),
        )
        if at_ms > self._since_ms:
            self._since_ms = at_ms
            self._seen_at_the_end.clear()
        if key in self._seen_at_the_end:
            return False
        if at_ms == self._since_ms:
            self._seen_at_the_end.add(key)
        return True


def _structured(event: "FilteredLogEventTypeDef") -> Iterator[LogEvent]:
    line, at_ms = event.get("message", ""), event.get("timestamp", 0)
    if not line.startswith("{"):
        yield from _ending(line, at_ms)
        return
    try:
        record: Any = json.loads(line)
    except json.JSONDecodeError:
        return
    yield LogEvent(at_ms=at_ms, record=cast("dict[str, object]", record))


def _ending(line: str, at_ms: int) -> Iterator[LogEvent]:
    found = next(filter(None, (pattern.search(line) for pattern in _ENDINGS)), None)
    if found:
        at = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
        record: dict[str, object] = {"timestamp": at, "level": "ERROR", "message": found["what"]}
        yield LogEvent(at_ms=at_ms, record=record, is_ending=True)


Identity = tuple[str, int]
"""(run_id, seq): one message of one producer run."""


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
