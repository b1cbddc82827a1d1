"""AWS as it may be: SQS, Lambda's mapping and CloudWatch Logs on virtual time, from one seed."""

import contextlib
import random
import threading
from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Any

from tests.unkind.behaviour import MILD, Behaviour
from tests.unkind.clock import Clock
from tests.unkind.faults import Faults, Steps
from tests.unkind.ledger import Ledger
from tests.unkind.logs import Logs
from tests.unkind.mapping import Consumer, EventSourceMapping
from tests.unkind.queue import Queue, Stored, stored
from tests.unkind.schedule import Scheduler
from tests.unkind.sqs import Sqs
from tests.unkind.sqs_client import SqsClient


class World:
    """One world; the same seed and the same behaviour make the same course.

    Args:
        behaviour: how unkind it is; the kindest by default.
        seed: of everything that is left to chance.
        preempts: probability that a thread gives way where it takes a free lock, default 0.
        gives_up_after_seconds: virtual time after which whoever still waits gets an error,
            default 60 days.

    Attributes:
        time: the world's clock; `clock()` is the machine's, which is off.
        sqs: client that repeats its requests, as boto3's does.
        sender: client that never repeats one by itself.
        logs: client.
        faults: what requests meet.
        steps: where the process is killed; replace it for the next run.
        ledger: of every message.
    """

    def __init__(
        self,
        behaviour: Behaviour = MILD,
        *,
        seed: int = 0,
        preempts: float = 0.0,
        gives_up_after_seconds: float = 60 * 86_400,
    ) -> None:
        self._rng = random.Random(seed)  # noqa: S311 it protects nothing
        self._preempts = preempts
        self.behaviour = behaviour
        self.time = Clock(gives_up_after_seconds=gives_up_after_seconds)
        self.ledger = Ledger()
        self.faults = Faults(self._rng)
        self.steps = Steps()
        self.service = Sqs(self.time, self._rng, behaviour, self.ledger)
        self.sqs: Any = self.client(attempts=5)
        self.sender: Any = self.client(attempts=1)
        self.logs: Any = Logs(self.time, self._rng, behaviour, self.faults)

    def client(self, *, attempts: int) -> SqsClient:
        """Another client of SQS."""
        return SqsClient(
            self.service,
            self.time,
            self.behaviour,
            self.faults,
            lambda: self.steps,
            attempts=attempts,
        )

    @contextlib.contextmanager
    def running(self) -> Generator[None]:
        """Have threads, locks, `time` and everything that waits on virtual time in the block."""
        skew_seconds = self.behaviour.clock_skew_seconds
        scheduler = Scheduler(
            self.time, self._rng, preempts=self._preempts, skew_seconds=skew_seconds
        )
        with scheduler.running():
            yield

    def clock(self) -> float:
        """Unix time in seconds as the machine has it."""
        return self.time.now + self.behaviour.clock_skew_seconds

    def monotonic(self) -> float:
        """Seconds that pass as in the world."""
        return self.time.now

    def pause(self, seconds: float) -> None:
        """Let time pass for the calling thread."""
        self.time.wait(seconds)

    def pause_until_set(self, cancel: threading.Event) -> Callable[[float], bool]:
        """A wait as `cancel.wait` is, for an event that was made outside of the block."""

        def pause(seconds: float) -> bool:
            if not cancel.is_set():
                self.time.wait(seconds)
            return cancel.is_set()

        return pause

    def add_queue(
        self, name: str, *, dead_letters: Queue | None = None, receives: int = 3, **settings: str
    ) -> Queue:
        """Create a queue at once.

        Args:
            name: `.fifo` makes a FIFO queue.
            dead_letters: where messages go that were received too often; None for none.
            receives: how often that is.
            settings: SQS's queue attributes.
        """
        attributes = dict(settings)
        if name.endswith(".fifo"):
            attributes["FifoQueue"] = "true"
        if dead_letters:
            attributes["RedrivePolicy"] = (
                f'{{"deadLetterTargetArn": "{dead_letters.arn}", "maxReceiveCount": {receives}}}'
            )
        url = self.service.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        return self.service.queues[url]

    def put(self, queue: Queue, messages: Iterable[Stored]) -> None:
        """Have messages in a queue, without any request; the ledger knows them from now on."""
        for message in messages:
            self.ledger.seeded(message.content, message.message_id)
            self.ledger.accepted(message.content)
            queue.add(message, self.time.now)
        for watcher in self.service.watchers:
            watcher(queue)

    def letter(
        self,
        body: str,
        attributes: Mapping[str, Any] | None = None,
        *,
        message_id: str = "",
        receives: int = 3,
        age_seconds: float = 0.0,
        **system: str,
    ) -> Stored:
        """A message as it lies in a dead-letter queue.

        Args:
            body, attributes: as sent.
            message_id: SQS's; by default a new one.
            receives: how often it was received.
            age_seconds: since it was sent.
            system: `MessageGroupId`, `AWSTraceHeader`.
        """
        sent_at = self.time.now - age_seconds
        message = stored(
            message_id or self.service.new_id(),
            body,
            dict(attributes or {}),
            {"SentTimestamp": str(int(sent_at * 1000)), **system},
            sent_at,
        )
        message.receives = receives
        return message

    def before_each_receive(self, action: Callable[[], object]) -> None:
        """Have something happen whenever SQS is about to answer a receive."""
        receive = self.service.receive_message

        def answer(**request: Any) -> dict[str, Any]:
            action()
            return receive(**request)

        self.service.receive_message = answer  # type: ignore[method-assign]

    def add_mapping(self, queue: Queue, consumer: Consumer, **arguments: Any) -> EventSourceMapping:
        """Have Lambda poll a queue; see `Mapping` for the arguments."""
        return EventSourceMapping(self.service, self.time, self.logs, queue, consumer, **arguments)
