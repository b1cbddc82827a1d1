"""Flags that the operator's commands share, and the question before anything is changed."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from automation.errors import AutomationError
from automation.installation import shown
from automation.progress import Progress
from automation.stacks import DEFAULT_HOME

TARGET_VARIABLE = "RELIABLE_QUEUE_TARGET"

Command = TypeVar("Command", bound=Callable[..., Any])

_TARGET_HELP = "The embedded AWS, or the account of the ambient credentials."

json_option = click.option(
    "--json", "wants_json", is_flag=True, help="One JSON object on standard output."
)


def target_option(
    help_text: str = _TARGET_HELP, *, envvar: str | None = TARGET_VARIABLE
) -> Callable[[Command], Command]:
    """`--target`.

    Args:
        help_text: what the two mean for the command.
        envvar: where its default may come from; None for a command that creates things, which
            nothing left in the environment should lead into an account.
    """
    return click.option(
        "--target",
        type=click.Choice(["local", "aws"]),
        default="local",
        envvar=envvar,
        show_default=True,
        show_envvar=True,
        help=help_text,
    )


def yes_option(help_text: str = "Do it without a question.") -> Callable[[Command], Command]:
    """`--yes`."""
    return click.option("--yes", is_flag=True, help=help_text)


def stack_options(command: Command) -> Command:
    """`--stack`, `--target`, `--home` and `--json`."""
    options = [
        click.option(
            "--stack",
            required=True,
            envvar="PULUMI_STACK",
            show_envvar=True,
            metavar="NAME",
            help="The stack's name.",
        ),
        target_option(),
        click.option(
            "--home",
            type=click.Path(file_okay=False, path_type=Path),
            default=DEFAULT_HOME,
            envvar="RELIABLE_QUEUE_HOME",
            show_envvar=True,
            help="Folder for journals and backups, and the embedded AWS's own.  "
            f"[default: {shown(DEFAULT_HOME)}]",
        ),
        json_option,
    ]
    for option in reversed(options):
        command = option(command)
    return command


where_option = click.option(
    "--where",
    "where_text",
    metavar="EXPR",
    help="Only dead letters of which this JMESPath expression is true (docs/operations.md).",
)


def ask(question: str, *, yes: bool, progress: Progress) -> None:
    """Ask before something is changed.

    Args:
        question: what would be done, with name and count.
        yes: it was answered on the command line.
        progress: makes room on the terminal.

    Raises:
        AutomationError: the answer is no, or nobody can be asked.
    """
    if yes:
        progress.say(f"{question} yes")
        return
    if not sys.stdin.isatty():
        raise AutomationError(f"{question} Nothing was done: say --yes where nobody can be asked")
    with progress.paused():
        if not _is_confirmed(question):
            raise AutomationError("nothing was done")


def _is_confirmed(question: str) -> bool:
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        # Ctrl-C leaves the cursor behind the question.
        click.echo(err=True)
        raise AutomationError("stopped; nothing was done") from None
