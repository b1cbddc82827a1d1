"""`python -m automation dlq list|show|purge`: look into the dead-letter queue, empty it."""

import dataclasses
import datetime
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import click

from automation.aws.consumer_log import CLOCK_DIFFERENCE_SECONDS
from automation.aws.queue_depth import Depth, queue_depth
from automation.commands.letters import (
    check_group_by,
    group_key,
    letter_line,
    letter_lines,
    letter_row,
    log_lines,
)
from automation.commands.options import (
    ask,
    queue_options,
    reason_option,
    show_personal_option,
    where_option,
    yes_option,
)
from automation.commands.output import (
    DONE,
    NOT_DONE,
    counted_lines,
    print_json,
    print_json_rows,
    print_line,
)
from automation.deadletters.attempts import attempt_events
from automation.deadletters.masking import Disclosure
from automation.deadletters.queue_to_file import DrainReport, drain_to_file, purge_queue
from automation.deadletters.reason_expression import ReasonExpression
from automation.deadletters.shown_records import shown_record
from automation.deadletters.survey import Letter, Survey
from automation.deadletters.where import Where
from automation.errors import AutomationError, StillWaitingError
from automation.installation import command_name
from automation.interrupts import cancelled_by_signals
from automation.operations.operated import Operated, Selection, operated_queue, surveyed
from automation.operations.remaining import letters_counted
from automation.operations.status import advice
from automation.progress import Progress
from automation.waiting import wait_until

show_body_option = click.option(
    "--show-body", is_flag=True, help="Show bodies; personal fields stay masked."
)


@click.group(short_help="Look into the dead-letter queue, redrive it, empty it.")
def dlq() -> None:
    """Look into the dead-letter queue, redrive it, or empty it into a file.

    docs/operations.md leads from the alarm to the fix.
    """


@dlq.command("list")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Show so many at the most.")
@where_option
@reason_option
@click.option(
    "--group-by",
    default="reason",
    show_default=True,
    metavar="reason|ATTRIBUTE",
    help="What to count them by.",
)
@show_body_option
@show_personal_option
@queue_options
def list_command(
    *,
    selection: Selection,
    wants_json: bool,
    limit: int | None,
    where_text: str | None,
    reason_text: str | None,
    group_by: str,
    show_body: bool,
    show_personal: bool,
) -> int:
    """Show each dead letter, why it failed, and when it expires."""
    where = Where(where_text) if where_text else None
    expression = ReasonExpression(reason_text) if reason_text else None
    disclosure = Disclosure(body=show_body, personal=show_personal)
    check_group_by(group_by, disclosure)
    progress = Progress()
    groups: Counter[str] = Counter()
    unexplained: Counter[bool] = Counter()

    def counted(survey: Survey) -> Iterator[Letter]:
        for letter in islice(survey.letters(where), limit):
            groups[group_key(letter, group_by, disclosure)] += 1
            unexplained[letter.failure is None] += 1
            yield letter

    with (
        operated_queue(selection, report=progress.say) as operated,
        # With a filter nobody knows how many to look at to find so many.
        surveyed(
            operated, progress, limit=None if where else limit, expression=expression
        ) as survey,
    ):
        if wants_json:
            print_json_rows(
                "messages",
                (letter_row(letter, disclosure) for letter in counted(survey)),
                lambda: {
                    "group_by": group_by,
                    "groups": dict(groups.most_common()),
                    "seen": survey.seen,
                    "expected": survey.expected,
                    "complete": survey.is_complete,
                    "not_looked_up": survey.not_looked_up,
                    "advice": _advice(operated, survey) if unexplained[True] else None,
                },
            )
            return DONE
        for letter in counted(survey):
            print_line(letter_line(letter, disclosure))
        for line in counted_lines(f"by {group_by}", dict(groups.most_common())):
            print_line(line)
        print_line(f"looked at {survey.completeness}")
        if survey.not_looked_up:
            print_line(
                f"{survey.not_looked_up} of them were not looked up one by one in the log; "
                "`dlq show ID` does that"
            )
        if unexplained[True] and (advice := _advice(operated, survey)):
            print_line(advice)
    return DONE


def _advice(operated: Operated, survey: Survey) -> str | None:
    """What the consumer should do otherwise that says nothing of its letters."""
    since_ms = int((survey.oldest_seconds - CLOCK_DIFFERENCE_SECONDS) * 1000)
    return advice(operated.clients, operated.wiring, since_ms=since_ms)


@dlq.command(short_help="Show all of one dead letter.")
@show_body_option
@show_personal_option
@reason_option
@click.argument("message_id", metavar="ID")
@queue_options
def show(
    *,
    selection: Selection,
    wants_json: bool,
    show_body: bool,
    show_personal: bool,
    reason_text: str | None,
    message_id: str,
) -> int:
    """Show all of one dead letter, with every log record of its attempts."""
    disclosure = Disclosure(body=show_body, personal=show_personal)
    expression = ReasonExpression(reason_text) if reason_text else None
    progress = Progress()
    with (
        operated_queue(selection, report=progress.say) as operated,
        surveyed(operated, progress, expression=expression) as survey,
    ):
        letter = survey.find(message_id)
        if letter is None:
            raise AutomationError(
                f"no dead letter has the id {message_id!r}; looked at {survey.completeness}"
            )
        letter = survey.looked_up(letter, operated.clients.logs, operated.wiring.log_groups)
        records = [
            shown_record(event, personal=show_personal)
            for event in attempt_events(
                operated.clients.logs, operated.wiring.log_groups, letter.message
            )
        ]
    if wants_json:
        system = dict(letter.message.system)
        print_json(letter_row(letter, disclosure) | {"system": system, "records": records})
        return DONE
    for line in [*letter_lines(letter, disclosure), *log_lines(records)]:
        print_line(line)
    return DONE


@dlq.command(short_help="Move every dead letter into a file.")
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
        ask(
            f"Purge about {expected} messages of {operated.dlq.name} {into}?",
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
        return drain_to_file(
            sqs,
            dlq_url,
            path,
            wait_seconds=operated.pace.receive_wait_seconds,
            connections=operated.connections,
            cancel=cancel,
            on_progress=lambda deleted: progress.detail(f"{deleted} moved into the file"),
        )


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
