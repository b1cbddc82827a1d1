"""What a redrive is to move, and where to: the flags, and what they mean for these letters."""

from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from automation.deadletters.message import Message
from automation.deadletters.native_move import MAX_MESSAGES_PER_SECOND
from automation.deadletters.reason_expression import ReasonExpression
from automation.deadletters.receiving import HIDDEN_SECONDS, hiding_seconds
from automation.deadletters.where import Where
from automation.errors import AutomationError
from automation.operations.named_queue import queue_attribute
from automation.operations.operated import Operated, surveyed
from automation.operations.remaining import letters_counted
from automation.progress import Progress
from components import limits


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the flags ask for.

    `came_from` is the name of the queue whose dead letters alone are meant; None for any.
    """

    destination_url: str
    came_from: str | None = None
    where: Where | None
    limit: int | None
    rate: float | None
    canary: int | None
    canary_wait_seconds: float | None
    max_redrives: int | None
    expression: ReasonExpression | None = None

    @property
    def suits_native(self) -> bool:
        """SQS's own redrive has no filter, limit, canary or redrive count."""
        filters = self.where or self.limit or self.came_from
        is_plain = not (filters or self.canary or self.max_redrives)
        return is_plain and (
            self.rate is None
            or (self.rate == int(self.rate) and self.rate <= MAX_MESSAGES_PER_SECOND)
        )


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is to be moved: how many, of how many seen, by reason when that was asked, and which.

    `hidden_seconds` is how long what is to stay has to be hidden while the rest is moved. `strays`
    counts the letters of which SQS does not say that they failed in any of the source queues, where
    letters go back by that: those that were sent to the dead-letter queue itself.
    """

    count: int
    seen: int
    by_reason: dict[str, int]
    completeness: str | None
    is_wanted: Callable[[Message], bool] | None
    hidden_seconds: int = HIDDEN_SECONDS
    strays: int = 0


@contextmanager
def wanted_letters(
    operated: Operated, wish: Wish, progress: Progress, *, counts_by_reason: bool
) -> Generator[Wanted]:
    """Find out what is to be moved; reading the dead letters takes time, so only when it must be.

    Args:
        operated: the queue.
        wish: what the flags ask for.
        progress: shows the reading.
        counts_by_reason: read them also when all are wanted.
    """
    where, came_from = wish.where, wish.came_from
    if where is None and came_from is None and not counts_by_reason:
        count = letters_counted(operated)
        yield Wanted(count=count, seen=0, by_reason={}, completeness=None, is_wanted=None)
        return
    with surveyed(operated, progress, expression=wish.expression) as survey:

        def is_wanted(message: Message) -> bool:
            is_meant = where is None or where.matches(message, survey.circumstances(message))
            return is_meant and came_from in (None, message.source)

        known = {source.name for source in operated.wiring.sources}
        reasons, strays = Counter[str](), 0
        for letter in survey.letters(where):
            source = letter.message.source
            if came_from in (None, source):
                reasons[letter.reason] += 1
            elif source not in known:
                strays += 1
        yield Wanted(
            strays=strays,
            count=sum(reasons.values()),
            seen=survey.seen,
            by_reason=dict(reasons.most_common()),
            completeness=survey.completeness,
            is_wanted=is_wanted if where or came_from else None,
            hidden_seconds=hiding_seconds(survey.expected),
        )


def destinations(operated: Operated, to: str | None) -> list[tuple[str, str | None]]:
    """Where to redrive to: URLs, and of which source queue's letters (None for all).

    Args:
        operated: the queue.
        to: name, URL or ARN of another queue; None for where each letter came from.

    Raises:
        AutomationError: no such queue, or none is known.
    """
    wiring = operated.wiring
    if to:
        return [(operated.url_of(to), None)]
    if wiring.queue or not wiring.sources:
        queue = wiring.require_queue()
        is_shared = len(wiring.sources) > 1 or not wiring.are_sources_known
        return [(queue.url, queue.name if is_shared else None)]
    return [(source.url, source.name) for source in wiring.sources]


def check_destination(operated: Operated, url: str) -> None:
    """Refuse a queue that dead letters can't be moved to.

    Raises:
        AutomationError: it is the dead-letter queue itself, or of another type.
        ClientError: there is no such queue, or no right to look at it.
    """
    dlq_url = operated.dlq.url
    if limits.is_fifo(url) != limits.is_fifo(dlq_url):
        raise AutomationError(
            f"--to: {url} and the dead-letter queue {dlq_url} must both be FIFO queues, or "
            "neither: a message group and its order can't be kept otherwise"
        )
    # By its ARN: SQS takes a queue's URL in several spellings, with hosts of former times too.
    if queue_attribute(operated.account, url, "QueueArn") == operated.dlq.arn:
        raise AutomationError("--to: that is the dead-letter queue itself")


def journal_source(operated: Operated, wish: Wish) -> str:
    """What the journal of a redrive says that it moves; of each source queue's letters apart."""
    dlq_url = operated.dlq.url
    return f"{dlq_url} from {wish.came_from}" if wish.came_from else dlq_url
