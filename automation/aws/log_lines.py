"""One line of a Lambda function's log, in any of the shapes that there are: what it is, in fields.

The shapes: AWS Lambda Developer Guide, "Configuring JSON and plain text log formats" and "Lambda
Telemetry API Event schema reference" (Lambda's own); the runtimes' own text, of which the guide's
pages on logging in Python and Node.js show each; Powertools for AWS Lambda, "Logger", "Standard
structured keys".
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from automation.aws.thrown import QUOTATION, Thrown, thrown_in_record, thrown_in_text
from automation.foreign_text import read_json

MESSAGE_ID = re.compile(r"(?<![0-9A-Fa-f-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![\w-])")
"""SQS's ids look so; the API Reference promises no more than 100 characters."""

_LEVELS = ("level", "log_level", "severity", "levelname", "log.level")
_ERROR_LEVELS = frozenset({"ERROR", "ERR", "CRITICAL", "FATAL", "SEVERE", "ALERT", "PANIC"})
# pino's and Bunyan's numbers: an error is 50, what is fatal 60.
_ERROR_NUMBER = 50
_REQUEST_IDS = (
    *("requestId", "function_request_id", "request_id", "aws_request_id", "awsRequestId"),
    *("AWSRequestId", "lambda_request_id", "faas.invocation_id"),
)
_LEVEL_WORDS = "TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|SEVERE"
# Python's logging behind Lambda's handler; Node's console.
_COLUMNS = re.compile(
    rf"\[(?P<py_level>{_LEVEL_WORDS})\]\t(?P<py_at>[^\t]*)\t(?P<py_id>[^\t\n]+)\t"
    rf"|(?P<js_at>[^\t\n]*)\t(?P<js_id>[^\t\n]+)\t(?P<js_level>{_LEVEL_WORDS})\t"
)
_LEVEL_WORD = re.compile(rf"(?<![\w.-])(?P<level>{_LEVEL_WORDS})(?![\w-])")
_FAILED = re.compile(r"(?<!\b0 )(?<!\bno )(?<!\bnot )\b(?:failed|failure|fails)\b", re.IGNORECASE)
_MARK = re.compile(r"(?P<mark>START|END|REPORT|INIT_START)(?= RequestId: | Runtime Version: )")
_PLAIN_ID = re.compile(r"RequestId: (?P<id>[\w-]+)|^\S+ (?P<timed>[\w-]+) Task timed out")
_STATUS = re.compile(r"\tStatus: (?P<status>error|timeout)(?:\tError Type: (?P<type>[\w.]+))?")

# What Lambda itself writes, as text, when a run ends without an answer: AWS Lambda Developer Guide,
# Troubleshoot execution issues in Lambda. An exception's own words are left out: they may quote a
# message's body.
_UNCAUGHT = re.compile(r"^\[ERROR\] (?P<what>[\w.]+)")
_ENDINGS = (
    re.compile(r"(?P<what>Task timed out after [\d.]+ seconds)"),
    re.compile(r"(?P<what>Runtime exited (?:with error: [\w :]+|without providing a reason))"),
    re.compile(r"^\[ERROR\] (?P<what>Runtime\.ImportModuleError: [^\n]+)"),
    _UNCAUGHT,
)
# Node's runtime, about what nobody caught; the error follows as JSON.
_UNCAUGHT_IN_NODE = ("Invoke Error", "Uncaught Exception", "Unhandled Promise Rejection")
_PLATFORM_MARKS = {
    "platform.start": "start",
    "platform.runtimeDone": "end",
    "platform.report": "report",
}

Mark = Literal["start", "end", "report", "platform"]


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """What one line is.

    Attributes:
        text: as it was logged.
        record: the JSON object in it; None for plain text.
        request_id: of the invocation, where the line says it.
        level: in capitals, where the line says it; a number's as text.
        is_error: it tells of a failure: by its level, or without one by an exception or the word.
        thrown: the exception that it tells of.
        ending: how Lambda ended the run, in words that can't be a message's; None where it did not.
        ended_by: the consumer's own exception that nobody caught; None where there was none.
        mark: what of an invocation's frame it is; `platform` is any other line of Lambda itself.
    """

    text: str
    record: dict[str, object] | None = None
    request_id: str | None = None
    level: str | None = None
    is_error: bool = False
    thrown: Thrown | None = None
    ending: str | None = None
    ended_by: str | None = None
    mark: Mark | None = None

    @property
    def named_ids(self) -> frozenset[str]:
        """Every id in the line that may be a message's: all but the request's."""
        ids = set(MESSAGE_ID.findall(self.text))
        if self.record and isinstance(said := self.record.get("message_id"), str):
            ids.add(said)
        return frozenset(ids - {self.request_id})


def read_line(text: str) -> LogLine:
    """Read a line; one that can't be read is text without anything that is known of it."""
    if text.startswith("{"):
        try:
            record = read_json(text)
        except ValueError:
            # Somebody else's line: no record, or one nested deeper than any of ours.
            return LogLine(text=text)
        return _structured(text, cast("dict[str, object]", record))
    return _marked(text) or _plain(text)


def _structured(text: str, record: dict[str, object]) -> LogLine:
    kind = record.get("type")
    if isinstance(kind, str) and kind.startswith("platform."):
        return _platform(text, record, kind)
    level = _level(record)
    thrown = thrown_in_record(record)
    message = record.get("message")
    if level is None:
        is_error = thrown is not None or (isinstance(message, str) and _says_failed(message))
    else:
        is_error = level in _ERROR_LEVELS or (level.isdigit() and int(level) >= _ERROR_NUMBER)
    is_ending = is_error and thrown is not None and _is_uncaught(record)
    return LogLine(
        text=text,
        record=record,
        request_id=_first_text(record, _REQUEST_IDS),
        level=level,
        is_error=is_error,
        thrown=thrown,
        ending=thrown.name if is_ending and thrown else None,
        ended_by=_own(thrown.name) if is_ending and thrown else None,
    )


