"""Carry out a redrive: by SQS itself where that will do, else by our mover, with a canary first."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from automation.aws.consumer_log import Identity
from automation.deadletters.canary import CanaryPlan, CanaryReport, watch_canary
from automation.deadletters.move_plan import Counts, MoveReport, Plan
from automation.deadletters.native_move import (
    NativeReport,
    NoNativeMoveError,
    native_move,
)
from automation.deadletters.queue_to_queue import move_messages
from automation.operations.operated import Operated
from automation.operations.remaining import (
    is_letter_behind,
    is_letter_held,
    is_letter_left,
)
from automation.operations.wish import Wanted, Wish, journal_source
from automation.progress import Progress
from components import limits

if TYPE_CHECKING:
    from mypy_boto3_sqs.literals import QueueAttributeNameType

_DEFAULT_MAX_REDRIVES = 3
# The consumer's back-off is short, and so is its work.
_CANARY_SECONDS_BEYOND_THAT = 10


@dataclass(frozen=True, kw_only=True)
class Done:
    """What happened: by which method, and its report.

    `is_left` says that after SQS's own redrive there still was a message, hidden or
    not, or was one again; after ours, and where none was found to move, that somebody else holds
    one, or that one is behind others of its message group.
    """

    method: str
    moves: tuple[MoveReport, ...] = ()
    native: NativeReport | None = None
    canary: CanaryReport | None = None
    is_left: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether all that was meant is where it should be."""
        if self.native:
            return self.native.status == "COMPLETED" and not self.is_left
        is_well = self.canary is None or self.canary.is_well
        return (
            is_well
            and not self.is_left
            and all(
                move.ended in ("empty", "limit")
                and not (move.counts.failed or move.counts.returned or move.not_deleted)
                for move in self.moves
            )
        )


def nothing_to_move(operated: Operated, wanted: Wanted, progress: Progress) -> Done:
    """What to report where nothing that is wanted was found; with a filter more may be hidden."""
    is_left = wanted.is_wanted is not None and _is_unmet(operated, wanted.seen, progress)
    return Done(method="none", is_left=is_left)


def redrive_letters(
    operated: Operated,
    wish: Wish,
    wanted: Wanted,
    progress: Progress,
    cancel: threading.Event,
) -> Done:
    """Move what is wanted, in the way that suits the wish.

    Args:
        operated: the queue.
        wish: what the flags ask for.
        wanted: what is to be moved.
        progress: shows the steps.
        cancel: set it to end in order.

    Raises:
        ClientError, BotoCoreError: a queue can't be worked with; the journal knows what is left.
    """
    if wish.canary:
        return _with_canary(operated, wish, wanted, progress, cancel, wish.canary)
    # SQS's own redrive knows nothing of what a killed run of ours has sent already.
    may_be_native = not operated.has_unfinished("redrive", journal_source(operated, wish))
    with progress.step("redrive", total=wanted.count):
        if wish.suits_native and may_be_native:
            try:
                native = _native(operated, wish, progress, cancel)
                is_left = native.status == "COMPLETED" and is_letter_left(operated, progress)
                return Done(method="native", native=native, is_left=is_left)
            except NoNativeMoveError as error:
                progress.say(f"{error}: moving the messages one by one instead")
        move = _move(operated, wish, wanted, progress, cancel, limit=wish.limit)
    return Done(method="own", moves=(move,), is_left=_has_passed_by(move, operated, progress))


def _has_passed_by(move: MoveReport, operated: Operated, progress: Progress) -> bool:
    """Whether a move that met nothing more has passed by what could not be received."""
    counts = move.counts
    left_alone = counts.skipped + counts.replayed + counts.returned + counts.failed
    return move.ended == "empty" and _is_unmet(operated, left_alone, progress)


def _is_unmet(operated: Operated, left_alone: int, progress: Progress) -> bool:
    return is_letter_held(operated, progress) or is_letter_behind(
        operated, progress, left_alone=left_alone
    )


def _native(
    operated: Operated, wish: Wish, progress: Progress, cancel: threading.Event
) -> NativeReport:
    return native_move(
        operated.clients.sqs,
        source_arn=operated.dlq.arn,
        destination_arn=_queue_attribute(operated, wish.destination_url, "QueueArn"),
        messages_per_second=int(wish.rate) if wish.rate else None,
        cancel=cancel,
        interval_seconds=operated.pace.poll_interval_seconds,
        on_progress=lambda moved, _: progress.advance_to(moved),
    )


