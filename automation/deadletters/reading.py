"""Read a whole dead-letter queue and leave every message visible as before."""

import contextlib
import math
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from automation.deadletters.message import MAX_BATCH_ENTRIES, Message
from automation.deadletters.receiving import EmptyTwice, Received, Sweep
from automation.waiting import steady_seconds

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class QueueReading:
    """Every message of a queue, each once; iterate over it once, or close what that returns.

    All messages are visible again when the iteration has ended, or is closed. A FIFO queue hands
    out no message of a group while ones before it are out, so of each group it shows ten at most.

    Args:
        sqs: client; it needs as many connections.
        queue_url: the queue.
        wait_seconds: long polling of one receive, 0 to 20 s.
        hidden_seconds: how long a message is hidden should this process be killed meanwhile,
            default 120 s; longer when the reading takes longer.
        connections: how many requests to make at once, default 1.
        limit: how many messages to yield at the most; None (default) for all.
        clock: seconds.

    Attributes:
        is_whole: the queue was read to its end, and nothing that could be received was missed.
    """

    def __init__(
        self,
        sqs: "SQSClient",
        queue_url: str,
        *,
        wait_seconds: int,
        hidden_seconds: int = 120,
        connections: int = 1,
        limit: int | None = None,
        clock: Callable[[], float] = steady_seconds,
    ) -> None:
        self.is_whole = False
        self._connections = connections
        self._left = math.inf if limit is None else limit
        self._sweep = Sweep(
            sqs,
            queue_url,
            wait_seconds=wait_seconds,
            hidden_seconds=hidden_seconds,
            connections=connections,
            clock=clock,
        )

    @property
    def unseen_seconds(self) -> float:
        """How long messages may still be hidden that nobody has seen: an answer got lost."""
        return self._sweep.unseen_seconds

    def __iter__(self) -> Generator[Message]:
        with contextlib.closing(self._sweep):
            try:
                # It ends before all is given back: what it still receives is given back too.
                with ThreadPoolExecutor(self._connections, thread_name_prefix="reader") as pool:
                    yield from self._messages(pool)
            finally:
                self._sweep.give_back()

    def _messages(self, pool: ThreadPoolExecutor) -> Iterator[Message]:
        end, has_shown = EmptyTwice(), False
        last: Sequence[Message] = ()
        while self._left > 0:
            received = self._receive_several(pool)
            new = self._distinct([m for answer in received for m in answer.messages])
            last = new or last
            is_empty = all(answer.is_empty for answer in received)
            if end.is_reached(is_empty=is_empty):
                self.is_whole = self._sweep.is_whole and not self._sweep.hides_unseen
                return
            if is_empty and not has_shown:
                has_shown = True
                self._sweep.show(last[:MAX_BATCH_ENTRIES])
            yield from new[: int(min(self._left, len(new)))]
            self._left -= len(new)

    def _receive_several(self, pool: ThreadPoolExecutor) -> list[Received]:
        requests = min(self._connections, math.ceil(min(self._left, 1_000_000) / MAX_BATCH_ENTRIES))
        wanted = min(MAX_BATCH_ENTRIES, math.ceil(min(self._left, 1_000_000) / requests))
        return list(pool.map(self._receive, [wanted] * requests))

    def _receive(self, wanted: int) -> Received:
        received = self._sweep.receive(wanted)
        self._sweep.hold(received.messages)
        return received

    @staticmethod
    def _distinct(messages: Sequence[Message]) -> list[Message]:
        """Two requests at once may bring the same message."""
        return list({message.message_id: message for message in messages}.values())


def read_messages(
    sqs: "SQSClient",
    queue_url: str,
    *,
    wait_seconds: int,
    hidden_seconds: int = 120,
    connections: int = 1,
    limit: int | None = None,
) -> Generator[Message]:
    """Yield each message once; see `QueueReading`, which also says whether that was all."""
    return iter(
        QueueReading(
            sqs,
            queue_url,
            wait_seconds=wait_seconds,
            hidden_seconds=hidden_seconds,
            connections=connections,
            limit=limit,
        )
    )
