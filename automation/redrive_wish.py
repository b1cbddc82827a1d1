"""What a redrive is to move, and where to: the flags, and the dead letters that they mean."""

from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from automation.deadletters.expressions import Where
from automation.deadletters.message import Message
from automation.deadletters.native_move import MAX_MESSAGES_PER_SECOND
from automation.errors import AutomationError
from automation.operating import Operated
from automation.progress import Progress
from automation.queue_depth import queue_depth
from automation.surveying import surveyed


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the flags ask for."""

    destination_url: str
    where: Where | None
    limit: int | None
    rate: float | None
    canary: int | None
    canary_wait_seconds: float | None
    max_redrives: int | None

    @property
    def suits_native(self) -> bool:
        """SQS's own redrive has no filter, limit, canary or redrive count."""
        is_plain = not (self.where or self.limit or self.canary or self.max_redrives)
        return is_plain and (
            self.rate is None
            or (self.rate == int(self.rate) and self.rate <= MAX_MESSAGES_PER_SECOND)
        )


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is to be moved: how many, by reason when that was asked, and which."""

    count: int
    by_reason: dict[str, int]
    completeness: str | None
    is_wanted: Callable[[Message], bool] | None


@contextmanager
def wanted_letters(
    operated: Operated, where: Where | None, progress: Progress, *, counts_by_reason: bool
) -> Generator[Wanted]:
    """Find out what is to be moved; reading the dead letters takes time, so only when it must be.

    Args:
        operated: the stack.
        where: None for all.
        progress: shows the reading.
        counts_by_reason: read them also when all are wanted.
    """
    if where is None and not counts_by_reason:
        depth = queue_depth(operated.clients.sqs, operated.outputs.dlq_url)
        yield Wanted(count=depth.total, by_reason={}, completeness=None, is_wanted=None)
        return
    with surveyed(operated, progress) as survey:
        reasons = Counter(letter.reason for letter in survey.letters(where))
        yield Wanted(
            count=sum(reasons.values()),
            by_reason=dict(reasons.most_common()),
            completeness=survey.completeness,
            is_wanted=(
                (lambda message: where.matches(message, survey.circumstances(message)))
                if where
                else None
            ),
        )


def check_destination(operated: Operated, url: str) -> None:
    """Refuse a queue that dead letters can't be moved to.

    Raises:
        AutomationError: it is the dead-letter queue itself, or of another type.
        ClientError: there is no such queue, or no right to look at it.
    """
    dlq_url = operated.outputs.dlq_url
    if url == dlq_url:
        raise AutomationError("--to: that is the dead-letter queue itself")
    if url.endswith(".fifo") != dlq_url.endswith(".fifo"):
        raise AutomationError(
            f"--to: {url} and the dead-letter queue {dlq_url} must both be FIFO queues, or "
            "neither: a message group and its order can't be kept otherwise"
        )
    queue_depth(operated.clients.sqs, url)
