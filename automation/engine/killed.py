"""What an engine that was killed leaves beside a stack's state on this machine.

Its lock, which the next engine refuses; a file that it was writing, at which the next one fails;
and processes that it had started. All in a folder of our own: a user's backend is left alone.
"""

import contextlib
import json
import os
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import psutil


@dataclass(frozen=True, kw_only=True)
class _Lock:
    """One engine's lock on a stack, as the engine writes it (pulumi, pkg/backend/diy/lock.go)."""

    path: Path
    pid: int
    host: str

    def is_held(self, states: Path) -> bool:
        """Whether its engine is at work, as far as this machine knows.

        Its number may be another process's by now; the time in the lock doesn't tell, since clocks
        are set. The engine of a stack in a folder of ours has been told of that folder.
        """
        if self.host != socket.gethostname():
            return True
        return _works_on(self.pid, states)

    def remove(self) -> None:
        for path in (self.path, Path(f"{self.path}{_ATTRIBUTES}")):
            path.unlink(missing_ok=True)


# What the backend writes beside each file, and not at once as it does the file itself (gocloud.dev,
# blob/fileblob).
_ATTRIBUTES = ".attrs"


def is_engine_at_work(states: Path) -> bool:
    """Whether an engine of this machine has locked a stack and lives, though its run may not.

    Args:
        states: folder of the stacks' state.
    """
    return any(_works_on(lock.pid, states) for lock in _locks(states))


def release_killed(states: Path) -> bool:
    """Remove what engines that are gone have left; nothing where another is at work.

    Args:
        states: folder of the stacks' state.

    Returns:
        Whether there was the lock of one: operations that it had begun may be without an end.
    """
    locks = list(_locks(states))
    if any(lock.is_held(states) for lock in locks):
        return False
    for lock in locks:
        _end_session(lock.pid, states)
        lock.remove()
    for path in states.rglob(f"*{_ATTRIBUTES}"):
        if _read(path) is None:
            # The engine does without, and makes a new one.
            path.unlink(missing_ok=True)
    return bool(locks)


def _locks(states: Path) -> Iterator[_Lock]:
    for path in (states / ".pulumi" / "locks").rglob("*.json"):
        if content := _read(path):
            yield _Lock(path=path, pid=int(content["pid"]), host=str(content["hostname"]))


def _read(path: Path) -> dict[str, Any] | None:
    """The object in a file; None for one that was never finished, or is gone."""
    try:
        content = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return cast("dict[str, Any]", content) if isinstance(content, dict) else None


def _works_on(pid: int, states: Path) -> bool:
    with contextlib.suppress(psutil.Error):
        backend = psutil.Process(pid).environ().get("PULUMI_BACKEND_URL")
        return backend == states.resolve().as_uri()
    return False


def _end_session(engine: int, states: Path) -> None:
    """End what a dead engine had started, which would wait for it for minutes."""
    for pid in psutil.pids():
        with contextlib.suppress(OSError, psutil.Error):
            if os.getsid(pid) == engine and _works_on(pid, states):
                psutil.Process(pid).send_signal(signal.SIGKILL)
