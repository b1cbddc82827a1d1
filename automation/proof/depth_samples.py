"""Both queues' depths in the course of a run."""

import contextlib
import logging
import threading
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from automation.aws.queue_depth import Depth, queue_depth
from automation.target import Target
from components.outputs import StackOutputs

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class DepthSample:
    """What SQS said at one moment.

    Attributes:
        at_ms: Unix time in milliseconds.
        queue: the queue's counts.
        dlq: the dead-letter queue's counts.
    """

    at_ms: int
    queue: Depth
    dlq: Depth


@contextlib.contextmanager
def sampled_depths(target: Target, outputs: StackOutputs) -> Generator[Sequence[DepthSample]]:
    """Sample in a thread until the block ends, as often as the target's pace says, and once more.

    Yields the samples, a sequence that grows.
    """
    samples: list[DepthSample] = []
    gaps: list[BotoCoreError | ClientError] = []
    ended = threading.Event()

    def sample_until_ended() -> None:
        while True:
            is_last = ended.wait(target.pace.poll_interval_seconds)
            try:
                samples.append(_sample(target, outputs))
            except (BotoCoreError, ClientError) as error:
                # A gap in a picture is no reason to end a run.
                gaps.append(error)
            if is_last:
                return

    thread = threading.Thread(target=sample_until_ended, name="depth samples")
    thread.start()
    try:
        yield samples
    finally:
        ended.set()
        thread.join()
    if gaps:
        _log.warning("%d samples of the queues' depths are missing: %s", len(gaps), gaps[-1])


def _sample(target: Target, outputs: StackOutputs) -> DepthSample:
    return DepthSample(
        at_ms=int(time.time() * 1000),
        queue=queue_depth(target.clients.sqs, outputs.queue_url),
        dlq=queue_depth(target.clients.sqs, outputs.dlq_url),
    )
