"""What a role's policies allow, decided without asking anybody."""

from typing import Any

import pytest

from automation.local.resources.authorization import Call, is_allowed

QUEUE = "arn:aws:sqs:eu-west-1:123456789012:orders"
CALL = Call(action="sqs:SendMessage", resource=QUEUE, context={"kms:ViaService": "sqs.aws"})


def allow(**changes: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": QUEUE} | changes


def deny(**changes: Any) -> dict[str, Any]:
    return allow(Effect="Deny", **changes)


def without(statement: dict[str, Any], element: str) -> dict[str, Any]:
    return {name: value for name, value in statement.items() if name != element}


def on(operator: str, key: str, *values: str) -> dict[str, Any]:
    return {"Condition": {operator: {key: list(values)}}}


@pytest.mark.parametrize(
    "statements",
    [
        [allow()],
        [allow(Action=["sqs:DeleteMessage", "SQS:sendmessage"], Resource=["*"])],
        [allow(Action="sqs:Send*", Resource="arn:aws:sqs:*:orders")],
        [allow(Action="sqs:SendMessag?")],
        [without(allow(NotAction="sqs:DeleteMessage"), "Action")],
        [without(allow(NotResource=f"{QUEUE}-dlq"), "Resource")],
        [allow(), deny(Action="sqs:DeleteMessage")],
        [allow(), deny(**on("StringEquals", "kms:ViaService", "sns.aws"))],
        [allow(**on("StringEquals", "KMS:viaservice", "sns.aws", "sqs.aws"))],
        [allow(**on("StringLike", "kms:ViaService", "sqs.*"))],
        [allow(**on("ArnLikeIfExists", "aws:SourceArn", "arn:*"))],
    ],
)
def test_a_call_is_allowed(statements: list[dict[str, Any]]) -> None:
    assert is_allowed(CALL, [{"Statement": []}, {"Statement": statements}])


@pytest.mark.parametrize(
    "statements",
    [
        [],
        [allow(Action="sqs:SendMessageBatch")],
        [allow(Action="sqs:Send")],
        [allow(Action="sqs:SendMessag[e]")],
        [allow(Resource=f"{QUEUE}-dlq")],
        [allow(Resource=QUEUE.upper())],
        [without(allow(NotAction="sqs:*"), "Action")],
        [without(allow(NotResource="*"), "Resource")],
        [allow(), deny()],
        [deny(Action="*"), allow()],
        [allow(**on("StringEquals", "kms:ViaService", "sqs.*"))],
        [allow(**on("StringEquals", "aws:SourceArn", QUEUE))],
        [allow(Condition={
            "StringEquals": {"kms:ViaService": "sqs.aws"}, "Bool": {"aws:SecureTransport": "true"},
        })],
        # What is not known allows nothing and denies.
        [allow(**on("IpAddress", "kms:ViaService", "sqs.aws"))],
        [allow(), deny(**on("IpAddress", "kms:ViaService", "0.0.0.0/0"))],
    ],
)  # fmt: skip
def test_a_call_is_not_allowed(statements: list[dict[str, Any]]) -> None:
    assert not is_allowed(CALL, [{"Statement": statements}])
