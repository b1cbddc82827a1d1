"""Text that strangers wrote: read as JSON, and printed without what a terminal would obey."""

import json
import math
import re
import sys
from codecs import lookup
from typing import NoReturn, cast

MAX_DEPTH = 100
"""How deep JSON of others may be nested: far beyond what people send, far below what Python's own
recursion limit (1,000 by default) lets through wherever it is called from."""

# Python reads and writes no longer number by default: "Integer string conversion length
# limitation" in its documentation of the built-in types.
_MAX_DIGITS = 4_300

# Control characters (C0, DEL, C1), lone surrogates, line and paragraph separators, and what is
# invisible or turns the direction of writing: Unicode Standard Annex 9, "Directional Formatting
# Characters", and the property Default_Ignorable_Code_Point, by which text is hidden in text. The
# joiners U+200C and U+200D and the first variation selectors stay: scripts and emoji need them.
_UNPRINTABLE = re.compile(
    "[\\x00-\\x1f\\x7f-\\x9f\\xad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b\\u200e"
    "\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ud800-\\udfff\\ufeff\\uffa0\\ufff0-\\ufffb"
    "\\U0001bca0-\\U0001bca3\\U0001d173-\\U0001d17a\\U000e0000-\\U000e0fff]"
)


def read_json(text: str) -> object:
    """JSON as others log and send it; what JSON has no number for becomes the text that was there.

    Python writes `NaN` and `Infinity`, and `1e999` is a number that no double holds.

    Raises:
        ValueError: it is no JSON, or nested deeper than `MAX_DEPTH`.
    """
    return _read(text, parse_constant=str, parse_float=_finite_or_text, parse_int=_whole_or_text)


def read_strict_json(text: str) -> object:
    """JSON as RFC 8259 has it, with numbers that a double holds.

    Raises:
        ValueError: it is none, or nested deeper than `MAX_DEPTH`. The words go on after the text's
            name, and quote only a number.
    """
    return _read(text, parse_constant=_refuse_number, parse_float=_finite, parse_int=_short_enough)


def _read(text: str, **parsers: object) -> object:
    try:
        value: object = json.loads(text, **parsers)  # type: ignore[arg-type]
    except json.JSONDecodeError:
        # Not chained: the error would quote the text, which may be a person's data.
        raise ValueError("is not JSON") from None
    except RecursionError:
        raise ValueError(f"is nested deeper than {MAX_DEPTH} levels") from None
    if text.count("[") + text.count("{") > MAX_DEPTH and _is_too_deep(value):
        raise ValueError(f"is nested deeper than {MAX_DEPTH} levels")
    return value


def _finite_or_text(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text


def _whole_or_text(text: str) -> int | str:
    return int(text) if len(text) <= _MAX_DIGITS else text


def _short_enough(text: str) -> int:
    return int(text) if len(text) <= _MAX_DIGITS else _refuse_number(text)


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse_number(text)


def _refuse_number(text: str) -> NoReturn:
    raise ValueError(f"holds {text:.40}, a number that JSON readers can't take: write it as text")


def _is_too_deep(value: object) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _contents(outer)]
        if not level:
            return False
    return any(isinstance(one, dict | list) for one in level)


def _contents(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(cast("dict[str, object]", value).values())
    return cast("list[object]", value) if isinstance(value, list) else []


def strict_json(value: object) -> str:
    """JSON in one line that every reader takes: a number that is none becomes null.

    What a terminal would obey is escaped as JSON escapes it, so that nothing is lost.
    """
    ascii_only = not _takes_unicode()
    try:
        text = json.dumps(value, ensure_ascii=ascii_only, allow_nan=False)
    except ValueError:
        text = json.dumps(_without_nan(value), ensure_ascii=ascii_only, allow_nan=False)
    return printable(text)


def _without_nan(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        items = cast("dict[object, object]", value).items()
        return {key: _without_nan(item) for key, item in items}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in cast("list[object]", value)]
    return value


def printable(text: str) -> str:
    r"""The same text with what a terminal would obey, or can't show, escaped: `\n`, `\u202e`."""
    text = _UNPRINTABLE.sub(_escape, text)
    if _takes_unicode():
        return text
    return text.encode("ascii", "backslashreplace").decode()


def printable_lines(text: str) -> str:
    """The same for a text of several lines, which stay lines."""
    return "\n".join(map(printable, text.split("\n")))


def _escape(match: re.Match[str]) -> str:
    return json.dumps(match[0])[1:-1]


def _takes_unicode() -> bool:
    return lookup(getattr(sys.stdout, "encoding", None) or "utf-8").name.startswith("utf")
