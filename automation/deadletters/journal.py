"""What a run has sent and deleted, on disk, so that one killed at any point can be continued."""

import errno
import fcntl
import json
import os
import secrets
import sys
import threading
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self, cast

from automation.deadletters.disk_map import DiskMap
from automation.deadletters.receiving import HIDDEN_SECONDS
from automation.errors import AutomationError
from automation.private_files import make_private_folder, open_private

State = Literal["intended", "sent", "deleted"]
"""Of a message: about to be sent or unknown, accepted by SQS, deleted where it came from."""

_VERSION = 1


class JournalError(AutomationError):
    """The journal can't be used; the message says what to do."""


class Journal:
    """Append-only JSON lines; one process at a time; any of its threads.

    An intention is on the disk before a message is sent, so a run that comes after a kill knows
    which messages may have been sent twice. An acceptance is written before the message is
    deleted. What comes after is written without waiting for the disk: when it is lost, a message
    is reported as a possible duplicate that is none, never the other way round.

    Args:
        path: the file; created when missing, continued when it is there.
        purpose: which work it belongs to, for example "redrive"; must be the file's.
        source: where the messages come from; must be the file's.

    Attributes:
        run_id: 12 hexadecimal digits, the same for all continuations.
        is_continued: an earlier run left this journal unfinished.
        written_seconds_ago: since when that run has written no line; about 0 for a new journal. A
            clock that was set back meanwhile makes it 0.

    Raises:
        JournalError: another process uses it, or it belongs to other work.
    """

    def __init__(self, path: Path, *, purpose: str, source: str) -> None:
        make_private_folder(path.parent)
        self.path = path
        self.run_id = secrets.token_hex(6)
        self.is_continued = False
        self._hidden_seconds: int | None = None
        self._lock = threading.Lock()
        self._disk_lock = threading.Lock()
        self._disk_error: OSError | None = None
        self._lines = 0
        self._lines_on_disk = 0
        self._duplicates: dict[str, None] = {}
        # Before what has to be closed: another run may hold it.
        self._file = _locked(path, source)
        self._states = DiskMap()
        self.written_seconds_ago = max(0.0, time.time() - os.fstat(self._file.fileno()).st_mtime)
        try:
            self._take(purpose, source)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file, and leave it for a continuation."""
        self._file.close()
        self._states.close()

    def finish(self) -> None:
        """Set the file aside, under a name that holds the run's id: nothing is left to continue."""
        self.path.rename(self.path.with_name(f"{self.path.stem}.{self.run_id}.finished.jsonl"))

    @property
    def is_settled(self) -> bool:
        """Whether everything that was sent is known to be deleted where it came from."""
        return all(state in ("deleted", "") for _, state in self._states.items())

    def state(self, message_id: str) -> State | None:
        """What is known of a message; None when it was not sent, or SQS refused it."""
        state = self._states.get(message_id)
        return cast("State", state) if state else None

    def states(self, message_ids: Collection[str]) -> dict[str, State]:
        """What is known of some messages, at most ten; those are left out of which nothing is."""
        found = self._states.get_all(message_ids)
        return {key: cast("State", state) for key, state in found.items() if state}

    @property
    def possible_duplicates(self) -> tuple[str, ...]:
        """Ids of messages that were sent again though the first sending may have succeeded."""
        return tuple(self._duplicates)

    def intend(self, message_ids: Collection[str]) -> None:
        """Write, and have on the disk when this returns, that these are about to be sent."""
        with self._lock:
            # SQS may deliver a message to two workers at once, so what one finds unsent another
            # may have sent by now.
            if again := list(self.states(message_ids)):
                self._put({"event": "possible_duplicates", "ids": again})
            self._put({"event": "intended", "ids": list(message_ids)})
            lines = self._lines
        self._wait_for_disk(lines)

    def sent(self, new_ids: Mapping[str, str]) -> None:
        """Write that SQS accepted these: the id that each had, and the one that it got."""
        self._write({"event": "sent", "ids": dict(new_ids)})

    def refused(self, message_ids: Collection[str]) -> None:
        """Write that SQS did not take these."""
        self._write({"event": "refused", "ids": list(message_ids)})

    def deleted(self, message_ids: Collection[str]) -> None:
        """Write that these are deleted where they came from."""
        self._write({"event": "deleted", "ids": list(message_ids)})

    @property
    def hidden_seconds(self) -> int:
        """How long messages may have been hidden in this run or the one that it continues."""
        return HIDDEN_SECONDS if self._hidden_seconds is None else self._hidden_seconds

    def hidden(self, seconds: int) -> None:
        """Write, when it is longer than before, how long messages are hidden."""
        if self._hidden_seconds is None or seconds > self._hidden_seconds:
            self._write({"event": "hidden", "ids": [], "seconds": seconds}, waits_for_disk=True)

    def _take(self, purpose: str, source: str) -> None:
        begin = self._load()
        if begin is None:
            self._write(
                {
                    "event": "begin",
                    "version": _VERSION,
                    "run_id": self.run_id,
                    "purpose": purpose,
                    "source": source,
                    "at": int(time.time()),
                },
                waits_for_disk=True,
            )
            _sync_folder(self.path.parent)
            return
        found = begin.get("version"), begin.get("purpose"), begin.get("source")
        if found != (_VERSION, purpose, source):
            raise JournalError(
                f"{self.path} is the journal of other work: {begin.get('purpose')} of "
                f"{begin.get('source')}; finish that, or move the file away"
            )
        self.run_id, self.is_continued = str(begin["run_id"]), True

    def _load(self) -> dict[str, object] | None:
        """Read what is there, cut off a last line that a kill left unfinished."""
        begin: dict[str, object] | None = None
        end = 0
        self._file.seek(0)
        for line in self._file:
            if not line.endswith(b"\n"):
                break
            record = self._parsed(line)
            if begin is None:
                begin = record
            else:
                self._apply(record)
            end += len(line)
        self._file.truncate(end)
        return begin

    def _parsed(self, line: bytes) -> dict[str, object]:
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if not isinstance(record, dict):
            raise JournalError(
                f"{self.path} is damaged; what it says can't be trusted: compare the two queues "
                "by hand, then move it away"
            )
        return cast("dict[str, object]", record)

    def _apply(self, record: Mapping[str, object]) -> None:
        ids = cast("Collection[str]", record["ids"])
        event = record["event"]
        if event == "hidden":
            self._hidden_seconds = cast("int", record["seconds"])
        if event == "possible_duplicates":
            self._duplicates.update(dict.fromkeys(ids))
        else:
            # A refused message is as if it had never been tried.
            state = "" if event == "refused" else str(event)
            self._states.put(dict.fromkeys(ids, state))

    def _write(self, record: Mapping[str, object], *, waits_for_disk: bool = False) -> None:
        with self._lock:
            self._put(record)
            lines = self._lines
        if waits_for_disk:
            self._wait_for_disk(lines)

    def _wait_for_disk(self, lines: int) -> None:
        """Return when the first so many lines are on it; one wait does for all that are written."""
        with self._disk_lock:
            if self._lines_on_disk >= lines:
                return
            # The kernel tells of what it could not write once, and not only of this line.
            if self._disk_error:
                raise self._disk_error
            written = self._lines
            try:
                to_disk(self._file.fileno())
            except OSError as error:
                self._disk_error = error
                raise
            self._lines_on_disk = written

    def _put(self, record: Mapping[str, object]) -> None:
        append(self._file, json.dumps(record).encode() + b"\n", waits_for_disk=False)
        self._lines += 1
        if record["event"] != "begin":
            self._apply(record)


