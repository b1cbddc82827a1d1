"""A run's lines stand in its own log, all of them, however late they are read."""

import gc
import io
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest

from automation.local.corrections.run_logs import correct
from tests.local.conftest import own_copy

# The emulator leaves the pipes of a process that ended to Python.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

SAYS = """
def handler(event, context):
    for number in range(3):
        print(event, number)
    print("and a line without an end", end="")
"""
DIES = """
import os
def handler(event, context):
    print(event)
    os._exit(1)
"""
HANGS = """
import time
def handler(event, context):
    print(event)
    time.sleep(60)
"""


@pytest.fixture
def runtime() -> ModuleType:
    return own_copy("ministack.core.lambda_runtime")


@contextmanager
def worker(runtime: Any, source: str, *, late_seconds: float) -> Iterator[Any]:
    """A worker of a function, whose lines are read late, as on a busy machine."""

    readers: list[threading.Thread] = []

    class Late(runtime.Worker):
        def _read_stderr(self) -> None:
            readers.append(threading.current_thread())
            with self._proc.stderr as lines:
                for line in lines:
                    time.sleep(late_seconds)
                    self._stderr_queue.put(line.rstrip("\n"))

    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", source)
    config = {
        "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:function",
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Timeout": 2,
    }
    late = Late("function", config, code.getvalue())
    try:
        yield late
    finally:
        late.kill()
        for reader in readers:
            reader.join()
        del late
        gc.collect()


@pytest.mark.parametrize("late_seconds", [0, 0.1])
def test_each_run_has_all_of_its_own_lines(runtime: ModuleType, late_seconds: float) -> None:
    correct(runtime)
    with worker(runtime, SAYS, late_seconds=late_seconds) as own:
        logs = {run: own.invoke(run, run)["log"] for run in ("a", "b")}
    end = "and a line without an end"
    assert logs == {run: f"{run} 0\n{run} 1\n{run} 2\n{end}" for run in ("a", "b")}


def test_without_the_correction_lines_are_missing(runtime: ModuleType) -> None:
    with worker(runtime, SAYS, late_seconds=0.1) as own:
        assert "a 2" not in own.invoke("a", "a")["log"]


@pytest.mark.parametrize("source", [DIES, HANGS], ids=["dies", "hangs"])
def test_what_a_run_wrote_before_it_ended_without_an_answer_is_there(
    runtime: ModuleType, source: str
) -> None:
    correct(runtime)
    with worker(runtime, source, late_seconds=0.1) as own:
        assert "a" in own.invoke("a", "a")["log"].splitlines()
        assert "b" in own.invoke("b", "b")["log"].splitlines()
