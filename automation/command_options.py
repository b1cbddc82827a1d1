"""Flags that the operator's commands share, and the question before anything is changed."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from automation.errors import AutomationError
from automation.operating import DEFAULT_HOME
from automation.progress import Progress

TARGET_VARIABLE = "RELIABLE_QUEUE_TARGET"

Command = TypeVar("Command", bound=Callable[..., Any])


def stack_options(command: Command) -> Command:
    """`--stack`, `--target`, `--home` and `--json`."""
    options = [
        click.option(
            "--stack",
            required=True,
            envvar="PULUMI_STACK",
            show_envvar=True,
            help="The stack's name.",
        ),
        click.option(
            "--target",
            type=click.Choice(["local", "aws"]),
            default="local",
            envvar=TARGET_VARIABLE,
            show_default=True,
            show_envvar=True,
            help="The embedded AWS, or the account of the ambient credentials.",
        ),
        click.option(
            "--home",
            type=click.Path(file_okay=False, path_type=Path),
            default=DEFAULT_HOME,
            envvar="RELIABLE_QUEUE_HOME",
            show_envvar=True,
            help="Folder for journals and backups, and the embedded AWS's own.  "
            "[default: .local/default]",
        ),
        click.option("--json", "wants_json", is_flag=True, help="One JSON object as the result."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


yes_option = click.option("--yes", is_flag=True, help="Do it without a question.")

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
        progress.say(question)
        return
    if not sys.stdin.isatty():
        raise AutomationError(f"{question} Nothing was done: say --yes where nobody can be asked")
    with progress.paused():
        if not click.confirm(question, err=True):
            raise AutomationError("nothing was done")
