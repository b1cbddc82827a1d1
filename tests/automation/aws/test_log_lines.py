"""A line of a function's log is understood in each shape that runtimes and loggers give it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.aws.log_lines import LogLine, read_line

MESSAGE = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"
REQUEST = "6f2e0c5a-5a3f-4b52-8e1c-0f2f6f2e0c5a"
AT = "2026-11-24T10:00:00.000Z"
# Python's runtime indents with no-break spaces, and ends lines with carriage returns.
RIC = (
    "[ERROR] KeyError: 'store_id'\rTraceback (most recent call last):\r"
    '\xa0\xa0File "/var/task/orders.py", line 7, in handler\r\xa0\xa0\xa0\xa0work(record)\r'
)
TRACEBACK = (
    "Traceback (most recent call last):\n"
    '  File "/var/task/orders.py", line 7, in handler\n'
    '    store = record["messageAttributes"]["store_id"]\n'
    "            ~~~~~~~~~~~~~~~~~~~~~~~~~~~^^^^^^^^^^^^\n"
    "KeyError: 'store_id'"
)
CHAINED = (
    TRACEBACK.replace("KeyError: 'store_id'", "ValueError: 396144610 is no date\nShifter")
    + "\n\nDuring handling of the above exception, another exception occurred:\n\n"
    + TRACEBACK
)
NODE_STACK = (
    "TypeError: Cannot read properties of undefined (reading 'store_id')\n"
    "    at handler (file:///var/task/index.mjs:4:21)\n"
    "    at Runtime.handleOnce (file:///var/runtime/index.mjs:1205:29)"
)
JAVA_STACK = (
    "java.lang.IllegalStateException: no such store\n"
    "\tat example.Orders.handleRequest(Orders.java:21)\n"
    "Caused by: java.io.IOException: 396144610\n\t... 3 more"
)
POWERTOOLS: dict[str, Any] = {
    "level": "ERROR",
    "location": "handler:12",
    "message": "could not process",
    "timestamp": "2026-11-24 10:00:00,000+0000",
    "service": "orders",
    "cold_start": False,
    "function_name": "orders",
    "function_request_id": REQUEST,
    "correlation_id": MESSAGE,
    "exception": TRACEBACK,
    "exception_name": "KeyError",
    "stack_trace": {"type": "KeyError", "value": "'store_id'", "module": "builtins", "frames": []},
}


def fields(line: LogLine) -> tuple[Any, ...]:
    thrown = line.thrown
    said = (thrown.name, thrown.text) if thrown else None
    return line.request_id, line.is_error, said, line.ending, line.mark


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Lambda's frame.
        (f"START RequestId: {REQUEST} Version: $LATEST\n", (REQUEST, False, None, None, "start")),
        (f"END RequestId: {REQUEST}\n", (REQUEST, False, None, None, "end")),
        (
            f"REPORT RequestId: {REQUEST}\tDuration: 8.1 ms\tBilled Duration: 9 ms\t",
            (REQUEST, False, None, None, "report"),
        ),
        (
            f"REPORT RequestId: {REQUEST}\tDuration: 3000.00 ms\tMax Memory Used: 30 MB\t"
            "Status: timeout",
            (REQUEST, True, None, "Task timed out", "report"),
        ),
        (
            f"REPORT RequestId: {REQUEST}\tDuration: 90.00 ms\tStatus: error\t"
            "Error Type: Runtime.ExitError",
            (REQUEST, True, None, "Runtime.ExitError", "report"),
        ),
        (
            "INIT_START Runtime Version: python:3.13.v9\tRuntime Version ARN: arn:aws:lambda:x",
            (None, False, None, None, "platform"),
        ),
        # How Lambda ends a run, in text.
        (
            f"{AT} {REQUEST} Task timed out after 10.01 seconds\n",
            (REQUEST, True, None, "Task timed out after 10.01 seconds", None),
        ),
        (
            f"RequestId: {REQUEST} Error: Runtime exited with error: signal: killed\n"
            "Runtime.ExitError",
            (REQUEST, True, None, "Runtime exited with error: signal: killed", None),
        ),
        (RIC, (None, True, ("KeyError", "'store_id'"), "KeyError", None)),
        (
            f'{AT}\t{REQUEST}\tERROR\tInvoke Error \t{{"errorType":"TypeError",'
            '"errorMessage":"x is no date","stack":["TypeError: x is no date"]}',
            (REQUEST, True, ("TypeError", "x is no date"), "TypeError", None),
        ),
        # The same as JSON.
        (
            json.dumps({"time": AT, "type": "platform.start", "record": {"requestId": REQUEST}}),
            (REQUEST, False, None, None, "start"),
        ),
        (
            json.dumps(
                {
                    "time": AT,
                    "type": "platform.report",
                    "record": {"requestId": REQUEST, "status": "timeout", "metrics": {}},
                }
            ),
            (REQUEST, True, None, "Task timed out", "report"),
        ),
        (
            json.dumps(
                {
                    "time": AT,
                    "type": "platform.report",
                    "record": {"requestId": REQUEST, "status": "error", "errorType": "Bad one"},
                }
            ),
            (REQUEST, True, None, "the invocation failed", "report"),
        ),
        (
            json.dumps(
                {
                    "type": "platform.runtimeDone",
                    "record": {"requestId": REQUEST, "status": "error"},
                }
            ),
            (REQUEST, False, None, None, "end"),
        ),
        (
            json.dumps(
                {
                    "timestamp": AT,
                    "log_level": "ERROR",
                    "errorMessage": "396144610",
                    "errorType": "ValueError",
                    "requestId": REQUEST,
                    "stackTrace": [TRACEBACK],
                }
            ),
            (REQUEST, True, ("ValueError", "396144610"), "ValueError", None),
        ),
        (
            json.dumps(
                {
                    "timestamp": AT,
                    "level": "ERROR",
                    "requestId": REQUEST,
                    "message": {"errorType": "TypeError", "errorMessage": "x", "stackTrace": []},
                }
            ),
            (REQUEST, True, ("TypeError", "x"), "TypeError", None),
        ),
        # What a consumer logs itself: Lambda's JSON format, Powertools, others.
        (
            json.dumps(
                {
                    "timestamp": AT,
                    "level": "ERROR",
                    "message": "could not process",
                    "logger": "root",
                    "stackTrace": [TRACEBACK],
                    "errorType": "KeyError",
                    "errorMessage": "'store_id'",
                    "requestId": REQUEST,
                }
            ),
            (REQUEST, True, ("KeyError", "'store_id'"), None, None),
        ),
        (json.dumps(POWERTOOLS), (REQUEST, True, ("KeyError", "'store_id'"), None, None)),
        (
            json.dumps(
                {
                    "level": "ERROR",
                    "message": "could not process",
                    "function_request_id": REQUEST,
                    "error": {"name": "TypeError", "location": "/a:1", "message": "x is no date"},
                }
            ),
            (REQUEST, True, ("TypeError", "x is no date"), None, None),
        ),
        (
            json.dumps({"level": 50, "msg": "bad", "err": {"type": "RangeError", "message": "x"}}),
            (None, True, ("RangeError", "x"), None, None),
        ),
        (
            json.dumps({"level": 30, "err": {"type": "RangeError", "message": "x"}}),
            (None, False, ("RangeError", "x"), None, None),
        ),
        (json.dumps({"level": "WARN", "message": "it failed"}), (None, False, None, None, None)),
        (json.dumps({"message": "it failed"}), (None, True, None, None, None)),
        (json.dumps({"message": {"name": "Shifter"}}), (None, False, None, None, None)),
        (
            json.dumps({"level": "ERROR", "error": {"name": "Shifter", "message": "x"}}),
            (None, True, None, None, None),
        ),
        # Text.
        (
            f"[ERROR]\t{AT}\t{REQUEST}\tcould not process {MESSAGE}\n{TRACEBACK}",
            (REQUEST, True, ("KeyError", "'store_id'"), None, None),
        ),
        (f"[INFO]\t{AT}\t{REQUEST}\tprocessing {MESSAGE}", (REQUEST, False, None, None, None)),
        (
            f"{AT}\t{REQUEST}\tERROR\tcould not process {MESSAGE} {NODE_STACK}",
            (
                REQUEST,
                True,
                ("TypeError", "Cannot read properties of undefined (reading 'store_id')"),
                None,
                None,
            ),
        ),
        (
            f"{AT}\t{REQUEST}\tERROR\t{NODE_STACK}",
            (
                REQUEST,
                True,
                ("TypeError", "Cannot read properties of undefined (reading 'store_id')"),
                None,
                None,
            ),
        ),
        (
            f"2026-11-24 10:00:00 ERROR Orders:21 - failed {MESSAGE}\n{JAVA_STACK}",
            (None, True, ("java.lang.IllegalStateException", "no such store"), None, None),
        ),
        (
            JAVA_STACK,
            (None, True, ("java.lang.IllegalStateException", "no such store"), None, None),
        ),
        (
            "panic: runtime error: index out of range [3]\n\ngoroutine 1 [running]:",
            (None, True, ("panic", "runtime error: index out of range [3]"), None, None),
        ),
        (
            f"{MESSAGE} failed: KeyError('store_id')",
            (None, True, ("KeyError", "store_id"), None, None),
        ),
        (
            f"ERROR:root:{MESSAGE}: ValueError: 396144610",
            (None, True, ("ValueError", "396144610"), None, None),
        ),
        (
            f"can't process {MESSAGE} RangeError: Shifter",
            (None, True, ("RangeError", "Shifter"), None, None),
        ),
        (f"can't process {MESSAGE} 'RangeError: Shifter'", (None, False, None, None, None)),
        (f"{MESSAGE} failed", (None, True, None, None, None)),
        (f"{MESSAGE} done, 0 failed", (None, False, None, None, None)),
        (f"processing {MESSAGE}", (None, False, None, None, None)),
        (f'{MESSAGE} {{"note": "it failed: FooError"}}', (None, False, None, None, None)),
        (CHAINED, (None, True, ("KeyError", "'store_id'"), None, None)),
        # Neither one nor the other.
        ("", (None, False, None, None, None)),
        ('{"broken": ', (None, False, None, None, None)),
        ("[]", (None, False, None, None, None)),
    ],
)
def test_line_is_understood(text: str, expected: tuple[Any, ...]) -> None:
    assert fields(read_line(text)) == expected


def test_second_line_of_an_exceptions_text_is_no_name() -> None:
    text = TRACEBACK.replace("KeyError: 'store_id'", "ValueError: bad\nShifter\n    at home")
    thrown = read_line(text).thrown
    assert thrown
    assert (thrown.name, thrown.text) == ("ValueError", "bad")
    assert thrown.code == 'store = record["messageAttributes"]["store_id"]'


def test_ids_are_all_but_the_requests() -> None:
    text = json.dumps(POWERTOOLS | {"order": {"id": AT, "ids": [MESSAGE]}})
    assert read_line(text).named_ids == {MESSAGE}
    assert read_line(f"[INFO]\t{AT}\t{REQUEST}\t{MESSAGE}").named_ids == {MESSAGE}
    assert read_line('{"message_id": "any"}').named_ids == {"any"}
    assert read_line(f"x{MESSAGE}-1").named_ids == set()


def test_warning_of_a_message_is_no_failure_of_it() -> None:
    skipped = {"level": "WARNING", "message_id": "m", "exception_name": "Stopped"}
    assert not read_line(json.dumps(skipped)).is_error


@given(st.text() | st.builds(json.dumps, st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["level", "type", "record", "message", "error", "errorType", "stack"]),
        inner,
    ),
)))  # fmt: skip
def test_every_line_can_be_read(text: str) -> None:
    assert read_line(text).text == text
