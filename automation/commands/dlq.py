"""`python -m automation dlq list|show`: look into the dead-letter queue."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice

import click

from automation.aws.consumer_log import CLOCK_DIFFERENCE_SECONDS
from automation.commands.letters import (
    check_group_by,
    group_key,
    letter_line,
    letter_lines,
    letter_row,
    log_lines,
    says_no_more_than_its_batch,
)
from automation.commands.options import (
    queue_options,
    reason_option,
    show_personal_option,
    where_option,
)
from automation.commands.output import (
    DONE,
    counted_lines,
    print_json,
    print_json_rows,
    print_line,
)
from automation.deadletters.attempts import attempt_events
from automation.deadletters.masking import Disclosure
from automation.deadletters.reason_expression import ReasonExpression
from automation.deadletters.shown_records import shown_record
from automation.deadletters.survey import Letter, Survey
from automation.deadletters.where import Where
from automation.errors import AutomationError
from automation.operations.operated import Operated, Selection, operated_queue, surveyed
from automation.operations.status import advice
from automation.progress import Progress

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
            unexplained[says_no_more_than_its_batch(letter)] += 1
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
    """What a consumer should do otherwise that says nothing of its letters, or of batches alone."""
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
