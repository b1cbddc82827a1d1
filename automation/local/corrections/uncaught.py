"""Logs an exception that nobody caught as the runtime would, and not as its bare traceback.

AWS Lambda Developer Guide, Troubleshoot execution issues in Lambda; the runtimes' own sources
(aws-lambda-python-runtime-interface-client, `bootstrap.py`; aws-lambda-nodejs-runtime-interface-
client, `Errors.js`): Python begins the line with `[ERROR]` and the exception, Node writes the
columns of its console, `Invoke Error` and the error as JSON.
"""

import datetime
import json
import re
from typing import Any

from automation.local.corrections.replacing import replace, service

_PYTHON = "Traceback (most recent call last):"
# The exception behind the frames, which are indented.
_LAST = re.compile(r"\n(?P<what>[A-Za-z_][\w.]*(?:: [\s\S]*)?)\Z")
_NODE = re.compile(
    r"^(?P<name>[A-Za-z_$][\w$.]*)(?:: (?P<text>[^\n]*))?\n(?:    at [^\n]*\n?)+\Z", re.MULTILINE
)


def as_the_runtime_logs_it(log: str, request_id: str) -> str:
    """The log of an invocation that failed, with its last exception in the runtime's form.

    Args:
        log: what the function wrote, and the exception's traceback or stack behind it.
        request_id: of the invocation.
    """
    if _PYTHON in log:
        before, _, trace = log.rpartition(_PYTHON)
        if last := _LAST.search(trace.rstrip("\n")):
            return f"{before}[ERROR] {last['what']}\n{_PYTHON}{trace[: last.start()]}"
    if stack := _NODE.search(log):
        at = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        error = {
            "errorType": stack["name"],
            "errorMessage": stack["text"] or "",
            "stack": stack[0].rstrip("\n").split("\n"),
        }
        line = f"{at}Z\t{request_id}\tERROR\tInvoke Error \t{json.dumps(error)}"
        return f"{log[: stack.start()]}{line}"
    return log


def apply() -> None:
    """Correct what is written into a function's log group."""
    functions = service("lambda_svc")

    def emit(
        func: Any,
        request_id: Any,
        log_text: Any,
        error: Any,
        duration_ms: Any,
        *,
        log_source: Any = None,
    ) -> None:
        if error and isinstance(log_text, str) and log_source is None:
            log_text = as_the_runtime_logs_it(log_text, str(request_id))
        original(func, request_id, log_text, error, duration_ms, log_source=log_source)

    original = replace(functions, "_emit_lambda_logs", emit)
