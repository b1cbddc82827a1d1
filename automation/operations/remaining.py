"""Whether a dead letter is left when a redrive has come to its end."""

import time
from collections.abc import Callable

from automation.aws.queue_depth import Depth, queue_depth
from automation.deadletters.reading import QueueReading
from automation.errors import StillWaitingError
from automation.operations.operated import Operated
from automation.progress import Progress
from automation.waiting import wait_until
from components import limits


def is_letter_left(
    operated: Operated,
    progress: Progress,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Look after SQS's own: a task may have moved nothing, and passes by what is hidden.

    Args:
        operated: the stack.
        progress: is told of what stays hidden.
        clock, sleep: seconds; by default the machine's.
    """
    return _can_be_received(operated) or not _comes_to(
        "SQS counts nothing in the dead-letter queue",
        lambda depth: depth.total == 0,
        operated,
        progress,
        clock,
        sleep,
    )


def letters_counted(operated: Operated) -> int:
    """How many SQS counts; 1 where it counts none and one can be received: counts lag behind."""
    depth = queue_depth(operated.clients.sqs, operated.dlq.url)
    return depth.total or int(_can_be_received(operated))


def is_letter_held(
    operated: Operated,
    progress: Progress,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Look after ours, which has left what it left visible: what is hidden somebody else holds.

    Args:
        operated: the stack.
        progress: is told of it.
        clock, sleep: as above.
    """
    return not _comes_to(
        "SQS counts nothing in flight in the dead-letter queue",
        lambda depth: depth.in_flight == 0,
        operated,
        progress,
        clock,
        sleep,
    )


def is_letter_behind(operated: Operated, progress: Progress, *, left_alone: int) -> bool:
    """Look after ours, when nothing is in flight: in a FIFO queue a group's first hide the rest.

    Args:
        operated: the stack.
        progress: is told of it.
        left_alone: how many letters were met and left where they are.
    """
    if not left_alone or not limits.is_fifo(operated.dlq.url):
        return False
    behind = queue_depth(operated.clients.sqs, operated.dlq.url).total - left_alone
    if behind > 0:
        progress.say(
            f"about {behind} messages are behind those that were left alone in their message "
            "groups, where nobody can look at them: move or purge what is in front first"
        )
    return behind > 0


def _can_be_received(operated: Operated) -> bool:
    reading = QueueReading(
        operated.clients.sqs,
        operated.dlq.url,
        wait_seconds=operated.pace.receive_wait_seconds,
        limit=1,
    )
    return any(True for _ in reading)


def _comes_to(
    state: str,
    is_so: Callable[[Depth], bool],
    operated: Operated,
    progress: Progress,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> bool:
    """Whether SQS's counts come to a state; they don't prove that it is so.

    They lag behind: what they say at once may be of before somebody took a message.
    """
    quiet_seconds = operated.pace.quiet_seconds
    began = clock()

    def probe() -> tuple[bool, Depth]:
        # Asked for after the time was taken: so old can the answer be.
        is_late_enough = clock() - began >= quiet_seconds
        depth = queue_depth(operated.clients.sqs, operated.dlq.url)
        return is_late_enough and is_so(depth), depth

    try:
        wait_until(
            state,
            probe,
            timeout_seconds=2 * quiet_seconds,
            interval_seconds=operated.pace.poll_interval_seconds,
            clock=clock,
            sleep=sleep,
        )
    except StillWaitingError as error:
        # Where an answer takes long, the last look has begun too early.
        if probe()[0]:
            return True
        progress.say(f"{error}: run the command again when it is visible")
        return False
    return True
