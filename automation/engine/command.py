"""The Pulumi engine as a command that a terminal's Ctrl-C doesn't reach."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from typing import IO

from pulumi.automation import CommandError, CommandResult, PulumiCommand
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

from automation.engine.processes import child_process
from automation.interrupts import held_signals


class EngineKilledError(CommandError):
    """The engine was killed, and has left its lock, and what it had begun."""


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
        """Run one Pulumi command to its end; see `PulumiCommand.run`.

        Raises:
            CommandError: it failed.
            EngineKilledError: a signal ended it.
        """
        engine = child_process(
            [self.command, "--non-interactive", *args],
            # Only a second signal comes through here, and then it has to be quick.
            grace_seconds=0,
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
        with contextlib.ExitStack() as running:
            # A signal's exception before somebody reads would leave pipes that nobody closes.
            with held_signals():
                process = running.enter_context(engine)
                output = _LineReader(process.stdout, on_output)
                errors = _LineReader(process.stderr, on_error)
            code = process.wait()
        result = CommandResult(stdout=output.text(), stderr=errors.text(), code=code)
        if result.code < 0:
            raise EngineKilledError(_said_of_the_killed(result, args[0]))
        if result.code != 0:
            raise create_command_error(result)
        return result


def _said_of_the_killed(result: CommandResult, command: str) -> CommandResult:
    """The result with a complaint, since the engine could not make one."""
    complaint = (
        f"error: the Pulumi engine was ended by {signal.Signals(-result.code).name} in the middle "
        f"of 'pulumi {command}'"
    )
    return CommandResult(
        stdout=result.stdout, stderr=f"{result.stderr}\n{complaint}", code=result.code
    )


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
