"""SQS's rules on messages and requests, at their borders."""

import re
from typing import Any

import pytest

from automation.local.corrections.messages import (
    QueueRules,
    RefusedError,
    check_message,
    check_ranges,
    check_size,
    size_bytes,
)

STANDARD = QueueRules(is_fifo=False, has_content_based_deduplication=False, max_bytes=1_024)
FIFO = QueueRules(is_fifo=True, has_content_based_deduplication=False, max_bytes=1_024)
INVALID = "InvalidParameterValue"


def text(value: str = "v", data_type: str = "String") -> dict[str, str]:
    return {"DataType": data_type, "StringValue": value}


def with_attributes(**attributes: Any) -> dict[str, Any]:
    return {"MessageBody": "b", "MessageAttributes": attributes}


def named(name: str) -> dict[str, Any]:
    return with_attributes(**{name: text()})


@pytest.mark.parametrize(
    "message",
    [
        {"MessageBody": "tab\t, line\r\n, emoji \U0001f600, \ue000\ufffd"},
        with_attributes(**{f"a{number}": text() for number in range(10)}),
        named("a" * 256),
        named("Awsome.name-with_all"),
        with_attributes(a=text("1", "Number.int"), b=text("x", "String.uri")),
        with_attributes(a={"DataType": "Binary.gif", "BinaryValue": "AAE="}),
        *(
            with_attributes(a=text(number, "Number"))
            for number in ("0", "-1.5", "+.5", "1e126", "-1E-128", "1" * 38)
        ),
        {"MessageBody": "b", "MessageGroupId": "a" * 128},
        {"MessageBody": "b", "DelaySeconds": 900},
        {"MessageBody": "b", "MessageSystemAttributes": {"AWSTraceHeader": text("Root=1-2-3")}},
    ],
    ids=str,
)
def test_message_is_taken(message: dict[str, Any]) -> None:
    check_message(message, STANDARD)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({}, "MissingParameter"),
        ({"MessageBody": ""}, "MissingParameter"),
        ({"MessageBody": "\x00"}, "InvalidMessageContents"),
        ({"MessageBody": "\x0b"}, "InvalidMessageContents"),
        ({"MessageBody": "\ud83d"}, "InvalidMessageContents"),
        ({"MessageBody": "\uffff"}, "InvalidMessageContents"),
        (with_attributes(**{f"a{number}": text() for number in range(11)}), INVALID),
        (named("a" * 257), INVALID),
        (named(""), INVALID),
        (named(".a"), INVALID),
        (named("a."), INVALID),
        (named("a..b"), INVALID),
        (named("a b"), INVALID),
        (named("AWS.a"), INVALID),
        (named("amazon.a"), INVALID),
        (with_attributes(a=text("", "String")), INVALID),
        (with_attributes(a={"DataType": "Binary", "BinaryValue": ""}), INVALID),
        (with_attributes(a={"DataType": "Binary", "StringValue": "x"}), INVALID),
        (with_attributes(a={"DataType": "Binary", "BinaryValue": "*"}), INVALID),
        (with_attributes(a={"DataType": "String"}), INVALID),
        (with_attributes(a={"StringValue": "x"}), INVALID),
        (with_attributes(a=text("x", "Text")), INVALID),
        (with_attributes(a=text("x", "Strings")), INVALID),
        (with_attributes(a=text("x", "String.")), INVALID),
        (with_attributes(a=text("x", "String." + "a" * 250)), INVALID),
        (with_attributes(a=text("\x01")), INVALID),
        *(
            (with_attributes(a=text(number, "Number")), INVALID)
            for number in ("x", "1,5", "0x1", "1_0", "NaN", "Infinity", "1e127", "1e-129", "1e")
        ),
        ({"MessageBody": "b", "MessageGroupId": ""}, INVALID),
        ({"MessageBody": "b", "MessageGroupId": "a" * 129}, INVALID),
        ({"MessageBody": "b", "MessageGroupId": "a b"}, INVALID),
        ({"MessageBody": "b", "MessageDeduplicationId": "a"}, INVALID),
        ({"MessageBody": "b", "DelaySeconds": 901}, INVALID),
        ({"MessageBody": "b", "MessageSystemAttributes": {"Other": text()}}, INVALID),
        ({"MessageBody": "b", "MessageSystemAttributes": {"AWSTraceHeader": text("")}}, INVALID),
    ],
    ids=repr,
)
def test_message_is_refused(message: dict[str, Any], code: str) -> None:
    with pytest.raises(RefusedError) as refused:
        check_message(message, STANDARD)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("ids", "code"),
    [
        ({"MessageDeduplicationId": "d"}, "MissingParameter"),
        ({"MessageGroupId": "g"}, INVALID),
        ({"MessageGroupId": "g", "MessageDeduplicationId": "é"}, INVALID),
        ({"MessageGroupId": "g", "MessageDeduplicationId": "d" * 129}, INVALID),
    ],
    ids=repr,
)
def test_message_to_a_fifo_queue_needs_its_ids(ids: dict[str, str], code: str) -> None:
    with pytest.raises(RefusedError) as refused:
        check_message({"MessageBody": "b", **ids}, FIFO)
    assert refused.value.code == code


def test_message_to_a_fifo_queue_is_taken() -> None:
    ids = {"MessageGroupId": "!~g", "MessageDeduplicationId": "d"}
    check_message({"MessageBody": "b", **ids}, FIFO)
    by_content = QueueRules(is_fifo=True, has_content_based_deduplication=True, max_bytes=1_024)
    check_message({"MessageBody": "b", "MessageGroupId": "g"}, by_content)


def test_size_counts_the_attributes_names_types_and_values() -> None:
    message = {
        "MessageBody": "é",
        "MessageAttributes": {
            "k": text("xy"),
            "b": {"DataType": "Binary", "BinaryValue": "AAEC"},
        },
    }
    assert size_bytes(message) == 2 + len("kStringxy") + len("bBinary") + 3
    full = with_attributes(k=text("x" * (1_024 - len("bkString"))))
    check_size(size_bytes(full), STANDARD)
    with pytest.raises(RefusedError, match="1025 bytes; at most 1024"):
        check_size(size_bytes({**full, "MessageBody": "bb"}), STANDARD)


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("MaxNumberOfMessages", 1, 10),
        ("WaitTimeSeconds", 0, 20),
        ("VisibilityTimeout", 0, 43_200),
        ("DelaySeconds", 0, 900),
    ],
)
def test_number_out_of_its_range_is_refused(name: str, least: int, most: int) -> None:
    check_ranges({})
    for value in (least, most, str(most)):
        check_ranges({name: value})
    for value in (least - 1, most + 1, "x"):
        with pytest.raises(RefusedError, match=re.escape(f"{name} is {value}; allowed: {least}")):
            check_ranges({name: value})
