"""Empty a dead-letter queue: into a file that can be restored, or, when told so, for good."""

import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from botocore.exceptions import ClientError

from automation.aws.errors import error_code
from automation.deadletters.disk_map import DiskMap
from automation.deadletters.journal import append
from automation.deadletters.message import (
    MAX_BATCH_ENTRIES,
    Message,
    message_to_json,
    received_message,
)
from automation.errors import AutomationError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

# SQS API Reference, PurgeQueue: once in 60 seconds, and it takes up to 60 seconds.
_PURGE_SECONDS = 60
_HIDDEN_SECONDS = 60
_EMPTY_RECEIVES = 2
_PURGE_IN_PROGRESS = ("PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress")


@dataclass(frozen=True, kw_only=True)
class DrainReport:
    """What a drain did.

    Attributes:
        backed_up: distinct messages in the file.
        deleted: of these, deleted in the queue.
        is_interrupted: it was told to end before the queue was empty.
    """

    backed_up: int
    deleted: int
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

    Raises:
        AutomationError: the file exists.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise AutomationError(f"{path} exists: a backup never overwrites another") from error
    with os.fdopen(descriptor, "wb") as file, DiskMap() as written:
        drain = _Drain(sqs, queue_url, file, written, wait_seconds, cancel, on_progress)
        with ThreadPoolExecutor(connections, thread_name_prefix="drain") as pool:
            workers = [pool.submit(drain.work) for _ in range(connections)]
            for worker in workers:
                worker.result()
        return DrainReport(
            backed_up=len(written), deleted=drain.deleted, is_interrupted=cancel.is_set()
        )


class _Drain:
    def __init__(
        self,
        sqs: "SQSClient",
        queue_url: str,
        file: IO[bytes],
        written: DiskMap,
        wait_seconds: int,
        cancel: threading.Event,
        on_progress: Callable[[int], None],
    ) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self._file = file
        self._written = written
        self._wait_seconds = wait_seconds
        self._cancel = cancel
        self._on_progress = on_progress
        self._lock = threading.Lock()
        self._has_failed = False
        self.deleted = 0

    def work(self) -> None:
        empty_receives = 0
        try:
            while empty_receives < _EMPTY_RECEIVES and not self._cancel.is_set():
                if self._has_failed:
                    return
                messages = self._receive()
                empty_receives = 0 if messages else empty_receives + 1
                if messages:
                    self._write(messages)
                    self._delete(messages)
                    self._on_progress(self.deleted)
        except BaseException:
            self._has_failed = True
            raise

    def _receive(self) -> list[Message]:
        deliveries = self._sqs.receive_message(
            QueueUrl=self._queue_url,
            MaxNumberOfMessages=MAX_BATCH_ENTRIES,
            VisibilityTimeout=_HIDDEN_SECONDS,
            WaitTimeSeconds=self._wait_seconds,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        ).get("Messages", [])
        return [received_message(delivery) for delivery in deliveries]

    def _write(self, messages: Sequence[Message]) -> None:
        # A message comes again when its deletion failed; once in the file is enough.
        lines = [
            json.dumps(message_to_json(message)).encode() + b"\n"
            for message in messages
            if self._written.add(message.message_id)
        ]
        with self._lock:
            append(self._file, b"".join(lines), waits_for_disk=True)

    def _delete(self, messages: Sequence[Message]) -> None:
        answer = self._sqs.delete_message_batch(
            QueueUrl=self._queue_url,
            Entries=[
                {"Id": str(number), "ReceiptHandle": message.receipt_handle}
                for number, message in enumerate(messages)
            ],
        )
        with self._lock:
            self.deleted += len(answer.get("Successful", []))


def purge_queue(
    sqs: "SQSClient",
    queue_url: str,
    *,
    report: Callable[[str], None],
    pause: Callable[[float], object] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Delete everything with `PurgeQueue`, also what arrives during the next minute.

    Args:
        sqs: client.
        queue_url: the queue.
        report: is given a line when it has to wait for a purge that runs already.
        pause: waits a number of seconds.

    Raises:
        AutomationError: another purge would not end.
    """
    deadline = clock() + 2 * _PURGE_SECONDS
    is_told = False
    while True:
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
            pause(5)
        else:
            return
