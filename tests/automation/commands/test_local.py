"""A command inside the embedded AWS hears the signals that the terminal or somebody else sends."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from automation.commands import local
from automation.errors import AutomationError
from automation.target import Target

REPOSITORY = Path(__file__).resolve().parents[3]

# Not the embedded AWS, which is no part of it: only what is done with the command.
RUN = """
import sys
from types import SimpleNamespace
from automation.commands.local import _run

sys.exit(_run(sys.argv[1:], SimpleNamespace(), {}))
"""
# Says that it is there and how it ended; a program that ignores Ctrl-C would never end.
COMMAND = """
import signal, sys

signal.signal(signal.SIGTERM, lambda *_: sys.exit(43))
try:
    print("there", flush=True)
    signal.pause()
except KeyboardInterrupt:
    sys.exit(42)
"""


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 42), (signal.SIGTERM, 43)], ids=["Ctrl-C", "SIGTERM"]
)
def test_a_signal_reaches_the_command_and_its_exit_code_is_ours(
    number: signal.Signals, code: int
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RUN, sys.executable, "-c", COMMAND],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "there\n"
        if number == signal.SIGINT:
            # As a terminal does: the whole group.
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        assert process.wait(30) == code


def test_the_end_by_a_signal_is_said_as_a_shell_says_it() -> None:
    target: Any = SimpleNamespace()
    assert local._run(["sh", "-c", "kill -TERM $$"], target, os.environ) == 128 + signal.SIGTERM


def test_a_program_that_can_t_be_run_is_a_clear_message(tmp_path: Path) -> None:
    target: Any = SimpleNamespace()
    program = tmp_path / "program"
    program.touch(mode=0o600)
    with pytest.raises(AutomationError, match=f"{program} can't be run: Permission denied"):
        local._run([str(program)], target, os.environ)


UP = ["pulumi", "up", "--stack", "dev"]


def test_pulumi_works_on_the_current_project(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "Pulumi.yaml").touch()
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert local._in_a_project(UP) == UP


def test_pulumi_outside_any_project_works_on_ours(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    ours = ["pulumi", "--cwd", str(REPOSITORY), "up", "--stack", "dev"]
    assert local._in_a_project(UP) == ours


@pytest.mark.parametrize("named", [["--cwd", "/other"], ["--cwd=/other"], ["-C", "/other"]])
def test_pulumi_works_on_the_project_that_it_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, named: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert local._in_a_project([*UP, *named]) == [*UP, *named]


def test_a_stack_is_made_in_the_project_that_is_worked_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "Pulumi.yaml").touch()
    made_in: list[Path] = []
    monkeypatch.setattr(local, "_create_if_missing", lambda *given: made_in.append(given[2]))
    command = ["pulumi", "--cwd", str(tmp_path), "--stack", "dev"]
    with pytest.raises(AutomationError, match="no such program"):
        local._run(command, cast("Target", None), {"PATH": ""})
    assert made_in == [tmp_path]
