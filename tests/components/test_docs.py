"""The documentation knows every argument and every rule."""

import dataclasses
import re
from pathlib import Path

import pytest

from components import (
    alarm_arguments,
    arguments,
    consumer_arguments,
    existing_arguments,
    function,
    limits,
)

DOCS = Path(__file__).resolve().parents[2] / "docs"
CLASSES = {
    item
    for module in (arguments, alarm_arguments, consumer_arguments, existing_arguments, function)
    for item in vars(module).values()
    if isinstance(item, type) and item.__name__.endswith("Args")
}


@pytest.mark.parametrize(
    "arguments_class", sorted(CLASSES, key=str), ids=lambda item: item.__name__
)
def test_every_argument_is_described(arguments_class: type) -> None:
    text = (DOCS / "component.md").read_text()
    assert f"`{arguments_class.__name__}`" in text or f"## {arguments_class.__name__}" in text
    for field in dataclasses.fields(arguments_class):
        # SubscriptionArgs stands in the row of the argument that takes it.
        row = "`" if arguments_class is alarm_arguments.SubscriptionArgs else "\n| `"
        assert f"{row}{field.name}`" in text, field.name
        assert re.search(rf"\b{field.name}\b", arguments_class.__doc__ or ""), field.name


RANGES = {name: value for name, value in vars(limits).items() if isinstance(value, limits.Limit)}
# Ranges that docs tell in words, because another argument has a say in them.
IN_WORDS = {
    "VISIBILITY_TIMEOUT": "function's timeout-43,200",
    "BATCH_SIZE": "1-10, to 10,000 with a window",
    "RESERVED_CONCURRENCY": "2 and up",
    "COUNT_THRESHOLD": "0 and up",
}


@pytest.mark.parametrize("name", RANGES)
def test_every_range_is_told(name: str) -> None:
    limit = RANGES[name]
    said = IN_WORDS.get(name, f"{limit.minimum:,}-{limit.maximum:,}")
    text = (DOCS / "component.md").read_text().replace("\N{EN DASH}", "-")
    assert re.search(rf"(?<![\d,]){re.escape(said)}(?![\d,]*\d)", text), said


def test_every_rule_is_listed() -> None:
    text = (DOCS / "rules.md").read_text()
    rules = [name for name in vars(limits) if name.startswith("check_") or name.endswith("_advice")]
    assert len(rules) > 10
    assert [name for name in rules if f"`{name}`" not in text] == ["check_distinct"]
