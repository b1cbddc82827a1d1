"""Look dead letters up in the log one by one, where no record of a failure names them.

A consumer that names a message when it begins with it, and fails as a whole, tells of the failure
without the message. What the two have in common is the invocation; so the log around the lines that
name the letter is read.
"""

import dataclasses
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from automation.aws.consumer_log import LogEvent, LogReader
from automation.deadletters.invocations import Invocation, invocations
from automation.deadletters.verdicts import Verdict

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

MOST_LOOKED_UP = 500
"""Letters that are looked up at the most: CloudWatch goes through all of the log for each 25."""

# CloudWatch Logs API Reference, FilterLogEvents, filterPattern: up to 1,024 characters.
_MAX_PATTERN = 1_024
# Chunks without any trace, after which the consumer is taken for one that names no message.
_SILENT_CHUNKS = 2
# AWS Lambda Developer Guide, Lambda quotas: an invocation lasts up to 900 s.
_LONGEST_MS = 900_000
_LATEST_SIGHTINGS = 5

Windows = Mapping[str, Sequence[tuple[int, int]]]
"""By log stream: times in milliseconds, from and to."""


def look_up(
    logs: "CloudWatchLogsClient",
    log_group: str,
    message_ids: Iterable[str],
    *,
    since_ms: int,
    is_letter: Callable[[str], bool],
) -> Iterator[Verdict]:
    """Yield what the invocations tell that have named these letters.

    Args:
        logs: client.
        log_group: where a consumer logs.
        message_ids: the letters; not all are looked up when the first are nowhere.
        since_ms: Unix time in milliseconds from which on to look.
        is_letter: whether an id is one of a letter at all.
    """
    silent = 0
    ids = iter(message_ids)
    while silent < _SILENT_CHUNKS and (chunk := list(itertools.islice(ids, chunk_size()))):
        is_silent = True
        for invocation in invocations_of(logs, log_group, chunk, since_ms=since_ms):
            is_silent = False
            for verdict in invocation.verdicts(is_letter):
                if ids_here := verdict.message_ids.intersection(chunk):
                    yield dataclasses.replace(verdict, message_ids=ids_here)
        silent = silent + 1 if is_silent else 0


def invocations_of(
    logs: "CloudWatchLogsClient", log_group: str, message_ids: Sequence[str], *, since_ms: int
) -> Iterator[Invocation]:
    """Yield the invocations around the lines that name these letters, up to 25 of them."""
    for stream, spans in _windows(logs, log_group, message_ids, since_ms).items():
        for from_ms, to_ms in spans:
            yield from invocations(_lines(logs, log_group, stream, from_ms, to_ms))


def pattern_of(message_ids: Iterable[str]) -> str:
    """The filter pattern for lines that hold one of these ids."""
    return " ".join(f'?"{message_id}"' for message_id in message_ids)


def chunk_size() -> int:
    """How many ids fit into one pattern."""
    return (_MAX_PATTERN + 1) // len('?"00000000-0000-0000-0000-000000000000" ')


def _windows(
    logs: "CloudWatchLogsClient", log_group: str, ids: Sequence[str], since_ms: int
) -> Windows:
    """Where in the log the invocations are that have named these letters the last times."""
    wanted = frozenset(ids)
    sightings: dict[str, dict[str, LogEvent]] = defaultdict(dict)
    for event in LogReader(
        logs, log_group, since_ms=since_ms, pattern=pattern_of(ids)
    ).new_events():
        for message_id in event.line.named_ids & wanted:
            # One for each invocation, as far as lines tell it.
            sighted = sightings[message_id]
            sighted[f"{event.stream} {event.line.request_id or event.at_ms}"] = event
            if len(sighted) > _LATEST_SIGHTINGS:
                del sighted[next(iter(sighted))]
    times: dict[str, list[int]] = defaultdict(list)
    for event in itertools.chain.from_iterable(each.values() for each in sightings.values()):
        times[event.stream].append(event.at_ms)
    return {stream: list(_spans(sorted(at))) for stream, at in times.items()}


def _spans(times: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The times around these; those that overlap as one."""
    start = end = None
    for at_ms in times:
        if start is None or end is None or at_ms - _LONGEST_MS > end:
            if start is not None and end is not None:
                yield start, end
            start = at_ms - _LONGEST_MS
        end = at_ms + _LONGEST_MS
    if start is not None and end is not None:
        yield start, end


def _lines(
    logs: "CloudWatchLogsClient", log_group: str, stream: str, from_ms: int, to_ms: int
) -> Iterator[LogEvent]:
    reader = LogReader(logs, log_group, since_ms=from_ms, until_ms=to_ms, stream=stream)
    # A stand-in may know no streams.
    return (event for event in reader.new_events() if event.stream == stream)
