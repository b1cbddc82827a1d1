"""Watch a few redriven messages before the rest follows: only what is known to be well counts."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from automation.aws.consumer_log import CLOCK_DIFFERENCE_SECONDS, Identity, LogEvent, LogReader
from automation.aws.queue_depth import queue_depth
from automation.deadletters.reading import QueueReading
from automation.deadletters.receiving import hiding_seconds
from automation.waiting import steady_seconds
from components import limits

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True, kw_only=True)
class CanaryReport:
    """What became of the first messages of a redrive.

    Attributes:
        sent: how many there are.
        processed: of these, done as the consumer's log says.
        failing: failed at least once, as the log says, and are not done.
        returned: are in the dead-letter queue again.
        crashed_runs: invocations that Lambda ended, or that nobody answered for, since the first
            was sent.
        is_gone: nothing has been in the queue that they went to for longer than a message can be
            hidden there, and all of the dead-letter queue could be seen: what is not known to
            have failed has left both.
        waited_seconds: how long they were watched.
    """

    sent: int
    processed: int
    failing: int
    returned: int
    crashed_runs: int
    is_gone: bool
    waited_seconds: float

    @property
    def is_well(self) -> bool:
        """Whether every one of them is known to be done, or to have left both queues in peace."""
        if self.returned or self.failing:
            return False
        return self.processed == self.sent or (self.is_gone and not self.crashed_runs)

    @property
    def unheard(self) -> int:
        """Of how many neither success nor failure is known, in the log or in the queues."""
        return max(0, self.sent - self.processed - max(self.failing, self.returned))

    def __str__(self) -> str:
        words = (
            f"{self.sent} sent, {self.processed} processed, {self.failing} failing, "
            f"{self.returned} returned, after {self.waited_seconds:.1f} s"
        )
        if self.crashed_runs:
            words += f"; {self.crashed_runs} runs of the consumer ended without an answer"
        if self.is_well or not self.unheard:
            return words
        return words + f"; of {self.unheard} nothing is known"


@dataclass(frozen=True, kw_only=True)
class CanaryPlan:
    """What to watch, where, and how patiently.

    Attributes:
        moved: what was moved, by its new id: (run_id, seq); None when it carries none.
        destination_url: where it went.
        dlq_url: where it would come back to.
        log_groups: where the consumers log; without any the queues alone tell.
        began_seconds: Unix time at which the first was sent, for what is logged from then on.
        timeout_seconds: how long to watch at the most, from the beginning of the watch.
        visibility_timeout_seconds: the destination's: how long a failed message can be hidden.
        quiet_seconds: how long SQS's counts may lag behind.
        log_delay_seconds: how late what the consumer logs may be found.
        interval_seconds: how often to look.
        wait_seconds: long polling of one receive, 0 to 20 s.
        connections: how many requests to make at once.
    """

    moved: Mapping[str, Identity | None]
    destination_url: str
    dlq_url: str
    log_groups: Sequence[str]
    began_seconds: float
    timeout_seconds: float
    visibility_timeout_seconds: float
    quiet_seconds: float
    log_delay_seconds: float
    interval_seconds: float
    wait_seconds: int
    connections: int


def watch_canary(
    sqs: "SQSClient",
    logs: "CloudWatchLogsClient",
    plan: CanaryPlan,
    *,
    cancel: threading.Event,
    clock: Callable[[], float] = steady_seconds,
    pause: Callable[[float], object] | None = None,
) -> CanaryReport:
    """Watch until all are processed, have failed and left, or left in silence; or time is up.

    Args:
        sqs, logs: clients.
        plan: what to watch.
        cancel: set it to end the watch.
        clock: seconds.
        pause: waits a number of seconds; by default until `cancel` is set, at the longest.
    """
    began = clock()
    heard = _Heard(plan)
    empty = _EmptyFor(sqs, plan, clock)
    since_ms = int((plan.began_seconds - CLOCK_DIFFERENCE_SECONDS) * 1000)
    readers = [LogReader(logs, group, since_ms=since_ms) for group in plan.log_groups]
    while True:
        for reader in readers:
            for event in reader.new_events():
                heard.take(event)
        is_over = clock() - began >= plan.timeout_seconds
        is_decided = heard.is_complete or empty.is_long_enough(is_every_one_heard=heard.is_of_all)
        if is_decided or is_over or cancel.is_set():
            break
        (pause or cancel.wait)(plan.interval_seconds)
    returned, was_all_seen = (0, True) if heard.is_complete else _returned(sqs, plan, clock)
    return CanaryReport(
        sent=len(plan.moved),
        processed=len(heard.processed),
        failing=heard.failing,
        returned=returned,
        crashed_runs=heard.crashed_runs,
        is_gone=was_all_seen and empty.is_long_enough(is_every_one_heard=False),
        waited_seconds=clock() - began,
    )


class _Heard:
    """What the consumer's log says of the canary."""

    def __init__(self, plan: CanaryPlan) -> None:
        self._plan = plan
        self._ids = {identity: key for key, identity in plan.moved.items() if identity}
        self.processed: set[str] = set()
        self._failed: set[str] = set()
        self._crashed_requests: set[str] = set()
        self._crashes = 0

    def take(self, event: LogEvent) -> None:
        done = {self._ids.get(each.identity) for each in event.processed}
        self.processed.update(key for key in done if key)
        if event.is_failure:
            self._failed.update(event.line.named_ids & self._plan.moved.keys())
        # Clocks differ, so the log is read from before the beginning; a crash names no message.
        if event.is_ending and event.at_ms >= self._plan.began_seconds * 1000:
            if event.line.request_id:
                self._crashed_requests.add(event.line.request_id)
            else:
                self._crashes += 1

    @property
    def crashed_runs(self) -> int:
        # One may be told twice: by the runtime without its request, and by Lambda with it.
        return max(self._crashes, len(self._crashed_requests))

    @property
    def failing(self) -> int:
        return len(self._failed - self.processed)

    @property
    def is_complete(self) -> bool:
        return len(self.processed) == len(self._plan.moved)

    @property
    def is_of_all(self) -> bool:
        """Whether each was tried, as the log says: done, or failed and not known to be done yet."""
        return len(self.processed | self._failed) == len(self._plan.moved)


