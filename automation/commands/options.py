"""Flags that the operator's commands share, and the question before anything is changed."""

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from automation.errors import AutomationError
from automation.foreign_text import printable
from automation.installation import shown
from automation.operations.operated import Selection
from automation.progress import Progress
from automation.stacks import DEFAULT_HOME
from automation.target import TargetName

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


def queue_options(command: Command) -> Command:
    """`--stack` or `--queue`, where to look for it, `--home` and `--json`.

    The command gets `selection`, a `Selection`, and `wants_json`.
    """

    @functools.wraps(command)
    def selecting(
        *,
        stack: str | None,
        project: str | None,
        queue: str | None,
        dlq: str | None,
        log_group: tuple[str, ...],
        target: TargetName,
        home: Path,
        **others: object,
    ) -> object:
        if stack and (queue or dlq) and not _is_typed("stack"):
            # What an operator has exported for another day is not meant when a queue is named.
            stack = None
        if not (stack or queue or dlq):
            raise click.UsageError("say which queue: --stack NAME, or --queue NAME, URL or ARN")
        if stack and dlq:
            raise click.UsageError("--dlq goes with --queue; a stack knows its dead-letter queue")
        if project and not stack:
            raise click.UsageError("--project goes with --stack")
        selection = Selection(
            target=target,
            home=home,
            stack=stack,
            project=project,
            queue=queue,
            dlq=dlq,
            log_groups=log_group,
        )
        return command(selection=selection, **others)

    options = [
        click.option(
            "--stack",
            envvar="PULUMI_STACK",
            show_envvar=True,
            metavar="NAME",
            help="The stack with the queue: any program's with a ReliableQueue.",
        ),
        click.option(
            "--project",
            metavar="NAME",
            help="The stack's project, where several have one of that name.",
        ),
        click.option(
            "--queue",
            metavar="QUEUE",
            help="Name, URL or ARN of any queue or dead-letter queue on SQS; beside --stack the "
            "name of one of its components.",
        ),
        click.option(
            "--dlq",
            metavar="QUEUE",
            help="Its dead-letter queue.  [default: that of its redrive policy]",
        ),
        click.option(
            "--log-group",
            multiple=True,
            metavar="NAME",
            help="Where else a consumer logs. Can be given several times.",
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
    wrapped = cast("Command", selecting)
    for option in reversed(options):
        wrapped = option(wrapped)
    return wrapped


def _is_typed(parameter: str) -> bool:
    """Whether an option was given on the command line, and not by the environment."""
    source = click.get_current_context().get_parameter_source(parameter)
    return source is click.core.ParameterSource.COMMANDLINE


show_personal_option = click.option(
    "--show-personal", is_flag=True, help="Mask nothing that is shown."
)

reason_option = click.option(
    "--reason",
    "reason_text",
    metavar="EXPR",
    help="Where the consumer's log records say why a message failed, in JMESPath over the record.",
)

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
        return click.confirm(printable(question), err=True)
    except click.Abort:
        # Ctrl-C leaves the cursor behind the question.
        click.echo(err=True)
        raise AutomationError("stopped; nothing was done") from None
