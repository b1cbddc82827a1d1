"""A run on a throw-away stack, from the opening of its target to the end of its folder."""

import contextlib
import dataclasses
import fcntl
import shutil
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from automation.errors import AutomationError
from automation.installation import state_folder
from automation.interrupts import Interrupts
from automation.opening import opened_target
from automation.private_files import own_folder
from automation.progress import Progress
from automation.stacks import KEPT_MARK, RUN_MARK, keeping_commands
from automation.target import Target, TargetName

Found = TypeVar("Found")
FoundToo = TypeVar("FoundToo", covariant=True)

STATES = state_folder()
# Each running Lambda worker unpacks its code and layer, about 7 MB; ten run at once by default.
_NEEDED_BYTES = 200 * 2**20
# A state that can't be written is asked for again for half a minute, resource by resource, and what
# is made meanwhile is on no list. Ours has 150 KB, which the engine keeps several times.
_STATE_BYTES = 10 * 2**20


@dataclass(frozen=True, kw_only=True)
class ThrowawayOptions:
    """What every run on a throw-away stack can be told.

    Attributes:
        target: `local` (default) or `aws`.
        stack: its name.
        timeout_seconds: limit for the queue to settle; None (default) for the target's own.
        enforces_policies: locally, refuse what policies don't allow. Default False.
        keep: do not destroy. Default False.
        settings: the program's configuration beyond its defaults.
    """

    target: TargetName = "local"
    stack: str
    timeout_seconds: float | None = None
    enforces_policies: bool = False
    keep: bool = False
    settings: Mapping[str, object] = dataclasses.field(default_factory=dict[str, object])


@dataclass(frozen=True, kw_only=True)
class Run(Generic[Found]):
    """A stack that is there for the time of a run.

    Attributes:
        target: where.
        home: folder for what the run writes.
        found: what was read from the stack.
    """

    target: Target
    home: Path
    found: Found


class Deploy(Protocol[FoundToo]):
    """`throwaway_stack`, or another that deploys with the same arguments."""

    def __call__(
        self,
        target: Target,
        /,
        *,
        name: str,
        home: Path,
        settings: Mapping[str, object],
        interrupts: Interrupts,
        progress: Progress,
        keep: bool,
    ) -> AbstractContextManager[FoundToo]: ...


@contextlib.contextmanager
def throwaway_run(
    options: ThrowawayOptions,
    deploy: Deploy[Found],
    *,
    progress: Progress,
    interrupts: Interrupts,
    confirm: Callable[[Target], None],
) -> Generator[Run[Found]]:
    """Open the target, deploy, and destroy whatever happens in the block, unless it is to be kept.

    Args:
        options: where, and what to keep.
        deploy: the stack for the time of the block, and what is read from it.
        progress: shows the steps.
        interrupts: turns signals into an orderly end.
        confirm: is called before anything is created; raises when the user says no.

    Raises:
        AutomationError: the environment made it impossible.
        SignalledError: a signal ended it; after a second one something may be left.
    """
    with contextlib.ExitStack() as opened:
        with progress.step("ready"):
            home = opened.enter_context(_home(options))
            target = opened.enter_context(
                opened_target(
                    options.target,
                    home=home,
                    report=progress.say,
                    keeps_state=options.keep,
                    enforces_policies=options.enforces_policies,
                )
            )
        confirm(target)
        if options.keep:
            # Also of a run that failed: nobody else says what it has left.
            opened.callback(_say_what_is_kept, target, home, options.stack, progress)
        with deploy(
            target,
            name=options.stack,
            home=home,
            settings=options.settings,
            interrupts=interrupts,
            progress=progress,
            keep=options.keep,
        ) as found:
            yield Run(target=target, home=home, found=found)
            interrupts.raise_received()


def _say_what_is_kept(target: Target, home: Path, stack: str, progress: Progress) -> None:
    if not _has_stacks(home):
        return
    (home / KEPT_MARK).touch()
    for line in keeping_commands(target, home, stack):
        progress.say(line)


@contextlib.contextmanager
def _home(options: ThrowawayOptions) -> Generator[Path]:
    """The folder of a run: it goes with the run, unless something may be left to look at."""
    if options.target == "local" and not options.keep:
        with tempfile.TemporaryDirectory(prefix="reliable-queue-") as folder:
            _refuse_full_disk(Path(folder), _NEEDED_BYTES, ", or set TMPDIR to another folder")
            yield Path(folder)
        return
    # The state is the only list of what exists in a real account: no place for a temp folder.
    home = STATES / options.stack
    if home.exists():
        raise AutomationError(
            f"--stack: {options.stack!r} was kept by an earlier run, or its destruction failed; "
            f"its state is in {home}. Destroy it and remove that folder, or take another name"
        )
    own_folder(home)
    with (home / RUN_MARK).open("w") as mark:
        # The kernel ends the lock with the run, however that ends: so `cleanup` tells them apart.
        fcntl.flock(mark, fcntl.LOCK_EX)
        try:
            needed = _NEEDED_BYTES if options.target == "local" else _STATE_BYTES
            _refuse_full_disk(home, needed)
            yield home
        finally:
            if not _has_stacks(home):
                shutil.rmtree(home)


def _has_stacks(home: Path) -> bool:
    """Whether there is a stack in the state: the engine takes out one that is destroyed."""
    states = (home / "stacks" / ".pulumi" / "stacks").rglob("*")
    return any(state.name.endswith((".json", ".json.gz")) for state in states)


def _refuse_full_disk(folder: Path, needed_bytes: int, otherwise: str = "") -> None:
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes:
        raise AutomationError(
            f"the disk of {folder.parent} has {free_bytes // 2**20} MiB free, a run needs "
            f"{needed_bytes // 2**20} MiB there: make room{otherwise}"
        )
