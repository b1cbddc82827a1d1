"""Read a whole dead-letter queue and leave every message visible as before."""

import contextlib
import math
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from automation.aws.errors import error_code
from automation.deadletters.disk_map import DiskMap
from automation.deadletters.hidden_messages import HiddenMessages, make_visible
from automation.deadletters.message import MAX_BATCH_ENTRIES, Message, received_message

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

# Short polling asks a part of SQS's servers, so one empty answer is no proof.
_EMPTY_RECEIVES = 2


def read_messages(
    sqs: "SQSClient",
    queue_url: str,
    *,
    wait_seconds: int,
    hidden_seconds: int = 120,
    connections: int = 1,
    limit: int | None = None,
) -> Generator[Message]:
    """Yield each message once; all are visible again when the generator has ended or is closed.

    Args:
        sqs: client; it needs as many connections.
        queue_url: the queue.
        wait_seconds: long polling of one receive, 0 to 20 s.
        hidden_seconds: how long a message is hidden should this process be killed meanwhile,
            default 120 s; also the time in which the whole queue has to be read.
        connections: how many requests to make at once, default 1.
        limit: how many messages to yield at the most; None (default) for all.
    """
    hidden = HiddenMessages(sqs, queue_url, connections=connections)
    reader = _Reader(sqs, queue_url, wait_seconds, hidden_seconds, connections, hidden)
    with contextlib.closing(hidden), contextlib.closing(reader):
        try:
            yield from reader.messages(limit)
        finally:
            hidden.give_back()


class _Reader:
    def __init__(
        self,
        sqs: "SQSClient",
        queue_url: str,
        wait_seconds: int,
        hidden_seconds: int,
        connections: int,
        hidden: HiddenMessages,
    ) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self._wait_seconds = wait_seconds
        self._hidden_seconds = hidden_seconds
        self._connections = connections
        self._hidden = hidden
        self._seen = DiskMap()
        self._pool = ThreadPoolExecutor(connections, thread_name_prefix="reader")

    def close(self) -> None:
        self._pool.shutdown()
        self._seen.close()

    def messages(self, limit: int | None) -> Iterator[Message]:
        left = math.inf if limit is None else limit
        empty_receives = 0
        is_end_near = False
        last_receipts: list[str] = []
        while left > 0 and empty_receives < _EMPTY_RECEIVES:
            received = self._receive_several(left)
            new = [message for message in received if self._seen.add(message.message_id)]
            new_receipts = [message.receipt_handle for message in new]
            self._show([m.receipt_handle for m in received if m.receipt_handle not in new_receipts])
            last_receipts = new_receipts or last_receipts
            if not is_end_near and len(received) < self._requests(left) * MAX_BATCH_ENTRIES:
                # An alarm on visible messages would see none for as long as it takes to be sure
                # of the end, and ring again afterwards: show some meanwhile.
                is_end_near = True
                self._show(last_receipts[:MAX_BATCH_ENTRIES])
            empty_receives = 0 if new else empty_receives + 1
            yield from new[: int(min(left, len(new)))]
            left -= len(new)

    def _requests(self, left: float) -> int:
        return min(self._connections, math.ceil(min(left, 1_000_000) / MAX_BATCH_ENTRIES))

    def _receive_several(self, left: float) -> list[Message]:
        requests = self._requests(left)
        wanted = min(MAX_BATCH_ENTRIES, math.ceil(min(left, 1_000_000) / requests))
        answers = self._pool.map(self._receive, [wanted] * requests)
        return [message for answer in answers for message in answer]

    def _receive(self, wanted: int) -> list[Message]:
        try:
            deliveries = self._sqs.receive_message(
                QueueUrl=self._queue_url,
                MaxNumberOfMessages=wanted,
                VisibilityTimeout=self._hidden_seconds,
                WaitTimeSeconds=self._wait_seconds,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            ).get("Messages", [])
        except ClientError as error:
            # More can't be in flight (SQS Developer Guide, "Message quotas": 120,000); what was
            # read is worth showing.
            if error_code(error) != "OverLimit":
                raise
            return []
        messages = [received_message(delivery) for delivery in deliveries]
        for message in messages:
            self._hidden.hold(message.receipt_handle)
        return messages

    def _show(self, receipts: list[str]) -> None:
        for start in range(0, len(receipts), MAX_BATCH_ENTRIES):
            make_visible(self._sqs, self._queue_url, receipts[start : start + MAX_BATCH_ENTRIES])