def _is_uncaught(record: Mapping[str, object]) -> bool:
    """Whether a runtime wrote it: Python's has no message then, and Node's is the error itself."""
    message = record.get("message")
    if isinstance(message, dict):
        return "errorType" in message and "requestId" in record
    return message is None and "errorType" in record and "stackTrace" in record


def _platform(text: str, envelope: dict[str, object], kind: str) -> LogLine:
    inner = envelope.get("record")
    record = cast("dict[str, object]", inner) if isinstance(inner, dict) else {}
    mark = cast("Mark", _PLATFORM_MARKS.get(kind, "platform"))
    status, error_type = record.get("status"), record.get("errorType")
    ending = None
    # `platform.runtimeDone` says the same, earlier.
    if mark == "report" and status in ("error", "failure", "timeout"):
        ending = _status_words(str(status), error_type if isinstance(error_type, str) else None)
    return LogLine(
        text=text,
        record=envelope,
        request_id=_first_text(record, ("requestId",)),
        is_error=ending is not None,
        ending=ending,
        mark=mark,
    )


def _marked(text: str) -> LogLine | None:
    """A line of the frame that Lambda writes around an invocation."""
    found = _MARK.match(text)
    if found is None:
        return None
    marks: dict[str, Mark] = {"START": "start", "END": "end", "REPORT": "report"}
    status = _STATUS.search(text) if found["mark"] == "REPORT" else None
    ending = _status_words(status["status"], status["type"]) if status else None
    return LogLine(
        text=text,
        request_id=_plain_id(text),
        is_error=ending is not None,
        ending=ending,
        mark=marks.get(found["mark"], "platform"),
    )


def _status_words(status: str, error_type: str | None) -> str:
    if status == "timeout":
        return "Task timed out"
    is_name = error_type is not None and re.fullmatch(r"[\w.<>:]{1,100}", error_type, re.ASCII)
    return str(error_type) if is_name else "the invocation failed"


def _plain(text: str) -> LogLine:
    ending = next(filter(None, (pattern.search(text) for pattern in _ENDINGS)), None)
    if ending and (ending.re is not _ENDINGS[0] or "\t" not in text[: ending.start()]):
        what = ending["what"]
        return LogLine(
            text=text,
            request_id=_plain_id(text),
            level="ERROR",
            is_error=True,
            thrown=thrown_in_text(text) if ending.re is _UNCAUGHT else None,
            ending=what,
            ended_by=_own(what) if ending.re is _UNCAUGHT else None,
        )
    return _columned(text) or _levelled(text, text, None, None)


def _columned(text: str) -> LogLine | None:
    """A line of Python's logging, or of Node's console: time, request, level, words."""
    columns = _COLUMNS.match(text)
    if columns is None:
        return None
    words = text[columns.end() :]
    request_id = columns["py_id"] or columns["js_id"]
    level = columns["py_level"] or columns["js_level"]
    said, _, json_text = words.partition("\t")
    if said.strip() in _UNCAUGHT_IN_NODE:
        thrown = _thrown_in_json(json_text)
        name = thrown.name if thrown else said.strip()
        return LogLine(
            text=text,
            request_id=request_id,
            level=level,
            is_error=True,
            thrown=thrown,
            ending=name,
            ended_by=_own(name) if thrown else None,
        )
    return _levelled(text, words, request_id, level)


def _levelled(text: str, words: str, request_id: str | None, level: str | None) -> LogLine:
    """A line of words, which may begin with a level and hold JSON."""
    if level is None:
        quotation = QUOTATION.search(words)
        found = _LEVEL_WORD.search(words, 0, min(quotation.start() if quotation else 200, 200))
        level = found["level"] if found else None
    thrown = _thrown_in_json(words) if words.startswith("{") else thrown_in_text(words)
    is_error = level in _ERROR_LEVELS if level else thrown is not None or _says_failed(words)
    return LogLine(
        text=text,
        request_id=request_id or _plain_id(text),
        level=level,
        is_error=is_error,
        thrown=thrown,
    )


def _thrown_in_json(text: str) -> Thrown | None:
    try:
        record = read_json(text)
    except ValueError:
        return thrown_in_text(text)
    return thrown_in_record(cast("dict[str, object]", record)) if isinstance(record, dict) else None


def _says_failed(words: str) -> bool:
    """Whether it says so in words of its own, before anything that it may quote."""
    quotation = QUOTATION.search(words)
    return bool(_FAILED.search(words, 0, quotation.start() if quotation else len(words)))


def _own(name: str) -> str | None:
    # Lambda's own have names that begin so: a handler that is missing, an answer too large.
    return None if name.startswith("Runtime.") else name


def _plain_id(text: str) -> str | None:
    found = _PLAIN_ID.search(text)
    return (found["id"] or found["timed"]) if found else None


def _level(record: Mapping[str, object]) -> str | None:
    for field in _LEVELS:
        value = record.get(field)
        if isinstance(value, str) and value:
            return value.upper()
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    return None


def _first_text(record: Mapping[str, object], fields: tuple[str, ...]) -> str | None:
    return next(_texts(record, fields), None)


def _texts(record: Mapping[str, object], fields: tuple[str, ...]) -> Iterator[str]:
    return (value for field in fields if isinstance(value := record.get(field), str) and value)
