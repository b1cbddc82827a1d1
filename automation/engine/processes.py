"""Run a long child process: progress while it works, a deadline, and no orphan afterwards."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from automation.interrupts import held_signals

PROGRESS_INTERVAL_SECONDS = 10.0
STOP_GRACE_SECONDS = 5.0
SHOWN_LOG_LINES = 6

Report = Callable[[str], None]


class ProcessError(Exception):
    """A child process failed or passed its deadline; the message holds the end of its output."""


def run_reporting(
    command: Sequence[str],
    *,
    title: str,
    log: Path,
    report: Report,
    deadline_seconds: float,
    environment: Mapping[str, str],
    folder: Path | None = None,
    describe: Callable[[str], str] = lambda _: "",
) -> None:
    """Run a command to its end and report every 10 s that it is still at work.

    The command gets a process group of its own: Ctrl-C reaches only us, and we end it with all
    that it started when we are left early, for whatever reason.

    Args:
        command: program and arguments.
        title: what is being done, the start of each progress line.
        log: file that takes standard output and standard error.
        report: takes one line of progress.
        deadline_seconds: it is ended after this time.
        environment: the whole environment of the command.
        folder: working directory, default: ours.
        describe: turns the log so far into a few words for the progress line.

    Raises:
        ProcessError: it could not be started, failed, or did not end in time.
    """
    started = time.monotonic()
    with ExitStack() as opened:
        output = opened.enter_context(log.open("wb"))
        try:
            process = opened.enter_context(
                child_process(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    cwd=folder,
                    start_new_session=True,
                )
            )
        except OSError as error:
            raise ProcessError(f"could not be started: {error}") from error
        while True:
            left = deadline_seconds - (time.monotonic() - started)
            try:
                code = process.wait(timeout=max(0.0, min(PROGRESS_INTERVAL_SECONDS, left)))
                break
            except subprocess.TimeoutExpired:
                elapsed = time.monotonic() - started
                if elapsed >= deadline_seconds:
                    raise ProcessError(f"not done after {deadline_seconds:g} s") from None
                detail = describe(_text(log))
                report(f"{title}: {elapsed:.0f} s" + (f", {detail}" if detail else ""))
    if code != 0:
        raise ProcessError(f"exit code {code}: {_last_lines(log)}")


@contextmanager
def child_process(
    command: Sequence[str], *, grace_seconds: float = STOP_GRACE_SECONDS, **options: Any
) -> Generator[subprocess.Popen[Any]]:
    """Start a process and make sure that it has ended, and all that it started, after the block.

    Args:
        command: program and arguments.
        grace_seconds: time to end by itself after a SIGTERM, when the block is left early; then it
            is killed. Default 5 s; with 0 it is killed at once.
        options: of `subprocess.Popen`. With `start_new_session` a terminal's Ctrl-C doesn't reach
            the process.

    Raises:
        OSError: it could not be started.
    """
    with ExitStack() as stack:
        # A signal's exception in the middle of Popen would leave a process that nobody knows.
        with held_signals():
            process = subprocess.Popen(command, **options)  # noqa: S603 the caller's command
            stack.callback(_end_tree, process, grace_seconds)
        yield process


def _end_tree(process: subprocess.Popen[Any], grace_seconds: float) -> None:
    """End a process with its descendants, which may be in process groups of their own."""
    if process.poll() is not None:
        # One that was killed has ended nothing of its own, and is nobody's parent any more.
        _signal_each(_session_of(process.pid), signal.SIGKILL)
        return
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(process.pid)
        others = root.children(recursive=True)
        if grace_seconds:
            _signal_each([*others, root], signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(grace_seconds)
            psutil.wait_procs(others, timeout=grace_seconds)
        _signal_each([*others, root], signal.SIGKILL)
    process.wait()


def _session_of(leader: int) -> list[psutil.Process]:
    """What is left of the session that a process began, if it has begun one."""
    members: list[psutil.Process] = []
    for number in psutil.pids():
        with suppress(OSError, psutil.NoSuchProcess):
            if os.getsid(number) == leader:
                members.append(psutil.Process(number))
    return members


def _signal_each(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _text(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")


def _last_lines(log: Path) -> str:
    lines = [line.strip() for line in _text(log).splitlines() if line.strip()]
    return " | ".join(lines[-SHOWN_LOG_LINES:]) or "no output"
