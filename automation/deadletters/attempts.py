"""Every log record of one dead letter's attempts, whatever its shape."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from automation.aws.consumer_log import CLOCK_DIFFERENCE_SECONDS, LogEvent
from automation.deadletters.looking_up import invocations_of
from automation.deadletters.message import Message
from automation.deadletters.reasons import failure_events

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient


def attempt_events(
    logs: "CloudWatchLogsClient", log_groups: Sequence[str], message: Message
) -> list[LogEvent]:
    """What names the letter, and what failed in the same invocations without naming any message.

    The oldest comes first. Records that name it by its `run_id` and `seq` are among them, also
    under an id that it had before.
    """
    since_ms = int((message.sent_at_seconds - CLOCK_DIFFERENCE_SECONDS) * 1000)
    found: dict[tuple[int, str, str], LogEvent] = {}
    for event in _of_invocations(logs, log_groups, message, since_ms):
        found[_place(event)] = event
    for event in failure_events(logs, log_groups, since_ms=since_ms):
        if is_about(event.record, message):
            found.setdefault(_place(event), event)
    return sorted(found.values(), key=lambda event: event.at_ms)


def is_about(record: Mapping[str, object], message: Message) -> bool:
    """Whether a log record is of this message, also under an id that it had before.

    A redrive and a restore give a message a new id; `run_id` and `seq` stay.
    """
    if record.get("message_id") == message.message_id:
        return True
    run_id, seq = message.text("run_id"), message.text("seq")
    is_same = record.get("run_id") == run_id and str(record.get("seq")) == seq
    return run_id is not None and seq is not None and is_same


def _of_invocations(
    logs: "CloudWatchLogsClient", log_groups: Sequence[str], message: Message, since_ms: int
) -> Iterator[LogEvent]:
    message_id = message.message_id
    for log_group in log_groups:
        for invocation in invocations_of(logs, log_group, [message_id], since_ms=since_ms):
            if message_id not in invocation.named:
                continue
            for event in invocation.lines:
                ids = event.line.named_ids
                if message_id in ids or (event.line.is_error and not ids):
                    yield event


def _place(event: LogEvent) -> tuple[int, str, str]:
    # A traceback may be joined to its line in one place and not in the other.
    return event.at_ms, event.stream, event.line.text.partition("\n")[0]
