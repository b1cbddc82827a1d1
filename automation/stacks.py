"""Stacks through the Automation API, with state of their own: deploy, look, destroy."""

import contextlib
import re
import shlex
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import yaml
from pulumi.automation import CommandError, ConfigValue, OutputMap, Stack
from pulumi.automation.events import EngineEvent

from automation.engine.stack import QuickStack, Workspace
from automation.errors import AutomationError
from automation.installation import REPOSITORY, command_line, is_checkout, state_folder
from automation.interrupts import AbandonedRunError, Interrupts
from automation.private_files import write_private
from automation.programs import Program, is_in_project, own_program
from automation.progress import Progress
from automation.target import Target
from automation.unfinished import Resource, begun_in, destroy_stack
from components.outputs import OutputsError, StackOutputs

Found = TypeVar("Found")

DEFAULT_HOME = state_folder() / "default"
"""Where operators' commands keep their files, and the embedded AWS that stays its own."""
# What the engine adds when the program or a resource has already said what was wrong.
_SAYS_NOTHING = ("an unhandled error occurred", "update failed", "preview failed")
# What the engine says of a provider that is gone (pulumi, sdk/go/common/resource/plugin/plugin.go).
_SAYS_PLUGIN_DIED = "exited prematurely"
# Of a resource that was made, though not whole; while it goes on without the lines that tell.
_A_LIST = re.compile(r"error: \d+ errors? occurred:((?:\n\s+(?:\*|\d+\)) .*)*)")
# Of a state that it could not write whole, because the disk was full (gocloud.dev, blob/fileblob).
_SAYS_IT_EXISTS = re.compile(r"(AlreadyExists|ResourceConflict)\w*\) when calling the Create")
_SAYS_CUT_OFF = "unexpected end of JSON input"
_STACK_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")


class DeploymentError(AutomationError):
    """The engine could not create what the program declares."""


class DestructionError(AutomationError):
    """The engine could not destroy the stack; its state is kept, and the message says where."""


def check_stack_name(name: str) -> str:
    """Return `name`, or raise AutomationError when it is no name for a stack.

    Pulumi takes 100 letters, digits, `_`, `-` and `.`; 40 leave room for the names of what the
    stack creates, which AWS limits to 64 characters (IAM User Guide, "IAM object quotas").
    """
    if not _STACK_NAME.fullmatch(name):
        raise AutomationError(
            f"--stack: {name!r} is no stack name: use 1 to 40 letters, digits, '-' and '_'"
        )
    return name


@contextlib.contextmanager
def throwaway_stack(
    target: Target,
    *,
    name: str,
    home: Path,
    settings: Mapping[str, object],
    interrupts: Interrupts,
    progress: Progress,
    keep: bool = False,
) -> Generator[StackOutputs]:
    """Deploy this repository's program and yield its outputs; see `throwaway_program`."""
    program = own_program()
    with throwaway_program(
        target,
        program,
        read=own_outputs,
        name=name,
        home=home,
        # A key with another namespace is a mistake too, and the program is to say so.
        settings={f"{program.name}:{key}": value for key, value in settings.items()},
        interrupts=interrupts,
        progress=progress,
        keep=keep,
    ) as outputs:
        yield outputs


@contextlib.contextmanager
def throwaway_program(
    target: Target,
    program: Program,
    *,
    read: Callable[[Stack, OutputMap], Found],
    name: str,
    home: Path,
    settings: Mapping[str, object],
    interrupts: Interrupts,
    progress: Progress,
    keep: bool = False,
) -> Generator[Found]:
    """Deploy a program and yield what is read from its stack; destroy it whatever happens.

    Args:
        target: where to.
        program: what to deploy.
        read: makes what is yielded of the stack and its outputs; what it raises destroys the stack.
        name: of the stack.
        home: folder for the stack's settings; its state is where the target says.
        settings: the program's configuration, the project's own without its prefix.
        interrupts: an engine command is never interrupted by a first signal.
        progress: shows the steps "up" and "destroy".
        keep: leave the stack when the block ends. Default False.

    Raises:
        DeploymentError: with the engine's own diagnostics.
        DestructionError: something may be left, and the message says where its state is.
    """
    with contextlib.ExitStack() as at_the_end:
        with progress.step("up"):
            stack = _new_stack(target, program, name, home, settings, interrupts)
            begun: list[Resource] = []
            if not keep:
                outside = _outside_of_projects(target, program, home)
                at_the_end.callback(
                    _destroy, stack, target, home, outside, begun, interrupts, progress
                )
            found = read(stack, _deploy(stack, begun, interrupts, progress.detail))
        yield found


