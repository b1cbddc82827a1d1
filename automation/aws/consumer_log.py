"""Read a function's log: every line, in order, once each, also while it grows."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypedDict, cast

from automation.aws.log_lines import LogLine, read_line

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import FilteredLogEventTypeDef

# CloudWatch Logs API Reference, FilterLogEvents, limit: a page holds at most 10,000 events. Behind
# a full page there may be more, token or not.
_FULL_PAGE = 10_000

# Records of different streams can be found up to two minutes late, and then have older times than
# what was read before; a minute more for clocks that differ.
_LATE_MS = 180_000

CLOCK_DIFFERENCE_SECONDS = 300
"""How far this machine's clock and AWS's may be apart, for whoever asks from a time on.

Of a clock that is further off AWS takes no request (IAM User Guide, "Troubleshoot Signature Version
4 signing": five minutes).
"""

Identity = tuple[str, int]
"""(run_id, seq): one message of one producer run."""


@dataclass(frozen=True, kw_only=True, slots=True)
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
    """One line of a log, of whatever shape; also the end of a run that Lambda ended.

    Attributes:
        at_ms: Unix time in milliseconds.
        stream: of which log stream: of which execution environment of the function.
        line: what it is.
    """

    at_ms: int
    line: LogLine
    stream: str = ""

    @property
    def record(self) -> dict[str, object]:
        """The JSON object that was logged; of text one with `timestamp`, `level` and `message`.

        Of a run that Lambda ended with a line of text, the message says only how.
        """
        line = self.line
        if line.record is not None:
            return line.record
        at = datetime.fromtimestamp(self.at_ms / 1000, UTC).isoformat(timespec="milliseconds")
        level = line.level or ("ERROR" if line.ending else None)
        return {"timestamp": at, "level": level, "message": line.ending or line.text}

    @property
    def is_ending(self) -> bool:
        """Whether Lambda ended the run: a time-out, a crash, an exception that nobody caught.

        All messages of its batch have failed then.
        """
        return self.line.ending is not None

    @property
    def exception_name(self) -> str | None:
        """The consumer's own exception that nobody caught; None where there was none."""
        return self.line.ended_by

    @property
    def is_failure(self) -> bool:
        """Whether the consumer says here that a message failed, and which."""
        return self.line.is_error and not self.is_ending and bool(self.line.named_ids)

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


_Key = tuple[str | int, str, int]


class _Only(TypedDict, total=False):
    endTime: int
    logStreamNames: list[str]


class LogReader:
    """Reads on from where it stopped, and again what may have come late meanwhile.

    Args:
        logs: client.
        log_group: whose log.
        since_ms: Unix time in milliseconds; what is older is left out.
        pattern: CloudWatch's filter pattern, to spare the way; a stand-in may ignore it. Default
            none.
        until_ms: Unix time in milliseconds; what is newer is left out. Default None, nothing.
        stream: of which log stream alone. Default None, of all.
    """

    def __init__(
        self,
        logs: "CloudWatchLogsClient",
        log_group: str,
        *,
        since_ms: int,
        pattern: str = "",
        until_ms: int | None = None,
        stream: str | None = None,
    ) -> None:
        self._logs = logs
        self._log_group = log_group
        self._since_ms = max(0, since_ms)
        self._pattern = pattern
        self._only: _Only = {}
        if until_ms is not None:
            self._only["endTime"] = until_ms
        if stream is not None:
            self._only["logStreamNames"] = [stream]
        # Times of the events that a later reading may meet again.
        self._seen: dict[tuple[str | int, str, int, int], int] = {}
        self._forget_at = _FULL_PAGE

    def new_events(self) -> Iterator[LogEvent]:
        """Yield what was not yielded yet, every line."""
        from_ms = self._since_ms
        while True:
            last_page: list[FilteredLogEventTypeDef] = []
            has_new = False
            met: Counter[_Key] = Counter()
            for last_page in self._pages(from_ms):
                for event in last_page:
                    if not self._is_new(event, met):
                        continue
                    has_new = True
                    from_ms = max(from_ms, event.get("timestamp", 0))
                    yield _read(event)
                self._forget_what_cannot_be_met(from_ms)
            if len(last_page) < _FULL_PAGE or not has_new:
                break
        self._forget_before(from_ms - _LATE_MS)

    def _pages(self, from_ms: int) -> "Iterator[list[FilteredLogEventTypeDef]]":
        pages = self._logs.get_paginator("filter_log_events").paginate(
            logGroupName=self._log_group,
            startTime=from_ms,
            filterPattern=self._pattern,
            **self._only,
        )
        return (page.get("events", []) for page in pages)

    def _is_new(self, event: "FilteredLogEventTypeDef", met: Counter[_Key]) -> bool:
        at_ms = event.get("timestamp", 0)
        # A stand-in may give no ids: equal lines of one moment are told apart by their order then.
        place = (
            event.get("eventId") or at_ms,
            event.get("logStreamName", ""),
            hash(event.get("message", "")),
        )
        number = 0
        if not event.get("eventId"):
            number, met[place] = met[place], met[place] + 1
        key = (*place, number)
        is_new = key not in self._seen
        self._seen[key] = at_ms
        return is_new

    def _forget_what_cannot_be_met(self, from_ms: int) -> None:
        """Keep the memory bounded while a long log is read: the oldest of it is passed."""
        if len(self._seen) > self._forget_at:
            self._forget_before(from_ms - _LATE_MS)
            self._forget_at = 2 * len(self._seen) + _FULL_PAGE

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


def _read(event: "FilteredLogEventTypeDef") -> LogEvent:
    return LogEvent(
        at_ms=event.get("timestamp", 0),
        line=read_line(event.get("message", "")),
        stream=event.get("logStreamName", ""),
    )


def _object(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _whole_numbers(value: object) -> list[int]:
    """The whole numbers of a list; other consumers may log something else under our names."""
    items = cast("list[object]", value) if isinstance(value, list) else []
    return [item for item in items if isinstance(item, int) and not isinstance(item, bool)]
