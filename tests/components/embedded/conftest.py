"""Deploys programs with the component on the embedded AWS."""

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pulumi import automation
from pulumi.automation._server import LanguageServer
from semver import VersionInfo

from automation.engine.command import EngineCommand
from automation.engine.finding import find_engine
from automation.engine.stack import QuickStack, Workspace
from automation.local.world import embedded_aws
from automation.target import Target

PROJECT = "options"
Program = Callable[[], None]


@dataclass
class Deployed:
    """A stack that is there: its outputs, and what the engine did last, in order.

    started: how many steps were done when each resource's own began.
    """

    stack: QuickStack
    outputs: dict[str, Any] = field(default_factory=dict)
    steps: list[tuple[str, str]] = field(default_factory=list)
    started: dict[str, int] = field(default_factory=dict)

    def up(self, program: Program) -> None:
        """Deploy a program in place of the one before."""
        self.stack.workspace.program = program
        self.steps.clear()
        self.started.clear()
        told = self.stack.deploy(self._note)
        self.outputs = {name: output.value for name, output in told.items()}

    def changes(self, program: Program) -> dict[str, int]:
        """How many resources of each kind of step a preview finds, those that stay left out."""
        self.stack.workspace.program = program
        summary = self.stack.preview().change_summary
        return {str(kind): n for kind, n in summary.items() if kind != "same"}

    def preview_of(self, program: Program) -> str:
        """What a preview of a program says."""
        self.stack.workspace.program = program
        return self.stack.preview().stdout

    def _note(self, event: automation.events.EngineEvent) -> None:
        if event.resource_pre_event:
            self.started[event.resource_pre_event.metadata.urn.rpartition("::")[2]] = len(
                self.steps
            )
        if event.res_outputs_event:
            step = event.res_outputs_event.metadata
            if step.op != "same":
                self.steps.append((str(step.op.value), step.urn.rpartition("::")[2]))


# Pulumi leaves the event loop of an inline program open. When the program has failed, it cancels
# what is pending, one after the other; what begins meanwhile stays in the closed loop for ever.
_LEFT_BY_PULUMI = ("unclosed:ResourceWarning", "coroutine .* was never awaited:RuntimeWarning")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What Pulumi leaves is no warning of ours when it is collected."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            for warning in _LEFT_BY_PULUMI:
                item.add_marker(pytest.mark.filterwarnings(f"ignore:{warning}"))


@pytest.fixture(autouse=True)
def collected(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a test leaves is collected with it, and not during another."""
    running = threading.Lock()
    run = LanguageServer.Run

    def run_to_its_end(*arguments: Any) -> Any:
        with running:
            return run(*arguments)

    monkeypatch.setattr(LanguageServer, "Run", run_to_its_end)
    yield
    # A program that has failed still cancels, in a thread, when the engine is gone already.
    with running:
        gc.collect()


@pytest.fixture(scope="session")
def engine() -> EngineCommand:
    found = find_engine(report=lambda _: None)
    return EngineCommand(str(found.binary), VersionInfo.parse(found.version))


@pytest.fixture(scope="session")
def aws(engine: EngineCommand, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """An AWS for all tests; each has stacks of its own in it."""
    with embedded_aws(tmp_path_factory.mktemp("aws"), engine=lambda: engine) as target:
        yield target


@pytest.fixture(scope="session")
def strict_aws(engine: EngineCommand, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """An AWS that refuses what policies don't allow."""
    folder = tmp_path_factory.mktemp("strict-aws")
    with embedded_aws(folder, engine=lambda: engine, enforces_policies=True) as target:
        yield target


Deploy = Callable[..., AbstractContextManager[Deployed]]


@pytest.fixture
def deployed(request: pytest.FixtureRequest, tmp_path: Path) -> Deploy:
    """Deploys a program until the block ends, in a stack named after the test."""

    @contextmanager
    def deploy(target: Target, program: Program) -> Iterator[Deployed]:
        name = f"t{abs(hash(request.node.nodeid)):x}"
        workspace = Workspace(
            work_dir=str(tmp_path),
            program=program,
            project_settings=automation.ProjectSettings(name=PROJECT, runtime="python"),
            stack_settings={name: automation.StackSettings(config={"aws:region": target.region})},
            pulumi_command=target.engine,
            env_vars=dict(target.environment),
        )
        stack = QuickStack.create(name, workspace)
        new = Deployed(stack=stack)
        try:
            new.up(program)
            yield new
        finally:
            stack.destroy()

    return deploy
