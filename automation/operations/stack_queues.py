"""Find a `ReliableQueue` in the state of a stack, whatever program deployed it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import yaml
from pulumi.automation import CommandError

from automation.errors import AutomationError
from automation.operations.discovery import consumers_of
from automation.operations.named_queue import check_place, named_queue
from automation.operations.wiring import Consumer, Queue, Wiring
from automation.programs import PROJECT_FILE
from automation.stacks import diagnostics, own_project
from automation.target import Account, Target
from components.outputs import output_name

COMPONENT = "reliable-queue:index:ReliableQueue"
"""The type of a `ReliableQueue` in a stack's state, whatever its program is written in."""

ComponentOutputs = Mapping[str, object]
"""Of a component, in a stack's state: by the names of a Python program, or of another language."""


@dataclass(frozen=True, kw_only=True)
class _StackName:
    """A stack as the engine lists it: `listed` is what it takes for it in the same folder."""

    listed: str
    project: str
    name: str

    def __str__(self) -> str:
        return f"{self.name} of project {self.project}"


def stack_wiring(
    target: Target,
    stack: str,
    *,
    project: str | None,
    component: str | None,
    log_groups: Iterable[str],
) -> Wiring:
    """Find out from a stack's state what belongs to the queue in it.

    Args:
        target: where the stack is.
        stack: its name, or `organization/project/stack`.
        project: its project; None for the one that has such a stack.
        component: the name of the `ReliableQueue`; None for the one that there is.
        log_groups: where else a consumer logs.

    Raises:
        AutomationError: no such stack, more than one, or no such component in it.
    """
    folder = _working_folder()
    found = _find_stack(target, folder, stack, project)
    outputs = _choose(found, components_of(_state(target, folder, found)), component)
    return component_wiring(
        target, outputs, selected=f"stack {found.name}", log_groups=tuple(log_groups)
    )


def component_wiring(
    target: Account, outputs: ComponentOutputs, *, selected: str, log_groups: tuple[str, ...] = ()
) -> Wiring:
    """What belongs to a component, by its outputs.

    Args:
        target: where its stack is.
        outputs: one of `components_of`.
        selected: what was asked for, in words.
        log_groups: where else a consumer logs; default nowhere.

    Raises:
        AutomationError: it is not deployed to its end, or in another account or region.
    """
    queue, dlq = _queue(outputs, "queue"), _queue(outputs, "dlq")
    check_place(target, named_queue(f"{selected}:", dlq.arn))
    function_name, log_group = _text(outputs, "consumer_function_name"), None
    notes: tuple[str, ...] = ()
    if function_name:
        log_group = _text(outputs, "consumer_log_group_name")
        consumers = (Consumer(function_name=function_name, log_group=log_group),)
    else:
        # Others may take from it, as functions that were there before.
        consumers, notes = consumers_of(target, (queue,), has_other_logs=bool(log_groups))
    names = outputs.get("alarm_names") or outputs.get("alarmNames")
    return Wiring(
        selected=selected,
        queue=queue,
        dlq=dlq,
        sources=(queue,),
        consumers=consumers,
        more_log_groups=log_groups,
        alarm_names=tuple(map(str, cast("list[object]", names))) if isinstance(names, list) else (),
        alarm_topic_arn=_text(outputs, "alarm_topic_arn"),
        operator_policy_arn=_text(outputs, "operator_policy_arn"),
        notes=notes,
    )


def _working_folder() -> Path:
    """Where the engine is asked: a project's folder may name the backend of its stacks."""
    here = Path.cwd()
    inside = any((folder / PROJECT_FILE).is_file() for folder in (here, *here.parents))
    return here if inside else own_project()


