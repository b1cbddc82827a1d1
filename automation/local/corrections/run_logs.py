"""Gives each run of a Python function all of its own log lines, and waits for nothing else.

The emulator takes what has come 5 ms after a line, or 50 ms after none, for all that a run has
written. On a busy machine the rest stands in another run's log, or, after the last run, in none:
then what was processed counts as lost.
"""

import importlib
import queue
import time
from typing import Any

from automation.local.corrections.replacing import EmulatorChangedError, replace

_MARK = "ministack: the run has ended: "
_ANSWER_IS_SENT = "        _real_stdout.flush()\n\nrun()\n"
_MARKED = f"""\
        sys.stdout.flush()
        os.write(2, ({_MARK!r} + _ms_ctx.get("request_id", "") + "\\n").encode())
{_ANSWER_IS_SENT}"""
# A process that has answered has written its mark before.
_MARK_SECONDS = 10
# What a dead process has written is there, unless another one goes on writing.
_END_SECONDS = 1


def apply() -> None:
    """Have the workers mark a run's end behind its lines, and read up to the mark."""
    correct(importlib.import_module("ministack.core.lambda_runtime"))


def correct(runtime: Any) -> None:
    """The same for a module of one's own, which `runtime` is then."""
    script = str(getattr(runtime, "_PYTHON_WORKER_SCRIPT", ""))
    if script.count(_ANSWER_IS_SENT) != 1:
        raise EmulatorChangedError(
            "the emulator's script for Python functions does not end as it did; pin the version "
            "that pyproject.toml names, or adapt automation/local/corrections/run_logs.py"
        )
    runtime._PYTHON_WORKER_SCRIPT = script.replace(_ANSWER_IS_SENT, _MARKED)

    def invoke(
        self: Any,
        event: Any,
        request_id: str,
        *,
        trace_id: Any = None,
        depth: Any = None,
        durable: Any = None,
        invoked_function_arn: Any = None,
    ) -> Any:
        self.run = request_id
        return original_invoke(
            self,
            event,
            request_id,
            trace_id=trace_id,
            depth=depth,
            durable=durable,
            invoked_function_arn=invoked_function_arn,
        )

    def drain(
        self: Any,
        first_line_wait: float = 0.050,
        idle_confirm: float = 0.005,
        hard_cap: float = 0.250,
    ) -> str:
        if not _is_marked(self):
            return original_drain(self, first_line_wait, idle_confirm, hard_cap)
        return _lines_of_run(self, self.run)

    def drain_killed(self: Any) -> str:
        if not _is_marked(self):
            return original_drain_killed(self)
        return _lines_of_run(self, self.run)

    original_invoke = replace(runtime.Worker, "invoke", invoke)
    original_drain = replace(runtime.Worker, "_drain_stderr_bounded", drain)
    original_drain_killed = replace(runtime.Worker, "_drain_stderr", drain_killed)


def _is_marked(worker: Any) -> bool:
    return worker.config.get("Runtime", "").startswith("python")


def _lines_of_run(worker: Any, run: str) -> str:
    """What a run has written: up to its mark, or to the end of a process that is gone."""
    lines: list[str] = []
    began = time.monotonic()
    while time.monotonic() - began < (_MARK_SECONDS if worker._proc else _END_SECONDS):
        try:
            line = worker._stderr_queue.get(timeout=0.01)
        except queue.Empty:
            if not worker._stderr_thread.is_alive() and worker._stderr_queue.empty():
                break
            continue
        # A function may have written the beginning of the line itself.
        written, mark, of = line.partition(_MARK)
        if not mark:
            lines.append(line)
        elif of == run:
            lines += [written] if written else []
            break
    return "\n".join(lines)
