"""`python -m automation cleanup`: show what runs have left, and remove it."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import click
from botocore.exceptions import ClientError
from pulumi.automation import CommandError

from automation.aws.errors import error_words, lacks_right
from automation.commands.options import ask, json_option, target_option, yes_option
from automation.commands.output import DONE, NOT_DONE, print_json, print_line
from automation.errors import AutomationError
from automation.opening import opened_target
from automation.operations.account_leftovers import (
    leftover_log_groups,
    leftover_queues,
    remove_from_account,
)
from automation.operations.leftovers import (
    Leftover,
    leftover_folders,
    leftover_stacks,
    remove_from_machine,
)
from automation.private_files import own_folder
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
    here, and what runs have tagged as theirs: log groups that no function writes to, queues that
    they made for themselves.
    """
    progress = Progress()
    with contextlib.ExitStack() as opened:
        account: Target | None = None
        if target == "aws":
            own_folder(DEFAULT_HOME)
            account = opened.enter_context(
                opened_target("aws", home=DEFAULT_HOME, report=progress.say, own_state=False)
            )
        unseen: dict[str, str] = {}
        found = [
            leftover
            for kind, look in _places(account).items()
            for leftover in _seen(kind, look, unseen)
        ]
        for kind, words in unseen.items():
            progress.say(f"not looked for: {kind}: {words}")
        for leftover in found:
            progress.say(str(leftover))
        if found:
            ask(_question(found), yes=yes, progress=progress)
        failures = dict(_removed(found, account))
    if wants_json:
        removed = [item.name for item in found if item.name not in failures]
        print_json({"removed": removed, "failed": failures, "not_looked_for": unseen})
    else:
        click.echo(_summary(found, failures, unseen))
        for name, words in failures.items():
            print_line(f"not removed: {name}: {words}")
    return NOT_DONE if failures or unseen else DONE


def _places(account: Target | None) -> Mapping[str, Callable[[], Iterable[Leftover]]]:
    """What is looked for, and how; stacks come before what may go with them."""
    if account is None:
        return {"folders": leftover_folders}
    clients = account.clients
    return {
        "stacks": leftover_stacks,
        "queues": lambda: leftover_queues(clients),
        "log groups": lambda: leftover_log_groups(clients),
    }


def _seen(
    kind: str, look: Callable[[], Iterable[Leftover]], unseen: dict[str, str]
) -> Sequence[Leftover]:
    """What is found of one kind; of what one may not look at, why."""
    try:
        return list(look())
    except ClientError as error:
        if not lacks_right(error):
            raise
        unseen[kind] = f"no permission for {error.operation_name}: {error_words(error)}"
        return []


def _summary(
    found: Sequence[Leftover], failures: Mapping[str, str], unseen: Mapping[str, str]
) -> str:
    if found:
        return f"{len(found) - len(failures)} removed"
    return f"nothing is left over{' of what was looked for' if unseen else ''}"


def _question(found: Sequence[Leftover]) -> str:
    kept = sum(leftover.is_kept for leftover in found)
    return f"Remove these {len(found)}{f', {kept} of them kept on purpose' if kept else ''}?"


def _removed(found: Sequence[Leftover], account: Target | None) -> Iterator[tuple[str, str]]:
    """Remove each; yield what could not be removed, and why."""
    for leftover in found:
        try:
            if account and leftover.kind in ("log group", "queue"):
                remove_from_account(leftover, account.clients)
            else:
                remove_from_machine(leftover, account)
        except CommandError as error:
            yield leftover.name, diagnostics(error)
        except (AutomationError, ClientError, OSError) as error:
            yield leftover.name, str(error)
