"""`python -m automation dlq redrive`: bring dead letters back to where they can be processed."""

from pathlib import Path

import click

from automation.command_options import ask, stack_options, where_option, yes_option
from automation.deadletters.expressions import Where
from automation.operating import Operated, cancelled_by_signals, operated_stack
from automation.progress import Progress
from automation.redrive_answer import show_dry_run, show_redrive
from automation.redrive_wish import Wish, check_destination, wanted_letters
from automation.redriving import Done, redrive_letters
from automation.targets import TargetName


@click.command(short_help="Move dead letters back to the queue.")
@where_option
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
    help="How long to watch the canary at the most.  [default: 13 local, 130 aws]",
)
@click.option(
    "--max-redrives",
    type=click.IntRange(1),
    metavar="N",
    help="Leave alone what was redriven so often.  [default: 3]",
)
@click.option("--to", "to_url", metavar="URL", help="Another queue.  [default: the stack's queue]")
@click.option("--dry-run", is_flag=True, help="Only show what would move, by reason.")
@yes_option()
@stack_options
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
        wish = Wish(
            destination_url=to_url or operated.outputs.queue_url,
            where=where,
            limit=limit,
            rate=rate,
            canary=canary,
            canary_wait_seconds=canary_wait,
            max_redrives=max_redrives,
        )
        check_destination(operated, wish.destination_url)
        with wanted_letters(operated, where, progress, counts_by_reason=dry_run) as wanted:
            if dry_run:
                return show_dry_run(operated, wish, wanted, wants_json)
            if wanted.count == 0 and not operated.has_unfinished(
                "redrive", operated.outputs.dlq_url
            ):
                return show_redrive(operated, wish, Done(method="none"), wants_json)
            ask(_question(operated, wish, wanted.count), yes=yes, progress=progress)
            with progress.shown(), cancelled_by_signals(progress.say) as cancel:
                done = redrive_letters(operated, wish, wanted, progress, cancel)
        return show_redrive(operated, wish, done, wants_json)


def _question(operated: Operated, wish: Wish, count: int) -> str:
    moved = min(count, wish.limit) if wish.limit else count
    first = f", {wish.canary} of them first" if wish.canary else ""
    return (
        f"Redrive about {moved} messages of {operated.outputs.dlq_name} to "
        f"{wish.destination_url}{first}?"
    )
