"""`python -m automation cleanup`: show what runs have left, and remove it."""

import contextlib
from collections.abc import Iterator, Sequence

import click
from botocore.exceptions import ClientError
from pulumi.automation import CommandError

from automation.commands.options import ask, json_option, target_option, yes_option
from automation.commands.output import DONE, NOT_DONE, print_json, print_line
from automation.errors import AutomationError
from automation.opening import opened_target
from automation.operations.leftovers import (
    Leftover,
    leftover_folders,
    leftover_log_groups,
    leftover_stacks,
    remove_leftover,
)
from automation.progress import Progress
from automation.stacks import DEFAULT_HOME, diagnostics
from automation.target import Target, TargetName


@click.command(short_help="Show and remove what runs have left.")
@yes_option()
@target_option("What is left on this machine, or in the account of the ambient credentials.")
@json_option
def cleanup(*, target: TargetName, wants_json: bool, yes: bool) -> int:
    """Show what broken or kept runs have left, and remove it.

    Folders of embedded AWSs that no process uses; in an account, stacks whose state a run has left
    here and log groups that no function writes to.
    """
    progress = Progress()
    with contextlib.ExitStack() as opened:
        account: Target | None = None
        if target == "aws":
            DEFAULT_HOME.mkdir(parents=True, exist_ok=True)
            account = opened.enter_context(
                opened_target("aws", home=DEFAULT_HOME, report=progress.say, own_state=False)
            )
        found = list(_leftovers(account))
        for leftover in found:
            progress.say(str(leftover))
        if found:
            ask(_question(found), yes=yes, progress=progress)
        failures = dict(_removed(found, account))
    if wants_json:
        removed = [item.name for item in found if item.name not in failures]
        print_json({"removed": removed, "failed": failures})
    else:
        click.echo(f"{len(found) - len(failures)} removed" if found else "nothing is left over")
        for name, words in failures.items():
            print_line(f"not removed: {name}: {words}")
    return NOT_DONE if failures else DONE


def _question(found: Sequence[Leftover]) -> str:
    kept = sum(leftover.is_kept for leftover in found)
    return f"Remove these {len(found)}{f', {kept} of them kept on purpose' if kept else ''}?"


def _leftovers(account: Target | None) -> Iterator[Leftover]:
    if account is None:
        yield from leftover_folders()
        return
    yield from leftover_stacks()
    yield from leftover_log_groups(account.clients)


def _removed(found: Sequence[Leftover], account: Target | None) -> Iterator[tuple[str, str]]:
    """Remove each; yield what could not be removed, and why."""
    for leftover in found:
        try:
            remove_leftover(leftover, account)
        except CommandError as error:
            yield leftover.name, diagnostics(error)
        except (AutomationError, ClientError, OSError) as error:
            yield leftover.name, str(error)
