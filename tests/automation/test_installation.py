"""A clone keeps everything in itself; an installed package writes in the user's folders only."""

import pwd
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from automation import installation, stacks
from automation.engine.finding import EngineError, find_engine
from automation.target import Target

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of an installed package, and a user whose home is beside it."""
    folder = tmp_path / "site-packages"
    monkeypatch.setattr(installation, "REPOSITORY", folder)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    return folder


def test_a_clone_writes_into_itself() -> None:
    assert installation.is_checkout()
    assert installation.state_folder() == REPOSITORY / ".local"
    assert installation.cache_folder() == REPOSITORY / ".build"
    assert installation.shown(installation.state_folder()) == ".local"


@pytest.mark.usefixtures("package")
def test_a_package_writes_into_the_user_s_folders(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert installation.state_folder() == home / ".local" / "state" / "reliable-queue"
    assert installation.cache_folder() == home / ".cache" / "reliable-queue"
    assert installation.shown(installation.state_folder()) == "~/.local/state/reliable-queue"


@pytest.mark.usefixtures("package")
def test_a_package_writes_where_the_user_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/states")
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert installation.state_folder() == Path("/states/reliable-queue")
    assert installation.cache_folder() == Path("/caches/reliable-queue")
    assert installation.shown(Path("/states/reliable-queue")) == "/states/reliable-queue"


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", lambda _: {}["nobody"])
    assert installation.shown(Path("/elsewhere")) == "/elsewhere"
    with pytest.raises(EngineError, match="this user has none: set HOME to a folder of your own"):
        find_engine()


def test_hints_in_a_clone_name_the_module() -> None:
    assert installation.command_name() == "python -m automation"
    assert installation.how_to_get("operations", "local") == "run: make setup"


def test_printed_commands_of_a_clone_run_in_any_folder(tmp_path: Path) -> None:
    command = [*installation.command_line(), "--help"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "cleanup" in run.stdout, run.stderr


@pytest.mark.usefixtures("package")
def test_hints_of_a_package_name_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/tools/bin/reliable-queue", "e2e"])
    assert installation.command_name() == "reliable-queue"
    assert installation.command_line() == ("/tools/bin/reliable-queue",)
    said = installation.how_to_get("operations", "local")
    assert "'local'" in said
    assert "install '.[operations,local]'" in said


@pytest.mark.usefixtures("package")
def test_a_kept_stack_s_commands_are_those_of_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/tools/bin/reliable-queue", "e2e"])
    _, look, _ = stacks.keeping_commands(target(), Path("/state/e2e-1"), "e2e-1")
    assert look.startswith(
        "look at it: /tools/bin/reliable-queue local --home /state/e2e-1 -- pulumi"
    )


def target() -> Target:
    local = object.__new__(Target)
    object.__setattr__(local, "name", "local")
    return local


def test_a_clone_is_the_project_of_its_stacks() -> None:
    assert stacks.own_project() == REPOSITORY


@pytest.mark.usefixtures("package")
def test_a_package_s_project_is_a_folder_of_the_user(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(stacks, "DEFAULT_HOME", tmp_path / "default")
    folder = stacks.own_project()
    assert folder == tmp_path / "default" / "project"
    project = yaml.safe_load((folder / "Pulumi.yaml").read_text())
    assert (project["name"], project["main"]) == ("reliable-queue", str(REPOSITORY))
    assert project["config"] == yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text())["config"]
