"""Projects that run somebody's program from elsewhere, and programs that can't be run."""

import json
from pathlib import Path

import pytest
import yaml

from automation.errors import AutomationError
from automation.programs import is_in_project, read_program

THIS_INTERPRETER = {"toolchain": "pip"}


def write(folder: Path, project: object, name: str = "Pulumi.yaml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(project))
    return folder


def python(**options: object) -> dict[str, object]:
    return {"name": "orders", "runtime": {"name": "python", "options": options}}


def runtime_of(folder: Path) -> object:
    return read_program(folder).project["runtime"]


@pytest.mark.parametrize("name", ["Pulumi.yaml", "Pulumi.yml", "Pulumi.json"])
def test_project_that_runs_it_says_all_that_its_own_says_with_paths_that_hold_anywhere(
    tmp_path: Path, name: str
) -> None:
    project = {
        **python(typechecker="mypy"),
        "main": "src",
        "description": "d",
        "config": {"size": {"type": "integer", "default": 3}},
        "plugins": {"providers": [{"name": "x", "path": "../plugin"}, {"name": "y"}]},
        "packages": {"near": "../near", "far": "random@4.0.0"},
        "backend": {"url": "s3://states"},
        "stackConfigDir": "settings",
    }
    folder = write(tmp_path / "program", project, name)
    written = read_program(folder).write_project(tmp_path / "home" / "project")
    assert yaml.safe_load((written / "Pulumi.yaml").read_text()) == {
        "name": "orders",
        "description": "d",
        "main": str(folder / "src"),
        "runtime": {"name": "python", "options": {"typechecker": "mypy", **THIS_INTERPRETER}},
        "config": {"size": {"type": "integer", "default": 3}},
        "plugins": {"providers": [{"name": "x", "path": str(tmp_path / "plugin")}, {"name": "y"}]},
        "packages": {"near": str(tmp_path / "near"), "far": "random@4.0.0"},
    }
    assert [path.name for path in folder.iterdir()] == [name]


def test_python_program_keeps_its_own_virtual_environment(tmp_path: Path) -> None:
    (tmp_path / "venv").mkdir()
    folder = write(tmp_path, python(virtualenv="venv", toolchain="uv"))
    options = {**THIS_INTERPRETER, "virtualenv": str(tmp_path / "venv")}
    assert runtime_of(folder) == {"name": "python", "options": options}
    # The host that set-up builds takes the first on PATH.
    environment = read_program(folder).environment({"PATH": "/engine:/ours", "HOME": "/h"})
    assert environment["PATH"] == f"{tmp_path}/venv/bin:/engine:/ours"
    assert environment["HOME"] == "/h"


@pytest.mark.parametrize("toolchain", ["uv", "poetry"])
def test_environment_that_uv_or_poetry_has_made_is_taken(tmp_path: Path, toolchain: str) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / ".venv").mkdir()
    folder = write(tmp_path / "infrastructure", python(toolchain=toolchain))
    options = {**THIS_INTERPRETER, "virtualenv": str(tmp_path / ".venv")}
    assert runtime_of(folder) == {"name": "python", "options": options}


def test_python_program_without_one_runs_by_this_interpreter(tmp_path: Path) -> None:
    folder = write(tmp_path, {"name": "orders", "runtime": "python"})
    assert runtime_of(folder) == {"name": "python", "options": THIS_INTERPRETER}
    assert read_program(folder).environment({"PATH": "/engine:/ours"})["PATH"] == "/engine:/ours"


def test_program_in_another_language_keeps_its_options(tmp_path: Path) -> None:
    options = {"binary": "build/program"}
    folder = write(tmp_path, {"name": "orders", "runtime": {"name": "go", "options": options}})
    absolute = {"binary": str(tmp_path / "build/program")}
    assert runtime_of(folder) == {"name": "go", "options": absolute}
    yaml_folder = write(tmp_path / "yaml", {"name": "orders", "runtime": "yaml"})
    assert runtime_of(yaml_folder) == {"name": "yaml", "options": {}}


def test_settings_without_a_namespace_are_the_project_s(tmp_path: Path) -> None:
    program = read_program(write(tmp_path, python()))
    assert program.setting("size") == "orders:size"
    assert program.setting("aws:profile") == "aws:profile"


@pytest.mark.parametrize("declared", ["token", "orders:token"])
def test_setting_that_is_to_be_encrypted_is_known_by_either_name(
    tmp_path: Path, declared: str
) -> None:
    config = {declared: {"type": "string", "secret": True}, "size": {"type": "integer"}}
    program = read_program(write(tmp_path, {**python(), "config": config}))
    assert program.is_secret("token")
    assert program.is_secret("orders:token")
    assert not program.is_secret("size")
    assert not program.is_secret("other")


def test_folder_of_settings_as_it_was_named_before_is_left_out(tmp_path: Path) -> None:
    assert "config" not in read_program(write(tmp_path, {**python(), "config": "dir"})).project


@pytest.mark.parametrize(
    ("project", "words"),
    [
        (None, "it is not an object"),
        ({"runtime": "python"}, "it has no name"),
        ({}, "it has no name and no runtime"),
        (python(virtualenv="venv"), "names the virtual environment venv .* make it"),
        (python(toolchain="uv"), "takes uv, and there is no .venv .* make it .uv sync."),
    ],
)
def test_project_that_can_t_be_run_is_refused(tmp_path: Path, project: object, words: str) -> None:
    with pytest.raises(AutomationError, match=f"--program: .*{words}"):
        read_program(write(tmp_path, project))


def test_what_is_no_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AutomationError, match=r"there is no folder .*/nowhere"):
        read_program(tmp_path / "nowhere")
    with pytest.raises(AutomationError, match=r"has no Pulumi.yaml: name the folder of a Pulumi"):
        read_program(tmp_path)
    (tmp_path / "Pulumi.yaml").write_text("name: [")
    with pytest.raises(AutomationError, match=r"Pulumi.yaml can't be read: while parsing"):
        read_program(tmp_path)


def test_a_folder_is_in_a_project_wherever_above_it_the_project_begins(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert not is_in_project(inner)
    (tmp_path / "Pulumi.yml").touch()
    assert is_in_project(inner)
    assert is_in_project(tmp_path)
