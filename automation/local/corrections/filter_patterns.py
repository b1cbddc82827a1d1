"""CloudWatch Logs' filter patterns: terms, one regular expression, conditions on JSON; no others.

Amazon CloudWatch Logs User Guide, Filter pattern syntax for metric filters, subscription filters,
filter log events, and Live Tail. To the emulator every JSON pattern matches everything, and terms
match whatever their case.
"""

import json
import operator
import re
from collections.abc import Callable
from typing import Any, cast

from automation.local.corrections.replacing import replace, require, service

Matcher = Callable[[str], bool]
_Condition = Callable[[object], bool]

_TERM = re.compile(r'(?P<mark>[-?]?)(?:"(?P<phrase>[^"]*)"|(?P<word>\w+))(?:\s+|$)', re.ASCII)
# "Supported regular expressions (regex) syntax" of the guide: no parentheses, no spaces, ASCII.
_REGEX = re.compile(
    r"%(?P<regex>(?:[A-Za-z0-9_#=@/;,:^$?\[\]{}|*+.-]|\\[^\sA-Za-z0-9]|\\[dDwWsSx])+)%"
)
_TOKEN = re.compile(
    r"\s*(?P<token>&&|\|\||[()]|!=|>=|<=|[=<>]"
    r'|"(?:[^"\\]|\\.)*"'
    r"|\$(?:\.[\w-]+|\[\d+\])+"
    r"|[\w.*+:/@-]+)",
    re.ASCII,
)
_STEP = re.compile(r"\.([\w-]+)|\[(\d+)\]", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_ORDERS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_KEYWORDS: dict[str, object] = {"NULL": None, "TRUE": True, "FALSE": False}
# A property that is not in the record.
_ABSENT = object()


class PatternError(Exception):
    """The pattern is none, or not one of those that are known here."""


def matcher(pattern: str) -> Matcher:
    """A function that says whether a log event's message matches.

    Args:
        pattern: empty for everything; terms (`ERROR "not found" -retry`, or `?ERROR ?WARN`); or
            a regular expression (`%[Ee]rror|ERROR%`); or
            conditions on JSON (`{ $.level = "ERROR" && $.batch.size > 5 }`) with =, !=, <, <=, >,
            >=, IS NULL, IS TRUE, IS FALSE, NOT EXISTS, &&, ||, parentheses, and `*` at the
            beginning or the end of a text.

    Raises:
        PatternError: anything else, space-delimited patterns and regular expressions beside other
            terms among it.
    """
    text = pattern.strip()
    if not text:
        return lambda _message: True
    if text.startswith("{"):
        return _json_matcher(text)
    if text.startswith("%"):
        return _regex_matcher(text)
    return _terms_matcher(text)


def _terms_matcher(text: str) -> Matcher:
    by_mark: dict[str, list[str]] = {"": [], "-": [], "?": []}
    position = 0
    while position < len(text):
        found = _TERM.match(text, position)
        if found is None:
            raise PatternError(f"{text[position:]!r} of the filter pattern {text!r} is not known")
        by_mark[found["mark"]].append(found["phrase"] or found["word"] or "")
        position = found.end()
    needed, excluded, either = by_mark[""], by_mark["-"], by_mark["?"]
    if either and (needed or excluded):
        raise PatternError(f"the filter pattern {text!r} has terms with and without '?'")

    def matches(message: str) -> bool:
        return (
            all(term in message for term in needed)
            and not any(term in message for term in excluded)
            and (not either or any(term in message for term in either))
        )

    return matches


def _regex_matcher(text: str) -> Matcher:
    found = _REGEX.fullmatch(text)
    try:
        wanted = re.compile(found["regex"], re.ASCII) if found else None
    except re.error:
        wanted = None
    if wanted is None:
        raise PatternError(
            f"the filter pattern {text!r} is no regular expression between two '%' of letters, "
            "digits, _#=@/;,:- and the signs ^$?[]{}|\\*+."
        )
    return lambda message: wanted.search(message) is not None


def _json_matcher(text: str) -> Matcher:
    if not text.endswith("}"):
        raise PatternError(f"the filter pattern {text!r} does not end in '}}'")
    condition = _Parser(text, _tokens(text)).parsed()

    def matches(message: str) -> bool:
        try:
            record: object = json.loads(message)
        except (ValueError, RecursionError):
            return False
        return isinstance(record, dict | list) and condition(cast("object", record))

    return matches


def _tokens(text: str) -> list[str]:
    inner, tokens, position = text[1:-1].rstrip(), list[str](), 0
    while position < len(inner):
        found = _TOKEN.match(inner, position)
        if found is None:
            raise PatternError(f"{inner[position:]!r} of the filter pattern {text!r} is not known")
        tokens.append(found["token"])
        position = found.end()
    return tokens


class _Parser:
    """Reads conditions: parentheses bind before &&, and && before ||."""

    def __init__(self, text: str, tokens: list[str]) -> None:
        self._text = text
        self._tokens = tokens

    def parsed(self) -> _Condition:
        condition = self._either()
        if self._tokens:
            raise self._error(f"what begins at {self._tokens[0]!r} is too much")
        return condition

    def _either(self) -> _Condition:
        parts = [self._both()]
        while self._takes("||"):
            parts.append(self._both())
        return lambda record: any(part(record) for part in parts)

    def _both(self) -> _Condition:
        parts = [self._single()]
        while self._takes("&&"):
            parts.append(self._single())
        return lambda record: all(part(record) for part in parts)

    def _single(self) -> _Condition:
        if self._takes("("):
            condition = self._either()
            self._need(")")
            return condition
        selector, relation = self._next(), self._next()
        if not selector.startswith("$"):
            raise self._error(f"{selector!r} stands where a selector must, such as $.level")
        match relation:
            case "IS":
                wanted = self._keyword()
                return lambda record: _selected(record, selector) is wanted
            case "NOT":
                self._need("EXISTS")
                return lambda record: _selected(record, selector) is _ABSENT
            case "=" | "!=":
                return _equality(selector, self._next(), is_equal=relation == "=")
            case _ if relation in _ORDERS:
                return self._order(selector, relation)
            case _:
                raise self._error(f"{relation!r} is no comparison")

    def _order(self, selector: str, relation: str) -> _Condition:
        text, compare = self._next(), _ORDERS[relation]
        if not _NUMBER.fullmatch(text):
            raise self._error(f"{relation} needs a number, not {text!r}")
        bound = float(text)

        def condition(record: object) -> bool:
            value = _number(_selected(record, selector))
            return value is not None and compare(value, bound)

        return condition

    def _keyword(self) -> object:
        token = self._next()
        if token not in _KEYWORDS:
            raise self._error(f"IS {token!r}; allowed: {', '.join(_KEYWORDS)}")
        return _KEYWORDS[token]

    def _takes(self, token: str) -> bool:
        if self._tokens[:1] != [token]:
            return False
        self._tokens.pop(0)
        return True

    def _need(self, token: str) -> None:
        if not self._takes(token):
            raise self._error(f"{token!r} is missing")

    def _next(self) -> str:
        if not self._tokens:
            raise self._error("it ends too early")
        return self._tokens.pop(0)

    def _error(self, reason: str) -> PatternError:
        return PatternError(f"the filter pattern {self._text!r} can't be read: {reason}")


def _equality(selector: str, operand: str, *, is_equal: bool) -> _Condition:
    is_quoted = operand.startswith('"')
    wanted = re.sub(r"\\(.)", r"\1", operand[1:-1]) if is_quoted else operand
    bound = None if is_quoted or not _NUMBER.fullmatch(operand) else float(operand)

    def condition(record: object) -> bool:
        value = _selected(record, selector)
        number = _number(value)
        if bound is not None and number is not None:
            return (number == bound) is is_equal
        # A selector that points to no text and no number fits neither = nor !=.
        text = value if isinstance(value, str) else None if number is None else json.dumps(value)
        return text is not None and _fits(text, wanted) is is_equal

    return condition


def _fits(text: str, wanted: str) -> bool:
    """Whether the text is what is wanted; `*` first or last in it stands for anything."""
    if wanted == "*":
        return True
    core = wanted.removeprefix("*").removesuffix("*")
    match wanted.startswith("*"), wanted.endswith("*"):
        case True, True:
            return core in text
        case True, False:
            return text.endswith(core)
        case False, True:
            return text.startswith(core)
        case _:
            return text == wanted


def _selected(record: object, selector: str) -> object:
    value = record
    for name, index in _STEP.findall(selector):
        if name and isinstance(value, dict) and name in value:
            value = cast("dict[str, object]", value)[name]
        elif index and isinstance(value, list) and int(index) < len(cast("list[object]", value)):
            value = cast("list[object]", value)[int(index)]
        else:
            return _ABSENT
    return value


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def apply() -> None:
    """Let `FilterLogEvents` match by the rules above, and refuse what they don't know."""
    logs = service("cloudwatch_logs")
    require(logs, error_response_json="code message status extra message_key content_type")

    def filter_log_events(data: Any) -> Any:
        try:
            matcher(data.get("filterPattern") or "")
        except PatternError as error:
            return logs.error_response_json("InvalidParameterException", str(error), 400)
        return original(data)

    def compile_filter_pattern(raw: str) -> Matcher:
        return matcher(raw or "")

    replace(logs, "_compile_filter_pattern", compile_filter_pattern)
    original = replace(logs, "_filter_log_events", filter_log_events)