def resent_ids(folder: Path) -> dict[str, str]:
    """The id that each message got when it was sent again, as all journals of a folder say."""
    found: dict[str, str] = {}
    for path in folder.glob("*.jsonl"):
        for line in path.read_text().splitlines():
            record = cast("dict[str, object]", json.loads(line))
            if record["event"] == "sent":
                found.update(cast("dict[str, str]", record["ids"]))
    return found


def _locked(path: Path, source: str) -> IO[bytes]:
    while True:
        file = os.fdopen(open_private(path, os.O_RDWR | os.O_APPEND), "a+b")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.close()
            raise JournalError(
                f"another run is working on {source} (it holds {path}): wait for its end"
            ) from error
        if _is_still(file, path):
            return file
        # Between the opening and the lock its run has ended and set it aside.
        file.close()


def _is_still(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def append(file: IO[bytes], data: bytes, *, waits_for_disk: bool) -> None:
    """Write at the end of a file, and see to it that a kill of this process can't lose it."""
    file.write(data)
    file.flush()
    if waits_for_disk:
        to_disk(file.fileno())


def to_disk(descriptor: int) -> None:
    """Wait until the disk itself has what was written, so that a power cut can't lose it."""
    if sys.platform == "darwin":
        # fsync(2) there leaves it with the drive.
        try:
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        except OSError as error:
            # Other file systems than Apple's, those of the network for one, may know no more.
            if error.errno not in (errno.ENOTSUP, errno.ENOTTY, errno.EINVAL):
                raise
        else:
            return
    os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    """Have a new file's name on the disk too, not only its content."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        to_disk(descriptor)
    finally:
        os.close(descriptor)