def _queue_attribute(operated: Operated, url: str, name: "QueueAttributeNameType") -> str | None:
    answer = operated.clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])
    return answer.get("Attributes", {}).get(name)


def _with_canary(
    operated: Operated,
    wish: Wish,
    wanted: Wanted,
    progress: Progress,
    cancel: threading.Event,
    canary: int,
) -> Done:
    began_seconds = time.time()
    first = min(canary, wish.limit) if wish.limit else canary
    with progress.step("canary"):
        move = _move(operated, wish, wanted, progress, cancel, limit=first)
        report = watch_canary(
            operated.clients.sqs,
            operated.clients.logs,
            _canary_plan(operated, wish, move.moved, began_seconds),
            cancel=cancel,
        )
    progress.say(f"canary: {report}")
    left = None if wish.limit is None else wish.limit - move.counts.moved
    is_over = move.ended != "limit" or left == 0 or cancel.is_set()
    if not report.is_well or is_over:
        is_left = _has_passed_by(move, operated, progress)
        return Done(method="own", moves=(move,), canary=report, is_left=is_left)
    with progress.step("redrive", total=wanted.count):
        rest = _move(operated, wish, wanted, progress, cancel, limit=left)
    is_left = _has_passed_by(rest, operated, progress)
    return Done(method="own", moves=(move, rest), canary=report, is_left=is_left)


def _canary_plan(
    operated: Operated, wish: Wish, moved: Mapping[str, Identity | None], began_seconds: float
) -> CanaryPlan:
    hidden = _queue_attribute(operated, wish.destination_url, "VisibilityTimeout")
    visibility_timeout_seconds = int(hidden or limits.VISIBILITY_TIMEOUT.maximum)
    pace = operated.pace
    return CanaryPlan(
        moved=moved,
        destination_url=wish.destination_url,
        dlq_url=operated.dlq.url,
        log_groups=operated.wiring.log_groups,
        began_seconds=began_seconds,
        # A consumer that logs nothing is judged by the queues, which takes that much longer.
        timeout_seconds=wish.canary_wait_seconds
        or pace.log_delay_seconds
        + visibility_timeout_seconds
        + pace.quiet_seconds
        + _CANARY_SECONDS_BEYOND_THAT,
        visibility_timeout_seconds=visibility_timeout_seconds,
        quiet_seconds=pace.quiet_seconds,
        log_delay_seconds=pace.log_delay_seconds,
        interval_seconds=pace.poll_interval_seconds,
        wait_seconds=pace.receive_wait_seconds,
        connections=operated.connections,
    )


def _move(
    operated: Operated,
    wish: Wish,
    wanted: Wanted,
    progress: Progress,
    cancel: threading.Event,
    *,
    limit: int | None,
) -> MoveReport:
    dlq_url = operated.dlq.url
    plan = Plan(
        source_url=dlq_url,
        destination_url=wish.destination_url,
        max_bytes=operated.max_message_bytes(wish.destination_url),
        wants=wanted.is_wanted,
        limit=limit,
        messages_per_second=wish.rate,
        max_redrives=wish.max_redrives or _DEFAULT_MAX_REDRIVES,
        connections=operated.connections,
        wait_seconds=operated.pace.receive_wait_seconds,
        hidden_seconds=wanted.hidden_seconds,
        refill_check_seconds=max(Plan.refill_check_seconds, operated.pace.quiet_seconds),
    )

    def show(counts: Counts) -> None:
        progress.advance_to(counts.moved)
        progress.detail(f"{counts.moved} moved")

    with operated.journal("redrive", journal_source(operated, wish)) as journal:
        if journal.is_continued:
            progress.say(
                f"going on with what an earlier run has left in {journal.path}; what it had "
                f"received is visible again after {journal.hidden_seconds} s at the latest"
            )
        try:
            return move_messages(
                operated.clients.sqs,
                operated.sender,
                plan,
                journal,
                cancel=cancel,
                on_progress=show,
            )
        except (BotoCoreError, ClientError, OSError):
            progress.say(f"run the same command again to go on: {journal.path} knows how far")
            raise
