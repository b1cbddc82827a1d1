"""The exception that a log record tells of: its name, its own words, the code that it came from."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

# An exception's class as runtimes write it: `ValueError`, `java.lang.IllegalStateException`,
# `Function<TypeError>` (Ruby), `*errors.errorString` (Go), `My::Error`.
_NAME = r"\*?[A-Za-z_$][\w$]{0,80}(?:(?:\.|::)[A-Za-z_$][\w$]{0,80}){0,8}(?:<[\w$.:]{1,80}>)?"
_WHOLE_NAME = re.compile(_NAME, re.ASCII)
# The same where any word may stand: how such names end in every language with exceptions.
_TOLD_NAME = re.compile(
    r"(?<![\w$.])(?:[A-Za-z_$][\w$]{0,80}(?:\.|::)){0,8}"
    r"(?:[A-Z][\w$]{0,80})?(?:Error|Exception|Fault|Timeout|Failure)(?![\w$])",
    re.ASCII,
)
QUOTATION = re.compile(r"[\"{`]|(?<!\w)'")
"""Where a line begins to quote, as far as that can be seen: a message's body is JSON or quoted text
most of the time. The apostrophe of `can't` is none."""

# Of a Python traceback: its frames, which are indented, and the line behind them. What follows is
# the rest of the exception's text, and may be anything.
_PYTHON = re.compile(
    r"(?:^|\n)Traceback \(most recent call last\):\n(?P<frames>(?:[ \t][^\n]*\n)+)"
    rf"(?P<name>{_NAME})(?::[ \t]?(?P<text>[^\n]*))?(?=\n|$)",
    re.ASCII,
)
_FRAME = re.compile(r"^\s*File \"[^\"\n]*\", line \d+, in [^\n]*\n(?P<code>[^\n]*)", re.MULTILINE)
# A frame of Node, Java or .NET behind its exception's line. The name has to look like one, by its
# ending or its packages: it may be a line of an exception's text, of which the next is indented.
_STACK = re.compile(
    r"(?:^|[\n\t]|Caused by: )"
    rf"(?P<name>{_TOLD_NAME.pattern}|(?:[A-Za-z_$][\w$]{{0,80}}\.){{2,8}}[\w$]{{1,80}})"
    r"(?:: (?P<text>[^\n]*))?\n\s+at ",
    re.ASCII,
)
_PANIC = re.compile(r"^panic: (?P<text>[^\n]*)", re.MULTILINE)
# `NAME: text` and Python's `NAME('text')`.
_WORDS_BEHIND = re.compile(r"\((?P<q>['\"])(?P<repr>.*)(?P=q),?\)|:\s*(?P<text>.*)")
_MAX_TEXT = 500

# Where records nest an exception: Powertools for TypeScript, Java and .NET (Logger, "Logging
# errors"), pino, winston, Bunyan, the Elastic Common Schema.
_NESTED = ("error", "err", "exception", "exc_info", "cause", "message")
_NAME_FIELDS = ("errorType", "error_type", "exception_name", "exceptionName", "exception_class")
_NESTED_NAME_FIELDS = ("type", "name", "class", "kind", "code")
_TEXT_FIELDS = ("errorMessage", "error_message", "exception_message")
_NESTED_TEXT_FIELDS = ("message", "value", "reason")
_STACK_FIELDS = (
    *("exception", "stackTrace", "stack_trace", "stacktrace", "stack", "trace", "exc_info"),
)


@dataclass(frozen=True, kw_only=True)
class Thrown:
    """An exception in a log.

    Attributes:
        name: of its class, as the runtime writes it.
        text: its own words; they may quote a message's body.
        code: source lines of its traceback; what is in them literally is no message's.
    """

    name: str
    text: str = ""
    code: str = ""


def thrown_in_record(record: Mapping[str, object], *, depth: int = 3) -> Thrown | None:
    """The exception in a JSON record; None when there is none that has a name."""
    stacks = list(_texts(record, _STACK_FIELDS))
    name = next(filter(None, map(_as_name, _texts(record, _NAME_FIELDS))), None)
    if name:
        text = next(iter(_texts(record, _TEXT_FIELDS)), None)
        told = next(filter(None, map(thrown_in_text, stacks)), None)
        if text is None:
            text = told.text if told and told.name.rpartition(".")[2] == name else ""
        return Thrown(name=name, text=text[:_MAX_TEXT], code=_code("\n".join(stacks)))
    for field in _NESTED if depth else ():
        inner = record.get(field)
        if isinstance(inner, dict):
            nested = cast("dict[str, object]", inner)
            if found := _nested(nested) or thrown_in_record(nested, depth=depth - 1):
                return found
    texts = [*stacks, *_texts(record, ("error", "err", "message", "msg", "event"))]
    return next(filter(None, map(thrown_in_text, texts)), None)


def thrown_in_text(text: str) -> Thrown | None:
    """The exception in a line, or in several that belong together; None when there is none."""
    text = _with_line_feeds(text)
    pythons = list(_PYTHON.finditer(text))
    if found := (pythons[-1] if pythons else _STACK.search(text)):
        words = found["text"] or ""
        return Thrown(name=found["name"], text=words[:_MAX_TEXT], code=_code(text))
    if panic := _PANIC.search(text):
        return Thrown(name="panic", text=panic["text"][:_MAX_TEXT])
    line, _, _ = text.partition("\n")
    quotation = QUOTATION.search(line)
    named = _TOLD_NAME.search(line, 0, quotation.start() if quotation else len(line))
    if named is None:
        return None
    words = _WORDS_BEHIND.match(line, named.end())
    said = (words["repr"] or words["text"] or "") if words else ""
    return Thrown(name=named[0], text=said[:_MAX_TEXT], code=_code(text))


def _nested(record: Mapping[str, object]) -> Thrown | None:
    """An object that is an exception; its class has to look like one, since `name` may be any."""
    name = next(
        (
            name
            for name in _texts(record, _NESTED_NAME_FIELDS)
            if _TOLD_NAME.fullmatch(name) or _TOLD_NAME.fullmatch(name.rpartition(".")[2])
        ),
        None,
    )
    if name is None or _as_name(name) is None:
        return None
    text = next(iter(_texts(record, _NESTED_TEXT_FIELDS)), "")
    return Thrown(
        name=name, text=text[:_MAX_TEXT], code=_code("\n".join(_texts(record, _STACK_FIELDS)))
    )


def _as_name(text: str) -> str | None:
    return text if len(text) <= 200 and _WHOLE_NAME.fullmatch(text) else None


def _with_line_feeds(text: str) -> str:
    # Python's runtime writes carriage returns into a traceback, so that it stays one event.
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _code(text: str) -> str:
    """The lines of source in a Python traceback."""
    text = _with_line_feeds(text)
    return "\n".join(frame["code"].strip() for frame in _FRAME.finditer(text))


def _texts(record: Mapping[str, object], fields: tuple[str, ...]) -> Iterator[str]:
    """What these fields hold: texts, and lists of texts as one."""
    for field in fields:
        value = record.get(field)
        if isinstance(value, list):
            value = "\n".join(line for line in cast("list[object]", value) if isinstance(line, str))
        if isinstance(value, str) and value:
            yield value
