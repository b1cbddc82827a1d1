"""Look at dead letters: what they are, why they failed, how long they have left."""

import heapq
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from automation.aws.consumer_log import CLOCK_DIFFERENCE_SECONDS
from automation.aws.queue_depth import queue_depth
from automation.deadletters.disk_map import DiskMap
from automation.deadletters.looking_up import MOST_LOOKED_UP
from automation.deadletters.message import Message, message_from_json, message_to_json
from automation.deadletters.reading import QueueReading
from automation.deadletters.reason_expression import ReasonExpression
from automation.deadletters.reasons import Failure, Failures
from automation.deadletters.receiving import hiding_seconds
from automation.deadletters.verdicts import Sureness
from automation.deadletters.where import Circumstances, Where
from automation.errors import AutomationError
from components import limits

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sqs import SQSClient

NO_RECORD = "not in the consumer's log"
"""The reason of a message of which the log says nothing: no try was logged, or it is forgotten."""


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A dead letter and what is known of it.

    Attributes:
        message: all of it.
        failure: why it failed; None when the log says nothing.
        age_seconds: since it was first sent.
        expires_in_seconds: until the dead-letter queue forgets it.
    """

    message: Message
    failure: Failure | None
    age_seconds: float
    expires_in_seconds: float

    @property
    def reason(self) -> str:
        """Why it failed, in words."""
        return self.failure.reason if self.failure else NO_RECORD


class Survey:
    """Every dead letter that could be seen, on disk: nameless files that go when it is closed.

    Attributes:
        seen: how many distinct messages were seen.
        expected: how many SQS said there are, just before; approximate.
        is_complete: the queue was read to its end; of a FIFO queue, where some can hide behind
            others, as many were seen as expected.
        retention_seconds: of the dead-letter queue.
        not_looked_up: letters without a reason that were not looked for one by one.
    """

    def __init__(
        self, *, expected: int, retention_seconds: int, is_fifo: bool, now_seconds: float
    ) -> None:
        self.expected = expected
        self.retention_seconds = retention_seconds
        self.not_looked_up = 0
        self._is_fifo = is_fifo
        self._now_seconds = now_seconds
        self._messages = DiskMap()
        self.failures = Failures(self._messages.__contains__)
        self.oldest_seconds = now_seconds
        self.was_read_whole = False

    def close(self) -> None:
        """Free the disk."""
        self._messages.close()
        self.failures.close()

    def add(self, message: Message) -> None:
        """Take in one message."""
        self._messages.add(message.message_id, json.dumps(message_to_json(message)))
        self.oldest_seconds = min(self.oldest_seconds, message.sent_at_seconds)

    def explain(
        self,
        logs: "CloudWatchLogsClient",
        log_groups: Sequence[str],
        expression: ReasonExpression | None,
    ) -> None:
        """Read in the consumers' logs why the messages failed."""
        # Clocks differ a little; a message can't have failed before it was sent.
        since_ms = int((self.oldest_seconds - CLOCK_DIFFERENCE_SECONDS) * 1000)
        self.failures.load(logs, log_groups, since_ms=since_ms, expression=expression)
        unexplained = 0
        newest: list[tuple[float, str]] = []
        for letter in self.letters():
            if letter.failure is None or letter.failure.sureness is Sureness.UNNAMED:
                unexplained += 1
                # The log forgets too: what is new is likelier to be in it.
                message = letter.message
                heapq.heappush(newest, (message.sent_at_seconds, message.message_id))
                if len(newest) > MOST_LOOKED_UP:
                    heapq.heappop(newest)
        if newest:
            ids = [message_id for _, message_id in sorted(newest, reverse=True)]
            asked = self.failures.look_up(logs, log_groups, ids, since_ms=since_ms)
            self.not_looked_up = unexplained - asked

    def looked_up(
        self, letter: Letter, logs: "CloudWatchLogsClient", log_groups: Sequence[str]
    ) -> Letter:
        """The same letter, after a look for it alone where no record says why it failed."""
        if letter.failure and letter.failure.sureness is not Sureness.UNNAMED:
            return letter
        message_id = letter.message.message_id
        since_ms = int((letter.message.sent_at_seconds - CLOCK_DIFFERENCE_SECONDS) * 1000)
        self.failures.look_up(logs, log_groups, [message_id], since_ms=since_ms)
        return self.find(message_id) or letter

    @property
    def seen(self) -> int:
        return len(self._messages)

    @property
    def is_complete(self) -> bool:
        return self.was_read_whole and (not self._is_fifo or self.seen >= self.expected)

    @property
    def completeness(self) -> str:
        """The same in words."""
        if self.is_complete:
            return f"all {self.seen} messages"
        words = f"{self.seen} of about {self.expected} messages"
        if self._is_fifo:
            # SQS hands out no message of a group while ones before it are out.
            words += "; a FIFO queue shows at most ten of each group, the others come after them"
        return words

    def letters(self, where: Where | None = None) -> Iterator[Letter]:
        """Yield each dead letter that `where` is true of; None (default) for all."""
        for _, text in self._messages.items():
            letter = self._letter(message_from_json(json.loads(text)))
            if where is None or where.matches(letter.message, self.circumstances(letter.message)):
                yield letter

    def find(self, message_id: str) -> Letter | None:
        """One dead letter by its id."""
        text = self._messages.get(message_id)
        return None if text is None else self._letter(message_from_json(json.loads(text)))

    def circumstances(self, message: Message) -> Circumstances:
        """What an expression needs to know beyond the message."""
        failure = self._failure(message)
        return Circumstances(
            now_seconds=self._now_seconds,
            retention_seconds=self.retention_seconds,
            reason=failure.reason if failure else None,
        )

    def _letter(self, message: Message) -> Letter:
        age_seconds = self._now_seconds - message.sent_at_seconds
        return Letter(
            message=message,
            failure=self._failure(message),
            age_seconds=age_seconds,
            expires_in_seconds=self.retention_seconds - age_seconds,
        )

    def _failure(self, message: Message) -> Failure | None:
        return self.failures.of(message.message_id, message.text("run_id"), message.text("seq"))


