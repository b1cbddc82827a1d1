"""Dead letters as JSON objects and as lines for a person, masked as far as they have to be."""

from collections.abc import Iterable, Mapping

from automation.answers import duration
from automation.deadletters.masking import MASK, Disclosure, shown_attributes, shown_body
from automation.deadletters.survey import Letter
from automation.errors import AutomationError


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
        words.append(str(shown_body(message, disclosure)))
    return "  ".join(words)


def group_key(letter: Letter, group_by: str, disclosure: Disclosure) -> str:
    """What to count a dead letter under.

    Args:
        letter: the dead letter.
        group_by: `reason`, or the name of a message attribute.
        disclosure: what may be shown.

    Raises:
        AutomationError: the attribute may hold personal data, and nobody asked to see that.
    """
    if group_by == "reason":
        return letter.reason
    value = str(shown_attributes(letter.message, disclosure).get(group_by, f"no {group_by}"))
    if value == MASK:
        raise AutomationError(
            f"--group-by {group_by}: the attribute may hold personal data; add --show-personal"
        )
    return value


def log_lines(records: Iterable[Mapping[str, object]]) -> list[str]:
    """Log records of one message as lines."""
    return [
        f"{record.get('timestamp')}  attempt {record.get('receive_count')}  "
        f"{record.get('exception_name')}: {record.get('reason', record.get('message'))}"
        for record in records
    ]
