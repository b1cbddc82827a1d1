"""What the engine sends comes out as plain Python and goes back unchanged."""

import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi.runtime import rpc

from automation.local.resources import values
from automation.local.resources.values import (
    UNKNOWN,
    Archive,
    Asset,
    Value,
    decode,
    encode,
    has_unknown,
)

PLAIN = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text(), PLAIN))
def test_plain_values_go_both_ways(value: dict[str, Value]) -> None:
    assert decode(encode(value)) == value


def test_marked_values_go_both_ways() -> None:
    value: dict[str, Value] = {
        "unknown": UNKNOWN,
        "asset": Asset({"text": "x", "hash": "1"}),
        "archive": Archive({"assets": {"a": Asset({"path": "p", "hash": "2"})}, "hash": "3"}),
    }
    assert decode(encode(value)) == value


def test_a_secret_comes_out_without_its_wrapping() -> None:
    wrapped: dict[str, Value] = {rpc._special_sig_key: rpc._special_secret_sig, "value": "s"}
    assert decode(encode({"password": wrapped})) == {"password": "s"}


def test_whole_numbers_come_out_as_integers() -> None:
    decoded = decode(encode({"count": 2, "share": 2.5}))
    assert {name: type(value) for name, value in decoded.items()} == {"count": int, "share": float}


def test_members_that_are_not_there_are_left_out() -> None:
    assert json_format.MessageToDict(encode({"a": None, "b": 1})) == {"b": 1}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("_SIGNATURE_KEY", "_special_sig_key"),
        ("_ASSET_SIGNATURE", "_special_asset_sig"),
        ("_ARCHIVE_SIGNATURE", "_special_archive_sig"),
        ("_SECRET_SIGNATURE", "_special_secret_sig"),
        ("_UNKNOWN_TEXT", "UNKNOWN"),
    ],
)
def test_the_marks_are_those_of_the_sdk(ours: str, theirs: str) -> None:
    assert getattr(values, ours) == getattr(rpc, theirs)


def test_what_is_unknown_is_found_at_any_depth() -> None:
    assert has_unknown({"a": [{"b": UNKNOWN}]})
    assert not has_unknown({"a": [{"b": 1}]})
