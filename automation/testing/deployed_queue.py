"""A handle on a deployed queue: send, wait, see what became of each message, redrive."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from automation.aws.clients import Clients
from automation.deadletters.journal import resent_ids
from automation.deadletters.masking import Disclosure, shown_attributes
from automation.deadletters.message import message_from_json
from automation.deadletters.sending_rules import check_sendable
from automation.deadletters.survey import NO_RECORD
from automation.deadletters.where import Where
from automation.errors import StillWaitingError
from automation.operations.operated import Operated, surveyed
from automation.operations.redrive import redrive_letters
from automation.operations.wish import Wish, wanted_letters
from automation.progress import Progress
from automation.proof.settling import settle
from components import limits

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

_EVERYTHING = Disclosure(body=True, personal=True)


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """A message that was given up on.

    Attributes:
        id: its message id, as `send` has returned it; also after a redrive, which gives it another.
        body: as it was sent; a test's messages are about nobody.
        attributes: text and numbers by name.
        group: message group; None in a standard queue.
        receive_count: how often SQS has handed it out, to whoever looks here too.
        reason: why it failed, from the consumer's log; None when the log says nothing of it.
    """

    id: str
    body: str = field(repr=False)
    attributes: Mapping[str, str | float]
    group: str | None
    receive_count: int
    reason: str | None


class DeployedQueue:
    """A queue of a program that runs for the time of a test.

    Attributes:
        outputs: of the stack, by name.
        queue_url, dlq_url: to send to, and where dead letters are.
        clients: boto3 clients of the test's account: `sqs`, `logs`, `functions` and so on.
    """

    def __init__(self, operated: Operated, outputs: Mapping[str, object]) -> None:
        self.outputs = outputs
        self.queue_url = operated.queue.url
        self.dlq_url = operated.dlq.url
        self.clients: Clients = operated.clients
        self._operated = operated
        # The ids of all messages that were sent by `send`, in their order.
        self._sent: list[str] = []

    def send(
        self,
        body: object,
        *,
        attributes: Mapping[str, object] | None = None,
        group: str | None = None,
    ) -> str:
        """Send one message and return its id.

        Args:
            body: text; anything else is sent as its JSON.
            attributes: text and numbers by name, or `{"type": …, "value": …}`.
            group: message group, which a FIFO queue wants.

        Raises:
            MessageFormatError: SQS would not take it, and why.
        """
        message = message_from_json({"body": body, "attributes": attributes, "group": group})
        is_fifo = limits.is_fifo(self.queue_url)
        max_bytes = self._operated.max_message_bytes(self.queue_url)
        check_sendable(message, is_fifo=is_fifo, max_bytes=max_bytes)
        number = str(len(self._sent))
        # Each is a message of its own, also when one before it was the same.
        deduplication_id = number if is_fifo else None
        entry: SendMessageBatchRequestEntryTypeDef = message.batch_entry(
            number, deduplication_id=deduplication_id
        )
        answer = self.clients.sqs.send_message_batch(QueueUrl=self.queue_url, Entries=[entry])
        for failed in answer.get("Failed", []):
            raise AssertionError(f"SQS did not take the message: {failed.get('Message')}")
        (accepted,) = answer["Successful"]
        self._sent.append(accepted["MessageId"])
        return accepted["MessageId"]

    def settled(self, *, timeout_seconds: float = 60) -> None:
        """Wait until nothing is in the queue, neither visible, delayed nor in flight.

        Args:
            timeout_seconds: how long at the most, default 60 s.

        Raises:
            StillWaitingError: something still is; the message says how much.
        """
        failure = settle(
            self.clients.sqs,
            self.queue_url,
            messages=len(self._sent),
            pace=self._operated.pace,
            timeout_seconds=timeout_seconds,
            progress=Progress(),
        )
        if failure:
            raise StillWaitingError(failure)

    def dead_letters(self) -> tuple[DeadLetter, ...]:
        """Wait until the queue is settled; return the dead letters in the order of their sending.

        Raises:
            StillWaitingError: it did not settle within 60 s.
            AssertionError: the dead-letter queue could not be read whole.
        """
        self.settled()
        with surveyed(self._operated, Progress()) as survey:
            letters = [*survey.letters()]
            if not survey.is_complete:
                raise AssertionError(f"only seen: {survey.completeness}")
        first_ids = self._first_ids()
        letters.sort(key=lambda letter: letter.message.sent_at_seconds)
        return tuple(
            DeadLetter(
                id=first_ids.get(letter.message.message_id, letter.message.message_id),
                body=letter.message.body,
                attributes=shown_attributes(letter.message, _EVERYTHING),
                group=letter.message.group,
                receive_count=letter.message.receive_count,
                reason=None if letter.reason == NO_RECORD else letter.reason,
            )
            for letter in letters
        )

    def processed(self) -> set[str]:
        """Wait until the queue is settled; return the ids of what was sent and is gone from it.

        By absence: what is in neither queue was deleted after a batch that the consumer answered
        for. Whether it has done its work, only its own effects tell.

        Raises:
            StillWaitingError, AssertionError: as of `dead_letters`.
        """
        return set(self._sent) - {letter.id for letter in self.dead_letters()}

    def redrive(self, where: str | None = None) -> int:
        """Move dead letters back to the queue; return how many were moved.

        Args:
            where: only those of which this JMESPath expression is true; None (default) for all.

        Raises:
            ExpressionError: `where` can't be used.
            AssertionError: not all that was meant was moved.
        """
        wish = Wish(
            destination_url=self.queue_url,
            where=Where(where) if where else None,
            limit=None,
            rate=None,
            canary=None,
            canary_wait_seconds=None,
            max_redrives=None,
        )
        progress = Progress()
        with wanted_letters(self._operated, wish, progress, counts_by_reason=False) as wanted:
            done = redrive_letters(self._operated, wish, wanted, progress, threading.Event())
        if not done.is_complete:
            ended = ", ".join(move.ended for move in done.moves) or "left some"
            raise AssertionError(f"the redrive is not complete: {ended}")
        return sum(move.counts.moved for move in done.moves)

    def _first_ids(self) -> dict[str, str]:
        """The ids that `send` has returned, by those that redrives have given."""
        first: dict[str, str] = {}
        resent = resent_ids(self._operated.home / "journals")
        for sent in self._sent:
            key = sent
            while key in resent:
                key = resent[key]
            first[key] = sent
        return first
