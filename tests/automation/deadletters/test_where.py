"""`--where` selects by everything that is known of a message, and is checked before use."""

import pytest

from automation.deadletters.message import Message
from automation.deadletters.where import Circumstances, ExpressionError, Where

MESSAGE = Message(
    message_id="m-1",
    body='{"name": "Shifter", "items": [{"sku": "a"}], "data_share_consent": false}',
    attributes={
        "store_id": {"DataType": "Number", "StringValue": "3"},
        "project": {"DataType": "String", "StringValue": "007"},
        "picture": {"DataType": "Binary.gif", "BinaryValue": b"\x00\x01"},
        "odd": {"DataType": "Number", "StringValue": "NaN-ish"},
    },
    system={
        "SentTimestamp": "1000000",
        "ApproximateReceiveCount": "4",
        "MessageGroupId": "g",
    },
)
CIRCUMSTANCES = Circumstances(now_seconds=1600, retention_seconds=3600, reason="no store_id")


@pytest.mark.parametrize(
    "expression",
    [
        "id == 'm-1'",
        "reason == 'no store_id'",
        "contains(reason, 'store')",
        "attributes.store_id == `3`",
        "attributes.project == '007'",
        "attributes.picture == 'AAE='",
        "attributes.odd == 'NaN-ish'",
        "age_seconds == `600`",
        "expires_in_seconds == `3000`",
        "receive_count > `3` && redrive_count == `0`",
        "group == 'g'",
        "body.name == 'Shifter'",
        "body.items[?sku == 'a']",
        "!(attributes.missing)",
        "attributes.missing == `null`",
        "!(body.data_share_consent)",
        "@.reason",
        "`0`",
    ],
)
def test_expression_is_true(expression: str) -> None:
    assert Where(expression).matches(MESSAGE, CIRCUMSTANCES)


@pytest.mark.parametrize(
    "expression",
    [
        "attributes.store_id == '3'",
        "attributes.missing",
        "body.items[?sku == 'b']",
        "starts_with(receive_count, '4')",
        "''",
        "`{}`",
    ],
)
def test_expression_is_false(expression: str) -> None:
    assert not Where(expression).matches(MESSAGE, CIRCUMSTANCES)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("a ==", "is no JMESPath expression"),
        ("reson == 'x'", "a dead letter has no 'reson'; it has id, body"),
        ('reason == "x"', "a dead letter has no 'x'"),
        ("length(foo)", "has no 'foo'"),
        ("strlen(body)", "Unknown function: strlen()"),
        ("!attributes.store_id", "write '!(a.b)'"),
        ("contains(body)", "Expected 2 arguments for function contains()"),
    ],
)
def test_wrong_expression_is_refused_with_the_place(expression: str, said: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        Where(expression)
    assert said in str(refused.value)


def test_body_that_is_no_json_is_text() -> None:
    message = Message(message_id="", body="plain", attributes={}, system={})
    assert Where("body == 'plain'").matches(message, CIRCUMSTANCES)
