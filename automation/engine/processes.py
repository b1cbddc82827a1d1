"""Run a long child process: progress while it works, a deadline, and no orphan afterwards."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

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

    The command gets a process group of its own: Ctrl-C reaches only us, and we end the whole
    group when we are left early, for whatever reason.

    Args:
        command: program and arguments.
        title: what is being done, the start of each progress line.
        log: file that takes standard output and standard error.
        report: takes one line of progress.
        deadline_seconds: the group is ended after this time.
        environment: the whole environment of the command.
        folder: working directory, default: ours.
        describe: turns the log so far into a few words for the progress line.

    Raises:
        ProcessError: it could not be started, failed, or did not end in time.
    """
    started = time.monotonic()
    with (
        log.open("wb") as output,
        _group(command, output=output.fileno(), env=environment, cwd=folder) as process,
    ):
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
def interrupts_raise() -> Generator[None]:
    """Make signals that would end us without clean-up raise KeyboardInterrupt inside the block.

    Its argument is the signal. Who has handlers of their own for SIGTERM or SIGHUP keeps them
    (Python's own for SIGINT raises already). Outside the main thread, where Python allows no
    handlers, it changes nothing.
    """

    def interrupt(number: int, _frame: object) -> None:
        raise KeyboardInterrupt(signal.Signals(number))

    with ExitStack() as restored:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGHUP):
                if signal.getsignal(number) is signal.SIG_DFL:
                    restored.callback(signal.signal, number, signal.signal(number, interrupt))
        yield


@contextmanager
def _group(
    command: Sequence[str], *, output: int, env: Mapping[str, str], cwd: Path | None
) -> Generator[subprocess.Popen[bytes]]:
    with ExitStack() as stack:
        # A signal's exception in the middle of Popen would leave a process that nobody knows.
        with _signals_held():
            try:
                process = subprocess.Popen(  # noqa: S603
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=env,
                    cwd=cwd,
                    start_new_session=True,
                )
            except OSError as error:
                raise ProcessError(f"could not be started: {error}") from error
            stack.callback(_end_group, process)
        yield process


@contextmanager
def _signals_held() -> Generator[None]:
    """Deliver signals to their handlers only after the block."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    with ExitStack() as restored:
        restored.callback(lambda: [signal.raise_signal(number) for number in held])
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) not in (None, signal.SIG_IGN):
                previous = signal.signal(number, lambda received, _frame: held.append(received))
                restored.callback(signal.signal, number, previous)
        yield


def _end_group(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(timeout=STOP_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    process.wait()


def _text(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")


def _last_lines(log: Path) -> str:
    lines = [line.strip() for line in _text(log).splitlines() if line.strip()]
    return " | ".join(lines[-SHOWN_LOG_LINES:]) or "no output"