def _new_stack(
    target: Target,
    program: Program,
    name: str,
    home: Path,
    settings: Mapping[str, object],
    interrupts: Interrupts,
) -> QuickStack:
    workspace = Workspace(
        work_dir=str(_project_folder(target, program, name, home, settings)),
        pulumi_command=target.engine,
        env_vars=dict(target.environment),
        program=program.inline,
    )
    try:
        with interrupts.shielded():
            stack = QuickStack.create(name, workspace)
            for key, value in settings.items():
                if program.is_secret(key):
                    # The engine refuses one that lies in a file as it is.
                    stack.set_config(program.setting(key), ConfigValue(str(value), secret=True))
    except CommandError as error:
        raise DeploymentError(f"the stack could not be begun:\n{diagnostics(error)}") from error
    return stack


def _project_folder(
    target: Target, program: Program, name: str, home: Path, settings: Mapping[str, object]
) -> Path:
    """A project that runs the program, so that no stack's settings land in its folder."""
    folder = program.write_project(home / "project")
    config = {
        program.setting(key): value for key, value in settings.items() if not program.is_secret(key)
    }
    config["aws:region"] = target.region
    # By these `cleanup` tells what a run has left from what is anybody else's.
    config["aws:defaultTags"] = {"tags": {STACK_TAG: name}}
    write_private(folder / f"Pulumi.{name}.yaml", yaml.safe_dump({"config": config}))
    return folder


def own_project() -> Path:
    """The folder of the project for stacks that stay, with their settings beside `Pulumi.yaml`.

    The repository; of an installed package, in which nothing may be written, a folder of the user.
    """
    return REPOSITORY if is_checkout() else own_program().write_project(DEFAULT_HOME / "project")


def _deploy(
    stack: QuickStack,
    begun: list[Resource],
    interrupts: Interrupts,
    on_change: Callable[[str], None],
) -> OutputMap:
    """Deploy; into `begun` comes what a provider that died may have made."""
    report = _change_reporter(on_change)

    def on_event(event: EngineEvent) -> None:
        report(event)
        if resource := begun_in(event):
            begun.append(resource)

    try:
        with interrupts.shielded():
            return stack.deploy(on_event)
    except CommandError as error:
        if _SAYS_PLUGIN_DIED not in str(error):
            # Whoever answers that it failed has made nothing.
            begun.clear()
        raise DeploymentError(f"the stack could not be deployed:\n{diagnostics(error)}") from error


def _outside_of_projects(target: Target, program: Program, home: Path) -> Path | None:
    """A folder for destroying without the project, where nothing of the project is needed."""
    is_possible = target.name == "local" and program.has_known_plugins
    return home if is_possible and not is_in_project(home) else None


def _destroy(
    stack: QuickStack,
    target: Target,
    home: Path,
    outside: Path | None,
    begun: Sequence[Resource],
    interrupts: Interrupts,
    progress: Progress,
) -> None:
    report = _change_reporter(progress.detail)

    def destroy(forgets: bool) -> None:
        if forgets:
            stack.destroy_and_remove(report, outside=outside)
        else:
            stack.destroy(on_event=report)

    try:
        with progress.step("destroy"), interrupts.shielded():
            destroy_stack(stack, target, home / "stacks", destroy, begun=begun)
    except CommandError as error:
        raise DestructionError(
            f"stack {stack.name} could not be destroyed: {_what_is_left(target)}"
            f"\n{diagnostics(error)}"
        ) from error
    except AbandonedRunError as error:
        what = _what_is_left(target)
        raise AbandonedRunError(f"{error}; stack {stack.name}: {what}") from error


def _what_is_left(target: Target) -> str:
    if target.name == "local":
        return "it went with the embedded AWS, nothing is left"
    # It does what the engine's own `destroy` does not: it takes up what was begun and not ended.
    return f"what is left is removed by: {cleanup_command()}"