def survey_dead_letters(
    sqs: "SQSClient",
    logs: "CloudWatchLogsClient | None",
    *,
    dlq_url: str,
    log_groups: Sequence[str],
    wait_seconds: int,
    connections: int = 8,
    limit: int | None = None,
    expression: ReasonExpression | None = None,
    on_progress: Callable[[int, int], None] = lambda _seen, _expected: None,
) -> Survey:
    """Read the dead-letter queue and the consumer's log; every message stays visible as before.

    Args:
        sqs: client.
        logs: client; None leaves the reasons out.
        dlq_url: the dead-letter queue.
        log_groups: where the consumers log.
        wait_seconds: long polling of one receive, 0 to 20 s.
        connections: how many requests to make at once, default 8.
        limit: how many messages to look at, at the most; None (default) for all.
        expression: gives the reason from records of another shape; None (default) without.
        on_progress: is told now and then how many were seen, and how many there should be.

    Raises:
        AutomationError: the queue has no retention period that could be read.
    """
    expected = queue_depth(sqs, dlq_url).total
    survey = Survey(
        expected=expected,
        retention_seconds=retention_seconds(sqs, dlq_url),
        is_fifo=limits.is_fifo(dlq_url),
        now_seconds=time.time(),
    )
    try:
        reading = QueueReading(
            sqs,
            dlq_url,
            wait_seconds=wait_seconds,
            hidden_seconds=hiding_seconds(expected),
            connections=connections,
            limit=limit,
        )
        for number, message in enumerate(reading, 1):
            survey.add(message)
            if number % 100 == 0:
                on_progress(number, expected)
        survey.was_read_whole = reading.is_whole
        if logs and survey.seen:
            survey.explain(logs, log_groups, expression)
    except BaseException:
        survey.close()
        raise
    return survey


def retention_seconds(sqs: "SQSClient", queue_url: str) -> int:
    """How long a queue keeps a message."""
    name = "MessageRetentionPeriod"
    attributes = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=[name])
    value = attributes.get("Attributes", {}).get(name)
    if value is None:
        raise AutomationError(f"SQS does not say how long {queue_url} keeps a message")
    return int(value)
