"""`python -m automation dlq redrive`: bring dead letters back to where they can be processed."""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import click

from automation.aws.queue_depth import queue_depth
from automation.commands.options import (
    ask,
    queue_options,
    reason_option,
    where_option,
    yes_option,
)
from automation.commands.output import (
    DONE,
    NOT_DONE,
    as_plain,
    counted_lines,
    print_json,
    print_line,
)
from automation.deadletters.reason_expression import ReasonExpression
from automation.deadletters.where import Where
from automation.interrupts import cancelled_by_signals
from automation.operations.operated import Operated, Selection, operated_queue
from automation.operations.redrive import Done, nothing_to_move, redrive_letters
from automation.operations.wish import (
    Wanted,
    Wish,
    check_destination,
    destinations,
    journal_source,
    wanted_letters,
)
from automation.progress import Progress


@click.command(short_help="Move dead letters back to the queue.")
@where_option
@reason_option
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Move so many at the most.")
@click.option(
    "--rate",
    type=click.FloatRange(0.1, 100_000),
    metavar="N",
    help="Messages per second at the most.  [default: as fast as it goes]",
)
@click.option(
    "--canary",
    type=click.IntRange(1, 1_000),
    metavar="N",
    help="Move so many first and the rest only if none of them fails again.",
)
@click.option(
    "--canary-wait",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="How long to watch the canary at the most.  [default: until a message that nobody "
    "deletes would be visible again, and some seconds]",
)
@click.option(
    "--max-redrives",
    type=click.IntRange(1),
    metavar="N",
    help="Leave alone what was redriven so often.  [default: 3]",
)
@click.option(
    "--to",
    "to_text",
    metavar="QUEUE",
    help="Another queue: its name, URL or ARN.  [default: where each came from]",
)
@click.option("--dry-run", is_flag=True, help="Only show what would move, by reason.")
@yes_option()
@queue_options
def redrive(
    *,
    selection: Selection,
    wants_json: bool,
    yes: bool,
    where_text: str | None,
    reason_text: str | None,
    limit: int | None,
    rate: float | None,
    canary: int | None,
    canary_wait: float | None,
    max_redrives: int | None,
    to_text: str | None,
    dry_run: bool,
) -> int:
    """Move dead letters back to the queue, or to another one; none is lost, none is altered.

    Messages keep every attribute, their group and its order, and get the attribute redrive_count.
    A run that was killed goes on when it is started again, and names possible duplicates.
    """
    where = Where(where_text) if where_text else None
    expression = ReasonExpression(reason_text) if reason_text else None
    progress = Progress()
    with operated_queue(selection, report=progress.say) as operated:
        wishes = [
            Wish(
                destination_url=url,
                came_from=came_from,
                where=where,
                limit=limit,
                rate=rate,
                canary=canary,
                canary_wait_seconds=canary_wait,
                max_redrives=max_redrives,
                expression=expression,
            )
            for url, came_from in destinations(operated, to_text)
        ]
        for wish in wishes:
            check_destination(operated, wish.destination_url)
        shown = _carry_out(operated, wishes, progress, dry_run=dry_run, yes=yes)
    if wants_json:
        answers = [each.answer for each in shown]
        print_json(answers[0] if len(answers) == 1 else {"redrives": answers})
    else:
        for line in (line for each in shown for line in each.lines):
            print_line(line)
    return max(each.code for each in shown)


@dataclass(frozen=True, kw_only=True)
class _Shown:
    """What came of one wish: as `--json` shows it, for a person, and the exit code."""

    answer: dict[str, object]
    lines: list[str]
    code: int = DONE
    moved: int = 0
    strays: int = 0


