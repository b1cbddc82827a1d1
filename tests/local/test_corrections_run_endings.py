"""A run that ends without an answer stands in the log as Lambda writes it, and our reader reads."""

import json

import pytest

from automation.aws.consumer_log import LogReader
from automation.aws.log_lines import read_line
from automation.local.corrections.run_endings import node_log
from automation.local.resources.cloud import Cloud
from automation.waiting import wait_until
from tests.local.conftest import make_function

RAISES = """
class LateError(Exception):
    pass
def handler(event, context):
    print("its own line")
    try:
        raise KeyError("first")
    except KeyError:
        raise LateError("no date:\\n5")
"""


@pytest.mark.parametrize(
    ("source", "told", "name"),
    [
        pytest.param(RAISES, "LateError", "LateError", id="raises"),
        pytest.param(
            "def handler(event, context):\n    raise ValueError\n", "ValueError", "ValueError",
            id="raises without a word",
        ),
        pytest.param(
            "import os\ndef handler(event, context):\n    os._exit(3)\n",
            "Runtime exited without providing a reason", None,
            id="crashes",
        ),
        pytest.param(
            "def handler(:\n",
            "Runtime.ImportModuleError: Unable to import module 'index': invalid syntax "
            "(index.py, line 1)", None,
            id="is no Python",
        ),
        pytest.param(
            "import no_such_module\n",
            "Runtime.ImportModuleError: Unable to import module 'index': No module named "
            "'no_such_module'", None,
            id="lacks a package",
        ),
        pytest.param(
            "import time\ndef handler(event, context):\n    time.sleep(60)\n",
            "Task timed out after 3.00 seconds", None,
            id="times out",
        ),
    ],
)  # fmt: skip
def test_run_without_an_answer_is_told_as_lambda_does(
    cloud: Cloud, source: str, told: str, name: str | None
) -> None:
    function = make_function(cloud, "ends", source)
    cloud.functions.invoke(FunctionName=function)
    reader = LogReader(cloud.logs, f"/aws/lambda/{function}", since_ms=0)

    def probe() -> tuple[bool, list[tuple[object, str | None]]]:
        events = [event for event in reader.new_events() if event.is_ending]
        endings = [(event.record["message"], event.exception_name) for event in events]
        return bool(endings), endings

    assert wait_until("the ending is logged", probe, timeout_seconds=10) == [(told, name)]


def test_error_of_node_is_in_the_columns_of_its_console() -> None:
    stack = "TypeError: x is no date\n    at handler (/var/task/index.js:1:2)\n    at run (/a:1)\n"
    first, line = node_log(f"before\n{stack}", request_id="r").split("\n")
    assert first == "before"
    read = read_line(line)
    assert (read.request_id, read.ending) == ("r", "TypeError")
    assert json.loads(line.rpartition("\t")[2])["errorMessage"] == "x is no date"


@pytest.mark.parametrize("log", ["", "before\nTask timed out after 3.00 seconds"])
def test_what_is_no_stack_of_node_s_stays(log: str) -> None:
    assert node_log(log, request_id="r") == log
