"""How commands show results: one JSON object, or lines for a person; and their exit codes."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import click
from rich.text import Text

from automation.foreign_text import printable, strict_json

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

DONE, NOT_DONE, WRONG = 0, 1, 2
"""Exit codes: done, or the verdict is "held"; not all is done, or "broken"; wrong use, or an
environment that can't do it."""

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def print_json(answer: Mapping[str, object]) -> None:
    """Print one JSON object on standard output."""
    click.echo(strict_json(answer))


def print_line(text: str) -> None:
    """Print one line on standard output; what a terminal would obey is escaped."""
    click.echo(printable(text))


def shown_text(words: str, style: str = "") -> Text:
    """A line for a table; what a terminal would obey is escaped, and nothing is markup."""
    return Text(printable(words), style)


def print_json_rows(
    name: str, rows: Iterable[Mapping[str, object]], rest: Callable[[], Mapping[str, object]]
) -> None:
    """Print one JSON object with a list of any length, which is never in memory as a whole.

    Args:
        name: the list's key.
        rows: its items.
        rest: returns the other keys; is called after the last row.
    """
    click.echo(f"{{{strict_json(name)}: [", nl=False)
    for number, row in enumerate(rows):
        click.echo(f"{', ' if number else ''}{strict_json(row)}", nl=False)
    click.echo("]", nl=False)
    for key, value in rest().items():
        click.echo(f", {strict_json(key)}: {strict_json(value)}", nl=False)
    click.echo("}")


def as_plain(value: "DataclassInstance") -> dict[str, object]:
    """A result's fields by name."""
    return dataclasses.asdict(value)


def duration(seconds: float) -> str:
    """A time span in its two largest units: "3 d 4 h", "12 min", "5 s"."""
    if seconds < 0:
        return f"-{duration(-seconds)}"
    for number, (unit_seconds, unit) in enumerate(_UNITS):
        if seconds >= unit_seconds:
            whole, rest = divmod(seconds, unit_seconds)
            words = f"{int(whole)} {unit}"
            if number + 1 < len(_UNITS) and rest >= _UNITS[number + 1][0]:
                words += f" {int(rest // _UNITS[number + 1][0])} {_UNITS[number + 1][1]}"
            return words
    return f"{int(seconds)} s"


def counted_lines(title: str, counts: Mapping[str, int]) -> list[str]:
    """Counts as aligned lines under a title; nothing when there are none."""
    if not counts:
        return []
    width = max(len(str(count)) for count in counts.values())
    return [f"{title}:", *(f"  {count:>{width}}  {key}" for key, count in counts.items())]