def cleanup_command() -> str:
    """The shell command that shows what runs have left in an account, and removes it."""
    return shlex.join((*command_line(), "cleanup", "--target", "aws"))


def own_outputs(stack: Stack, outputs: OutputMap) -> StackOutputs:
    """What this repository's program tells of itself.

    Raises:
        AutomationError: these are another program's outputs.
    """
    try:
        return StackOutputs.from_outputs({key: value.value for key, value in outputs.items()})
    except OutputsError as error:
        raise AutomationError(f"stack {stack.name!r}: {error}") from error


def keeping_commands(target: Target, home: Path, name: str) -> tuple[str, ...]:
    """In lines: how to look at a stack that was kept, and how to destroy it."""
    look = _shell_command(target, home, "stack", "output", "--json", "--stack", name)
    remove = f"{removal_command(target, home, name)} && rm -r {shlex.quote(str(home))}"
    return f"kept stack {name}", f"look at it: {look}", f"destroy it: {remove}"


def removal_command(target: Target, home: Path, name: str) -> str:
    """The shell command that destroys a stack whose state is in `home`."""
    return _shell_command(target, home, "destroy", "--yes", "--remove", "--stack", name)


def _shell_command(target: Target, home: Path, *arguments: str) -> str:
    pulumi = ("--cwd", str(home / "project"), *arguments)
    if target.name == "local":
        local = (*command_line(), "local", "--home", str(home))
        return shlex.join((*local, "--", "pulumi", *pulumi))
    backend = shlex.quote(target.environment["PULUMI_BACKEND_URL"])
    passphrase = shlex.quote(str(home / "passphrase"))
    return (
        f"PULUMI_BACKEND_URL={backend} PULUMI_CONFIG_PASSPHRASE_FILE={passphrase} "
        # Set-up puts none on PATH.
        f"{shlex.join((target.engine.command, *pulumi))}"
    )


def _change_reporter(on_change: Callable[[str], None]) -> Callable[[EngineEvent], None]:
    def report(event: EngineEvent) -> None:
        if event.res_outputs_event:
            on_change(event.res_outputs_event.metadata.urn.rpartition("::")[2])

    return report


def diagnostics(error: CommandError) -> str:
    """What a failed engine command says was wrong, each complaint once."""
    text = str(error)
    listed = _A_LIST.sub(lambda found: re.sub(r"\n\s+\S+ ", "\nerror: ", found[1]), text)
    told = [complaint.strip() for complaint in re.findall(r"error: (.*)", listed)]
    telling = [complaint for complaint in told if not complaint.startswith(_SAYS_NOTHING)]
    # A defect in the program is told on the lines after the complaint, as a traceback.
    is_whole = bool(telling) and not any(complaint.endswith(":") for complaint in telling)
    words = "\n".join(dict.fromkeys(telling) if is_whole else text.splitlines()[-25:])
    exists = _MAY_BE_OURS if _SAYS_IT_EXISTS.search(words) else ""
    return f"{words}{_CUT_OFF if _SAYS_CUT_OFF in words else exists}"


RUN_MARK = "run"
"""A file in the folder of every run that has one to stay, locked for as long as the run goes on."""

KEPT_MARK = "kept"
"""A file in the folder of a run that was asked to keep its stack, and did."""

STACK_TAG = "reliable-queue:run"
"""The tag of everything that a run creates in an account; its value is the stack's name."""

_MAY_BE_OURS = (
    "\nwhat exists already may be this run's own, when AWS's answer to its creation got lost: in "
    f"an account it stays then; look at its tag {STACK_TAG}, and delete it when that has the "
    "stack's name"
)
_CUT_OFF = (
    ": the engine could not write the stack's state whole, as happens on a full disk, and nobody "
    f"can read it; what it has made carries the stack's name in the tag {STACK_TAG}: look for it "
    "in the account, delete it, and remove the folder of the state"
)

WITNESS_ENDING = "-alarm-witness"
"""What follows the stack's name in that of the queue that listens to a run's alarm topic; then
come a hyphen and six hexadecimal digits."""

ASIDE_ENDING = "-aside"
"""The same for the queue that holds the letters of a FIFO queue while they are counted."""
