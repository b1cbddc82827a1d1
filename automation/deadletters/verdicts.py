"""What one log record says of the messages that it names: why they failed, and how sure that is."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from automation.aws.consumer_log import LogEvent
from automation.aws.log_lines import MESSAGE_ID
from automation.deadletters.exception_words import exception_words
from automation.deadletters.reason_expression import ReasonExpression

UNNAMED = "logged as failed, without an exception's name"
"""The reason where a record says that a message failed, in words that may quote it."""

# As the event of a mapping spells it, and as loggers do; also within a text of JSON, or Python's.
_KEYED_ID = re.compile(
    rf"(?:message_?id|itemIdentifier)\\*['\"]?\s*[:=]\s*\\*['\"]?(?P<id>{MESSAGE_ID.pattern})",
    re.IGNORECASE,
)


class Sureness(IntEnum):
    """How much a reason says of one message; the higher replaces the lower."""

    UNNAMED = 0
    OF_BATCH = 1
    OF_MESSAGE = 2
    AS_ASKED = 3


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Why messages failed.

    Attributes:
        message_ids: whose verdict it is.
        reason: in words that may be shown.
        sureness: how much it says.
        request_id: of the invocation; None where the record does not say it.
        attempts: how often the consumer has tried, as it says itself; None where it doesn't.
        identity: (run_id, seq) of the message, as our consumer logs it.
    """

    message_ids: frozenset[str]
    reason: str
    sureness: Sureness
    request_id: str | None = None
    attempts: int | None = None
    identity: tuple[str, str] | None = None


def verdict_of(
    event: LogEvent,
    is_letter: Callable[[str], bool] | None = None,
    expression: ReasonExpression | None = None,
) -> Verdict | None:
    """What a record says; None when it says of no message that it failed.

    Args:
        event: the record.
        is_letter: whether an id is one of the messages that are asked about; None (default) takes
            every id for one.
        expression: asked first.
    """
    line = event.line
    ids = line.named_ids
    named = frozenset(filter(is_letter, ids)) if is_letter else ids
    if expression and named:
        record = line.record if line.record is not None else {"message": line.text}
        if (asked := expression.reason_in(record)) is not None:
            return Verdict(
                message_ids=named,
                reason=asked,
                sureness=Sureness.AS_ASKED,
                request_id=line.request_id,
                attempts=_count(line.record),
            )
    if not event.is_failure:
        return None
    if line.record and isinstance(line.record.get("message_id"), str):
        return _told(event, line.record)
    return _found(event, named) if named else None


def _told(event: LogEvent, record: dict[str, object]) -> Verdict:
    """Of a record in our consumer's shape: its `reason` never quotes the message."""
    thrown = event.line.thrown
    reason = record.get("reason")
    words = reason if isinstance(reason, str) and reason else None
    if words is None and thrown:
        words = exception_words(thrown)
    run_id, seq = record.get("run_id"), record.get("seq")
    return Verdict(
        message_ids=frozenset({str(record["message_id"])}),
        reason=words or UNNAMED,
        sureness=Sureness.OF_MESSAGE if words else Sureness.UNNAMED,
        request_id=event.line.request_id,
        attempts=_count(record),
        identity=None if run_id is None or seq is None else (str(run_id), str(seq)),
    )


def _found(event: LogEvent, named: frozenset[str]) -> Verdict:
    thrown = event.line.thrown
    is_shared = len(named | keyed_ids(event.line.text)) > 1
    words = exception_words(thrown) if thrown else UNNAMED
    if not thrown:
        sureness = Sureness.UNNAMED
    else:
        sureness = Sureness.OF_BATCH if is_shared else Sureness.OF_MESSAGE
        words = of_batch(words) if is_shared else words
    return Verdict(
        message_ids=named,
        reason=words,
        sureness=sureness,
        request_id=event.line.request_id,
        attempts=_count(event.line.record),
    )


def of_batch(words: str) -> str:
    """The reason of a message whose batch failed, whichever of its messages was to blame."""
    return f"its batch failed: {words}"


def keyed_ids(text: str) -> frozenset[str]:
    """The ids in a text that are said to be messages'."""
    return frozenset(found["id"] for found in _KEYED_ID.finditer(text))


def _count(record: dict[str, object] | None) -> int | None:
    """The count as our consumer logs it; another one may log anything under that name."""
    value = record.get("receive_count") if record else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
