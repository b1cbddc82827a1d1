"""Messages of every kind that SQS takes: what can be processed is, the rest is dead-lettered."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from automation.deadletters.message import MAX_BYTES
from automation.proof.expected import End, Line
from tests.chaos.data_path.deployed import GOOD, Setting, Stage, line

pytestmark = [pytest.mark.chaos, pytest.mark.engine]

SETTINGS = {"poison": Setting(receives=2, timeout=30, visibility=60, at_once=4, works=0)}

# SQS API Reference, SendMessage: all that a body may hold, of each plane its ends and its middle.
OFFSETS = (0x0, 0x20, 0x7F, 0x85, 0x2028, 0x202E, 0x8000, 0xD7FF, 0xE000, 0xFEFF, 0xFFFD, 0xFFFF)
PLANES = "".join(
    chr(0x10000 * plane + offset)
    for plane in range(17)
    for offset in OFFSETS
    if plane or 0x20 <= offset <= 0xFFFD
)
NOT_JSON = "the body is not JSON"
NO_OBJECT = "the body is not a JSON object"
NO_STORE = "the message attribute store_id is not an integer from 1 to 5"
NO_ATTRIBUTE = "the message attribute store_id is missing"


def with_name(name: str) -> str:
    """A good body with a name as it is, and not as JSON writes it."""
    return json.dumps({**GOOD, "name": "NAME"}).replace("NAME", name)


def wrong_field(name: str) -> str:
    return f"the body's field {name} is missing or of a wrong type"


BODIES: dict[str, tuple[str, str | None]] = {
    "good": (json.dumps(GOOD), None),
    "more fields": (json.dumps({**GOOD, "more": [None, {}]}), None),
    "every plane": (with_name(PLANES), None),
    "every plane, escaped": (json.dumps({**GOOD, "name": PLANES}), None),
    "control characters as they are": (with_name("\t\r\n"), NOT_JSON),
    "half a surrogate pair, escaped": (json.dumps({**GOOD, "name": "\ud800"}), None),
    "control characters, escaped": (json.dumps({**GOOD, "name": "\0\x1b[31m"}), None),
    "control characters around": (f"\t\r\n{json.dumps(GOOD)}\n", None),
    "control characters only": ("\t\r\n", NOT_JSON),
    "a blank": (" ", NOT_JSON),
    "text": ("Quillaume", NOT_JSON),
    "half of it": (json.dumps(GOOD)[:50], NOT_JSON),
    "a byte order mark": (f"\ufeff{json.dumps(GOOD)}", NOT_JSON),
    "single quotes": (str(GOOD), NOT_JSON),
    "null": ("null", NO_OBJECT),
    "a number of 5,000 digits": ("9" * 5000, NOT_JSON),
    "no number": ("NaN", NO_OBJECT),
    "a list": (json.dumps([GOOD]), NO_OBJECT),
    "lists without end": ("[" * 100_000, NOT_JSON),
    "no field": ("{}", wrong_field("name")),
    "a field is null": (json.dumps({**GOOD, "dob": None}), wrong_field("dob")),
    "a truth is text": (
        json.dumps({**GOOD, "data_share_consent": "no"}),
        wrong_field("data_share_consent"),
    ),
}
STORES: dict[str, tuple[object, str | None]] = {
    "none": (None, NO_ATTRIBUTE),
    "0": (0, NO_STORE),
    "6": (6, NO_STORE),
    "below nothing": (-1, NO_STORE),
    "a float": (2.5, NO_STORE),
    "an exponent": ({"type": "Number", "value": "1e0"}, NO_STORE),
    "text": ("three", NO_STORE),
    "a number as text": ({"type": "String", "value": "3"}, None),
    "a number with a label": ({"type": "Number.store", "value": "3"}, None),
    "an Arabic digit": ({"type": "String", "value": "\u0663"}, NO_STORE),
    "a number and a line break": ({"type": "String", "value": "3\n"}, NO_STORE),
    "bytes": ({"type": "Binary", "base64": base64.b64encode(b"3").decode()}, NO_STORE),
}
BINARY = {"type": "Binary.any", "base64": base64.b64encode(bytes(range(256))).decode()}
ATTRIBUTES: dict[str, dict[str, object]] = {
    "binary": {"picture": BINARY},
    "ten": {f"more-{number}": BINARY if number % 2 else PLANES for number in range(7)},
    "strange": {"x" * 256: "\t\r\n\u202e", "_": {"type": "Number", "value": "1e-128"}},
    "no number of its run": {"seq": {"type": "String", "value": "\u0661"}},
    "a run with a line break": {"run_id": 'a\n{"level": "ERROR"}'},
    "a number of its run beyond 64 bits": {"seq": {"type": "Number", "value": "9" * 38}},
    "no run at all": {"seq": None, "run_id": None},
}


def poison() -> Iterator[tuple[str, Line]]:
    """What to send, by what is strange about it."""
    numbers = iter(range(1, 1000))

    def of(what: str, reason: str | None, **strange: Any) -> tuple[str, Line]:
        end: End = "dead-lettered" if reason else "processed"
        return what, line(next(numbers), expect=end, reason=reason, **strange)

    for what, (body, reason) in BODIES.items():
        yield of(f"body: {what}", reason, body=body)
    for what, (store, reason) in STORES.items():
        yield of(f"store: {what}", reason, attributes={"store_id": store})
    for what, attributes in ATTRIBUTES.items():
        yield of(f"attributes: {what}", None, attributes=attributes)
    for what, text, reason in (("good", json.dumps(GOOD), None), ("text", "x", NOT_JSON)):
        number = next(numbers)
        room = MAX_BYTES - line(number, body=text).message.size_bytes
        # Blanks behind it change nothing of JSON.
        padding = " " * room if reason is None else "x" * room
        end: End = "dead-lettered" if reason else "processed"
        full = line(number, body=text + padding, expect=end, reason=reason)
        assert full.message.size_bytes == MAX_BYTES
        yield f"size: {what}", full


def test_what_can_be_processed_is_and_the_rest_is_dead_lettered_for_its_own_reason(
    stage: Stage,
) -> None:
    sent = dict(poison())
    proof = stage.prove("poison", sent.values())
    found = {result.line: (result.found, result.reason) for result in proof.report.account.results}
    wrong = {
        what: found[one.number]
        for what, one in sent.items()
        if found[one.number] != (one.expect, one.reason)
    }
    assert wrong == {}
    assert proof.report.verdict == "held", proof.report.reason
    proof.assert_law()
