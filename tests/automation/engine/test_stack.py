"""The engine is asked once for outputs, and not for a history that nobody reads."""

import itertools
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pulumi.automation import CommandError
from pulumi.automation.errors import create_command_error

from automation.engine.stack import QuickStack, Workspace


def workspace(run: Any) -> Any:
    asked: Any = object.__new__(Workspace)
    asked.pulumi_command = SimpleNamespace(run=run)
    asked.work_dir, asked.env_vars = "/project", {"A": "b"}
    return asked


def test_outputs_are_asked_for_once_secrets_and_all() -> None:
    questions: list[tuple[list[str], str, dict[str, str]]] = []

    def run(args: list[str], cwd: str, env: dict[str, str]) -> Any:
        questions.append((args, cwd, env))
        return SimpleNamespace(stdout=json.dumps({"queueUrl": "u", "count": 2}))

    outputs = workspace(run).stack_outputs("s")
    assert {name: output.value for name, output in outputs.items()} == {"queueUrl": "u", "count": 2}
    arguments = ["stack", "output", "--json", "--show-secrets", "--stack", "s"]
    assert questions == [(arguments, "/project", {"A": "b"})]


def test_what_the_engine_refuses_is_raised() -> None:
    def run(*_: object) -> Any:
        answer = SimpleNamespace(stdout="", stderr="error: no stack named 's' found", code=255)
        raise create_command_error(answer)  # pyright: ignore[reportArgumentType]

    with pytest.raises(CommandError, match="no stack named"):
        workspace(run).stack_outputs("s")


class Engine:
    """A command that tells a deployment's outputs by its events, and by `stack output`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, told: Any) -> None:
        self.started: list[str] = []
        self._told = told
        monkeypatch.setattr(QuickStack, "_setup_event_log", self._listen)

    def stack(self) -> QuickStack:
        command: Any = SimpleNamespace(run=self._run, version="3.274.1")
        return QuickStack.create("s", Workspace(pulumi_command=command, work_dir="/project"))

    def _listen(self, _command: str, on_event: Any, _version: str) -> Any:
        self._on_event = on_event
        return "log", None, None, None, None

    def _run(self, args: list[str], *_: object) -> Any:
        self.started.append(" ".join([*args[:2], *({"--remove"} & {*args})]))
        if args[0] == "up":
            for kind, outputs in (("pulumi:pulumi:Stack", self._told), ("aws:sqs:Queue", {"a": 1})):
                new = SimpleNamespace(outputs=outputs)
                told = SimpleNamespace(metadata=SimpleNamespace(type=kind, new=new))
                self._on_event(SimpleNamespace(res_outputs_event=told))
        return SimpleNamespace(stdout=json.dumps({"asked": True}), stderr="")


def test_a_deployment_and_a_destruction_start_the_engine_once_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = Engine(monkeypatch, told={"queueUrl": "u", "count": 2})
    stack, heard = engine.stack(), list[object]()
    outputs = stack.deploy(heard.append)
    stack.destroy_and_remove(heard.append)
    assert {name: output.value for name, output in outputs.items()} == {"queueUrl": "u", "count": 2}
    assert engine.started == ["stack init", "up --yes", "destroy --skip-preview --remove"]
    assert len(heard) == 2


@pytest.mark.parametrize(
    "told", [{"password": "[secret]"}, {"nested": [{"4dabf18193072939515e22adb298388d": "1b47"}]}]
)
def test_what_the_events_keep_to_themselves_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, told: Any
) -> None:
    engine = Engine(monkeypatch, told)
    outputs = engine.stack().deploy(lambda _: None)
    assert outputs["asked"].value is True
    assert engine.started == ["stack init", "up --yes", "stack output"]


def test_a_destruction_that_keeps_the_stack_still_does(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(monkeypatch, told={})
    stack = engine.stack()
    stack.destroy_and_remove(lambda _: None)
    stack.destroy()
    assert engine.started[-1] == "destroy --skip-preview"


def test_a_destruction_outside_of_the_project_names_what_it_would_have_found_there(
    tmp_path: Path,
) -> None:
    asked: list[tuple[list[str], str]] = []

    def run(args: list[str], cwd: str, *_: object) -> Any:
        asked.append((args, cwd))
        return SimpleNamespace(stdout="", stderr="")

    project, outside = tmp_path / "project", tmp_path / "outside"
    project.mkdir()
    (project / "Pulumi.yaml").write_text("name: p\nruntime: python\n")
    command: Any = SimpleNamespace(run=run, version="3.274.1")
    workspace = Workspace(pulumi_command=command, work_dir=str(project))
    stack = QuickStack.create("s", workspace)
    stack.destroy_and_remove(lambda _: None, outside=outside)
    arguments, folder = asked[-1]
    options = dict(itertools.pairwise(arguments))
    assert folder == str(outside)
    assert options["--stack"] == "organization/p/s"
    assert options["--config-file"] == str(project / "Pulumi.s.yaml")
    assert (stack.name, workspace.work_dir) == ("s", str(project))