def _find_stack(target: Target, folder: Path, stack: str, project: str | None) -> _StackName:
    *_, wanted_project, name = (None, *stack.split("/"))
    wanted_project = project or wanted_project
    known = list(_listed(target, folder))
    found = [
        candidate
        for candidate in known
        if candidate.name == name and wanted_project in (None, candidate.project)
    ]
    if len(found) == 1:
        return found[0]
    where = "the embedded AWS" if target.name == "local" else "your Pulumi backend"
    if found:
        projects = ", ".join(candidate.project for candidate in found)
        raise AutomationError(
            f"--stack: {len(found)} projects in {where} have a stack {name!r}: say which one is "
            f"meant: --project with one of {projects}"
        )
    of = f" of project {wanted_project!r}" if wanted_project else ""
    raise AutomationError(
        f"--stack: no stack {name!r}{of} in {where} (--target {target.name}); stacks here: "
        f"{', '.join(map(str, known)) or 'none'}. A queue that no stack here made is named by "
        "--queue"
    )


def _listed(target: Target, folder: Path) -> Iterator[_StackName]:
    """Every stack of the backend; those of the folder's own project come by their bare names."""
    own = _own_project_name(folder)
    arguments = ("stack", "ls", "--all", "--json")
    for row in json.loads(_engine(target, folder, "the stacks can't be listed", *arguments)):
        listed = str(row["name"])
        *_, project, name = (own, *listed.split("/"))
        yield _StackName(listed=listed, project=project, name=name)


def _own_project_name(folder: Path) -> str:
    for candidate in (folder, *folder.parents):
        path = candidate / PROJECT_FILE
        if path.is_file():
            project: object = yaml.safe_load(path.read_text())
            if isinstance(project, dict):
                return str(cast("Mapping[str, object]", project).get("name", ""))
    return ""


def _state(target: Target, folder: Path, stack: _StackName) -> Mapping[str, object]:
    text = _engine(
        target,
        folder,
        f"stack {stack.name!r} can't be read",
        *("stack", "export", "--stack", stack.listed),
    )
    return cast("dict[str, dict[str, object]]", json.loads(text)).get("deployment", {})


def _engine(target: Target, folder: Path, failure: str, *arguments: str) -> str:
    try:
        return target.engine.run([*arguments], str(folder), target.environment).stdout
    except CommandError as error:
        raise AutomationError(f"{failure}: {diagnostics(error)}") from error


def components_of(deployment: Mapping[str, object]) -> dict[str, ComponentOutputs]:
    """The outputs of each `ReliableQueue` in a stack's state, by its name."""
    resources = cast("list[Mapping[str, object]]", deployment.get("resources") or [])
    return {
        str(resource["urn"]).rpartition("::")[2]: cast(
            "ComponentOutputs", resource.get("outputs") or {}
        )
        for resource in resources
        if resource.get("type") == COMPONENT and not resource.get("delete")
    }


def _choose(
    stack: _StackName, components: Mapping[str, ComponentOutputs], wanted: str | None
) -> ComponentOutputs:
    names = ", ".join(sorted(components)) or "none"
    if not components:
        raise AutomationError(
            f"--stack: stack {stack} has no ReliableQueue: either it is not deployed (pulumi up "
            f"--stack {stack.name}), or its program makes its queues otherwise; name the queue "
            "instead: --queue"
        )
    if wanted is None and len(components) == 1:
        return next(iter(components.values()))
    if wanted is not None and wanted in components:
        return components[wanted]
    if wanted is None:
        raise AutomationError(
            f"--stack: stack {stack} has {len(components)} queues: say which one is meant: "
            f"--queue with one of {names}"
        )
    raise AutomationError(f"--queue: stack {stack} has no queue {wanted!r}; it has {names}")


def _text(outputs: ComponentOutputs, name: str) -> str | None:
    """An output, which a program in another language has by another name."""
    value = outputs.get(name) or outputs.get(output_name(name))
    return value if isinstance(value, str) and value else None


def _queue(outputs: ComponentOutputs, prefix: str) -> Queue:
    values = [_text(outputs, f"{prefix}_{part}") for part in ("url", "arn", "name")]
    url, arn, name = values
    if not (url and arn and name):
        raise AutomationError(
            f"--stack: the ReliableQueue's {prefix} is not deployed yet: run pulumi up to its end"
        )
    return Queue(url=url, arn=arn, name=name)