def _carry_out(
    operated: Operated, wishes: Sequence[Wish], progress: Progress, *, dry_run: bool, yes: bool
) -> list[_Shown]:
    """One after the other; the rest is left alone once one has not come to its end."""
    shown: list[_Shown] = []
    left = wishes[0].limit
    for wish in wishes:
        rest = dataclasses.replace(wish, limit=left)
        shown.append(_shown(operated, rest, progress, dry_run=dry_run, yes=yes))
        left = None if left is None else left - shown[-1].moved
        if shown[-1].code != DONE or left == 0:
            break
    if shown[-1].strays:
        shown[-1] = _with_strays(shown[-1])
    return shown


def _shown(
    operated: Operated, wish: Wish, progress: Progress, *, dry_run: bool, yes: bool
) -> _Shown:
    """Carry out one wish, or look what it would do."""
    with wanted_letters(operated, wish, progress, counts_by_reason=dry_run) as wanted:
        if dry_run:
            return _dry_run(operated, wish, wanted)
        source = journal_source(operated, wish)
        if wanted.count == 0 and not operated.has_unfinished("redrive", source):
            done = nothing_to_move(operated, wanted, progress)
            return _redriven(operated, wish, wanted, done)
        ask(_question(operated, wish, wanted.count), yes=yes, progress=progress)
        with progress.shown(), cancelled_by_signals(progress.say) as cancel:
            done = redrive_letters(operated, wish, wanted, progress, cancel)
    return _redriven(operated, wish, wanted, done)


def _with_strays(shown: _Shown) -> _Shown:
    """What is said of letters that go back nowhere, since nobody knows where they failed."""
    words = (
        f"{shown.strays} stay: SQS does not say in which queue they failed (they were sent to the "
        "dead-letter queue itself); --to says where they go"
    )
    return dataclasses.replace(
        shown,
        answer=shown.answer | {"strays": shown.strays},
        lines=[*shown.lines, words],
        code=NOT_DONE,
    )


def _question(operated: Operated, wish: Wish, count: int) -> str:
    moved = min(count, wish.limit) if wish.limit else count
    first = f", {wish.canary} of them first" if wish.canary else ""
    return (
        f"Redrive about {moved} messages of {operated.dlq.name} to {wish.destination_url}{first}?"
    )


def _dry_run(operated: Operated, wish: Wish, wanted: Wanted) -> _Shown:
    answer: dict[str, object] = {
        "dry_run": True,
        "queue": operated.dlq.name,
        "destination": wish.destination_url,
        "would_move": wanted.count,
        "by_reason": wanted.by_reason,
        "looked_at": wanted.completeness,
    }
    lines = [
        f"would move {wanted.count} messages to {wish.destination_url}",
        *counted_lines("by reason", wanted.by_reason),
        f"looked at {wanted.completeness}",
    ]
    return _Shown(answer=answer, lines=lines, strays=wanted.strays)


def _redriven(operated: Operated, wish: Wish, wanted: Wanted, done: Done) -> _Shown:
    left = queue_depth(operated.clients.sqs, operated.dlq.url)
    answer = _answer(operated, wish, done) | {"left": left.total}
    code = DONE if done.is_complete else NOT_DONE
    moved = sum(move.counts.moved for move in done.moves)
    return _Shown(
        answer=answer, lines=_lines(answer, done), code=code, moved=moved, strays=wanted.strays
    )


def _answer(operated: Operated, wish: Wish, done: Done) -> dict[str, object]:
    last = done.moves[-1] if done.moves else None
    counts: Counter[str] = Counter()
    for move in done.moves:
        # What a pass leaves alone the next one meets again; only what it moves adds up.
        counts.update(moved=move.counts.moved, uncounted=move.counts.uncounted)
        counts.update(deleted_only=move.counts.deleted_only, returned=move.counts.returned)
    return {
        "queue": operated.dlq.name,
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


def _ending(done: Done) -> str:
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
    "crowded": "not sure that all were met",
    "unknown": "SQS does not tell how it ended",
    "refilling": "stopped: it comes back as fast as it goes",
    "refused": "stopped: SQS takes nothing",
    "cancelled": "cancelled",
    "failed": "failed",
}


def _lines(answer: dict[str, object], done: Done) -> list[str]:
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
