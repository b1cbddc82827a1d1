"""When two texts mean the same to AWS, and which policies it takes."""

import json
from typing import Any

import pytest

from automation.local.resources.documents import (
    function_name,
    normalised,
    same_function,
    same_json,
    same_policy,
)
from automation.local.resources.policies import policy_reasons

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:consumer"
ALLOW: dict[str, Any] = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.mark.parametrize(
    "other",
    [
        policy(ALLOW | {"Action": ["sqs:SendMessage"]}),
        policy(ALLOW | {"Resource": ["*"]}),
        policy(ALLOW | {"Sid": ""}),
        json.dumps({"Statement": ALLOW, "Version": "2012-10-17"}, indent=2),
    ],
)
def test_spellings_of_one_policy_are_the_same(other: str) -> None:
    assert same_policy(policy(ALLOW), other)


def test_the_order_of_actions_and_statements_means_nothing() -> None:
    deny = ALLOW | {"Effect": "Deny"}
    one = policy(ALLOW | {"Action": ["sqs:A", "sqs:B"]}, deny)
    other = policy(deny, ALLOW | {"Action": ["sqs:B", "sqs:A"]})
    assert same_policy(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("*", {"AWS": "*"}),
        ({"AWS": "123456789012"}, {"AWS": ["arn:aws:iam::123456789012:root"]}),
        ({"Service": ["a", "b"]}, {"Service": ["b", "a"]}),
    ],
)
def test_spellings_of_one_principal_are_the_same(one: Any, other: Any) -> None:
    assert same_policy(policy(ALLOW | {"Principal": one}), policy(ALLOW | {"Principal": other}))


def test_spellings_of_one_condition_are_the_same() -> None:
    one = policy(ALLOW | {"Condition": {"Bool": {"aws:SecureTransport": False}}})
    other = policy(ALLOW | {"Condition": {"Bool": {"AWS:SecureTransport": ["false"]}}})
    assert same_policy(one, other)


@pytest.mark.parametrize(
    "change",
    [
        {"Effect": "Deny"},
        {"Action": ["sqs:SendMessage", "sqs:ReceiveMessage"]},
        {"Resource": "arn:aws:sqs:*:*:a"},
        {"Sid": "Send"},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
    ],
)
def test_policies_that_differ_are_not_the_same(change: dict[str, Any]) -> None:
    assert not same_policy(policy(ALLOW), policy(ALLOW | change))


def test_json_is_compared_by_what_it_holds() -> None:
    assert same_json('{"a": 1, "b": [2]}', '{"b":[2],"a":1}')
    assert not same_json('{"a": 1}', '{"a": "1"}')
    assert not same_json("{", '{"a": 1}')


def test_a_normalised_text_has_no_white_space() -> None:
    assert normalised('{ "a" : [1, 2] }') == '{"a":[1,2]}'
    assert normalised("no JSON") == "no JSON"


@pytest.mark.parametrize(
    "text", ["consumer", ARN, f"{ARN}:live", "123456789012:function:consumer", "consumer:live"]
)
def test_a_functions_name_is_found_in_every_form_of_it(text: str) -> None:
    assert function_name(text) == "consumer"


def test_a_name_and_an_arn_mean_the_same_function_unless_the_qualifier_differs() -> None:
    assert same_function(ARN, "consumer")
    assert same_function(f"{ARN}:live", "consumer:live")
    assert not same_function(f"{ARN}:live", "consumer")
    assert not same_function(ARN, "producer")


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ([], "JSON object"),
        ({"Statement": []}, "no Statement"),
        ({"Version": "2020-01-01", "Statement": [ALLOW]}, "Version"),
        ({"Statement": [ALLOW], "Extra": 1}, "unknown elements: Extra"),
        ({"Statement": [ALLOW | {"Effect": "allow"}]}, "Effect"),
        ({"Statement": [ALLOW | {"Actions": "x"}]}, "unknown elements: Actions"),
        ({"Statement": [ALLOW | {"NotAction": "sqs:*"}]}, "one of Action and NotAction"),
        ({"Statement": [{"Effect": "Allow", "Action": "sqs:*"}]}, "one of Resource"),
        ({"Statement": [ALLOW | {"Action": "SendMessage"}]}, "service:name"),
        ({"Statement": [ALLOW | {"Principal": "*"}]}, "no Principal"),
    ],
)
def test_a_malformed_policy_of_a_role_is_named(document: Any, reason: str) -> None:
    assert any(reason in found for found in policy_reasons(document, "identity"))


def test_a_policy_of_a_queue_needs_a_principal() -> None:
    assert list(policy_reasons({"Statement": [ALLOW]}, "resource")) != []
    assert list(policy_reasons({"Statement": [ALLOW | {"Principal": "*"}]}, "resource")) == []


def test_a_trust_policy_has_no_resource() -> None:
    given = {"Statement": [ALLOW | {"Principal": "*"}]}
    assert any("no Resource" in found for found in policy_reasons(given, "trust"))
