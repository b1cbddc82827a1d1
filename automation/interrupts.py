"""Ctrl-C and friends: the first lets the running engine command end and the stack be destroyed.

An engine that is interrupted in the middle leaves a lock or pending operations behind, and
resources that nobody has on a list. So the engine runs in a process group of its own, where
a terminal's Ctrl-C doesn't reach it, and only a second signal ends it.
"""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Generator, Mapping
from types import FrameType
from typing import IO

import psutil
from pulumi.automation import CommandResult, PulumiCommand
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class SignalledError(BaseException):
    """A signal ended the run. No `Exception`: a library that retries would swallow that."""


class InterruptedRunError(SignalledError):
    """A first signal ended the run; what it had created is destroyed on the way out."""


class AbandonedRunError(SignalledError):
    """A second signal ended the run at once; the message of who catches it says what is left."""


class Interrupts:
    """Turns signals into exceptions, but not in the middle of what must come to its own end.

    Args:
        report: is given one line when a signal has to wait.
    """

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._received: list[signal.Signals] = []
        self._shields = 0

    @contextlib.contextmanager
    def handled(self) -> Generator[None]:
        """Handle SIGINT, SIGTERM and SIGHUP until the block ends; from the main thread only."""
        previous = {number: signal.signal(number, self._receive) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    @contextlib.contextmanager
    def shielded(self) -> Generator[None]:
        """Let a first signal wait until the block has ended, then raise InterruptedRunError."""
        received_before = len(self._received)
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1
        if len(self._received) > received_before and not self._shields:
            raise self._interrupted()

    def raise_received(self) -> None:
        """Raise InterruptedRunError when a signal has come, should nothing have come of it.

        An exception is lost when the signal comes while the interpreter runs a finaliser.
        """
        if self._received:
            raise self._interrupted()

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        self._received.append(signal.Signals(number))
        if len(self._received) > 2:
            return
        if len(self._received) == 2:
            raise AbandonedRunError(f"stopped at once by a second {self._received[-1].name}")
        if not self._shields:
            raise self._interrupted()
        self._report(
            f"{self._received[0].name}: the running step comes to its end first, then everything "
            "is destroyed; once more stops at once"
        )

    def _interrupted(self) -> InterruptedRunError:
        return InterruptedRunError(f"interrupted by {self._received[0].name}")


class EngineCommand(PulumiCommand):
    """A `PulumiCommand` whose process a terminal's Ctrl-C doesn't reach.

    Args:
        command: path of the `pulumi` binary.
        version: its version; asking the binary costs 0.15 s, and the finder knows it.
    """

    def __init__(self, command: str, version: VersionInfo) -> None:
        # PulumiCommand's own constructor would run the binary to learn its version.
        self.command = command
        self.version = version

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: Callable[[str], object] | None = None,
        on_error: Callable[[str], object] | None = None,
    ) -> CommandResult:
        """Run one Pulumi command to its end; see `PulumiCommand.run`."""
        process = subprocess.Popen(  # noqa: S603 the engine that was found
            [self.command, "--non-interactive", *args],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env={**os.environ, **additional_env, "PULUMI_AUTOMATION_API": "true"},
            # What the engine writes, whatever the user's locale is; a reader that fails would
            # leave the pipe full and the engine waiting.
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        output = _LineReader(process.stdout, on_output)
        errors = _LineReader(process.stderr, on_error)
        try:
            process.wait()
        except BaseException:
            _end_with_descendants(process)
            raise
        finally:
            text, error_text = output.text(), errors.text()
        result = CommandResult(stdout=text, stderr=error_text, code=process.returncode)
        if result.code != 0:
            raise create_command_error(result)
        return result


def _end_with_descendants(process: "subprocess.Popen[str]") -> None:
    # The engine starts its language host in a process group of the host's own.
    with contextlib.suppress(psutil.NoSuchProcess):
        engine = psutil.Process(process.pid)
        for each in [*engine.children(recursive=True), engine]:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
    process.wait()


class _LineReader:
    """Reads a stream's lines in a thread, so that a full pipe never blocks the process."""

    def __init__(self, stream: IO[str] | None, callback: Callable[[str], object] | None) -> None:
        self._stream = stream
        self._callback = callback
        self._lines: list[str] = []
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        if self._stream is None:
            return
        with self._stream:
            for line in self._stream:
                self._lines.append(line.rstrip())
                if self._callback:
                    self._callback(self._lines[-1])

    def text(self) -> str:
        self._thread.join()
        return "\n".join(self._lines)
