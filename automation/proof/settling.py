"""Wait until a run's queue is settled, by counts that lag behind and are wrong by some."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from automation.aws.queue_depth import Depth, queue_depth
from automation.errors import StillWaitingError
from automation.progress import Progress
from automation.target import Pace
from automation.waiting import wait_until

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


def settle(
    sqs: "SQSClient",
    queue_url: str,
    *,
    messages: int,
    pace: Pace,
    timeout_seconds: float,
    progress: Progress,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> str | None:
    """Wait until the queue has looked empty for a while; return why not, should it not.

    The counts are approximate: they say when to take the account, never what it is.

    Args:
        sqs: client.
        queue_url: the queue that the consumer takes messages from.
        messages: how many were sent, for the bar.
        pace: how long the queue has to look empty, and how often to look.
        timeout_seconds: when to give up.
        progress: shows how far it is.
    """
    empty_since: float | None = None

    def probe() -> tuple[bool, Depth]:
        nonlocal empty_since
        depth = queue_depth(sqs, queue_url)
        progress.advance_to(max(0, messages - depth.total))
        progress.detail(str(depth))
        if depth.total:
            empty_since = None
            return False, depth
        now = clock()
        empty_since = now if empty_since is None else empty_since
        return now - empty_since >= pace.quiet_seconds, depth

    try:
        wait_until(
            "the queue is settled",
            probe,
            timeout_seconds=timeout_seconds,
            interval_seconds=pace.poll_interval_seconds,
            clock=clock,
            sleep=sleep,
        )
    except StillWaitingError as error:
        return str(error)
    return None
