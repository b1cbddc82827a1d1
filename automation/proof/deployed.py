"""A program of one's own on a throw-away stack, and what belongs to the `ReliableQueue` in it."""

import contextlib
import dataclasses
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from pulumi.automation import OutputMap, Stack

from automation.errors import AutomationError
from automation.interrupts import Interrupts
from automation.operations.stack_queues import (
    COMPONENT,
    ComponentOutputs,
    component_wiring,
    components_of,
)
from automation.operations.wiring import Wiring
from automation.programs import Program
from automation.progress import Progress
from automation.stacks import throwaway_program
from automation.target import Target


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """A stack of a program: what belongs to its queue, and its outputs by name."""

    wiring: Wiring
    outputs: Mapping[str, object]


@contextlib.contextmanager
def deployed_program(
    target: Target,
    program: Program,
    *,
    name: str,
    home: Path,
    component: str | None = None,
    settings: Mapping[str, object] | None = None,
    interrupts: Interrupts | None = None,
    progress: Progress | None = None,
    keep: bool = False,
) -> Generator[Deployed]:
    """Deploy a program, yield what is there, and destroy it whatever happens.

    Nothing is written into the program's folder.

    Args:
        target: where to.
        program: what to deploy, as `read_program` reads it from a folder.
        name: of the stack.
        home: existing folder for the generated project and the stack's settings, no other
            program's; the stack's state is where the target says.
        component: the name of the `ReliableQueue`; None (default) for the one that there is.
        settings: the program's configuration; a key without a namespace is the project's own.
            Default none.
        interrupts: an engine command is never interrupted by a first signal. By default nobody
            handles signals.
        progress: shows the steps "up" and "destroy". By default on standard error.
        keep: leave the stack when the block ends. Default False.

    Raises:
        DeploymentError: with the engine's own diagnostics.
        AutomationError: there is no such component; the stack is destroyed.
        DestructionError: something may be left, and the message says where its state is.
    """
    progress = progress or Progress()

    def read(stack: Stack, told: OutputMap) -> Deployed:
        state = cast("Mapping[str, object]", stack.export_stack().deployment or {})
        outputs = _chosen(program, components_of(state), component)
        return Deployed(
            wiring=component_wiring(target, outputs, selected=f"stack {name}"),
            outputs={key: output.value for key, output in told.items()},
        )

    with throwaway_program(
        dataclasses.replace(target, environment=program.environment(target.environment)),
        program,
        read=read,
        name=name,
        home=home,
        settings=settings or {},
        interrupts=interrupts or Interrupts(progress.say),
        progress=progress,
        keep=keep,
    ) as deployed:
        yield deployed


def _chosen(
    program: Program, components: Mapping[str, ComponentOutputs], wanted: str | None
) -> ComponentOutputs:
    names = ", ".join(sorted(components))
    if not components:
        raise AutomationError(
            f"the program in {program.folder} makes no ReliableQueue ({COMPONENT}), so there is no "
            "queue to look at"
        )
    if wanted is None and len(components) == 1:
        return next(iter(components.values()))
    if wanted is None:
        raise AutomationError(
            f"the program in {program.folder} makes {len(components)} queues: say which one is "
            f"meant: component with one of {names}"
        )
    if wanted not in components:
        raise AutomationError(
            f"component: the program in {program.folder} makes no queue {wanted!r}; it makes "
            f"{names}"
        )
    return components[wanted]
