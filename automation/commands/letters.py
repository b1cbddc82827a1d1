"""Dead letters as JSON objects and as lines for a person, masked as far as they have to be."""

from collections.abc import Iterable, Mapping

from automation.commands.output import duration
from automation.deadletters.masking import (
    MASK,
    Disclosure,
    may_be_shown,
    shown_attributes,
    shown_body,
)
from automation.deadletters.message import Message
from automation.deadletters.survey import Letter
from automation.deadletters.verdicts import Sureness
from automation.errors import AutomationError
from automation.foreign_text import strict_json


def letter_row(letter: Letter, disclosure: Disclosure) -> dict[str, object]:
    """One dead letter as `--json` shows it."""
    message = letter.message
    return {
        "id": message.message_id,
        "age_seconds": round(letter.age_seconds),
        "expires_in_seconds": round(letter.expires_in_seconds),
        "receive_count": message.receive_count,
        "attempts": letter.failure.attempts if letter.failure else None,
        "redrive_count": message.redrive_count or 0,
        "group": message.group,
        "source": message.source,
        "reason": letter.reason,
        "attributes": shown_attributes(message, disclosure),
        "body": shown_body(message, disclosure),
    }


def letter_line(letter: Letter, disclosure: Disclosure) -> str:
    """One dead letter as a line."""
    message = letter.message
    attributes = " ".join(
        f"{name}={value}" for name, value in shown_attributes(message, disclosure).items()
    )
    words = [
        message.message_id,
        f"{duration(letter.age_seconds):>8} old",
        f"expires in {duration(letter.expires_in_seconds):>9}",
        f"received {message.receive_count}",
        letter.reason,
        attributes,
    ]
    if disclosure.body:
        words.append(_body(message, disclosure))
    return "  ".join(words)


def says_no_more_than_its_batch(letter: Letter) -> bool:
    """Whether nothing is known of why this letter itself failed."""
    return letter.failure is None or letter.failure.sureness is Sureness.OF_BATCH


def check_group_by(group_by: str, disclosure: Disclosure) -> None:
    """Refuse to count by what may not be shown.

    Raises:
        AutomationError: the attribute may hold personal data, and nobody asked to see that.
    """
    if group_by != "reason" and not may_be_shown(group_by, disclosure):
        raise AutomationError(
            f"--group-by {group_by}: the attribute may hold personal data; add --show-personal"
        )


def group_key(letter: Letter, group_by: str, disclosure: Disclosure) -> str:
    """What to count a dead letter under.

    Args:
        letter: the dead letter.
        group_by: `reason`, or the name of a message attribute.
        disclosure: what may be shown.
    """
    if group_by == "reason":
        return letter.reason
    return str(shown_attributes(letter.message, disclosure).get(group_by, f"no {group_by}"))


def _body(message: Message, disclosure: Disclosure) -> str:
    body = shown_body(message, disclosure)
    return body if isinstance(body, str) else strict_json(body)


def letter_lines(letter: Letter, disclosure: Disclosure) -> list[str]:
    """All of one dead letter, for a person."""
    message = letter.message
    rows = {
        "id": message.message_id,
        "reason": letter.reason,
        "age": duration(letter.age_seconds),
        "expires in": duration(letter.expires_in_seconds),
        "receive count": message.receive_count,
        "redrive count": message.redrive_count or 0,
        "group": message.group or "none",
        "source queue": message.source or "unknown",
    }
    return [
        *(f"{name:<15}{value}" for name, value in rows.items()),
        *_indented("attributes", shown_attributes(message, disclosure)),
        *_indented("system", message.system),
        f"{'body':<15}{_body(message, disclosure)}",
    ]


def _indented(title: str, values: Mapping[str, object]) -> list[str]:
    width = max((len(name) for name in values), default=0)
    return [f"{title}:", *(f"  {name:<{width}}  {value}" for name, value in values.items())]


def log_lines(records: Iterable[Mapping[str, object]]) -> list[str]:
    """The log records of one message's attempts, for a person."""
    lines = [f"  {_attempt(record)}" for record in records]
    return ["attempts in the consumer's log:", *(lines or ["  none"])]


def _attempt(record: Mapping[str, object]) -> str:
    words = [str(record.get("timestamp", record.get("time")))]
    if "receive_count" in record:
        words.append(f"attempt {record['receive_count']}")
    said = record.get("reason", record.get("message"))
    name = record.get("exception_name")
    if name is None:
        words.append(f"{record.get('level') or ''} {said}".strip())
    else:
        # Its own words begin with the name.
        is_named = said is None or said == MASK or str(said).startswith(str(name))
        words.append(str(said if "reason" in record else name) if is_named else f"{name}: {said}")
    return "  ".join(words)
