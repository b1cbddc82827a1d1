"""Send messages that were received elsewhere, and delete there only what SQS has accepted."""

import contextlib
import threading
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from automation.deadletters.failed_entries import attempts, receipt_ran_out
from automation.deadletters.journal import Journal
from automation.deadletters.message import MAX_BATCH_ENTRIES, Message
from automation.deadletters.send_batch import Outcome, Outgoing, cut_batches, send_batch
from components import limits

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class Transfer:
    """The one way in which a message leaves a queue here: intend, send, then delete.

    Args:
        source: client that receives and deletes; it may repeat its requests. None when the
            messages are in no queue, so that there is nothing to delete.
        source_url: where the messages are.
        sender: client that never repeats a request by itself.
        destination_url: where they go.
        journal: of the run.
        pause: waits a number of seconds, or less when the run is to end.
    """

    def __init__(
        self,
        source: "SQSClient | None",
        source_url: str,
        *,
        sender: "SQSClient",
        destination_url: str,
        journal: Journal,
        pause: Callable[[float], object],
    ) -> None:
        self._source = source
        self._source_url = source_url
        self._sender = sender
        self._destination_url = destination_url
        self._journal = journal
        self._pause = pause
        self._keeps_order = limits.is_fifo(destination_url)
        self._lock = threading.Lock()
        self._not_deleted: dict[str, None] = {}

    @property
    def not_deleted(self) -> tuple[str, ...]:
        """Ids of messages that were accepted and could not be deleted where they came from."""
        return tuple(self._not_deleted)

    def batches(self, messages: Sequence[Message]) -> list[list[Outgoing]]:
        """Cut messages into batches; in a FIFO queue they have to be sent one after the other."""
        outgoing = [
            Outgoing(message=message, deduplication_id=self._deduplication_id(message))
            for message in messages
        ]
        return list(cut_batches(outgoing, keeps_order=self._keeps_order))

    def move(self, batch: Sequence[Outgoing]) -> Outcome:
        """Move one batch; what SQS puts off or leaves unknown is tried five times.

        Returns:
            What became of each message; what is neither accepted nor refused may be tried later.

        Raises:
            ClientError, BotoCoreError: nothing more can be sent, or deleted.
        """
        result = Outcome()
        left = {outgoing.message.message_id: outgoing for outgoing in batch}
        for _ in attempts(self._pause):
            outcome = self._attempt(list(left.values()))
            result.accepted |= outcome.accepted
            result.refused |= outcome.refused
            result.put_off, result.unknown = outcome.put_off, outcome.unknown
            left = {key: left[key] for key in (*outcome.put_off, *outcome.unknown)}
            if not left:
                break
        return result

    def delete(self, messages: Sequence[Message]) -> None:
        """Delete messages where they came from; all of them have been accepted.

        Raises:
            ClientError, BotoCoreError: nothing more can be deleted.
        """
        if self._source is None:
            if messages:
                self._journal.deleted([message.message_id for message in messages])
            return
        for start in range(0, len(messages), MAX_BATCH_ENTRIES):
            batch = messages[start : start + MAX_BATCH_ENTRIES]
            left = {message.message_id: message for message in batch}
            with self._noted(left):
                for _ in attempts(self._pause):
                    if not self._delete_once(self._source, left):
                        break

    def _deduplication_id(self, message: Message) -> str | None:
        """New for each run, so that a replay isn't swallowed; the same in its continuations.

        Within five minutes (SQS Developer Guide, "Exactly-once processing") a continuation can't
        send a message of a FIFO queue twice.
        """
        return f"{self._journal.run_id}-{message.message_id}" if self._keeps_order else None

    def _attempt(self, batch: list[Outgoing]) -> Outcome:
        message_of = {outgoing.message.message_id: outgoing.message for outgoing in batch}
        self._journal.intend(message_of.keys())
        try:
            outcome = send_batch(self._sender, self._destination_url, batch)
        except (ClientError, BotoCoreError):
            self._journal.refused(message_of.keys())
            raise
        try:
            if outcome.accepted:
                self._journal.sent(outcome.accepted)
            if rejected := [*outcome.refused, *outcome.put_off]:
                self._journal.refused(rejected)
        finally:
            # Whatever happens to the journal: what was accepted must not stay here too.
            self.delete([message_of[key] for key in outcome.accepted])
        return outcome

    @contextlib.contextmanager
    def _noted(self, left: dict[str, Message]) -> Generator[None]:
        """Remember what is still in `left` when the block ends."""
        keys = list(left)
        try:
            yield
        finally:
            with self._lock:
                for key in keys:
                    self._not_deleted.pop(key, None)
                self._not_deleted.update(dict.fromkeys(left))

    def _delete_once(self, source: "SQSClient", left: dict[str, Message]) -> bool:
        """Delete what is in `left`, take it out there; return whether another try makes sense."""
        keys = list(left)
        answer = source.delete_message_batch(
            QueueUrl=self._source_url,
            Entries=[
                {"Id": str(number), "ReceiptHandle": left[key].receipt_handle}
                for number, key in enumerate(keys)
            ],
        )
        deleted = [keys[int(success["Id"])] for success in answer.get("Successful", [])]
        if deleted:
            self._journal.deleted(deleted)
        for key in deleted:
            del left[key]
        # With a receipt that ran out the message is received again, and deleted then.
        return not all(receipt_ran_out(failure) for failure in answer.get("Failed", []))
