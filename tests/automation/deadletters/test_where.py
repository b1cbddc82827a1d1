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
        "body.items[0:1]",
        "body.items[::-1] | [?sku == 'a']",
        "map(&sku, body.items)",
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
        "contains(reason, `5`)",
        "contains(body.name, receive_count)",
        "ceil(body.name) > age_seconds",
        "max_by(to_array(attributes), &project).nothing",
        "join('', [group, receive_count])",
        "body.items[5:]",
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
        ("id == 'x' && strlen(body)", "Unknown function: strlen()"),
        ("id == 'x' && contains(body)", "Expected 2 arguments for function contains()"),
        ("contains(body)", "Expected 2 arguments for function contains()"),
        ("join(', ')", "Expected 2 arguments for function join(), received 1"),
        ("merge()", "Expected at least 1 argument for function merge(), received 0"),
        ("starts_with(body, `5`)", "argument 2 of function starts_with() must be string, not num"),
        ("contains(`5`, body)", "argument 1 of function contains() must be array or string, not n"),
        ("sort_by(body, id)", "argument 2 of function sort_by() must be written with '&'"),
        ("length(&id)", "must not be an '&' expression"),
        ("&reason", "an '&' expression can only be an argument"),
        ("body[?&id]", "an '&' expression can only be an argument"),
        ("map(&nope(@), body)", "Unknown function: nope()"),
        ("age_seconds > ceil(`1e999`)", "can't be calculated: cannot convert float infinity"),
        ("contains('text', `5`)", "can't be calculated"),
        ("body[::0]", "a slice's step can't be 0"),
        ("(" * 5_000, "--where is nested too deeply"),
    ],
)
def test_wrong_expression_is_refused_with_the_place(expression: str, said: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        Where(expression)
    assert said in str(refused.value)


def test_body_that_is_no_json_is_text() -> None:
    message = Message(message_id="", body="plain", attributes={}, system={})
    assert Where("body == 'plain'").matches(message, CIRCUMSTANCES)


def test_what_json_has_no_number_for_is_text_to_an_expression() -> None:
    attributes = {"n": {"DataType": "Number", "StringValue": "1e999"}}
    message = Message(message_id="", body="[NaN, 1e999]", attributes=attributes, system={})  # type: ignore[arg-type]
    assert Where("body == ['NaN', '1e999'] && attributes.n == '1e999'").matches(
        message, CIRCUMSTANCES
    )
    assert not Where("ceil(body[1]) > `1`").matches(message, CIRCUMSTANCES)
