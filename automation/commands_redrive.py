"""`python -m automation dlq redrive`: bring dead letters back to where they can be processed."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
from botocore.exceptions import ClientError

from automation.answers import as_plain, counted_lines, print_json
from automation.command_options import ask, stack_options, where_option, yes_option
from automation.commands_dlq import DONE, NOT_DONE, surveyed
from automation.deadletters.canary import CanaryReport, watch_canary
from automation.deadletters.expressions import Where
from automation.deadletters.message import Message
from automation.deadletters.moving import (
    HIDDEN_SECONDS,
    Counts,
    MoveReport,
    Plan,
    move_messages,
)
from automation.deadletters.native_move import (
    MAX_MESSAGES_PER_SECOND,
    NativeReport,
    NoNativeMoveError,
    native_move,
)
from automation.errors import AutomationError
from automation.operating import Operated, cancelled_by_signals, operated_stack
from automation.progress import Progress
from automation.queue_depth import queue_depth
from automation.targets import TargetName

_DEFAULT_MAX_REDRIVES = 3
# The consumer's back-off is short; its log records may be late.
_CANARY_SECONDS_BEYOND_LOG_DELAY = 10


@dataclass(frozen=True, kw_only=True)
class _Wish:
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


@click.command()
@stack_options
@yes_option
@where_option
@click.option("--limit", type=click.IntRange(1), help="Move so many at the most.")
@click.option(
    "--rate",
    type=click.FloatRange(0.1, 100_000),
    help="Messages per second at the most.  [default: as fast as it goes]",
)
@click.option(
    "--canary",
    type=click.IntRange(1, 1_000),
    help="Move so many first and the rest only if none of them fails again.",
)
@click.option(
    "--canary-wait",
    type=click.FloatRange(0, min_open=True),
    help="How long to watch the canary at the most, in seconds.  [default: 13 local, 130 aws]",
)
@click.option(
    "--max-redrives",
    type=click.IntRange(1),
    help="Leave alone what was redriven so often.  [default: 3]",
)
@click.option("--to", "to_url", metavar="URL", help="Another queue.  [default: the stack's queue]")
@click.option("--dry-run", is_flag=True, help="Only show what would move, by reason.")
def redrive(
    *,
    stack: str,
    target: TargetName,
    home: Path,
    wants_json: bool,
    yes: bool,
    where_text: str | None,
    limit: int | None,
    rate: float | None,
    canary: int | None,
    canary_wait: float | None,
    max_redrives: int | None,
    to_url: str | None,
    dry_run: bool,
) -> int:
    """Move dead letters back to the queue, or to another one; none is lost, none is altered.

    Messages keep every attribute, their group and its order, and get the attribute redrive_count.
    A run that was killed goes on when it is started again, and names possible duplicates.
    """
    where = Where(where_text) if where_text else None
    progress = Progress()
    with operated_stack(target, stack, home=home, report=progress.say) as operated:
        wish = _Wish(
            destination_url=to_url or operated.outputs.queue_url,
            where=where,
            limit=limit,
            rate=rate,
            canary=canary,
            canary_wait_seconds=canary_wait,
            max_redrives=max_redrives,
        )
        _check_destination(operated, wish.destination_url)
        with _wanted(operated, where, progress, counts_by_reason=dry_run) as wanted:
            if dry_run:
                return _show_dry_run(operated, wish, wanted, wants_json)
            if wanted.count == 0 and not operated.has_unfinished(
                "redrive", operated.outputs.dlq_url
            ):
                return _show(operated, wish, _Done(method="none"), wants_json)
            ask(_question(operated, wish, wanted.count), yes=yes, progress=progress)
            with progress.shown(), cancelled_by_signals(progress.say) as cancel:
                done = _redrive(operated, wish, wanted, progress, cancel)
        return _show(operated, wish, done, wants_json)


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """What is to be moved: how many, by reason when that was asked, and which."""

    count: int
    by_reason: dict[str, int]
    completeness: str | None
    is_wanted: Callable[[Message], bool] | None


@contextmanager
def _wanted(
    operated: Operated, where: Where | None, progress: Progress, *, counts_by_reason: bool
) -> Generator[_Wanted]:
    if where is None and not counts_by_reason:
        depth = queue_depth(operated.clients.sqs, operated.outputs.dlq_url)
        yield _Wanted(count=depth.total, by_reason={}, completeness=None, is_wanted=None)
        return
    with surveyed(operated, progress) as survey:
        reasons = Counter(letter.reason for letter in survey.letters(where))
        yield _Wanted(
            count=sum(reasons.values()),
            by_reason=dict(reasons.most_common()),
            completeness=survey.completeness,
            is_wanted=(
                (lambda message: where.matches(message, survey.circumstances(message)))
                if where
                else None
            ),
        )


def _check_destination(operated: Operated, url: str) -> None:
    dlq_url = operated.outputs.dlq_url
    if url == dlq_url:
        raise AutomationError("--to: that is the dead-letter queue itself")
    if url.endswith(".fifo") != dlq_url.endswith(".fifo"):
        raise AutomationError(
            f"--to: {url} and the dead-letter queue {dlq_url} must both be FIFO queues, or "
            "neither: a message group and its order can't be kept otherwise"
        )
    queue_depth(operated.clients.sqs, url)


def _question(operated: Operated, wish: _Wish, count: int) -> str:
    moved = min(count, wish.limit) if wish.limit else count
    first = f", {wish.canary} of them first" if wish.canary else ""
    return (
        f"Redrive about {moved} messages of {operated.outputs.dlq_name} to "
        f"{wish.destination_url}{first}?"
    )


@dataclass(frozen=True, kw_only=True)
class _Done:
    """What happened: by which method, and its report."""

    method: str
    moves: tuple[MoveReport, ...] = ()
    native: NativeReport | None = None
    canary: CanaryReport | None = None

    @property
    def is_complete(self) -> bool:
        if self.native:
            return self.native.status == "COMPLETED"
        is_well = self.canary is None or self.canary.is_well
        return is_well and all(
            move.ended in ("empty", "limit")
            and not (move.counts.failed or move.counts.returned or move.not_deleted)
            for move in self.moves
        )


def _redrive(
    operated: Operated,
    wish: _Wish,
    wanted: _Wanted,
    progress: Progress,
    cancel: threading.Event,
) -> _Done:
    if wish.canary:
        return _with_canary(operated, wish, wanted, progress, cancel, wish.canary)
    # SQS's own redrive knows nothing of what a killed run of ours has sent already.
    may_be_native = not operated.has_unfinished("redrive", operated.outputs.dlq_url)
    with progress.step("redrive", total=wanted.count):
        if wish.suits_native and may_be_native:
            try:
                return _Done(method="native", native=_native(operated, wish, progress, cancel))
            except NoNativeMoveError as error:
                progress.say(f"{error}: moving the messages one by one instead")
        move = _move(operated, wish, wanted, progress, cancel, limit=wish.limit)
    return _Done(method="own", moves=(move,))


def _native(
    operated: Operated, wish: _Wish, progress: Progress, cancel: threading.Event
) -> NativeReport:
    return native_move(
        operated.clients.sqs,
        source_arn=operated.outputs.dlq_arn,
        destination_arn=_queue_arn(operated, wish.destination_url),
        messages_per_second=int(wish.rate) if wish.rate else None,
        cancel=cancel,
        interval_seconds=operated.pace.poll_interval_seconds,
        on_progress=lambda moved, _: progress.advance_to(moved),
    )


def _queue_arn(operated: Operated, url: str) -> str:
    answer = operated.clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return answer["Attributes"]["QueueArn"]


def _with_canary(
    operated: Operated,
    wish: _Wish,
    wanted: _Wanted,
    progress: Progress,
    cancel: threading.Event,
    canary: int,
) -> _Done:
    began_seconds = time.time()
    first = min(canary, wish.limit) if wish.limit else canary
    with progress.step("canary"):
        move = _move(operated, wish, wanted, progress, cancel, limit=first)
        report = watch_canary(
            operated.clients.sqs,
            operated.clients.logs,
            move.moved,
            dlq_url=operated.outputs.dlq_url,
            log_group=operated.outputs.consumer_log_group_name,
            began_seconds=began_seconds,
            timeout_seconds=wish.canary_wait_seconds
            or operated.pace.log_delay_seconds + _CANARY_SECONDS_BEYOND_LOG_DELAY,
            interval_seconds=operated.pace.poll_interval_seconds,
            wait_seconds=operated.pace.receive_wait_seconds,
            connections=operated.connections,
            cancel=cancel,
        )
    progress.say(f"canary: {report}")
    left = None if wish.limit is None else wish.limit - move.counts.moved
    is_over = move.ended != "limit" or left == 0 or cancel.is_set()
    if not report.is_well or is_over:
        return _Done(method="own", moves=(move,), canary=report)
    with progress.step("redrive", total=wanted.count):
        rest = _move(operated, wish, wanted, progress, cancel, limit=left)
    return _Done(method="own", moves=(move, rest), canary=report)


def _move(
    operated: Operated,
    wish: _Wish,
    wanted: _Wanted,
    progress: Progress,
    cancel: threading.Event,
    *,
    limit: int | None,
) -> MoveReport:
    dlq_url = operated.outputs.dlq_url
    plan = Plan(
        source_url=dlq_url,
        destination_url=wish.destination_url,
        wants=wanted.is_wanted,
        limit=limit,
        messages_per_second=wish.rate,
        max_redrives=wish.max_redrives or _DEFAULT_MAX_REDRIVES,
        connections=operated.connections,
        wait_seconds=operated.pace.receive_wait_seconds,
    )

    def show(counts: Counts) -> None:
        progress.advance_to(counts.moved)
        progress.detail(f"{counts.moved} moved")

    with operated.journal("redrive", dlq_url) as journal:
        if journal.is_continued:
            progress.say(
                f"going on with what an earlier run has left in {journal.path}; what it had "
                f"received is visible again after {HIDDEN_SECONDS} s at the latest"
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
        except ClientError:
            progress.say(f"run the same command again to go on: {journal.path} knows how far")
            raise


def _show_dry_run(operated: Operated, wish: _Wish, wanted: _Wanted, wants_json: bool) -> int:
    if wants_json:
        print_json(
            {
                "dry_run": True,
                "queue": operated.outputs.dlq_name,
                "destination": wish.destination_url,
                "would_move": wanted.count,
                "by_reason": wanted.by_reason,
                "looked_at": wanted.completeness,
            }
        )
        return DONE
    click.echo(f"would move {wanted.count} messages to {wish.destination_url}")
    for line in counted_lines("by reason", wanted.by_reason):
        click.echo(line)
    click.echo(f"looked at {wanted.completeness}")
    return DONE


def _show(operated: Operated, wish: _Wish, done: _Done, wants_json: bool) -> int:
    left = queue_depth(operated.clients.sqs, operated.outputs.dlq_url)
    answer = _answer(operated, wish, done) | {"left": left.total}
    if wants_json:
        print_json(answer)
    else:
        for line in _lines(answer, done):
            click.echo(line)
    return DONE if done.is_complete else NOT_DONE


def _answer(operated: Operated, wish: _Wish, done: _Done) -> dict[str, object]:
    last = done.moves[-1] if done.moves else None
    counts: Counter[str] = Counter()
    for move in done.moves:
        # What a pass leaves alone the next one meets again; only what it moves adds up.
        counts.update(moved=move.counts.moved, uncounted=move.counts.uncounted)
        counts.update(deleted_only=move.counts.deleted_only, returned=move.counts.returned)
    return {
        "queue": operated.outputs.dlq_name,
        "destination": wish.destination_url,
        "method": done.method,
        "moved": done.native.moved if done.native else counts["moved"],
        "deleted_only": counts["deleted_only"],
        "uncounted": counts["uncounted"],
        "returned": counts["returned"],
        "skipped": last.counts.skipped if last else 0,
        "replayed": last.counts.replayed if last else 0,
        "failed": last.counts.failed if last else 0,
        "failures": dict(last.failures) if last else {},
        "possible_duplicates": sorted({i for move in done.moves for i in move.possible_duplicates}),
        "not_deleted": list(last.not_deleted) if last else [],
        "ended": _ending(done),
        "explanation": done.native.failure if done.native else last and last.explanation,
        "canary": as_plain(done.canary) if done.canary else None,
        "continued": bool(done.moves and done.moves[0].continued),
        "journal": str(last.journal) if last and last.journal else None,
        "seconds": round(sum(move.seconds for move in done.moves), 2),
    }


def _ending(done: _Done) -> str:
    if done.native:
        return done.native.status.lower()
    if done.canary and not done.canary.is_well:
        return "canary"
    return done.moves[-1].ended if done.moves else "empty"


_COUNT_WORDS = {
    "deleted_only": "sent by an earlier run already, now deleted from the dead-letter queue",
    "skipped": "not meant by --where",
    "replayed": "left alone: redriven too often already (--max-redrives)",
    "returned": "came back while this ran: the cause is not mended",
    "failed": "not taken by SQS",
    "uncounted": "moved without a redrive_count, for which they have no room",
}
_ENDING_WORDS = {
    "canary": "stopped: the canary failed again; the rest was not touched",
    "interrupted": "interrupted; run the same command again to go on",
    "refilling": "stopped: it comes back as fast as it goes",
    "refused": "stopped: SQS takes nothing",
    "cancelled": "cancelled",
    "failed": "failed",
}


def _lines(answer: dict[str, object], done: _Done) -> list[str]:
    how = " by StartMessageMoveTask" if done.native else ""
    lines = [f"{answer['moved']} messages moved to {answer['destination']}{how}"]
    lines += [f"{answer[key]} {words}" for key, words in _COUNT_WORDS.items() if answer[key]]
    if done.moves:
        lines += [f"  {key}: {words}" for key, words in done.moves[-1].failures.items()]
        lines += [f"sent, but still here: {key}" for key in done.moves[-1].not_deleted]
    lines += [
        f"possible duplicate: {key}" for move in done.moves for key in move.possible_duplicates
    ]
    if words := _ENDING_WORDS.get(str(answer["ended"])):
        lines.append(f"{words}{': ' if answer['explanation'] else ''}{answer['explanation'] or ''}")
    lines.append(f"left in {answer['queue']}: about {answer['left']}")
    return lines
