"""What broken or kept runs have left: folders, stacks in an account, log groups."""

import fcntl
import json
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from botocore.exceptions import ClientError
from pulumi.automation import LocalWorkspace, Stack

from automation.aws.clients import Clients
from automation.aws.errors import error_code
from automation.engine.environment import engine_environment
from automation.errors import AutomationError
from automation.installation import state_folder
from automation.stacks import KEPT_MARK
from automation.target import Target

# As e2e.py names its temporary folders, and its stacks where nobody chose a name.
_HOMES = state_folder()
_TEMPORARY = "reliable-queue-*"
_RUN = "e2e-*"
# As the program names its log groups: logical name and seven hexadecimal digits of Pulumi's.
_LOG_GROUP = re.compile(r"(events-consumer|producer)-logs-[0-9a-f]{7}")
# A run in an account takes minutes; what nobody has touched for so long belongs to none. A log
# group is there before the function that will write to it.
_IDLE_SECONDS = 3600
_ACCOUNT_IN_ARN = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:(\d{12}):")


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """Something that no run uses any more.

    Attributes:
        kind: `folder` on this machine; `stack` in the account, with its state in a folder;
            `log group` that no function writes to.
        name: path, or name.
        is_kept: somebody asked to keep it (`e2e --keep`), as far as that is known.
    """

    kind: Literal["folder", "stack", "log group"]
    name: str
    is_kept: bool = False

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}{', kept on purpose' if self.is_kept else ''}"


def leftover_folders(temporary: Path | None = None, homes: Path = _HOMES) -> Iterator[Leftover]:
    """Folders of embedded AWSs that no process uses: their stacks are in them and go with them.

    Args:
        temporary: where temporary folders are; default the machine's.
        homes: where runs keep what may be looked at later.
    """
    temporary = temporary or Path(tempfile.gettempdir())
    for folder in [*sorted(temporary.glob(_TEMPORARY)), *sorted(homes.glob(_RUN))]:
        if _is_embedded(folder) and not _is_in_use(folder):
            yield Leftover(kind="folder", name=str(folder), is_kept=_is_kept(folder))


def leftover_stacks(homes: Path = _HOMES) -> Iterator[Leftover]:
    """Stacks in an account whose state a run has left here."""
    for folder in sorted(homes.glob(_RUN)):
        is_idle = time.time() - _last_change_seconds(folder) > _IDLE_SECONDS
        if (folder / "stacks").is_dir() and not _is_embedded(folder) and is_idle:
            yield Leftover(kind="stack", name=str(folder), is_kept=_is_kept(folder))


def leftover_log_groups(clients: Clients) -> Iterator[Leftover]:
    """Log groups with names of ours that are no newer than an hour and of no function's."""
    latest_ms = (time.time() - _IDLE_SECONDS) * 1000
    used = {
        function.get("LoggingConfig", {}).get("LogGroup", "")
        for page in clients.functions.get_paginator("list_functions").paginate()
        for function in page.get("Functions", [])
    }
    for page in clients.logs.get_paginator("describe_log_groups").paginate():
        for group in page.get("logGroups", []):
            name = group.get("logGroupName", "")
            is_idle = group.get("creationTime", 0) <= latest_ms
            if _LOG_GROUP.fullmatch(name) and name not in used and is_idle:
                yield Leftover(kind="log group", name=name)


def remove_leftover(leftover: Leftover, target: Target | None) -> None:
    """Remove one.

    Args:
        leftover: what `leftover_…` found.
        target: the account; None is enough for a folder.

    Raises:
        AutomationError: a stack is in another account; its folder is kept.
        CommandError: the engine could not destroy a stack; its folder is kept.
        ClientError: AWS does not delete a log group.
    """
    if leftover.kind == "log group" and target:
        _delete_log_group(target.clients, leftover.name)
        return
    if leftover.kind == "stack" and target:
        _destroy_stacks(Path(leftover.name), target)
    shutil.rmtree(leftover.name)


def _delete_log_group(clients: Clients, name: str) -> None:
    try:
        clients.logs.delete_log_group(logGroupName=name)
    except ClientError as error:
        # It may have gone with its stack, a moment ago.
        if error_code(error) != "ResourceNotFoundException":
            raise


def _destroy_stacks(home: Path, target: Target) -> None:
    workspace = LocalWorkspace(
        work_dir=str(home / "project"),
        pulumi_command=target.engine,
        env_vars={**target.environment, **engine_environment(target.engine, home)},
    )
    for summary in workspace.list_stacks():
        stack = Stack.select(summary.name, workspace)
        _refuse_other_account(stack, target)
        # A run that was killed has left its lock.
        stack.cancel()
        stack.destroy(remove=True)


def _refuse_other_account(stack: Stack, target: Target) -> None:
    """Elsewhere nothing of the stack is found, and the engine would forget what it can't find."""
    state = json.dumps(stack.export_stack().deployment)
    accounts = set(_ACCOUNT_IN_ARN.findall(state))
    if accounts and target.account_id not in accounts:
        raise AutomationError(
            f"it is in AWS account {', '.join(sorted(accounts))}, the credentials are of "
            f"{target.account_id}: sign in there"
        )


def _is_kept(folder: Path) -> bool:
    return (folder / KEPT_MARK).exists()


def _is_embedded(folder: Path) -> bool:
    return (folder / "lock").exists()


def _is_in_use(folder: Path) -> bool:
    """Whether a process holds the embedded AWS's lock."""
    with (folder / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _last_change_seconds(folder: Path) -> float:
    return max((path.stat().st_mtime for path in folder.rglob("*")), default=0.0)
