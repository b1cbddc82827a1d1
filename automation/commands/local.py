"""`python -m automation local`: the embedded AWS around one command, or until it is ended."""

import os
import shlex
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType

import click
from pulumi.automation import LocalWorkspace
from pulumi.automation.errors import CommandError, StackNotFoundError

from automation.engine.processes import child_process
from automation.errors import AutomationError
from automation.installation import command_name, shown
from automation.interrupts import handled_signals
from automation.opening import opened_target
from automation.private_files import own_folder
from automation.progress import Progress
from automation.stacks import DEFAULT_HOME, diagnostics, own_project
from automation.target import Target


@click.command(
    short_help="Run a command inside the embedded AWS, or keep that running.",
    help=f"""Run COMMAND inside the embedded AWS; without one, keep it running.

    \b
    {command_name()} local -- pulumi up --stack local
    {command_name()} local -- pulumi stack output --json --stack local

    The stack is created when it is missing. It is one of the Pulumi project in the current folder,
    and where there is none, one of the worked case. Resources and stacks are kept in --home
    between runs. Inside, `pulumi`, `aws` and boto3 talk to the embedded AWS.
    """,
)
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_HOME,
    help=f"Folder that holds its resources and stacks.  [default: {shown(DEFAULT_HOME)}]",
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def local(*, home: Path, command: Sequence[str]) -> int:
    """Its help is above: it names the command as the reader has it."""
    progress = Progress()
    return run_local(home, list(command), report=progress.say)


def run_local(home: Path, command: Sequence[str], *, report: Callable[[str], None]) -> int:
    """Run `command` inside the embedded AWS of `home` and return its exit code.

    Args:
        home: folder for its resources and stacks; created when missing.
        command: a program and its arguments; empty keeps the embedded AWS running until a signal.
        report: is given what a person should read.

    Raises:
        AutomationError: no such program, or the embedded AWS did not start.
    """
    own_folder(home)
    with opened_target("local", home=home, report=report, keeps_state=True) as target:
        environment = _environment(target)
        if not command:
            return _wait_for_signal(target, report)
        return _run(command, target, environment)


# A profile or a session of the user's would win over, or mix with, the embedded account's key.
_USERS_AWS_SETTINGS = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN")


def _environment(target: Target) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key not in _USERS_AWS_SETTINGS}
    return {**kept, **target.environment}


def _run(command: Sequence[str], target: Target, environment: Mapping[str, str]) -> int:
    stack = _stack_of(command)
    if stack:
        command = _in_a_project(command)
        folder = Path(_folder_of(command) or ".")
        # Where there is none, the command itself says so best.
        if _has_project(folder):
            _create_if_missing(stack, target, folder)
    started: list[subprocess.Popen[bytes]] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        # A terminal's Ctrl-C reaches the command by itself: it ends in its own way, and we after
        # it. A handler of ours, unlike a signal that we ignore, is not inherited by the command.
        if not started:
            raise KeyboardInterrupt(signal.Signals(number))
        if number != signal.SIGINT:
            started[0].send_signal(number)

    try:
        with handled_signals(pass_on), child_process(command, env=dict(environment)) as process:
            started.append(process)
            code = process.wait()
    except FileNotFoundError as error:
        raise AutomationError(f"{command[0]}: no such program") from error
    except OSError as error:
        raise AutomationError(f"{command[0]} can't be run: {error.strerror}") from error
    # A command that a signal ended, as a shell says it.
    return 128 - code if code < 0 else code


def _stack_of(command: Sequence[str]) -> str | None:
    """The stack that a `pulumi` command names with --stack, unless it makes one itself."""
    if Path(command[0]).name != "pulumi" or {"init", "new"} & set(command):
        return None
    return _option(command, "--stack", "-s")


def _option(command: Sequence[str], name: str, short: str) -> str | None:
    for argument, following in zip(command, [*command[1:], ""], strict=True):
        if argument in (name, short):
            return following
        if argument.startswith(f"{name}="):
            return argument.removeprefix(f"{name}=")
    return None


def _in_a_project(command: Sequence[str]) -> Sequence[str]:
    """The command, told to work on our project where it neither names a folder nor is in one."""
    if _folder_of(command) or _has_project(Path.cwd()):
        return command
    return [command[0], "--cwd", str(own_project()), *command[1:]]


def _folder_of(command: Sequence[str]) -> str | None:
    return _option(command, "--cwd", "-C")


def _has_project(folder: Path) -> bool:
    """Whether Pulumi finds a project from there, which it looks for in the folders above too."""
    folders = [folder.resolve(), *folder.resolve().parents]
    return any((above / f"Pulumi.{end}").is_file() for above in folders for end in ("yaml", "yml"))


def _create_if_missing(stack: str, target: Target, folder: Path) -> None:
    workspace = LocalWorkspace(
        work_dir=str(folder), pulumi_command=target.engine, env_vars=dict(target.environment)
    )
    try:
        try:
            workspace.select_stack(stack)
        except StackNotFoundError:
            workspace.create_stack(stack)
    except CommandError as error:
        raise AutomationError(
            f"stack {stack} can't be opened: {diagnostics(error)}. If the passphrase is said to be "
            f"wrong, Pulumi.{stack}.yaml is of a stack elsewhere: take another name, or remove the "
            "line encryptionsalt from it"
        ) from error


def _wait_for_signal(target: Target, report: Callable[[str], None]) -> int:
    for key, value in target.environment.items():
        report(f"export {key}={shlex.quote(value)}")
    report("the embedded AWS runs; Ctrl-C ends it")
    ended = threading.Event()
    with handled_signals(lambda _number, _frame: ended.set()):
        ended.wait()
    return 0
