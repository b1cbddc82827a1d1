"""Which component of a program is meant."""

import re
from pathlib import Path

import pytest

from automation.errors import AutomationError
from automation.programs import Program
from automation.proof import deployed

PROGRAM = Program(folder=Path("/theirs"), project={"name": "theirs"})
ORDERS, MAILS = {"queue_name": "orders"}, {"queue_name": "mails"}


def test_the_only_component_is_meant_and_of_several_the_one_that_is_named() -> None:
    assert deployed._chosen(PROGRAM, {"orders": ORDERS}, None) is ORDERS
    assert deployed._chosen(PROGRAM, {"orders": ORDERS, "mails": MAILS}, "mails") is MAILS


@pytest.mark.parametrize(
    ("components", "wanted", "words"),
    [
        ({}, None, "the program in /theirs makes no ReliableQueue"),
        ({}, "orders", "the program in /theirs makes no ReliableQueue"),
        (
            {"orders": ORDERS, "mails": MAILS},
            None,
            "makes 2 queues: say which one is meant: component with one of mails, orders",
        ),
        ({"orders": ORDERS}, "x", "component: the program in /theirs makes no queue 'x'; it"),
    ],
)
def test_anything_else_is_refused_with_the_names_that_there_are(
    components: dict[str, dict[str, object]], wanted: str | None, words: str
) -> None:
    with pytest.raises(AutomationError, match=re.escape(words)):
        deployed._chosen(PROGRAM, components, wanted)
