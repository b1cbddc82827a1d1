"""Empty a dead-letter queue: into a file that can be restored, or, when told so, for good."""

import json
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from botocore.exceptions import ClientError

from automation.aws.errors import error_code
from automation.deadletters.disk_map import DiskMap
from automation.deadletters.failed_entries import ask_again, receipt_ran_out
from automation.deadletters.journal import append
from automation.deadletters.message import Message, message_to_json
from automation.deadletters.receiving import HIDDEN_SECONDS, EmptyTwice, Sweep
from automation.errors import AutomationError
from automation.private_files import make_private_folder, open_private
from automation.waiting import steady_seconds

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

# SQS API Reference, PurgeQueue: once in 60 seconds, and it takes up to 60 seconds.
_PURGE_SECONDS = 60
_PURGE_IN_PROGRESS = ("PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress")


@dataclass(frozen=True, kw_only=True)
class DrainReport:
    """What a drain did.

    Attributes:
        backed_up: distinct messages in the file.
        deleted: of these, deleted in the queue; the others come back, and are in both.
        is_whole: the queue was read to its end.
        is_interrupted: it was told to end before the queue was empty.
    """

    backed_up: int
    deleted: int
    is_whole: bool
    is_interrupted: bool


def drain_to_file(
    sqs: "SQSClient",
    queue_url: str,
    path: Path,
    *,
    wait_seconds: int,
    connections: int = 8,
    cancel: threading.Event,
    on_progress: Callable[[int], None] = lambda _: None,
    clock: Callable[[], float] = steady_seconds,
) -> DrainReport:
    """Write each message to a file, and delete it once it is on the disk; until none is left.

    Nothing is deleted that is not in the file: not what arrives meanwhile, and not when this is
    killed, which at worst leaves messages in the file and in the queue.

    Args:
        sqs: client; it needs as many connections.
        queue_url: the queue.
        path: of the file, which must not exist; one JSON object a line, readable by its owner.
        wait_seconds: long polling of one receive, 0 to 20 s.
        connections: how many requests to make at once, default 8.
        cancel: set it to end in order.
        on_progress: is told how many are in the file.
        clock: seconds.

    Raises:
        AutomationError: the file exists, or can't be written.
    """
    make_private_folder(path.parent)
    try:
        descriptor = open_private(path, os.O_WRONLY | os.O_EXCL)
    except FileExistsError as error:
        raise AutomationError(f"{path} exists: a backup never overwrites another") from error
    sweep = Sweep(
        sqs, queue_url, wait_seconds=wait_seconds, hidden_seconds=HIDDEN_SECONDS, clock=clock
    )
    try:
        with (
            os.fdopen(descriptor, "wb") as file,
            DiskMap() as written,
            DiskMap() as deleted,
            closing(sweep),
        ):
            drain = _Drain(sqs, queue_url, file, written, deleted, sweep, cancel, on_progress)
            with ThreadPoolExecutor(connections, thread_name_prefix="drain") as pool:
                workers = [pool.submit(drain.work) for _ in range(connections)]
                for worker in workers:
                    worker.result()
            return DrainReport(
                backed_up=len(written),
                deleted=len(deleted),
                is_whole=sweep.is_whole and not cancel.is_set(),
                is_interrupted=cancel.is_set(),
            )
    except OSError as error:
        raise AutomationError(
            f"{path}: {error}: what is deleted is in it, the rest is visible again after "
            f"{sweep.hidden_seconds} s; name another file"
        ) from error


class _Drain:
    def __init__(
        self,
        sqs: "SQSClient",
        queue_url: str,
        file: IO[bytes],
        written: DiskMap,
        deleted: DiskMap,
        sweep: Sweep,
        cancel: threading.Event,
        on_progress: Callable[[int], None],
    ) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self._file = file
        self._written = written
        self._deleted = deleted
        self._sweep = sweep
        self._cancel = cancel
        self._on_progress = on_progress
        self._lock = threading.Lock()
        self._has_failed = False

    def _is_ending(self) -> bool:
        return self._cancel.is_set() or self._has_failed

    def work(self) -> None:
        end = EmptyTwice()
        try:
            while not self._is_ending():
                received = self._sweep.receive()
                if received.messages:
                    if self._write(received.messages):
                        self._delete(received.messages)
                        self._on_progress(len(self._deleted))
                elif received.is_empty and self._sweep.hides_unseen:
                    if self._sweep.wait_for_unseen(self._cancel.wait, self._is_ending):
                        continue
                    return
                if end.is_reached(is_empty=received.is_empty):
                    return
        except BaseException:
            self._has_failed = True
            raise

    def _write(self, messages: Sequence[Message]) -> bool:
        """Have all of these on the disk; False when another worker could not write.

        These may be the same messages, and the kernel tells of what it could not write once.
        """
        with self._lock:
            if self._has_failed:
                return False
            # A message comes again when its deletion failed; once in the file is enough. Two
            # workers may have it at once: the second must not delete before the first has written.
            lines = [
                json.dumps(message_to_json(message)).encode() + b"\n"
                for message in messages
                if self._written.add(message.message_id)
            ]
            try:
                append(self._file, b"".join(lines), waits_for_disk=bool(lines))
            except OSError:
                self._has_failed = True
                raise
            return True

    def _delete(self, messages: Sequence[Message]) -> None:
        ask_again(self._delete_once, messages, self._cancel.wait)

    def _delete_once(self, messages: list[Message]) -> list[Message]:
        answer = self._sqs.delete_message_batch(
            QueueUrl=self._queue_url,
            Entries=[
                {"Id": str(number), "ReceiptHandle": message.receipt_handle}
                for number, message in enumerate(messages)
            ],
        )
        done = [messages[int(success["Id"])] for success in answer.get("Successful", [])]
        self._deleted.put({message.message_id: "" for message in done})
        # With a receipt that ran out the message is received again, and deleted then.
        return [
            messages[int(failure["Id"])]
            for failure in answer.get("Failed", [])
            if not receipt_ran_out(failure)
        ]


def purge_queue(
    sqs: "SQSClient",
    queue_url: str,
    *,
    cancel: threading.Event,
    report: Callable[[str], None],
    pause: Callable[[float], object] | None = None,
    clock: Callable[[], float] = steady_seconds,
) -> bool:
    """Delete everything with `PurgeQueue`, also what arrives during the next minute.

    Args:
        sqs: client.
        queue_url: the queue.
        cancel: set it to purge no more, as long as another purge is waited for.
        report: is given a line when it has to wait for a purge that runs already.
        pause: waits a number of seconds; by default until `cancel` is set, at the longest.
        clock: seconds.

    Returns:
        Whether it was purged; else it was cancelled before.

    Raises:
        AutomationError: another purge would not end.
    """
    deadline = clock() + 2 * _PURGE_SECONDS
    is_told = False
    while not cancel.is_set():
        try:
            sqs.purge_queue(QueueUrl=queue_url)
        except ClientError as error:
            if error_code(error) not in _PURGE_IN_PROGRESS:
                raise
            if clock() > deadline:
                raise AutomationError(
                    f"another purge of {queue_url} has not ended within {2 * _PURGE_SECONDS} s"
                ) from error
            if not is_told:
                is_told = True
                report("a purge ran in the last 60 seconds: waiting, SQS allows no other one")
            (pause or cancel.wait)(5)
        else:
            return True
    return False
