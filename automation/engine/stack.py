"""The Automation API's workspace and stack, starting the engine only for what somebody reads.

Each start takes 0.15 s, and 0.2 s more where the passphrase is turned into a key.
"""

import copy
import json
import warnings
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Self, cast

from pulumi.automation import LocalWorkspace, OutputMap, OutputValue, Stack, UpdateSummary
from pulumi.automation import Workspace as AnyWorkspace
from pulumi.automation._stack import StackInitMode
from pulumi.automation.events import EngineEvent

# What the engine's events have in the place of a secret, and the key by which its own protocol
# tells that a value is more than plain JSON (sdk/go/common/resource/sig).
_NOT_TOLD = ("[secret]", "4dabf18193072939515e22adb298388d")

# An engine that dies is told of by its command; the SDK would tell of its events' end beside that.
warnings.filterwarnings("ignore", message="Error in event stream", category=UserWarning)


class Workspace(LocalWorkspace):
    """A `LocalWorkspace` that asks once for a stack's outputs, and not which of them are secret.

    Attributes:
        removes_destroyed: whether a `destroy` takes the stack itself along. Default False.
    """

    removes_destroyed = False

    def stack_outputs(self, stack_name: str) -> OutputMap:
        """Read a stack's outputs, secret ones too.

        Raises:
            CommandError: the engine's, such as StackNotFoundError.
        """
        asked = ["stack", "output", "--json", "--show-secrets", "--stack", stack_name]
        found = self.pulumi_command.run(asked, self.work_dir, self.env_vars)
        return _output_map(cast("dict[str, object]", json.loads(found.stdout)))

    def serialize_args_for_op(self, stack_name: str) -> list[str]:
        """What every command on a stack is given beyond its own arguments."""
        removal = ["--remove"] if self.removes_destroyed else []
        return [*super().serialize_args_for_op(stack_name), *removal]


class QuickStack(Stack):
    """A `Stack` that starts the engine once for each thing that is done to it."""

    _told: Mapping[str, object] | None = None

    @classmethod
    def create(cls, stack_name: str, workspace: AnyWorkspace) -> Self:
        """Create a stack in a workspace.

        Raises:
            CommandError: the engine's, such as StackAlreadyExistsError.
        """
        return cls(stack_name, workspace, StackInitMode.CREATE)

    def deploy(self, on_event: Callable[[EngineEvent], object]) -> OutputMap:
        """Bring about what the program declares, and return its outputs, secret ones too.

        Args:
            on_event: is given each of the engine's events.

        Raises:
            CommandError: the engine's.
        """
        self._told = None

        def listen(event: EngineEvent) -> None:
            outputs = _outputs_told(event)
            self._told = self._told if outputs is None else outputs
            on_event(event)

        return self.up(on_event=listen).outputs

    def destroy_and_remove(
        self, on_event: Callable[[EngineEvent], object], *, outside: Path | None = None
    ) -> None:
        """Destroy everything and take the stack out of the state, by one command of the engine.

        Args:
            on_event: is given each of the engine's events.
            outside: a folder that is in no project, to do it from there: the state says what is to
                be destroyed, and in a project the engine starts the program's language host all the
                same, which takes 0.4 s, to warn of newer plugins. For programs whose plugins the
                engine finds without their project. Default None: do it in the project.

        Raises:
            CommandError: the engine's.
        """
        stack, workspace = copy.copy(self), copy.copy(cast("Workspace", self.workspace))
        stack.workspace, workspace.removes_destroyed = workspace, True
        settings = None
        if outside:
            # With the file backend every organization is called that.
            stack.name = f"organization/{workspace.project_settings().name}/{self.name}"
            settings = str(Path(workspace.work_dir) / f"Pulumi.{self.name}.yaml")
            workspace.work_dir = str(outside)
        stack.destroy(on_event=on_event, config_file=settings)

    def outputs(self) -> OutputMap:
        """The stack's outputs, secret ones too: what the events told, where they told all of it."""
        told = self._told
        if told is None or any(mark in json.dumps(told) for mark in _NOT_TOLD):
            return super().outputs()
        return _output_map(told)

    def info(self, show_secrets: bool = True) -> UpdateSummary:  # noqa: ARG002 as in the SDK
        """Answer for the history, without a question."""
        now = datetime.now(UTC)
        return UpdateSummary("", now, "", environment={}, config={}, result="not asked for")


def _outputs_told(event: EngineEvent) -> Mapping[str, object] | None:
    """The stack's outputs, where an event tells them: the stack is a resource like any other."""
    told = event.res_outputs_event
    if told is None or told.metadata.type != "pulumi:pulumi:Stack" or told.metadata.new is None:
        return None
    return told.metadata.new.outputs


def _output_map(outputs: Mapping[str, object]) -> OutputMap:
    return {name: OutputValue(value, secret=False) for name, value in outputs.items()}
