"""Whatever a consumer logs of a letter's body, neither a reason nor a shown record repeats it."""

import json
import re
import traceback
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from automation.aws.consumer_log import LogEvent
from automation.aws.log_lines import read_line
from automation.aws.thrown import Thrown
from automation.deadletters.exception_words import exception_words
from automation.deadletters.invocations import invocations
from automation.deadletters.reasons import Failures
from automation.deadletters.shown_records import shown_record
from automation.deadletters.verdicts import verdict_of

LETTER = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"
OTHER = "0a1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6e"
REQUEST = "6f2e0c5a-5a3f-4b52-8e1c-0f2f6f2e0c5a"
AT = "2026-11-24T10:00:00.000Z"

# No word of a program ends so; a number is one of no program's either.
NAMES = st.from_regex(r"[A-Z][a-z]{2,8}zqx", fullmatch=True)
NUMBERS = st.from_regex(r"7[0-9]{2}-[0-9]{2}-[0-9]{4}", fullmatch=True)
SECRETS = st.one_of(
    NAMES,
    NUMBERS,
    st.builds("{} {}".format, NAMES, NAMES),
    st.builds("{}\n{}\n    at {}".format, NAMES, NAMES, NAMES),
    st.builds("{}\"'{{[\t{}".format, NAMES, NUMBERS),
)


def _body(secret: str) -> dict[str, Any]:
    return {"name": secret, "orders": [{"to": secret}]}


def _raise(error: Exception) -> None:
    raise error


class NoCustomerError(Exception):
    """A consumer's own."""


RAISES: list[Callable[[str], object]] = [
    lambda secret: {}[secret],
    int,
    json.loads,
    lambda secret: getattr("", secret),
    lambda secret: 1 + secret,  # type: ignore[operator]
    __import__,
    lambda secret: Path(secret).read_text(),
    lambda secret: _raise(ValueError(_body(secret))),
    lambda secret: _raise(NoCustomerError(f"{secret}: {json.dumps(_body(secret))}")),
    lambda secret: _raise(TypeError(f"'{secret}' object is not callable")),
    lambda secret: _raise(KeyError(secret, _body(secret))),
    lambda secret: _raise(TimeoutError(f"[Errno 110] {secret}")),
    lambda secret: _body(secret)["none"],
]


def _thrown(raises: Callable[[str], object], secret: str) -> tuple[Exception, str]:
    try:
        try:
            raises(secret)
        except Exception as error:
            if len(secret) % 2:
                raise RuntimeError(f"failed: {secret}") from error
            raise
    except Exception as error:  # noqa: BLE001
        return error, traceback.format_exc()
    raise AssertionError("it raises")


