"""Watch a few redriven messages before the rest follows: did they come back?"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from automation.aws.consumer_log import CLOCK_DIFFERENCE_SECONDS, Identity, LogReader
from automation.aws.queue_depth import queue_depth
from automation.deadletters.reading import read_messages
from automation.deadletters.receiving import hiding_seconds

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
        waited_seconds: how long they were watched.
    """

    sent: int
    processed: int
    failing: int
    returned: int
    waited_seconds: float

    @property
    def is_well(self) -> bool:
        """Whether nothing speaks against moving the rest."""
        return self.returned == 0 and self.failing == 0

    def __str__(self) -> str:
        return (
            f"{self.sent} sent, {self.processed} processed, {self.failing} failing, "
            f"{self.returned} returned, after {self.waited_seconds:.1f} s"
        )


def watch_canary(
    sqs: "SQSClient",
    logs: "CloudWatchLogsClient",
    moved: Mapping[str, Identity | None],
    *,
    dlq_url: str,
    log_group: str,
    began_seconds: float,
    timeout_seconds: float,
    interval_seconds: float,
    wait_seconds: int,
    connections: int,
    cancel: threading.Event,
    clock: Callable[[], float] = time.time,
) -> CanaryReport:
    """Watch until all are processed, or the time is over; then look into the dead-letter queue.

    Args:
        sqs, logs: clients.
        moved: what was moved, by its new id: (run_id, seq).
        dlq_url: where they would come back to.
        log_group: the consumer's.
        began_seconds: Unix time at which the first was sent.
        timeout_seconds: how long to watch.
        interval_seconds: how often to look into the log.
        wait_seconds: long polling of one receive, 0 to 20 s.
        connections: how many requests to make at once.
        cancel: set it to end the watch.
    """
    reader = LogReader(
        logs, log_group, since_ms=int((began_seconds - CLOCK_DIFFERENCE_SECONDS) * 1000)
    )
    identities = {identity for identity in moved.values() if identity}
    processed: set[Identity] = set()
    failed: set[str] = set()
    while True:
        for event in reader.new_events():
            processed.update({done.identity for done in event.processed} & identities)
            if event.is_failure:
                failed.update({str(event.record["message_id"])} & moved.keys())
        is_over = clock() - began_seconds >= timeout_seconds
        if len(processed) == len(moved) or is_over or cancel.wait(interval_seconds):
            break
    returned = 0
    if len(processed) < len(moved):
        returned = _count_returned(
            sqs, dlq_url, moved, wait_seconds=wait_seconds, connections=connections
        )
    return CanaryReport(
        sent=len(moved),
        processed=len(processed),
        failing=sum(moved[message_id] not in processed for message_id in failed),
        returned=returned,
        waited_seconds=clock() - began_seconds,
    )


def _count_returned(
    sqs: "SQSClient",
    dlq_url: str,
    moved: Mapping[str, Identity | None],
    *,
    wait_seconds: int,
    connections: int,
) -> int:
    # What comes back keeps the id that it was sent with.
    messages = read_messages(
        sqs,
        dlq_url,
        wait_seconds=wait_seconds,
        hidden_seconds=hiding_seconds(queue_depth(sqs, dlq_url).total),
        connections=connections,
    )
    return sum(message.message_id in moved for message in messages)
