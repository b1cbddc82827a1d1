"""`python -m automation dlq purge`: empty the dead-letter queue into a file."""

import dataclasses
import datetime
from pathlib import Path

import click
from botocore.exceptions import BotoCoreError, ClientError

from automation.aws.queue_depth import Depth, queue_depth
from automation.commands.options import ask, queue_options, yes_option
from automation.commands.output import DONE, NOT_DONE, print_json, print_line
from automation.deadletters.queue_to_file import DrainReport, drain_to_file, purge_queue
from automation.errors import AutomationError, StillWaitingError
from automation.installation import command_name
from automation.interrupts import cancelled_by_signals
from automation.operations.operated import Operated, Selection, operated_queue
from automation.operations.remaining import letters_counted
from automation.progress import Progress
from automation.waiting import wait_until


@click.command(short_help="Move every dead letter into a file.")
@click.option(
    "--backup",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to back up to.  [default: HOME/backups/QUEUE-TIME.jsonl]",
)
@click.option(
    "--without-backup", is_flag=True, help="PurgeQueue: everything is gone, also what arrives now."
)
@yes_option()
@queue_options
def purge(
    *,
    selection: Selection,
    wants_json: bool,
    yes: bool,
    backup: Path | None,
    without_backup: bool,
) -> int:
    """Move every dead letter into a file that `dlq restore` reads; then wait until none is left.

    Only what is in the file is deleted. The file holds personal data and can be read by its owner
    only.
    """
    if backup and without_backup:
        raise click.UsageError("--backup and --without-backup exclude each other")
    if backup and backup.exists():
        raise AutomationError(
            f"--backup: {backup} exists, and a backup never overwrites another: name a new file"
        )
    progress = Progress()
    with operated_queue(selection, report=progress.say) as operated:
        path = None if without_backup else backup or _backup_path(operated)
        expected = letters_counted(operated)
        if expected == 0:
            left = queue_depth(operated.clients.sqs, operated.dlq.url)
            return _show_purge(operated, wants_json, path=None, done=_NOTHING_DRAINED, left=left)
        into = f"into {path}" if path else "WITHOUT a backup"
        names = ", ".join(source.name for source in operated.wiring.sources)
        of = f" (of {names})" if len(operated.wiring.sources) > 1 else ""
        ask(
            f"Purge about {expected} messages of {operated.dlq.name}{of} {into}?",
            yes=yes,
            progress=progress,
        )
        done = _purge(operated, path, progress)
        left = (
            queue_depth(operated.clients.sqs, operated.dlq.url)
            if done.is_interrupted
            else _wait_until_empty(operated, progress)
        )
        return _show_purge(operated, wants_json, path=path, done=done, left=left)


# What PurgeQueue deletes nobody backs up, and nobody counts.
_NOTHING_DRAINED = DrainReport(backed_up=0, deleted=0, is_whole=True, is_interrupted=False)


def _purge(operated: Operated, path: Path | None, progress: Progress) -> DrainReport:
    """Empty the queue."""
    sqs, dlq_url = operated.clients.sqs, operated.dlq.url
    with progress.shown(), progress.step("purge"), cancelled_by_signals(progress.say) as cancel:
        if path is None:
            is_purged = purge_queue(sqs, dlq_url, cancel=cancel, report=progress.say)
            return dataclasses.replace(
                _NOTHING_DRAINED, is_whole=is_purged, is_interrupted=not is_purged
            )
        try:
            return drain_to_file(
                sqs,
                dlq_url,
                path,
                wait_seconds=operated.pace.receive_wait_seconds,
                connections=operated.connections,
                cancel=cancel,
                on_progress=lambda deleted: progress.detail(f"{deleted} moved into the file"),
            )
        except (BotoCoreError, ClientError):
            # Of a file that can't be written the error itself says what is in it.
            progress.say(f"what is deleted is in {path}; the rest goes into another, the next time")
            raise


def _backup_path(operated: Operated) -> Path:
    now = datetime.datetime.now(datetime.UTC)
    return operated.home / "backups" / f"{operated.dlq.name}-{now:%Y%m%dT%H%M%SZ}.jsonl"


_EMPTY_WITHIN_SECONDS = 10.0


def _wait_until_empty(operated: Operated, progress: Progress) -> Depth:
    """Wait until SQS counts nothing; return what it counts when it would not come to that."""
    sqs, dlq_url = operated.clients.sqs, operated.dlq.url

    def probe() -> tuple[bool, Depth]:
        depth = queue_depth(sqs, dlq_url)
        progress.detail(str(depth))
        return depth.total == 0, depth

    # PurgeQueue takes up to 60 s, and as long the counts may lag behind.
    with progress.shown(), progress.step("empty"):
        try:
            return wait_until(
                "the dead-letter queue is empty",
                probe,
                timeout_seconds=max(_EMPTY_WITHIN_SECONDS, 2 * operated.pace.quiet_seconds),
                interval_seconds=operated.pace.poll_interval_seconds,
            )
        except StillWaitingError:
            return probe()[1]


def _show_purge(
    operated: Operated, wants_json: bool, *, path: Path | None, done: DrainReport, left: Depth
) -> int:
    backed_up, not_deleted = done.backed_up, done.backed_up - done.deleted
    # The counts may not have caught up: what we know ourselves comes first.
    is_empty = done.is_whole and not not_deleted and left.total == 0
    name = operated.dlq.name
    backup = str(path) if path else None
    if wants_json:
        print_json(
            {
                "queue": name,
                "backup": backup,
                "backed_up": backed_up,
                "not_deleted": not_deleted,
                "left": left.total,
            }
        )
    elif not is_empty:
        both = f"; {not_deleted} of them are still in the queue" if not_deleted else ""
        print_line(f"{name}: {backed_up} messages backed up{both}; left: {left}")
    else:
        print_line(f"{name} is empty; {backed_up} messages backed up")
    if path and backed_up and not wants_json:
        print_line(f"to bring them back: {command_name()} dlq restore {path}")
    return DONE if is_empty else NOT_DONE
