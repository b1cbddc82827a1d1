"""What the commands share that deploy a throw-away stack: flags, the question, the frame."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import click

from automation.commands.options import ask
from automation.interrupts import Interrupts
from automation.progress import Progress
from automation.proof.throwaway import ThrowawayOptions
from automation.proof.verdict import AlarmReport
from automation.stacks import check_stack_name
from automation.target import Target

Command = TypeVar("Command", bound=Callable[..., Any])
Options = TypeVar("Options", bound=ThrowawayOptions, contravariant=True)
Report = TypeVar("Report", covariant=True)

timeout_option = click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Give up waiting for the queue to settle.  [default: 120 local, 900 aws]",
)
enforce_option = click.option(
    "--enforce",
    is_flag=True,
    help="Locally, refuse what IAM and queue policies don't allow, as AWS does.",
)
keep_option = click.option(
    "--keep", is_flag=True, help="Do not destroy; say how to look and how to destroy."
)
config_option = click.option(
    "--config",
    "-c",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting of the program, as in Pulumi.yaml; can be given several times.",
)


def stack_option(beginning: str) -> Callable[[Command], Command]:
    """`--stack`, which has a name of its own each time when it is not given."""
    return click.option(
        "--stack",
        metavar="NAME",
        help=f"The stack's name.  [default: {beginning}- and random characters]",
    )


def given_stack(stack: str | None) -> dict[str, str]:
    """The option for a stack's name, where one was given.

    Raises:
        AutomationError: it is no name for a stack.
    """
    return {"stack": check_stack_name(stack)} if stack else {}


def parsed_settings(settings: Sequence[str]) -> dict[str, object]:
    """What `--config` says, by key."""
    return dict(map(_setting, settings))


def _setting(text: str) -> tuple[str, object]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise click.UsageError(f"--config takes KEY=VALUE, got {text!r}")
    return key, value


class _Job(Protocol[Options, Report]):
    def __call__(
        self,
        options: Options,
        /,
        *,
        progress: Progress,
        interrupts: Interrupts,
        confirm: Callable[[Target], None],
    ) -> Report: ...


def run_shown(
    job: _Job[Options, Report], options: Options, *, yes: bool, progress: Progress
) -> Report:
    """Run a job with its steps shown and signals handled; ask before it touches an account.

    Args:
        job: what to run.
        options: its own.
        yes: the question was answered on the command line.
        progress: shows the steps.
    """

    def confirm(target: Target) -> None:
        if target.name != "local":
            ask(f"Create and destroy a stack in {target}?", yes=yes, progress=progress)

    then = "the run ends and the stack is kept" if options.keep else "everything is destroyed"
    interrupts = Interrupts(progress.say, then=then)
    with progress.shown(), interrupts.handled():
        return job(options, progress=progress, interrupts=interrupts, confirm=confirm)


def alarm_words(alarm: AlarmReport) -> str:
    """What became of the alarm, for a person."""
    if alarm.problem:
        return "can't ring where it should"
    if alarm.was_notified:
        return "rang, and its notification reached the topic"
    return "rang" if alarm.went_to_alarm else "did not ring"
