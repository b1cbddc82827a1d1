"""Messages that were received only to be looked at, and are given back."""

import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING

from automation.deadletters.failed_entries import ask_again, receipt_ran_out
from automation.deadletters.message import MAX_BATCH_ENTRIES

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class HiddenMessages:
    """Receipts of hidden messages, on disk: the file has no name and nobody else can open it.

    Args:
        sqs: client.
        queue_url: where they were received.
        connections: how many requests to make at once when they are given back.
    """

    def __init__(self, sqs: "SQSClient", queue_url: str, *, connections: int = 1) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self._connections = connections
        self._lock = threading.Lock()
        self._file = tempfile.TemporaryFile("w+b")  # noqa: SIM115 it is ours
        self._begins_at = 0
        self._count = 0

    @property
    def count(self) -> int:
        """How many are remembered."""
        return self._count

    def hold(self, receipt_handle: str) -> None:
        """Remember a message; any thread may."""
        with self._lock:
            self._file.seek(0, 2)
            self._file.write(receipt_handle.encode() + b"\n")
            self._count += 1

    def give_back(self, limit: int | None = None) -> int:
        """Make messages visible again, the first remembered first; these are not remembered more.

        Args:
            limit: how many at the most; None (default) for all.

        Returns:
            How many.
        """
        with self._lock, ThreadPoolExecutor(self._connections) as pool:
            before, left = self._count, self._count if limit is None else min(limit, self._count)
            self._file.seek(self._begins_at)
            # A few batches at a time: the pool would take all of a large file at once.
            while batches := list(islice(self._batches(left), 4 * self._connections)):
                list(pool.map(self.show, batches))
                shown = sum(map(len, batches))
                left, self._count = left - shown, self._count - shown
                self._begins_at = self._file.tell()
            if not self._count:
                self._file.truncate(0)
                self._begins_at = 0
            return before - self._count

    def show(self, receipts: Sequence[str]) -> None:
        """Make messages visible at once, remembered or not.

        What SQS won't do, however often it is asked, is visible when its time of hiding is over.
        """
        for start in range(0, len(receipts), MAX_BATCH_ENTRIES):
            ask_again(self._show_once, receipts[start : start + MAX_BATCH_ENTRIES], time.sleep)

    def _show_once(self, receipts: list[str]) -> list[str]:
        answer = self._sqs.change_message_visibility_batch(
            QueueUrl=self._queue_url,
            Entries=[
                {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
                for number, receipt in enumerate(receipts)
            ],
        )
        # A receipt that has run out is of a message that is visible already, and what is the
        # sender's fault fails again.
        return [
            receipts[int(failure["Id"])]
            for failure in answer.get("Failed", [])
            if not (failure["SenderFault"] or receipt_ran_out(failure))
        ]

    def close(self) -> None:
        """Free the disk."""
        self._file.close()

    def _batches(self, left: int) -> Iterator[list[str]]:
        while left > 0:
            lines = [self._file.readline() for _ in range(min(left, MAX_BATCH_ENTRIES))]
            left -= len(lines)
            yield [line.decode().rstrip("\n") for line in lines]
