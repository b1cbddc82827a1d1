"""Whether a dead letter is left when SQS says that its own redrive is complete."""

from automation.aws.queue_depth import Depth, queue_depth
from automation.deadletters.reading import QueueReading
from automation.errors import StillWaitingError
from automation.operations.deployed import Operated
from automation.progress import Progress
from automation.waiting import wait_until


def is_letter_left(operated: Operated, progress: Progress) -> bool:
    """Look: a task may complete without having moved anything, and passes by what is hidden.

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
    return any(True for _ in reading) or _is_hidden(operated, progress)


def _is_hidden(operated: Operated, progress: Progress) -> bool:
    """Whether SQS goes on counting what nobody can receive: somebody else holds it."""
    sqs, dlq_url = operated.clients.sqs, operated.outputs.dlq_url

    def probe() -> tuple[bool, Depth]:
        depth = queue_depth(sqs, dlq_url)
        return depth.total == 0, depth

    try:
        wait_until(
            "SQS counts nothing in the dead-letter queue",
            probe,
            # Its counts are late.
            timeout_seconds=operated.pace.quiet_seconds,
            interval_seconds=operated.pace.poll_interval_seconds,
        )
    except StillWaitingError as error:
        progress.say(f"{error}: run the command again when it is visible")
        return True
    return False
