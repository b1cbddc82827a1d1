"""Runs the main job as a user does, in a temporary folder that must be empty afterwards."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "automation/e2e.py"]


@dataclass(frozen=True)
class Run:
    """What a run of the command left."""

    code: int
    output: str
    error: str

    @property
    def report(self) -> dict[str, object]:
        return dict(json.loads(self.output))


@pytest.fixture
def temporary_folder(tmp_path: Path) -> Iterator[Path]:
    """A TMPDIR for the command; the test fails when a file or a process of it is left.

    As macOS has it, behind a link and too long for the path of a socket; and with spaces.
    """
    folder = tmp_path / ("a long name " * 10).strip()
    folder.mkdir()
    link = tmp_path / "tmp"
    link.symlink_to(folder)
    yield link
    assert [path.name for path in folder.iterdir()] == []
    assert processes_in(tmp_path) == []


def processes_in(folder: Path) -> list[str]:
    """Command lines of the processes whose TMPDIR is in `folder`."""
    found: list[str] = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if process.environ().get("TMPDIR", "").startswith(str(folder)):
                found.append(" ".join(process.cmdline()))
    return found


@pytest.fixture
def e2e_environment(temporary_folder: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(temporary_folder)}


@pytest.fixture
def run_e2e(e2e_environment: dict[str, str]) -> Callable[..., Run]:
    def run(*arguments: str) -> Run:
        ended = subprocess.run(
            [*COMMAND, *arguments],
            cwd=REPOSITORY,
            env=e2e_environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        return Run(code=ended.returncode, output=ended.stdout, error=ended.stderr)

    return run
