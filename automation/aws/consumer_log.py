"""Read a function's log: its structured records, in order, once each, also while it grows."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from automation.foreign_text import read_json

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import FilteredLogEventTypeDef

# CloudWatch Logs API Reference, FilterLogEvents, limit: a page holds at most 10,000 events. Behind
# a full page there may be more, token or not.
_FULL_PAGE = 10_000

# Records of different streams can be found up to two minutes late, and then have older times than
# what was read before; a minute more for clocks that differ.
_LATE_MS = 180_000

CLOCK_DIFFERENCE_SECONDS = 60
"""How far this machine's clock and AWS's may be apart, for whoever asks from a time on."""

# What Lambda itself writes, as text, when a run ends without an answer: AWS Lambda Developer Guide,
# Troubleshoot execution issues in Lambda. An exception's own words are left out: they may quote a
# message's body.
_UNCAUGHT = re.compile(r"^\[ERROR\] (?P<what>[\w.]+)")
_ENDINGS = (
    re.compile(r"(?P<what>Task timed out after [\d.]+ seconds)"),
    re.compile(r"(?P<what>Runtime exited (?:with error: [\w :]+|without providing a reason))"),
    re.compile(r"^\[ERROR\] (?P<what>Runtime\.ImportModuleError: [^\n]+)"),
    _UNCAUGHT,
)


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


@dataclass(frozen=True, kw_only=True)
class LogEvent:
    """One structured record, or the end of a run that had no time or no way to log one.

    Attributes:
        at_ms: Unix time in milliseconds.
        record: the JSON object that was logged; of a run that Lambda ended, one with `timestamp`,
            `level` and `message`.
        is_ending: whether Lambda ended the run: a time-out, a crash, an exception that nobody
            caught. All messages of its batch have failed then.
        exception_name: of the consumer's own exception that nobody caught; None (default) where
            there was none.
    """

    at_ms: int
    record: dict[str, object]
    is_ending: bool = False
    exception_name: str | None = None

    @property
    def is_failure(self) -> bool:
        """Whether the consumer says here that one message failed."""
        is_of_message = isinstance(self.record.get("message_id"), str)
        return self.record.get("level") == "ERROR" and is_of_message

    @property
    def processed(self) -> Iterator[Processing]:
        """The deliveries that the consumer says here are done."""
        groups = _object(self.record.get("groups"))
        for run_id, numbers in _object(self.record.get("processed")).items():
            group_of = {
                seq: group
                for group, seqs in _object(groups.get(run_id)).items()
                for seq in _whole_numbers(seqs)
            }
            for seq in _whole_numbers(numbers):
                yield Processing(identity=(run_id, seq), at_ms=self.at_ms, group=group_of.get(seq))


class LogReader:
    """Reads on from where it stopped, and again what may have come late meanwhile.

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
        # Times of the events that a later reading may meet again.
        self._seen: dict[tuple[str, str, str], int] = {}

    def new_events(self) -> Iterator[LogEvent]:
        """Yield what was not yielded yet: JSON objects, and how runs ended that Lambda ended."""
        from_ms = self._since_ms
        while True:
            last_page: list[FilteredLogEventTypeDef] = []
            has_new = False
            for last_page in self._pages(from_ms):
                for event in filter(self._is_new, last_page):
                    has_new = True
                    from_ms = max(from_ms, event.get("timestamp", 0))
                    yield from _structured(event)
            if len(last_page) < _FULL_PAGE or not has_new:
                break
        self._forget_before(from_ms - _LATE_MS)

    def _pages(self, from_ms: int) -> "Iterator[list[FilteredLogEventTypeDef]]":
        pages = self._logs.get_paginator("filter_log_events").paginate(
            logGroupName=self._log_group, startTime=from_ms, filterPattern=self._pattern
        )
        return (page.get("events", []) for page in pages)

    def _is_new(self, event: "FilteredLogEventTypeDef") -> bool:
        key = (
            event.get("eventId", ""),
            event.get("logStreamName", ""),
            event.get("message", ""),
        )
        is_new = key not in self._seen
        self._seen[key] = event.get("timestamp", 0)
        return is_new

    def _forget_before(self, from_ms: int) -> None:
        """Begin the next reading there, and remember no event that it can't meet."""
        self._since_ms = max(self._since_ms, from_ms)
        self._seen = {key: at_ms for key, at_ms in self._seen.items() if at_ms >= self._since_ms}


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
        yield from event.processed


def _structured(event: "FilteredLogEventTypeDef") -> Iterator[LogEvent]:
    line, at_ms = event.get("message", ""), event.get("timestamp", 0)
    if not line.startswith("{"):
        yield from _ending(line, at_ms)
        return
    try:
        record = read_json(line)
    except ValueError:
        # Somebody else's line: no record, or one nested deeper than any of ours.
        return
    yield LogEvent(at_ms=at_ms, record=cast("dict[str, object]", record))


def _ending(line: str, at_ms: int) -> Iterator[LogEvent]:
    found = next(filter(None, (pattern.search(line) for pattern in _ENDINGS)), None)
    if found:
        at = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
        record: dict[str, object] = {"timestamp": at, "level": "ERROR", "message": found["what"]}
        # Lambda's own have names that begin so: a handler that is missing, an answer too large.
        is_own = found.re is _UNCAUGHT and not found["what"].startswith("Runtime.")
        name = found["what"] if is_own else None
        yield LogEvent(at_ms=at_ms, record=record, is_ending=True, exception_name=name)


def _object(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _whole_numbers(value: object) -> list[int]:
    """The whole numbers of a list; other consumers may log something else under our names."""
    items = cast("list[object]", value) if isinstance(value, list) else []
    return [item for item in items if isinstance(item, int) and not isinstance(item, bool)]
