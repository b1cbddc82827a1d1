"""The commands of a page of docs/, run one by one."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
_OURS = re.compile(r"(reliable-queue|python -m automation) ")

Run = Callable[..., tuple[int, str, str]]
"""Runs a command of ours in this process: arguments to exit code, output, and what it said."""


def commands_of(page: str) -> list[str]:
    """Each line of a page's shell blocks."""
    text = (REPOSITORY / "docs" / page).read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def run_command(
    command: str, values: Mapping[str, str], run: Run, *, more: tuple[str, ...] = ()
) -> tuple[int, str]:
    """Run a command as it stands on the page; return its exit code and all that it wrote.

    One of ours runs in this process, which spares a second for each; a pipe needs a shell.

    Args:
        command: the line.
        values: of its variables.
        run: runs one of ours.
        more: arguments that are added.
    """
    if "|" in command:
        line = _OURS.sub(f"{shlex.quote(sys.executable)} -m automation ", command)
        ended = subprocess.run(
            ["/bin/sh", "-c", f"{line} {shlex.join(more)}"],
            cwd=REPOSITORY,
            env={**os.environ, **values},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return ended.returncode, ended.stdout + ended.stderr
    text = re.sub(r"\$([A-Z_]+)", lambda name: values[name[1]], command).replace("\\`", "`")
    assert _OURS.match(text), command
    code, output, said = run(*shlex.split(_OURS.sub("", text)), *more)
    return code, output + said
