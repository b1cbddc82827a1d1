"""What broken or kept runs have left on this machine: folders, and stacks of which they know."""

import contextlib
import fcntl
import functools
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pulumi.automation import LocalWorkspace, Stack

from automation.engine.environment import engine_environment
from automation.engine.killed import is_engine_at_work, release_killed
from automation.errors import AutomationError
from automation.installation import state_folder
from automation.stacks import KEPT_MARK, RUN_MARK
from automation.target import Target
from automation.unfinished import destroy_stack

# As runs name their temporary folders, and as runs before there was a mark named those to stay.
_TEMPORARY = "reliable-queue-*"
_RUN_BEFORE_MARKS = "e2e-*"
IDLE_SECONDS = 3600
"""A run takes minutes; what nobody has touched for so long belongs to none, as far as is known."""

_ACCOUNT_IN_ARN = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:(\d{12}):")


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """Something that no run uses any more.

    Attributes:
        kind: `folder` on this machine; `stack` in the account, with its state in a folder;
            `log group` that no function writes to; `queue` that a run made for itself.
        name: path, or name; of a queue, its URL.
        is_kept: somebody asked to keep it (`e2e --keep`), as far as that is known.
        messages: about how many are in a queue; 0 (default) for anything else.
    """

    kind: Literal["folder", "stack", "log group", "queue"]
    name: str
    is_kept: bool = False
    messages: int = 0

    def __str__(self) -> str:
        kept = ", kept on purpose" if self.is_kept else ""
        messages = f", about {self.messages} messages in it" if self.messages else ""
        return f"{self.kind}: {self.name}{kept}{messages}"


def leftover_folders(temporary: Path | None = None) -> Iterator[Leftover]:
    """Folders of embedded AWSs that no process uses: their stacks are in them and go with them.

    Args:
        temporary: where temporary folders are; default the machine's.
    """
    temporary = temporary or Path(tempfile.gettempdir())
    ours = filter(_is_of_this_user, sorted(temporary.glob(_TEMPORARY)))
    for folder in [*ours, *_runs()]:
        # One whose run ends in this moment goes away meanwhile.
        with contextlib.suppress(FileNotFoundError):
            if _is_embedded(folder) and not _is_used(folder):
                yield Leftover(kind="folder", name=str(folder), is_kept=_is_kept(folder))


def leftover_stacks() -> Iterator[Leftover]:
    """Stacks in an account whose state a run has left here."""
    for folder in _runs():
        with contextlib.suppress(FileNotFoundError):
            is_there = (folder / "stacks").is_dir() and not _is_embedded(folder)
            if is_there and not runs_still(folder):
                yield Leftover(kind="stack", name=str(folder), is_kept=_is_kept(folder))


def run_folder(stack: str) -> Path | None:
    """The folder of the run that has, or had, a stack; None when there is none here."""
    return next((folder for folder in _runs() if folder.name == stack), None)


def runs_still(folder: Path) -> bool:
    """Whether the run of a folder goes on; of one without a mark, whether it may.

    Raises:
        FileNotFoundError: it has ended in this moment, and the folder is gone.
    """
    if is_engine_at_work(folder / "stacks"):
        # Its run was killed, and it has not noticed yet.
        return True
    if (folder / RUN_MARK).exists():
        return _is_locked(folder / RUN_MARK)
    return time.time() - _last_change_seconds(folder) <= IDLE_SECONDS


def remove_from_machine(leftover: Leftover, target: Target | None) -> None:
    """Remove a folder, or a stack with its folder.

    Args:
        leftover: what `leftover_folders` or `leftover_stacks` found.
        target: the account; None is enough for a folder.

    Raises:
        AutomationError: a stack is in another account, or something is used again; the folder is
            kept.
        CommandError: the engine could not destroy a stack; its folder is kept.
    """
    folder = Path(leftover.name)
    # Somebody may have thought about the question, and another cleanup has removed it.
    with contextlib.suppress(FileNotFoundError):
        is_stack = leftover.kind == "stack"
        if runs_still(folder) if is_stack else _is_used(folder):
            raise AutomationError("it is used again")
        release_killed(folder / "stacks")
        if is_stack and target:
            _destroy_stacks(folder, target)
        shutil.rmtree(folder)


def _destroy_stacks(home: Path, target: Target) -> None:
    workspace = LocalWorkspace(
        work_dir=str(home / "project"),
        pulumi_command=target.engine,
        env_vars={**target.environment, **engine_environment(target.engine, home)},
    )
    for summary in workspace.list_stacks():
        stack = Stack.select(summary.name, workspace)
        _refuse_other_account(stack, target)
        # What is locked still, another machine has locked, and its run is over as well.
        stack.cancel()
        destroy_stack(
            stack,
            target,
            home / "stacks",
            functools.partial(_destroy, stack),
            is_unfinished=True,
        )


def _destroy(stack: Stack, forgets: bool) -> None:
    stack.destroy(remove=forgets)


def _refuse_other_account(stack: Stack, target: Target) -> None:
    """Elsewhere nothing of the stack is found, and the engine would forget what it can't find."""
    state = json.dumps(stack.export_stack().deployment)
    accounts = set(_ACCOUNT_IN_ARN.findall(state))
    if accounts and target.account_id not in accounts:
        raise AutomationError(
            f"it is in AWS account {', '.join(sorted(accounts))}, the credentials are of "
            f"{target.account_id}: sign in there"
        )


def _runs() -> list[Path]:
    """The folders of runs, among whatever else is kept between them."""
    homes = state_folder()
    marked = {mark.parent for mark in homes.glob(f"*/{RUN_MARK}") if mark.is_file()}
    return sorted(marked | set(homes.glob(_RUN_BEFORE_MARKS)))


def _is_of_this_user(folder: Path) -> bool:
    """Whether it is no other user's of this machine, into which one may not even look."""
    try:
        return folder.lstat().st_uid == os.getuid()
    except FileNotFoundError:
        return False


def _is_kept(folder: Path) -> bool:
    return (folder / KEPT_MARK).exists()


def _is_embedded(folder: Path) -> bool:
    return (folder / "lock").exists()


def _is_used(folder: Path) -> bool:
    """Whether an embedded AWS runs, or an engine that has not noticed yet that it does not."""
    return _is_locked(folder / "lock") or is_engine_at_work(folder / "stacks")


def _is_locked(path: Path) -> bool:
    """Whether a process holds a lock: the embedded AWS's, or a run's.

    Raises:
        FileNotFoundError: there is no such lock any more.
    """
    with path.open("r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _last_change_seconds(folder: Path) -> float:
    changes = (path.stat().st_mtime for path in folder.rglob("*"))
    return max(changes, default=folder.stat().st_mtime)
