"""What SQS would refuse is refused before it is sent: with the value, the limit and the fix."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.deadletters.message import MAX_BYTES, Message, MessageFormatError
from automation.deadletters.sending_rules import check_sendable
from tests.automation.hostile import BODIES
from tests.unkind.sending import check_entry
from tests.unkind.world import World

PLAIN = Message(message_id="m", body="x", attributes={}, system={"MessageGroupId": "g"})


def check(is_fifo: bool = True, max_bytes: int = MAX_BYTES, **changes: Any) -> None:
    check_sendable(dataclasses.replace(PLAIN, **changes), is_fifo=is_fifo, max_bytes=max_bytes)


def attribute(kind: str, value: Any, name: str = "a") -> dict[str, Any]:
    key = "BinaryValue" if isinstance(value, bytes) else "StringValue"
    return {name: {"DataType": kind, key: value}}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"body": ""}, "'body' that is not empty"),
        ({"body": "ab\ud83d"}, "the body holds U+D83D at character 3"),
        ({"body": "\x1b"}, "the body holds U+001B at character 1"),
        ({"body": "\uffff"}, "the body holds U+FFFF at character 1"),
        ({"body": "x" * 1_025, "max_bytes": 1_024}, "at most 1024 bytes of one message"),
        ({"system": {}}, "needs a 'group'"),
        ({"system": {"MessageGroupId": ""}}, "the group '' must be 1 to 128"),
        ({"system": {"MessageGroupId": "g" * 129}}, "it has 129 characters"),
        ({"system": {"MessageGroupId": "ü"}, "is_fifo": False}, "the group 'ü' must be"),
        ({"message_id": "m" * 116}, "it has 116 characters: shorten it"),
        ({"message_id": "a b"}, "the id 'a b' becomes part of the deduplication id"),
        ({"attributes": dict.fromkeys("abcdefghijk")}, "at most 10 attributes, not 11"),
        ({"attributes": attribute("String", "x", "n" * 257)}, "it has 257 characters: rename it"),
        ({"attributes": attribute("String", "x", "a..b")}, "with no '.' at its ends"),
        ({"attributes": attribute("String", "x", "a b")}, "the attribute's name 'a b'"),
        ({"attributes": attribute("String", "x", "aws.x")}, "which AWS keeps for itself"),
        ({"attributes": attribute("Strng", "x")}, "has the type 'Strng'; allowed: String"),
        ({"attributes": attribute("String." + "x" * 250, "x")}, "has a type of 257 characters"),
        ({"attributes": attribute("String", "")}, "the attribute 'a' is empty"),
        ({"attributes": attribute("Binary", b"")}, "the attribute 'a' is empty"),
        ({"attributes": attribute("Binary", "x")}, "give it as 'base64'"),
        ({"attributes": attribute("String", b"x")}, "give it as 'value'"),
        ({"attributes": attribute("String", "\x00")}, "the attribute 'a' holds U+0000"),
        ({"attributes": attribute("Number", "NaN")}, "of type Number and no number"),
        ({"attributes": attribute("Number.int", "1_0")}, "of type Number and no number"),
        ({"attributes": attribute("Number", "1" * 39)}, "a Number of 39 digits; at most 38"),
        ({"attributes": attribute("Number", "1e999")}, "of the magnitude 10^999; allowed"),
        ({"attributes": attribute("Number", "-1.1e126")}, "of the magnitude 10^126; allowed"),
        ({"attributes": attribute("Number", "9.9e-129")}, "of the magnitude 10^-129; allowed"),
        ({"system": {"MessageGroupId": "g", "AWSTraceHeader": "\n\x01"}}, "AWSTraceHeader holds"),
    ],
)
def test_message_that_sqs_would_refuse_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(MessageFormatError) as refused:
        check(**changes)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"body": "\t\n\r\x85\u202e\ud7ff\ue000\ufffd\U0010ffff"},
        {"body": "x" * 1_024, "max_bytes": 1_024},
        {"system": {}, "is_fifo": False, "message_id": "any id " * 50},
        {"system": {"MessageGroupId": "!" * 128}, "message_id": "m" * 115},
        {"attributes": attribute("Number", "-0001.50e-100")},
        {"attributes": attribute("Number", "1" + "0" * 126)},
        {"attributes": attribute("Number", "-1e126")},
        {"attributes": attribute("Number", "1e-128")},
        {"attributes": attribute("Number", "0e999")},
        {"attributes": attribute("Number", "0" * 40 + "1." + "0" * 40)},
        {"attributes": attribute("String." + "ü" * 249, "x")},
        {"attributes": attribute("Binary.png", b"\x00")},
        {"attributes": attribute("String", "x", "awsome.Amazonas")},
    ],
)
def test_message_that_sqs_takes_is_taken(changes: dict[str, Any]) -> None:
    check(**changes)


@given(BODIES | st.text(st.characters(), max_size=3), st.text(max_size=3))
def test_body_and_group_are_judged_as_by_the_unkind_world(body: str, group: str) -> None:
    queue = World().add_queue("q.fifo")
    entry = {"MessageBody": body, "MessageGroupId": group, "MessageDeduplicationId": "d"}
    is_taken = check_entry(entry, queue) is None
    try:
        check(body=body, system={"MessageGroupId": group})
    except MessageFormatError:
        assert not is_taken
    else:
        assert is_taken