class _EmptyFor:
    """Since when the destination has held nothing; one look more says that it does again."""

    def __init__(self, sqs: "SQSClient", plan: CanaryPlan, clock: Callable[[], float]) -> None:
        self._sqs = sqs
        self._plan = plan
        self._clock = clock
        self._since: float | None = None

    def is_long_enough(self, *, is_every_one_heard: bool) -> bool:
        """Look; return whether nothing more is to be expected.

        Nothing was there for longer than a message can be hidden; or, where the log tells of every
        one, for as long as the counts and the log may lag behind.
        """
        if queue_depth(self._sqs, self._plan.destination_url).total:
            self._since = None
            return False
        now = self._clock()
        self._since = now if self._since is None else self._since
        plan = self._plan
        silent = plan.visibility_timeout_seconds + plan.quiet_seconds
        heard = max(plan.quiet_seconds, plan.log_delay_seconds)
        return now - self._since > (heard if is_every_one_heard else silent)


def _returned(sqs: "SQSClient", plan: CanaryPlan, clock: Callable[[], float]) -> tuple[int, bool]:
    """How many are in the dead-letter queue again, and whether all of that could be seen."""
    depth = queue_depth(sqs, plan.dlq_url)
    reading = QueueReading(
        sqs,
        plan.dlq_url,
        wait_seconds=plan.wait_seconds,
        hidden_seconds=hiding_seconds(depth.total),
        connections=plan.connections,
        clock=clock,
    )
    seen = returned = 0
    for message in reading:
        seen += 1
        # What comes back keeps the id that it was sent with.
        returned += message.message_id in plan.moved
    # Not seen is what somebody else holds; of a FIFO queue what is behind ten of its group.
    is_hidden = depth.in_flight > 0 or (limits.is_fifo(plan.dlq_url) and seen < depth.total)
    return returned, reading.is_whole and not is_hidden
