"""The messages of a proof of one's own: what a file says to send, and where each is to end."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import IO, Literal, cast, get_args

from automation.deadletters.file_to_queue import (
    Defaults,
    naming_line,
    numbered_message,
    read_values,
)
from automation.deadletters.message import MAX_BYTES, Message, MessageFormatError
from automation.deadletters.sending_rules import check_sendable
from automation.errors import AutomationError
from automation.proof.provable import refuse_unreadable

_SHOWN_CHARACTERS = 40

End = Literal["processed", "dead-lettered"]
"""Where a message is to end."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of the file.

    Attributes:
        number: from 1 on.
        expect: where its message is to end.
        reason: why it is to fail, as the consumer's log is to say; None (default) for any reason.
        message: what to send, as it stands.
    """

    number: int
    expect: End
    message: Message = field(repr=False)
    reason: str | None = None


def read_lines(file: IO[str]) -> list[Line]:
    """Read a file whole, and refuse what no queue takes.

    A line is a message as `send` takes it, and `expect`; with `reason`, where that is wanted.

    Args:
        file: JSON lines; bytes that are no UTF-8 as lone surrogates, which no message may hold.

    Raises:
        AutomationError: a line is wrong, by its number; there is none, or there are too many.
    """
    lines: list[Line] = []
    ids: set[str] = set()
    for number, value in read_values(file):
        with naming_line(number):
            line = _line(value, number)
            # What became of a message is written down under its id.
            if line.message.message_id in ids:
                raise MessageFormatError(
                    f"a message before it has the id {line.message.message_id!r} too: give each "
                    "its own, or leave them out"
                )
            ids.add(line.message.message_id)
        lines.append(line)
    if not lines:
        raise AutomationError("--messages: there is no message in the file: write one a line")
    refuse_unreadable(sum(line.expect == "dead-lettered" for line in lines))
    return lines


def check_lines(lines: Sequence[Line], *, is_fifo: bool, max_bytes: int) -> None:
    """Refuse what this queue would not take, before anything is sent.

    Args:
        lines: of the file.
        is_fifo: the queue is a FIFO queue.
        max_bytes: the queue's own limit, 1,024 to 1,048,576 bytes.

    Raises:
        MessageFormatError: with the number of the line, the value, the limit and the fix.
    """
    for line in lines:
        with naming_line(line.number):
            check_sendable(line.message, is_fifo=is_fifo, max_bytes=max_bytes)


def _line(value: object, number: int) -> Line:
    fields = dict(cast("dict[str, object]", value)) if isinstance(value, dict) else {}
    expect, reason = fields.pop("expect", None), fields.pop("reason", None)
    message = numbered_message(
        fields if isinstance(value, dict) else value,
        number,
        is_fifo=False,
        defaults=Defaults(attributes={}),
    )
    check_sendable(message, is_fifo=False, max_bytes=MAX_BYTES)
    if expect not in get_args(End):
        told = "is missing" if expect is None else f"can't be {_shown(expect)}"
        raise MessageFormatError(f'\'expect\' {told}: say "processed" or "dead-lettered"')
    if reason is not None and (not isinstance(reason, str) or not reason):
        raise MessageFormatError(f"'reason' must be text that is not empty, not {_shown(reason)}")
    if reason is not None and expect == "processed":
        raise MessageFormatError(
            "'reason' says why a message is to be dead-lettered; this one is to be processed: "
            "leave it out"
        )
    return Line(number=number, expect=cast("End", expect), message=message, reason=reason)


def _shown(value: object) -> str:
    """A value that may be anything; what is no short text is told by its type."""
    is_short = isinstance(value, str) and len(value) <= _SHOWN_CHARACTERS
    return repr(value) if is_short else f"a {type(value).__name__}"
