"""The group of commands, and the one place that shows errors and exits."""

import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

import click
from botocore.exceptions import BotoCoreError, ClientError

from automation.aws.thrown import Thrown
from automation.commands.cleanup import cleanup
from automation.commands.dlq import dlq
from automation.commands.e2e import e2e
from automation.commands.local import local
from automation.commands.logs import logs
from automation.commands.output import WRONG
from automation.commands.plan import plan
from automation.commands.policy import policy
from automation.commands.prove import prove
from automation.commands.purge import purge
from automation.commands.redrive import redrive
from automation.commands.send import restore, send
from automation.commands.status import status
from automation.deadletters.exception_words import exception_words
from automation.errors import AutomationError, disk_is_full
from automation.foreign_text import printable_lines
from automation.installation import command_name, shown, state_folder
from automation.interrupts import SignalledError

_MAKE_ROOM = ": the disk is full; make room, or name a folder on another, and run the command again"


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=f"What is kept between runs is in {shown(state_folder())}.",
)
def cli() -> None:
    """Deploy, prove, look into and repair a reliable queue.

    When the alarm has rung, begin with `status` and `dlq list`; docs/operations.md leads on from
    there. PULUMI_STACK and RELIABLE_QUEUE_TARGET spare --stack and --target.

    Exit codes: 0 done or held, 1 the check failed or not all is done, 2 wrong use or environment.
    """


dlq.add_command(purge)
dlq.add_command(redrive)
dlq.add_command(restore)
for command in (e2e, prove, local, plan, dlq, status, logs, send, policy, cleanup):
    cli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command and exit with its code; the one place that shows errors."""
    sys.exit(_run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    try:
        return int(cli.main(arguments, prog_name=command_name(), standalone_mode=False) or 0)
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
    except Exception as error:  # noqa: BLE001 a defect of ours must not look like exit code 1
        _complain_of_defect(error)
    return WRONG


def _messages(error: BaseException) -> list[str]:
    """What was wrong first, then what went wrong on the way out because of it."""
    messages: list[str] = []
    seen: BaseException | None = error
    while seen:
        # A full disk is why whatever came after it went wrong too.
        is_told = seen is error or isinstance(seen, AutomationError) or disk_is_full(seen)
        if is_told and not any(str(seen) in message for message in messages):
            messages.insert(0, f"{seen}{_MAKE_ROOM if disk_is_full(seen) else ''}")
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return messages


def _complain(message: str) -> None:
    # It may quote what strangers wrote.
    click.echo(printable_lines(f"error: {message}"), err=True)


def _complain_of_defect(error: Exception) -> None:
    """Where it happened, and its own words only where they can't quote a message."""
    stack = "".join(traceback.format_tb(error.__traceback__))
    thrown = Thrown(name=type(error).__name__, text=str(error), code=stack)
    what = f"Traceback (most recent call last):\n{stack}{exception_words(thrown)}"
    click.echo(printable_lines(what), err=True)
