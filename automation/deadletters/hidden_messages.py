"""Messages that were received only to be looked at, and are given back."""

import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING

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
        self._file = tempfile.TemporaryFile("w+", encoding="ascii")  # noqa: SIM115 it is ours

    def hold(self, receipt_handle: str) -> None:
        """Remember a message; any thread may."""
        with self._lock:
            self._file.write(receipt_handle + "\n")

    def give_back(self) -> None:
        """Make every one visible again; none is remembered any more."""
        with self._lock, ThreadPoolExecutor(self._connections) as pool:
            self._file.seek(0)
            # A few batches at a time: the pool would take all of a large file at once.
            while batches := list(islice(self._batches(), 4 * self._connections)):
                list(pool.map(self._make_visible, batches))
            self._file.seek(0)
            self._file.truncate()

    def close(self) -> None:
        """Free the disk."""
        self._file.close()

    def _batches(self) -> Iterator[list[str]]:
        while batch := [line.rstrip("\n") for line in islice(self._file, MAX_BATCH_ENTRIES)]:
            yield batch

    def _make_visible(self, receipts: list[str]) -> None:
        make_visible(self._sqs, self._queue_url, receipts)


def make_visible(sqs: "SQSClient", queue_url: str, receipts: list[str]) -> None:
    """Give at most ten messages back at once."""
    # A receipt that has run out is of a message that is visible already: its failure changes
    # nothing.
    sqs.change_message_visibility_batch(
        QueueUrl=queue_url,
        Entries=[
            {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
            for number, receipt in enumerate(receipts)
        ],
    )
