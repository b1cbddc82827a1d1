"""A message survives a file without a difference, and counts as SQS counts it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.deadletters.masking import Disclosure, shown_attributes, shown_body
from automation.deadletters.message import (
    Message,
    MessageFormatError,
    identity_of,
    message_from_json,
    message_to_json,
)

VALUES = st.builds(
    lambda kind, text: {"DataType": kind, "StringValue": text},
    st.sampled_from(["String", "Number", "Number.int"]),
    st.text(min_size=1),
) | st.builds(
    lambda kind, content: {"DataType": kind, "BinaryValue": content},
    st.sampled_from(["Binary", "Binary.gif"]),
    st.binary(),
)


@given(
    st.builds(
        Message,
        message_id=st.text(),
        body=st.text(min_size=1),
        attributes=st.dictionaries(st.text(min_size=1), VALUES, max_size=10),
        system=st.dictionaries(st.sampled_from(["MessageGroupId", "AWSTraceHeader"]), st.text()),
    )
)
def test_message_comes_back_from_json_unaltered(message: Message) -> None:
    assert message_from_json(json.loads(json.dumps(message_to_json(message)))) == message


def test_person_may_write_less() -> None:
    message = message_from_json(
        {"body": {"name": "x"}, "attributes": {"store_id": 3, "project": "p"}, "group": "g"}
    )
    assert message.body == '{"name": "x"}'
    assert message.attributes == {
        "store_id": {"DataType": "Number", "StringValue": "3"},
        "project": {"DataType": "String", "StringValue": "p"},
    }
    assert message.group == "g"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], "must be a JSON object"),
        ({}, "must have a 'body'"),
        ({"body": "x", "attribute": {}}, "has no field 'attribute'"),
        ({"body": "x", "attributes": {"a": True}}, "attribute 'a' must be text, a number"),
        ({"body": "x", "attributes": {"a": {"type": "Binary", "base64": "?"}}}, "is not base64"),
        ({"body": "x", "group": {}}, "'group' must be text, not {}"),
        ({"body": "x", "group": True}, "'group' must be text, not true"),
        ({"body": "x", "system": {"AWSTraceHeader": 1.5}}, "'system.AWSTraceHeader' must be text"),
        ({"body": "x", "system": []}, "'system' must be an object, not list"),
    ],
)
def test_wrong_message_is_refused_without_its_body(value: object, said: str) -> None:
    with pytest.raises(MessageFormatError) as refused:
        message_from_json(value)
    assert said in str(refused.value)
    assert "xx" not in str(refused.value)


def test_null_in_a_file_is_left_out() -> None:
    nothing = dict.fromkeys(("id", "group", "attributes"))
    message = message_from_json({"body": "x", **nothing, "system": {"AWSTraceHeader": None}})
    assert message == message_from_json({"body": "x", "attributes": {"store_id": None}})
    assert message == Message(message_id="", body="x", attributes={}, system={})


def test_numbers_of_thousands_of_digits_under_our_names_are_somebody_elses() -> None:
    digits = "1" * 5_000
    attributes = {
        "run_id": {"DataType": "String", "StringValue": "run"},
        "seq": {"DataType": "String", "StringValue": digits},
        "redrive_count": {"DataType": "Number", "StringValue": digits},
    }
    message = Message(message_id="", body="x", attributes=attributes, system={})  # type: ignore[arg-type]
    assert identity_of(message) is None
    assert message.redrive_count is None
    assert message.redriven() == message


def test_size_counts_names_types_and_values() -> None:
    message = Message(
        message_id="",
        body="ü",
        attributes={
            "n": {"DataType": "Number", "StringValue": "12"},
            "bin": {"DataType": "Binary", "BinaryValue": b"123"},
        },
        system={},
    )
    assert message.size_bytes == 2 + (1 + 6 + 2) + (3 + 6 + 3)


def test_redrive_count_of_somebody_else_is_not_touched() -> None:
    attributes = {"redrive_count": {"DataType": "String", "StringValue": "mine"}}
    message = Message(message_id="", body="x", attributes=attributes, system={})  # type: ignore[arg-type]
    assert message.redriven() == message


PERSONAL = Message(
    message_id="",
    body='{"name": "Shifter", "ssn_no": "1", "evnt_time": "t", "more": {"name": "S"}}',
    attributes={
        "contact_me": {"DataType": "String", "StringValue": "a@example.org"},
        "store_id": {"DataType": "Number", "StringValue": "3"},
    },
    system={},
)


def test_nothing_personal_is_shown_unless_asked_for() -> None:
    shown = shown_body(PERSONAL, Disclosure(body=True)), shown_attributes(PERSONAL, Disclosure())
    assert shown == (
        {"name": "***", "ssn_no": "***", "evnt_time": "t", "more": "***"},
        {"contact_me": "***", "store_id": 3},
    )
    assert shown_body(PERSONAL, Disclosure()) == "*** (75 bytes)"


def test_all_is_shown_when_asked_for() -> None:
    everything = Disclosure(body=True, personal=True)
    assert shown_body(PERSONAL, everything) == json.loads(PERSONAL.body)
    assert shown_attributes(PERSONAL, everything)["contact_me"] == "a@example.org"


def test_text_body_may_be_personal() -> None:
    message = Message(message_id="", body="Call Shifter", attributes={}, system={})
    assert "Shifter" not in str(shown_body(message, Disclosure(body=True)))
