"""The Pulumi engine as a command that a terminal's Ctrl-C doesn't reach."""

import contextlib
import os
import subprocess
import threading
from collections.abc import Callable, Mapping
from typing import IO

import psutil
from pulumi.automation import CommandResult, PulumiCommand
from pulumi.automation.errors import create_command_error
from semver import VersionInfo


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
