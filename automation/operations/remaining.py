"""Whether a dead letter is left when a redrive has come to its end."""

from collections.abc import Callable

from automation.aws.queue_depth import Depth, queue_depth
from automation.deadletters.reading import QueueReading
from automation.errors import StillWaitingError
from automation.operations.deployed import Operated
from automation.progress import Progress
from automation.waiting import wait_until


def is_letter_left(operated: Operated, progress: Progress) -> bool:
    """Look after SQS's own: a task may have moved nothing, and passes by what is hidden.

    Args:
        operated: the stack.
        progress: is told of what stays hidden.
    """
    reading = QueueReading(
        operated.clients.sqs,
        operated.outputs.dlq_url,
        wait_seconds=operated.pace.receive_wait_seconds,
        limit=1,
    )
    return any(True for _ in reading) or not _comes_to(
        "SQS counts nothing in the dead-letter queue",
        lambda depth: depth.total == 0,
        operated,
        progress,
    )


def is_letter_held(operated: Operated, progress: Progress) -> bool:
    """Look after ours, which has left what it left visible: what is hidden somebody else holds.

    Args:
        operated: the stack.
        progress: is told of it.
    """
    return not _comes_to(
        "SQS counts nothing in flight in the dead-letter queue",
        lambda depth: depth.in_flight == 0,
        operated,
        progress,
    )


def _comes_to(
    state: str, is_so: Callable[[Depth], bool], operated: Operated, progress: Progress
) -> bool:
    """Whether SQS's counts, which are late, come to a state; they don't prove that it is so."""

    def probe() -> tuple[bool, Depth]:
        depth = queue_depth(operated.clients.sqs, operated.outputs.dlq_url)
        return is_so(depth), depth

    try:
        wait_until(
            state,
            probe,
            timeout_seconds=operated.pace.quiet_seconds,
            interval_seconds=operated.pace.poll_interval_seconds,
        )
    except StillWaitingError as error:
        progress.say(f"{error}: run the command again when it is visible")
        return False
    return True
