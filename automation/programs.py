"""Pulumi programs, and projects that run them without a byte written into their folders."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import yaml
from pulumi.automation import PulumiFn

from automation.errors import AutomationError
from automation.installation import REPOSITORY
from automation.private_files import make_private_folder, write_private

PROJECT = "reliable-queue"
"""The name of this repository's own project."""

PROJECT_FILE = "Pulumi.yaml"
# The engine takes these as well (Pulumi documentation, "Project file reference").
_PROJECT_FILES = (PROJECT_FILE, "Pulumi.yml", "Pulumi.json")
# The interpreter that runs this has the program's dependencies; a host finds it by PATH.
_THIS_INTERPRETER: Mapping[str, object] = {"toolchain": "pip"}
_FOREIGN_TOOLCHAINS = ("uv", "poetry")
_ENVIRONMENT = ".venv"
# What a project says of the place that it lies in, and that a throw-away stack has otherwise: its
# stacks' settings are written beside the generated file, its state is where the run keeps it.
_OF_ITS_PLACE = ("backend", "stackConfigDir")

Fields = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program, ready to be run from a folder that is not its own.

    Attributes:
        folder: where it lies.
        project: what the project file has to say, every path in it absolute.
        inline: the program itself, where it is a function of this process; else None (default).
        has_known_plugins: whether the engine finds its plugins without its project. Default False.
    """

    folder: Path
    project: Mapping[str, object]
    inline: PulumiFn | None = None
    has_known_plugins: bool = False

    @property
    def name(self) -> str:
        """The project's name, with which its settings begin."""
        return str(self.project["name"])

    def setting(self, key: str) -> str:
        """A setting's whole name: one without a namespace is the project's own."""
        return key if ":" in key else f"{self.name}:{key}"

    def is_secret(self, key: str) -> bool:
        """Whether the project says that a setting is to be encrypted."""
        declared = cast("Fields", self.project.get("config") or {})
        entry = declared.get(key) or declared.get(self.setting(key))
        if entry is None and key.startswith(f"{self.name}:"):
            entry = declared.get(key.removeprefix(f"{self.name}:"))
        return isinstance(entry, dict) and cast("Fields", entry).get("secret") is True

    def environment(self, environment: Mapping[str, str]) -> dict[str, str]:
        """The same variables for an engine that is to run this program.

        Args:
            environment: of the target.
        """
        # Python would write what it has compiled beside the program's modules.
        changed = {**environment, "PYTHONDONTWRITEBYTECODE": "1"}
        options = cast("Fields", cast("Fields", self.project["runtime"])["options"])
        if virtualenv := options.get("virtualenv"):
            # A host that set-up has built is older than the engine, ignores the option, and takes
            # the first Python on PATH (CONTRIBUTING, "Engine").
            first = str(Path(str(virtualenv)) / "bin")
            changed["PATH"] = os.pathsep.join([first, environment.get("PATH", os.defpath)])
        return changed

    def write_project(self, folder: Path) -> Path:
        """Write the project file into a folder, made when it is not there; return the folder."""
        make_private_folder(folder)
        text = yaml.safe_dump(dict(self.project))
        path = folder / PROJECT_FILE
        # Another command may be reading what it needs.
        if not path.exists() or path.read_text() != text:
            write_private(path, text)
        return folder


def own_program() -> Program:
    """This repository's program."""
    project = cast("Fields", yaml.safe_load((REPOSITORY / PROJECT_FILE).read_text()))
    runtime = {"name": "python", "options": dict(_THIS_INTERPRETER)}
    return Program(
        folder=REPOSITORY,
        project={**project, "main": str(REPOSITORY), "runtime": runtime},
        has_known_plugins=True,
    )


def is_in_project(folder: Path) -> bool:
    """Whether the engine, started in a folder, would find a project: there, or above."""
    return any((f / name).exists() for f in (folder, *folder.parents) for name in _PROJECT_FILES)


def inline_program(program: PulumiFn, folder: Path) -> Program:
    """A function of this process that makes resources.

    Args:
        program: the function.
        folder: where it lies.
    """
    runtime = {"name": "python", "options": dict(_THIS_INTERPRETER)}
    project: Fields = {"name": "inline", "runtime": runtime}
    return Program(folder=folder, project=project, inline=program)


