"""What nobody caught is logged in the form of its runtime."""

import json

from automation.aws.log_lines import read_line
from automation.local.corrections.uncaught import as_the_runtime_logs_it

TRACE = (
    "Traceback (most recent call last):\n"
    '  File "/var/task/a.py", line 1, in handler\n'
    "    work()\n"
    "ValueError: one\ntwo\n"
)


def test_python() -> None:
    first, *others = as_the_runtime_logs_it(f"before\n{TRACE}", "r").split("\n")
    assert first == "before"
    assert others[:3] == ["[ERROR] ValueError: one", "two", "Traceback (most recent call last):"]
    assert read_line(others[0]).ending == "ValueError"


def test_node() -> None:
    stack = "TypeError: x is no date\n    at handler (/var/task/index.js:1:2)\n    at run (/a:1)\n"
    first, line = as_the_runtime_logs_it(f"before\n{stack}", "r").split("\n")
    assert first == "before"
    read = read_line(line)
    assert (read.request_id, read.ending) == ("r", "TypeError")
    assert json.loads(line.rpartition("\t")[2])["errorMessage"] == "x is no date"


def test_other_ends_stay() -> None:
    for log in (
        "",
        "before\nTask timed out after 3.00 seconds",
        "Traceback (most recent call last):",
    ):
        assert as_the_runtime_logs_it(log, "r") == log
