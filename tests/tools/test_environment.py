"""The script that makes `.venv`: what it refuses, and that it never takes a half for a whole."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "environment.py"


@pytest.fixture
def script(tmp_path: Path) -> Any:
    """The script, working on a folder of its own with a lock that names nothing."""
    specification = importlib.util.spec_from_file_location("environment", SCRIPT)
    assert specification
    assert specification.loader
    module: Any = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    module.REPOSITORY = tmp_path
    module.VENV = tmp_path / ".venv"
    module.LOCK = tmp_path / "requirements.lock"
    module.STAMP = module.VENV / module.STAMP.name
    module.UNFINISHED = module.VENV / module.UNFINISHED.name
    module.LOCK.write_text("# nothing\n")
    return module


@pytest.fixture
def commands(script: Any, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What the script ran; making an environment gives one that has a Python."""
    ran: list[list[str]] = []

    def run(command: list[str]) -> None:
        ran.append(command)
        if command[1:3] == ["-m", "venv"]:
            python = script.VENV / "bin" / "python"
            python.parent.mkdir(parents=True)
            python.symlink_to(sys.executable)

    monkeypatch.setattr(script, "run", run)
    return ran


def test_old_python_is_refused_with_the_way_out(
    script: Any, commands: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    script.OLDEST_PYTHON = (99, 0)
    assert script.main() == 2
    assert "make setup PYTHON=python3.12" in capsys.readouterr().err
    assert commands == []


def test_python_without_venv_is_refused_with_the_package_to_install(
    script: Any,
    commands: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    assert script.main() == 2
    message = capsys.readouterr().err
    assert "lacks the module ensurepip" in message
    assert "apt install python3-venv" in message
    assert commands == []


def test_second_run_does_nothing(script: Any, commands: list[list[str]]) -> None:
    assert script.main() == 0
    assert [command[2] for command in commands] == ["venv", "pip"]
    assert "--require-hashes" in commands[1]
    commands.clear()
    assert script.main() == 0
    assert commands == []


def test_changed_lock_is_installed_into_the_same_environment(
    script: Any, commands: list[list[str]]
) -> None:
    script.main()
    commands.clear()
    script.LOCK.write_text("# something\n")
    assert script.main() == 0
    assert [command[2] for command in commands] == ["pip"]


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), subprocess.CalledProcessError(1, "pip")])
def test_unfinished_installation_is_not_taken_for_a_whole_one(
    script: Any,
    commands: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    failure: BaseException,
) -> None:
    whole = script.run

    def fail_in_pip(command: list[str]) -> None:
        if command[2] == "pip":
            raise failure
        whole(command)

    monkeypatch.setattr(script, "run", fail_in_pip)
    assert script.main() == 2
    assert not script.is_complete()
    monkeypatch.setattr(script, "run", commands.append)
    script.main()
    assert commands[-2][1:4] == ["-m", "venv", "--clear"]


@pytest.mark.usefixtures("commands")
def test_environment_whose_python_is_gone_is_made_anew(script: Any) -> None:
    script.main()
    python = script.VENV / "bin" / "python"
    python.unlink()
    python.symlink_to("/no/such/python")
    assert not script.is_complete()