def read_program(folder: Path) -> Program:
    """A program of somebody else's, from its folder.

    A Python program runs in its own virtual environment (`runtime.options.virtualenv`, or the
    `.venv` of uv or Poetry), and without one by this interpreter.

    Args:
        folder: with the project file in it.

    Raises:
        AutomationError: there is no such folder or project, or it can't be run from elsewhere.
    """
    if not folder.is_dir():
        raise AutomationError(f"--program: there is no folder {folder}")
    folder = folder.resolve()
    path = next((folder / name for name in _PROJECT_FILES if (folder / name).is_file()), None)
    if path is None:
        raise AutomationError(
            f"--program: {folder} has no {PROJECT_FILE}: name the folder of a Pulumi project"
        )
    project = _read_project(path)
    main = folder / str(project.get("main") or "")
    kept = {key: value for key, value in project.items() if key not in _OF_ITS_PLACE}
    kept |= {"main": str(main), "runtime": _runtime(project["runtime"], folder)}
    if not isinstance(kept.get("config", {}), dict):
        # It named the folder of the stacks' settings before there was `stackConfigDir`.
        del kept["config"]
    if "plugins" in kept:
        kept["plugins"] = _absolute_plugins(kept["plugins"], folder)
    if isinstance(packages := kept.get("packages"), dict):
        kept["packages"] = {
            name: _absolute(source, folder, only=_is_relative)
            for name, source in cast("Fields", packages).items()
        }
    return Program(folder=folder, project=kept)


def _read_project(path: Path) -> Fields:
    try:
        project: object = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise AutomationError(f"--program: {path} can't be read: {error}") from error
    if not isinstance(project, dict):
        raise AutomationError(f"--program: {path} is no Pulumi project: it is not an object")
    fields = cast("Fields", project)
    if missing := [key for key in ("name", "runtime") if not fields.get(key)]:
        raise AutomationError(
            f"--program: {path} is no Pulumi project: it has no {' and no '.join(missing)}"
        )
    return fields


def _runtime(runtime: object, folder: Path) -> Fields:
    given = cast("Fields", runtime) if isinstance(runtime, dict) else {"name": runtime}
    options = cast("Fields", given.get("options") or {})
    # Where a program in Go or Java is, should it be built already, and where it is built to.
    for name in ("binary", "buildTarget"):
        if name in options:
            options = {**options, name: _absolute(options[name], folder)}
    if given.get("name") == "python":
        options = {**options, **_interpreter(options, folder)}
    return {**given, "options": options}


def _interpreter(options: Fields, folder: Path) -> Mapping[str, object]:
    """The options that say by which interpreter a Python program runs."""
    toolchain = str(options.get("toolchain") or "pip")
    if virtualenv := options.get("virtualenv"):
        path = folder / str(virtualenv)
        if not path.is_dir():
            raise AutomationError(
                f"--program: {folder} names the virtual environment {virtualenv} "
                "(runtime.options.virtualenv), and there is none: make it (pulumi install)"
            )
        # uv and Poetry look for their own files beside the project file, which lies elsewhere.
        return {**_THIS_INTERPRETER, "virtualenv": str(path)}
    if toolchain not in _FOREIGN_TOOLCHAINS:
        return _THIS_INTERPRETER
    for above in (folder, *folder.parents):
        if (above / "pyproject.toml").is_file():
            if (above / _ENVIRONMENT).is_dir():
                return {**_THIS_INTERPRETER, "virtualenv": str(above / _ENVIRONMENT)}
            break
    raise AutomationError(
        f"--program: {folder} takes {toolchain}, and there is no {_ENVIRONMENT} beside its "
        f"pyproject.toml: make it ({toolchain} {'sync' if toolchain == 'uv' else 'install'}), or "
        f"name its virtual environment in {PROJECT_FILE}, runtime.options.virtualenv"
    )


def _absolute_plugins(plugins: object, folder: Path) -> object:
    """The same with paths that hold from anywhere."""
    if not isinstance(plugins, dict):
        return plugins
    absolute: Fields = {}
    for kind, entries in cast("Fields", plugins).items():
        if isinstance(entries, list):
            absolute[kind] = [
                _absolute_plugin(entry, folder) for entry in cast("list[object]", entries)
            ]
    return absolute


def _absolute_plugin(entry: object, folder: Path) -> object:
    if not isinstance(entry, dict):
        return entry
    fields = cast("Fields", entry)
    return {**fields, "path": _absolute(fields["path"], folder)} if "path" in fields else fields


def _absolute(path: object, folder: Path, *, only: Callable[[str], bool] | None = None) -> object:
    if not isinstance(path, str) or (only and not only(path)):
        return path
    return str((folder / path).resolve())


def _is_relative(source: str) -> bool:
    """Whether a package's source is a folder; anything else is a name or an address."""
    return source.startswith(("./", "../")) or source in (".", "..")
