"""The commands: arguments in, results and errors out, exit codes; all printing is here."""

import json
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from automation.command_options import ask, json_option, target_option, yes_option
from automation.commands_cleanup import cleanup
from automation.commands_dlq import dlq
from automation.commands_logs import logs
from automation.commands_redrive import redrive
from automation.commands_send import restore, send
from automation.commands_status import status
from automation.e2e import run_e2e
from automation.errors import AutomationError
from automation.interrupts import Interrupts, SignalledError
from automation.local_command import run_local
from automation.presenting import as_json, as_table
from automation.progress import Progress
from automation.report_page import render_page
from automation.runs import Options
from automation.stacks import REPOSITORY, check_stack_name
from automation.targets import Target, TargetName

HELD, BROKEN, WRONG = 0, 1, 2


class _MessagesPerSecond(click.ParamType[float | None]):
    """A rate, or the word that stands for no limit."""

    name = "rate"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | None:
        if value == "unlimited":
            return None
        limits = click.FloatRange(min=0, max=10_000, min_open=True)
        return limits(value, param, ctx)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def cli() -> None:
    """Deploy, prove, look into and repair a reliable queue.

    When the alarm has rung, begin with `status` and `dlq list`; docs/operations.md leads on from
    there. PULUMI_STACK and RELIABLE_QUEUE_TARGET spare --stack and --target.

    Exit codes: 0 done or held, 1 the check failed or not all is done, 2 wrong use or environment.
    """


@cli.command(short_help="Prove on a throw-away stack that nothing is lost.")
@target_option(envvar=None)
@click.option(
    "--duration",
    type=click.FloatRange(min=0, max=890, min_open=True),
    default=5,
    show_default=True,
    metavar="SECONDS",
    help="How long the producer sends.",
)
@click.option(
    "--rate",
    type=_MessagesPerSecond(),
    metavar="N|unlimited",
    default=20,
    show_default=True,
    help="Messages per second, or 'unlimited'.",
)
@click.option(
    "--bad-ratio",
    type=click.FloatRange(0, 1),
    default=0.25,
    show_default=True,
    metavar="PART",
    help="Part of the messages that lack store_id.",
)
@click.option(
    "--messages",
    type=click.IntRange(1, 1_000_000),
    metavar="N",
    help="How many messages at the most.  [default: no limit]",
)
@click.option("--seed", type=int, metavar="N", help="Makes the messages repeatable.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Give up waiting for the queue to settle.  [default: 120 local, 900 aws]",
)
@click.option(
    "--redrive",
    is_flag=True,
    help="Then repair the bad messages, redrive them, see them processed.",
)
@click.option(
    "--enforce",
    is_flag=True,
    help="Locally, refuse what IAM and queue policies don't allow, as AWS does.",
)
@click.option("--keep", is_flag=True, help="Do not destroy; say how to look and how to destroy.")
@json_option
@click.option(
    "--report",
    "page",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE.html",
    help="Write a page of the run: what happened when, and where each bad message went.",
)
@click.option(
    "--stack", metavar="NAME", help="The stack's name.  [default: e2e- and random characters]"
)
@yes_option("No question before touching a real account.")
@click.option(
    "--config",
    "-c",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting of the program, as in Pulumi.yaml; can be given several times.",
)
def e2e(
    *,
    target: TargetName,
    duration: float,
    rate: float | None,
    bad_ratio: float,
    messages: int | None,
    seed: int | None,
    timeout: float | None,
    redrive: bool,
    enforce: bool,
    keep: bool,
    wants_json: bool,
    page: Path | None,
    stack: str | None,
    yes: bool,
    settings: Sequence[str],
) -> int:
    """Deploy a throw-away stack, prove that it loses nothing, destroy it."""
    options = Options(
        target=target,
        duration_seconds=duration,
        messages_per_second=rate,
        bad_ratio=bad_ratio,
        max_messages=messages,
        seed=seed,
        timeout_seconds=timeout,
        redrive=redrive,
        enforces_policies=enforce,
        keep=keep,
        settings=dict(_setting(setting) for setting in settings),
        **({"stack": check_stack_name(stack)} if stack else {}),
    )
    progress = Progress()
    interrupts = Interrupts(progress.say)
    with progress.shown(), interrupts.handled():
        report = run_e2e(
            options,
            progress=progress,
            interrupts=interrupts,
            confirm=lambda opened: _confirm(opened, yes=yes, progress=progress),
        )
    if page:
        page.write_text(render_page(report), encoding="utf-8")
        progress.say(f"report: {page}")
    if wants_json:
        click.echo(json.dumps(as_json(report)))
    else:
        Console().print(as_table(report))
    return HELD if report.verdict == "held" else BROKEN


def _setting(text: str) -> tuple[str, object]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise click.UsageError(f"--config takes KEY=VALUE, got {text!r}")
    return key, value


def _confirm(target: Target, *, yes: bool, progress: Progress) -> None:
    if target.name == "local":
        return
    where = f"AWS account {target.account_id}, region {target.region}"
    ask(f"Create and destroy a stack in {where}?", yes=yes, progress=progress)


@cli.command(short_help="Run a command inside the embedded AWS, or keep that running.")
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    default=REPOSITORY / ".local" / "default",
    help="Folder that holds its resources and stacks.  [default: .local/default]",
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def local(*, home: Path, command: Sequence[str]) -> int:
    """Run COMMAND inside the embedded AWS; without one, keep it running.

    \b
    python -m automation local -- pulumi up --stack local
    python -m automation local -- pulumi stack output --json --stack local

    The stack is created when it is missing. Resources and stacks are kept in --home between
    runs. Inside, `pulumi`, `aws` and boto3 talk to the embedded AWS.
    """
    progress = Progress()
    return run_local(home, list(command), report=progress.say)


dlq.add_command(redrive)
dlq.add_command(restore)
for command in (dlq, status, logs, send, cleanup):
    cli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command and exit with its code; the one place that shows errors."""
    sys.exit(_run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    try:
        return int(
            cli.main(arguments, prog_name="python -m automation", standalone_mode=False) or 0
        )
    except click.ClickException as error:
        error.show()
    except click.Abort:
        # Ctrl-C at a question, or while a command only looks.
        _complain("stopped")
    except (AutomationError, BotoCoreError, ClientError, OSError) as error:
        for message in _messages(error):
            _complain(message)
    except SignalledError as signalled:
        _complain(str(signalled))
    except Exception:  # noqa: BLE001 a defect of ours must not look like exit code 1, "broken"
        traceback.print_exc()
    return WRONG


def _messages(error: BaseException) -> list[str]:
    """What was wrong first, then what went wrong on the way out because of it."""
    messages: list[str] = []
    seen: BaseException | None = error
    while seen:
        is_ours = seen is error or isinstance(seen, AutomationError)
        if is_ours and not any(str(seen) in message for message in messages):
            messages.insert(0, str(seen))
        seen = seen.__cause__ or seen.__context__
    return messages


def _complain(message: str) -> None:
    click.echo(f"error: {message}", err=True)
