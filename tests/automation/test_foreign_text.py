"""Text of strangers is read without falling over it, and printed so that no terminal obeys it."""

import json
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.foreign_text import (
    MAX_DEPTH,
    printable,
    read_json,
    read_strict_json,
    strict_json,
)


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[NaN, -Infinity, 1e999]", ["NaN", "-Infinity", "1e999"]),
        ("1" * 5_000, "1" * 5_000),
        ('{"name": "\\ud83d"}', {"name": "\ud83d"}),
        ("[" * MAX_DEPTH + "]" * MAX_DEPTH, json.loads("[" * MAX_DEPTH + "]" * MAX_DEPTH)),
    ],
)
def test_what_json_has_no_number_for_stays_text(text: str, value: object) -> None:
    assert read_json(text) == value


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 900, 100_000])
@pytest.mark.parametrize("read", [read_json, read_strict_json])
def test_deep_nesting_is_refused_as_any_other_text_is(read: object, depth: int) -> None:
    for text in ("[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth):
        with pytest.raises(ValueError, match="is nested deeper than 100 levels"):
            read(text)  # type: ignore[operator]


@pytest.mark.parametrize("text", ["[NaN]", "-Infinity", "1e999", "1" * 5_000])
def test_strict_reading_takes_no_number_that_others_cannot(text: str) -> None:
    with pytest.raises(ValueError, match="write it as text"):
        read_strict_json(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
)


@given(JSON)
def test_what_is_printed_is_strict_json_that_can_be_encoded(value: object) -> None:
    text = strict_json(value)
    json.loads(text.encode(), parse_constant=refuse)
    assert all(unicodedata.category(each) not in ("Cc", "Cs", "Zl", "Zp") for each in text)


@given(st.text(st.characters()))
def test_json_holds_the_text_unaltered(text: str) -> None:
    assert json.loads(strict_json(text)) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[2Jb", "a\\u001b[2Jb"),
        ("one\r\ntwo", "one\\r\\ntwo"),
        ("\x85\x9b", "\\u0085\\u009b"),
        ("\u202egpj", "\\u202egpj"),
        ("\u2028\u2066", "\\u2028\\u2066"),
        ("\ud83d", "\\ud83d"),
        ("\U000e0041", "\\udb40\\udc41"),
        ("a\U000e0101b\u3164", "a\\udb40\\udd01b\\u3164"),
        ("Grüße 👩\u200d🔧 日本", "Grüße 👩\u200d🔧 日本"),
    ],
)
def test_what_a_terminal_would_obey_is_shown_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_terminal_without_unicode_gets_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ascii:
        encoding = "ascii"

    monkeypatch.setattr(sys, "stdout", Ascii())
    assert printable("ü 👩") == "\\xfc \\U0001f469"
    assert strict_json("ü 👩") == '"\\u00fc \\ud83d\\udc69"'
