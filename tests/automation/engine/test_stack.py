"""The engine is asked once for outputs, and not for a history that nobody reads."""

import json
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


def test_a_deployment_starts_the_engine_for_itself_and_its_outputs() -> None:
    started: list[str] = []

    def run(args: list[str], *_: object) -> Any:
        started.append(" ".join(args[:2]))
        return SimpleNamespace(stdout="{}", stderr="")

    command: Any = SimpleNamespace(run=run, version=None)
    stack = QuickStack.create("s", Workspace(pulumi_command=command))
    stack.up()
    stack.destroy(remove=True)
    assert started == [
        "stack init",
        "up --yes",
        "stack output",
        "destroy --skip-preview",
        "stack rm",
    ]
