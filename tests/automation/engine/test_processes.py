"""Running a long child process."""

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import psutil
import pytest

from automation.engine import processes
from automation.engine.processes import ProcessError, run_reporting
from automation.interrupts import raising_signals


def run(script: str, tmp_path: Path, **options: object) -> None:
    arguments: dict[str, object] = {
        "title": "working",
        "log": tmp_path / "log",
        "report": print,
        "deadline_seconds": 20.0,
        "environment": dict(os.environ),
    }
    run_reporting(["/bin/sh", "-c", script], **(arguments | options))  # type: ignore[arg-type]


def test_progress_is_reported_while_the_process_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "PROGRESS_INTERVAL_SECONDS", 0.02)
    go_on = tmp_path / "go-on"
    os.mkfifo(go_on)
    lines: list[str] = []

    def report(line: str) -> None:
        lines.append(line)
        if "half way" in line and not go_on.with_suffix(".sent").exists():
            go_on.with_suffix(".sent").touch()
            go_on.write_text("on\n")

    run(f"echo half way; read line < {go_on}", tmp_path, report=report, describe=str.strip)
    assert "working: 0 s, half way" in lines


def test_failure_shows_the_end_of_the_output(tmp_path: Path) -> None:
    script = "for i in 1 2 3 4 5 6 7 8; do echo line $i; done; echo; echo gone >&2; exit 4"
    with pytest.raises(ProcessError) as failure:
        run(script, tmp_path)
    assert str(failure.value) == ("exit code 4: line 4 | line 5 | line 6 | line 7 | line 8 | gone")


def test_program_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProcessError, match=r"could not be started: .*'/no/such/program'"):
        run_reporting(
            ["/no/such/program"],
            title="working",
            log=tmp_path / "log",
            report=lambda _: None,
            deadline_seconds=1,
            environment={},
        )


def test_deadline_ends_the_whole_group(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    script = f"/bin/sleep 600 & echo $! > {pid_file}; wait"
    with pytest.raises(ProcessError, match=r"not done after 0\.5 s"):
        run(script, tmp_path, deadline_seconds=0.5)
    assert is_gone(int(pid_file.read_text()))


def test_sigterm_raises_inside_the_block_and_the_default_comes_back() -> None:
    previous = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with pytest.raises(KeyboardInterrupt) as interrupt, raising_signals():
            os.kill(os.getpid(), signal.SIGTERM)
        assert interrupt.value.args == (signal.SIGTERM,)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, previous)


def test_signal_while_the_process_is_started_still_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class SignalledInTheMiddle(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            started.append(self)
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(subprocess, "Popen", SignalledInTheMiddle)
    with pytest.raises(KeyboardInterrupt):
        run("exec /bin/sleep 600", tmp_path)
    assert started[0].returncode == -signal.SIGTERM


def test_handlers_of_others_are_kept() -> None:
    def handler(_number: int, _frame: object) -> None:
        """Someone else's."""

    previous = signal.signal(signal.SIGTERM, handler)
    try:
        with raising_signals():
            assert signal.getsignal(signal.SIGTERM) is handler
    finally:
        signal.signal(signal.SIGTERM, previous)


def is_gone(pid: int) -> bool:
    """A process that has ended, whether or not somebody has collected it yet."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
