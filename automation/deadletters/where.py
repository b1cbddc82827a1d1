"""`--where`: a JMESPath expression that says which dead letters are meant."""

import base64
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import jmespath

from automation.deadletters.expression_faults import CANT_BE_APPLIED, fault_in, inner_nodes
from automation.deadletters.message import Message, is_binary
from automation.errors import AutomationError
from automation.foreign_text import read_json

FIELDS = {
    "id": "message id",
    "body": "the body; what is inside, when it is JSON",
    "attributes": "message attributes by name; a Number is a number, a Binary is base64 text",
    "age_seconds": "since it was first sent",
    "expires_in_seconds": "until the queue forgets it",
    "receive_count": "as SQS counts",
    "redrive_count": "how often it was redriven",
    "reason": "why it failed, from the consumer's log; null when nothing is known",
    "group": "message group; null without one",
    "source": "name of the queue that it failed in; null when SQS doesn't say",
}
"""What an expression can name, and what it is."""

# What these hold in an expression's syntax tree is applied to something else than the message.
_INNER_SCOPE = frozenset(
    {
        "subexpression",
        "index_expression",
        "projection",
        "value_projection",
        "filter_projection",
        "pipe",
    }
)


class ExpressionError(AutomationError):
    """An expression that can't be used."""


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What a message doesn't say of itself.

    Attributes:
        now_seconds: Unix time.
        retention_seconds: the dead-letter queue's.
        reason: why it failed; None when nothing is known.
    """

    now_seconds: float
    retention_seconds: int
    reason: str | None = None


class Where:
    """A checked expression.

    What is wrong whatever the message is refused at once. What can't be applied to one message,
    such as `contains` on a body that is a number, does not match that message.

    Args:
        text: in JMESPath, over the names in `FIELDS`.

    Attributes:
        uses_reason: it asks why a message failed.

    Raises:
        ExpressionError: with the place that is wrong.
    """

    def __init__(self, text: str) -> None:
        try:
            self._compiled: Any = cast("Any", jmespath).compile(text)
            tree = self._compiled.parsed
            self._refuse_what_is_never_right(text, tree)
        except RecursionError:
            raise ExpressionError("--where is nested too deeply") from None
        except CANT_BE_APPLIED as error:
            raise ExpressionError(f"--where is no JMESPath expression: {error}") from error
        self.uses_reason = "reason" in _root_names(tree) or "current" in _kinds(tree)

    def matches(self, message: Message, circumstances: Circumstances) -> bool:
        """Whether the expression is true of a message, in JMESPath's sense.

        A function that can't be applied, such as `contains` on a body that is a number, makes it
        false.
        """
        try:
            result = self._compiled.search(facts(message, circumstances))
        except CANT_BE_APPLIED:
            return False
        # JMESPath's false: null, false, and anything that is empty. Zero is true.
        return result is not None and result is not False and result not in ("", [], {})

    def _refuse_what_is_never_right(self, text: str, tree: Mapping[str, Any]) -> None:
        if _negates_half_a_path(tree):
            raise ExpressionError(
                f"--where {text!r}: JMESPath takes '!a.b' for '(!a).b', which is never true; "
                "write '!(a.b)'"
            )
        if unknown := sorted(set(_root_names(tree)) - FIELDS.keys()):
            raise ExpressionError(
                f"--where: a dead letter has no {', '.join(map(repr, unknown))}; it has "
                f"{', '.join(FIELDS)} (text is written in single quotes, 'so', a number in "
                "backticks, `5`)"
            )
        if fault := fault_in(tree):
            raise ExpressionError(f"--where {text!r}: {fault}")


def facts(message: Message, circumstances: Circumstances) -> dict[str, object]:
    """What an expression sees of a message."""
    age_seconds = circumstances.now_seconds - message.sent_at_seconds
    return {
        "id": message.message_id,
        "body": _parsed(message.body),
        "attributes": {
            name: plain_value(cast("Mapping[str, object]", value))
            for name, value in message.attributes.items()
        },
        "age_seconds": round(age_seconds, 3),
        "expires_in_seconds": round(circumstances.retention_seconds - age_seconds, 3),
        "receive_count": message.receive_count,
        "redrive_count": message.redrive_count or 0,
        "reason": circumstances.reason,
        "group": message.group,
        "source": message.source,
    }


def plain_value(attribute: Mapping[str, object]) -> str | float:
    """A message attribute's value: text, a number, or base64 text for bytes."""
    kind = str(attribute["DataType"])
    if is_binary(kind):
        return base64.b64encode(cast("bytes", attribute.get("BinaryValue", b""))).decode()
    text = str(attribute.get("StringValue", ""))
    if kind.partition(".")[0] != "Number":
        return text
    try:
        return int(text)
    except ValueError:
        return _as_float(text)


def _as_float(text: str) -> str | float:
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def _parsed(body: str) -> object:
    try:
        return read_json(body)
    except ValueError:
        return body


def _root_names(node: Mapping[str, Any]) -> Iterator[str]:
    """The names that an expression looks up in the message itself."""
    kind, children = node["type"], inner_nodes(node)
    if kind == "field":
        yield node["value"]
    elif kind in _INNER_SCOPE:
        yield from _root_names(children[0])
    elif kind != "expref":
        for child in children:
            yield from _root_names(child)


def _negates_half_a_path(node: Mapping[str, Any]) -> bool:
    children = inner_nodes(node)
    if node["type"] in _INNER_SCOPE and children[0]["type"] == "not_expression":
        return True
    return any(_negates_half_a_path(child) for child in children)


def _kinds(node: Mapping[str, Any]) -> Iterator[str]:
    yield node["type"]
    for child in inner_nodes(node):
        yield from _kinds(child)
