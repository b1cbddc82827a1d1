"""What a redrive did or would do: one JSON object, or lines for a person, and the exit code."""

from collections import Counter

import click

from automation.answers import DONE, NOT_DONE, as_plain, counted_lines, print_json
from automation.operating import Operated
from automation.queue_depth import queue_depth
from automation.redrive_wish import Wanted, Wish
from automation.redriving import Done


def show_dry_run(operated: Operated, wish: Wish, wanted: Wanted, wants_json: bool) -> int:
    """Print what would be moved; return the exit code."""
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


def show_redrive(operated: Operated, wish: Wish, done: Done, wants_json: bool) -> int:
    """Print what was moved and what is left; return the exit code."""
    left = queue_depth(operated.clients.sqs, operated.outputs.dlq_url)
    answer = _answer(operated, wish, done) | {"left": left.total}
    if wants_json:
        print_json(answer)
    else:
        for line in _lines(answer, done):
            click.echo(line)
    return DONE if done.is_complete else NOT_DONE


def _answer(operated: Operated, wish: Wish, done: Done) -> dict[str, object]:
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
