"""What stands in a function's log of a run that ended without an answer, as Lambda writes it.

By the emulator's words nobody could tell an exception from a crash: it writes Python's traceback,
Node's stack, text of its own, or, of a function that can't be imported, nothing.
"""

import datetime
import json
import re
from typing import Any

from automation.local.corrections.replacing import replace, service

_DIED = "Worker process died"
_TRACEBACK = "Traceback (most recent call last):"
# How the emulator begins what it says of a function that it could not start.
_NOT_STARTED = ("Worker init failed: ", "Worker process exited immediately. stderr: ")
_NODE = re.compile(
    r"^(?P<name>[A-Za-z_$][\w$.]*)(?:: (?P<text>[^\n]*))?\n(?:    at [^\n]*\n?)+\Z", re.MULTILINE
)


def apply() -> None:
    """Write the endings where functions are run."""

    def execute(func: Any, event: Any, request_id: Any) -> Any:
        result = original(func, event, request_id)
        if result.get("error"):
            handler = (func.get("config") or func).get("Handler", "")
            message = str(result["body"].get("errorMessage", ""))
            result["log"] = ended_log(
                node_log(result.get("log", ""), request_id=str(request_id)),
                message,
                request_id=request_id,
                handler=handler,
            )
        return result

    original = replace(service("lambda_svc"), "_execute_function_warm", execute)


def ended_log(log: str, message: str, *, request_id: str, handler: str) -> str:
    """The log of a run that failed.

    AWS Lambda Developer Guide, Troubleshoot execution issues in Lambda, and Log and monitor Python
    Lambda functions. A time-out the emulator writes as Lambda does.

    Args:
        log: what the emulator has: the function's own lines, then an ending in its words.
        message: what the emulator says of the error.
        request_id: the run's.
        handler: `module.function`.
    """
    for beginning in _NOT_STARTED:
        if message.startswith(beginning):
            module = handler.rpartition(".")[0]
            fault = message.removeprefix(beginning)
            return f"[ERROR] Runtime.ImportModuleError: Unable to import module '{module}': {fault}"
    own, is_raised, frames = log.rpartition(_TRACEBACK)
    if is_raised and frames.rstrip("\n").endswith(message):
        name = _exception_name(frames, message)
        return f"{own}[ERROR] {name}: {message}\n{_TRACEBACK}{frames}"
    if message == _DIED:
        lines = log.removesuffix(_DIED)
        return (
            f"{lines}RequestId: {request_id} Error: Runtime exited without providing a reason\n"
            "Runtime.ExitError"
        )
    return log


def _exception_name(frames: str, message: str) -> str:
    """The class, without its module, that the last line of a traceback names before its words."""
    last = frames.rstrip("\n").removesuffix(message).rstrip().removesuffix(":").splitlines()[-1]
    return last.rpartition(".")[2]


def node_log(log: str, *, request_id: str) -> str:
    """The log of a run of Node's that failed, its error in the columns of Node's console.

    AWS Lambda Developer Guide, Log and monitor Node.js Lambda functions; the runtime's source,
    aws-lambda-nodejs-runtime-interface-client, `Errors.js`.

    Args:
        log: the function's own lines, and the error's stack behind them.
        request_id: the run's.
    """
    stack = _NODE.search(log)
    if not stack:
        return log
    at = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    error = {
        "errorType": stack["name"],
        "errorMessage": stack["text"] or "",
        "stack": stack[0].rstrip("\n").split("\n"),
    }
    line = f"{at}Z\t{request_id}\tERROR\tInvoke Error \t{json.dumps(error)}"
    return f"{log[: stack.start()]}{line}"
