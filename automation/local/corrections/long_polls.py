"""Lets a mapping take a message when it appears, where the emulator looks once a second.

"Lambda uses long polling to poll a queue until it becomes active" (AWS Lambda Developer Guide,
Configuring scaling behavior for SQS event source mappings): what a back-off, a delay or a timeout
has hidden is received as soon as it is visible again.
"""

import threading
from collections.abc import Callable
from typing import Any

from automation.local.corrections.deep_queues import indexed
from automation.local.corrections.replacing import EmulatorChangedError, require, service


class Waking:
    """What the emulator's poller waits for: its own event, or the next message that appears.

    Args:
        event: is set by whoever gives the poller something to do.
        next_appearance: when that will be, infinity for never.
        clock: the time by which messages appear.
    """

    def __init__(
        self,
        event: threading.Event,
        *,
        next_appearance: Callable[[], float],
        clock: Callable[[], float],
    ) -> None:
        self.set = event.set
        self._event = event
        self._next_appearance = next_appearance
        self._clock = clock
        self._expected_at = next_appearance()

    def clear(self) -> None:
        """A pass over the mappings begins, which may miss what appears in the middle of it."""
        self._event.clear()
        self._expected_at = self._next_appearance()

    def wait(self, timeout_seconds: float) -> bool:
        """Wait no longer than the poller would; whether the event was set."""
        at = min(self._expected_at, self._next_appearance())
        return self._event.wait(min(timeout_seconds, max(0.0, at - self._clock())))


def apply() -> None:
    """Give the poller something else to wait for."""
    correct(service("lambda_svc"), service("sqs"))


def correct(functions: Any, sqs: Any) -> None:
    """The same for modules of one's own, which these are then."""
    require(sqs, _queue_by_arn="arn")
    require(functions, _iter_all_esms="", _poll_loop="")
    if not isinstance(functions._esm_wake, threading.Event):
        raise EmulatorChangedError("the emulator's mappings wait for something that is no event")

    def next_appearance() -> float:
        arns = {str(mapping.get("EventSourceArn")) for *_, mapping in functions._iter_all_esms()}
        queues = [queue for arn in arns if (queue := sqs._queue_by_arn(arn))]
        times = [indexed(sqs, queue).next_appearance() for queue in queues]
        return min((time for time in times if time is not None), default=float("inf"))

    functions._esm_wake = Waking(
        functions._esm_wake, next_appearance=next_appearance, clock=lambda: sqs.time.time()
    )
