"""What is wrong in a JMESPath expression whatever it is applied to."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions
from jmespath.visitor import TreeInterpreter

# What JMESPath's Python implementation raises for values that a function can't be applied to: its
# own errors, and Python's where it leaves a check to Python (`contains` of text and a number,
# `ceil` of infinity, `max_by` of text and numbers).
CANT_BE_APPLIED = (
    JMESPathError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""Errors that say that an expression does not match one message."""

# What gives the same for every message, as long as all that is in it does.
_CONSTANT_KINDS = frozenset(
    {
        "literal",
        "function_expression",
        "comparator",
        "and_expression",
        "or_expression",
        "not_expression",
        "multi_select_list",
        "multi_select_dict",
        "key_val_pair",
    }
)
_TYPE_NAMES = {
    bool: "boolean",
    dict: "object",
    float: "number",
    int: "number",
    list: "array",
    str: "string",
    type(None): "null",
}


def inner_nodes(node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The expressions inside of one; a slice has numbers in their place."""
    return [child for child in node.get("children", []) if isinstance(child, Mapping)]


def fault_in(node: Mapping[str, Any]) -> str | None:
    """Say what can't be right in an expression's syntax tree; None when nothing is.

    Functions and their arguments are otherwise only looked at when an expression is applied, and
    then only those that are reached.
    """
    if node["type"] == "slice" and node["children"][2] == 0:
        return "a slice's step can't be 0"
    if node["type"] == "function_expression" and (fault := _fault_of_call(node)):
        return fault
    if _is_constant(node):
        try:
            cast("Any", TreeInterpreter()).visit(node, None)
        except CANT_BE_APPLIED as error:
            return f"a part that is the same for every message can't be calculated: {error}"
        return None
    if node["type"] == "expref":
        return "an '&' expression can only be an argument of a function"
    # What is behind an argument's '&' is looked into, the '&' itself belongs there.
    is_call = node["type"] == "function_expression"
    inner = [
        child["children"][0] if is_call and child["type"] == "expref" else child
        for child in inner_nodes(node)
    ]
    return next(filter(None, map(fault_in, inner)), None)


def _is_constant(node: Mapping[str, Any]) -> bool:
    return node["type"] in _CONSTANT_KINDS and all(map(_is_constant, inner_nodes(node)))


def _fault_of_call(node: Mapping[str, Any]) -> str | None:
    name, arguments = node["value"], node["children"]
    function = cast("Mapping[str, Any]", Functions.FUNCTION_TABLE).get(name)
    if function is None:
        return f"Unknown function: {name}()"
    signature: Sequence[Mapping[str, Any]] = function["signature"]
    is_variadic = bool(signature and signature[-1].get("variadic"))
    if len(arguments) < len(signature) or (len(arguments) > len(signature) and not is_variadic):
        least = "at least " if is_variadic else ""
        words = f"{least}{len(signature)} argument{'s' if len(signature) > 1 else ''}"
        return f"Expected {words} for function {name}(), received {len(arguments)}"
    for number, (argument, parameter) in enumerate(
        zip(arguments, signature, strict=False), start=1
    ):
        if fault := _fault_of_argument(argument, parameter["types"]):
            return f"argument {number} of function {name}() {fault}"
    return None


def _fault_of_argument(argument: Mapping[str, Any], types: Sequence[str]) -> str | None:
    allowed = [name.partition("-")[0] for name in types]
    is_expression = argument["type"] == "expref"
    if is_expression != ("expref" in allowed):
        return "must not be an '&' expression" if is_expression else "must be written with '&'"
    if argument["type"] != "literal" or not allowed:
        return None
    name = _TYPE_NAMES[type(argument["value"])]
    return None if name in allowed else f"must be {' or '.join(types)}, not {name}"
