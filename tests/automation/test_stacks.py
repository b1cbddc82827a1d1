"""What is told of a stack that is not this program's, and of one that can't be read."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from pulumi.automation import LocalWorkspace, OutputMap, OutputValue

from automation import stacks
from automation.errors import AutomationError
from automation.interrupts import Interrupts
from automation.target import Target


def read(monkeypatch: pytest.MonkeyPatch, outputs: OutputMap) -> None:
    monkeypatch.setattr(LocalWorkspace, "__init__", lambda *_, **__: None)
    monkeypatch.setattr(LocalWorkspace, "stack_outputs", lambda *_: outputs)
    target = SimpleNamespace(name="local", engine=None, environment={})
    stacks.stack_outputs(cast("Target", target), "other")


def test_a_stack_of_another_program_is_told_by_what_it_lacks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outputs: Any = {"queueUrl": OutputValue("https://sqs/q", secret=False)}
    with pytest.raises(AutomationError, match=r"stack 'other': .*dlqUrl"):
        read(monkeypatch, outputs)


def test_a_deployed_program_that_lacks_outputs_is_told_by_them() -> None:
    class Deployed:
        name = "e2e-1"

        def up(self, **_: object) -> object:
            outputs = {"queueUrl": OutputValue("https://sqs/q", secret=False)}
            return SimpleNamespace(outputs=outputs)

    interrupts = Interrupts(report=lambda _: None)
    with pytest.raises(AutomationError, match=r"stack 'e2e-1': .*dlqUrl"):
        stacks._deploy(cast("Any", Deployed()), interrupts, lambda _: None)


def test_a_stack_that_is_not_deployed_is_told_how_to_deploy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(AutomationError, match="not deployed: run pulumi up --stack other"):
        read(monkeypatch, {})
