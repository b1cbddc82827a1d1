"""Policies on their way to the emulator and back."""

import json
from typing import Any

import pytest

from automation.local.resources.batch_actions import as_written, for_emulator


def policy(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


def statement(text: str) -> Any:
    return json.loads(text)["Statement"][0]


@pytest.mark.parametrize("action", ["SendMessage", "DeleteMessage", "ChangeMessageVisibility"])
@pytest.mark.parametrize("element", ["Action", "NotAction"])
def test_the_emulator_is_told_of_the_batch_beside_its_action(action: str, element: str) -> None:
    sent = for_emulator(policy(**{element: [f"sqs:{action}"]}))
    assert statement(sent)[element] == [f"sqs:{action}", f"sqs:{action}Batch"]


@pytest.mark.parametrize(
    "text",
    [
        policy(Action="sqs:SendMessage"),
        policy(Action=["sqs:ReceiveMessage", "sqs:DeleteMessage"], Resource="*"),
        policy(NotAction=["sqs:SendMessage", "sqs:ChangeMessageVisibility"]),
    ],
)
def test_what_comes_back_means_what_went_in(text: str) -> None:
    back = as_written(for_emulator(text))
    for element in ("Action", "NotAction"):
        given = statement(text).get(element)
        given = [given] if isinstance(given, str) else given
        assert statement(back).get(element) == given


@pytest.mark.parametrize(
    "text",
    ["", policy(Action="sqs:*"), policy(Action=["sqs:GetQueueUrl"]), '{"Statement": []}', "[]"],
)
def test_what_has_no_batch_stays_to_the_letter(text: str) -> None:
    assert for_emulator(text) == as_written(text) == text