Shape = Callable[[Exception, str, str], list[str]]
POWERTOOLS = {"level": "ERROR", "location": "h:1", "timestamp": AT, "function_request_id": REQUEST}
SHAPES: dict[str, Shape] = {
    "print": lambda error, _, body: [f"{LETTER} failed: {error!r} {body}"],
    "print text": lambda error, _, body: [
        f"failed {LETTER} {type(error).__name__}: {error} {body}"
    ],
    "print lines": lambda _, trace, body: [f"failed {LETTER}", *trace.splitlines(), body],
    "body first": lambda error, _, body: [body, f"{LETTER} failed", str(error)],
    "logging": lambda error, trace, _: [f"[ERROR]\t{AT}\t{REQUEST}\t{LETTER} {error}\n{trace}"],
    "uncaught": lambda error, trace, body: [
        f"processing {LETTER} {body}",
        f"[ERROR] {type(error).__name__}: {error}\r" + trace.replace("\n", "\r"),
    ],
    "event": lambda error, trace, body: [
        json.dumps({"Records": [{"messageId": LETTER, "body": body}]}),
        f"[ERROR]\t{AT}\t{REQUEST}\t{error}\n{trace}",
    ],
    "powertools": lambda error, trace, body: [
        json.dumps(
            POWERTOOLS
            | {
                "message": str(error),
                "order": {"id": LETTER, "body": body},
                "exception": trace,
                "exception_name": type(error).__name__,
                "stack_trace": {"type": type(error).__name__, "value": str(error), "frames": []},
            }
        )
    ],
    "lambda's json": lambda error, trace, body: [
        json.dumps(
            {
                "timestamp": AT,
                "level": "ERROR",
                "message": f"{LETTER}: {body}",
                "logger": "root",
                "requestId": REQUEST,
                "errorType": type(error).__name__,
                "errorMessage": str(error),
                "stackTrace": trace.splitlines(),
            }
        )
    ],
    "body as record": lambda error, _, body: [
        json.dumps(
            {
                **json.loads(body),
                "level": "ERROR",
                "location": str(error),
                "service": str(error),
                "time": str(error),
                "type": str(error),
                "reason": str(error),
                "resp": json.loads(body),
                "stack": [str(error)],
                "messageId": LETTER,
            }
        )
    ],
    "nested": lambda error, trace, body: [
        json.dumps(
            {
                "severity": "error",
                "msg": body,
                "err": {"type": str(error), "name": str(error), "message": body, "stack": trace},
                "ids": [LETTER],
            }
        )
    ],
    "node": lambda error, _, body: [
        f"{AT}\t{REQUEST}\tERROR\tcan't process {LETTER} TypeError: {error}\n    at h (/a.js:1:2)",
        f"{AT}\t{REQUEST}\tERROR\tInvoke Error \t"
        + json.dumps({"errorType": "RangeError", "errorMessage": str(error), "stack": [body]}),
    ],
    "node undefined": lambda _, __, body: [
        f"{AT}\t{REQUEST}\tERROR\t{LETTER} TypeError: Cannot read properties of undefined "
        f"(reading '{json.loads(body)['name']}')"
    ],
    "java": lambda error, _, body: [
        f"ERROR Orders:1 - {LETTER} {body}\njava.lang.IllegalStateException: {error}\n\tat a.B(C:1)"
    ],
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
@settings(max_examples=40, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(raises=st.sampled_from(RAISES), secret=SECRETS)
def test_no_reason_and_no_shown_record_repeats_a_body(
    shape: Shape, raises: Callable[[str], object], secret: str
) -> None:
    error, trace = _thrown(raises, secret)
    lines = [
        f"START RequestId: {REQUEST} Version: $LATEST",
        *shape(error, trace, json.dumps(_body(secret))),
        f"END RequestId: {REQUEST}",
        f"REPORT RequestId: {REQUEST}\tDuration: 1 ms\tStatus: error\tError Type: Runtime.Exit",
    ]
    events = [LogEvent(at_ms=0, line=read_line(line), stream="s") for line in lines]
    (invocation,) = invocations(events)
    verdicts = [*map(verdict_of, events), *invocation.verdicts(LETTER.__eq__)]
    reasons = [verdict.reason for verdict in verdicts if verdict]
    assert reasons
    shown = [shown_record(event) for event in [*events, *invocation.lines]]
    text = json.dumps([reasons, shown], ensure_ascii=False)
    for part in re.findall(r"\w+zqx|7\d\d-\d\d-\d{4}", secret):
        assert part not in text


CODE = 'price = PRICES[record["colour"]]\nbody.get(x).lower()'


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("KeyError", "'store_id'", "KeyError: 'store_id'"),
        ("KeyError", "store_id", "KeyError: store_id"),
        ("KeyError", "'colour'", "KeyError: 'colour'"),
        ("KeyError", "'Shifter'", "KeyError"),
        # In the code, but as no literal.
        ("KeyError", "'price'", "KeyError"),
        ("KeyError", "396144610", "KeyError"),
        ("ValueError", "invalid ssn 123-45-6789", "ValueError"),
        ("ValueError", "", "ValueError"),
        ("AttributeError", "'NoneType' object has no attribute 'lower'", None),
        ("AttributeError", "'NoneType' object has no attribute 'Shifter'", "AttributeError"),
        ("AttributeError", "'Shifter' object has no attribute 'lower'", "AttributeError"),
        ("NameError", "name 'PRICES' is not defined", None),
        ("ZeroDivisionError", "division by zero", None),
        ("IndexError", "list index out of range", None),
        ("TypeError", "'NoneType' object is not subscriptable", None),
        ("TypeError", "unsupported operand type(s) for +: 'int' and 'str'", None),
        ("TypeError", "string indices must be integers, not 'str'", None),
        ("TypeError", 'can only concatenate str (not "int") to str', None),
        ("TypeError", "Cannot read properties of null (reading 'store_id')", None),
        (
            "TypeError",
            "Cannot read properties of null (reading 'Shifter')",
            "TypeError: Cannot read properties of null",
        ),
        ("JSONDecodeError", "Expecting value: line 1 column 1 (char 0)", None),
        (
            "json.decoder.JSONDecodeError",
            "Expecting value: line 1 column 1 (char 0)",
            "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)",
        ),
        ("SyntaxError", "Unexpected token 'S', \"Shifter\" is not valid JSON", "SyntaxError"),
        ("ReferenceError", "x is not defined", None),
        ("ConnectionRefusedError", "[Errno 111] Connection refused", None),
        ("Runtime.ImportModuleError", "Unable to import module 'a': No module named 'b'", None),
        ("example.NoCustomerError", "Shifter", "example.NoCustomerError"),
    ],
)
def test_words_of_an_exception(name: str, text: str, words: str | None) -> None:
    said = exception_words(Thrown(name=name, text=text, code=CODE))
    assert said == (words or f"{name}: {text}")


def failures(*lines: str) -> Failures:
    known = Failures({LETTER, OTHER}.__contains__)
    for line in lines:
        if verdict := verdict_of(
            LogEvent(at_ms=0, line=read_line(line)), {LETTER, OTHER}.__contains__
        ):
            known.add(verdict)
    return known


def test_later_reason_wins_unless_it_says_less() -> None:
    with closing(
        failures(
            f"{LETTER} failed: KeyError('store_id')",
            f"{LETTER} failed: ValueError('x')",
            f"{LETTER} failed",
            f"IndexError: {LETTER} {OTHER}",
        )
    ) as known:
        found, other = known.of(LETTER, None, None), known.of(OTHER, None, None)
        assert found
        assert other
        assert (found.reason, found.attempts) == ("ValueError", 4)
        assert (other.reason, other.attempts) == ("its batch failed: IndexError", 1)


def test_records_of_one_request_are_one_attempt_unless_the_consumer_counts_itself() -> None:
    record = {"level": "ERROR", "requestId": REQUEST, "order": LETTER, "errorType": "KeyError"}
    with closing(failures(*[json.dumps(record)] * 3)) as known:
        found = known.of(LETTER, None, None)
        assert found
        assert found.attempts == 1
    with closing(failures(json.dumps(record | {"receive_count": 7}))) as known:
        found = known.of(LETTER, None, None)
        assert found
        assert found.attempts == 7


def test_ids_of_no_letter_are_left_alone() -> None:
    stranger = LETTER.replace("9", "8")
    with closing(failures(f"{stranger} failed: KeyError('store_id')")) as known:
        assert known.of(stranger, None, None) is None
