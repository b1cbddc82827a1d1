"""`python -m automation policy`: what an operator of a queue has to be allowed."""

import json

import click

from automation.commands.options import queue_options
from automation.commands.output import DONE, print_json
from automation.operations.operated import Selection, operated_queue
from automation.operations.policy_text import operator_policy
from automation.progress import Progress


@click.command(short_help="Print the IAM policy that the operator's commands need.")
@queue_options
def policy(*, selection: Selection, wants_json: bool) -> int:
    """Print the IAM policy that the operator's commands need on a queue and what belongs to it.

    Ask for it as somebody who may see all of that: what can't be found is not in it.
    """
    progress = Progress()
    with operated_queue(selection, report=progress.say) as operated:
        document, notes = operator_policy(operated.account, operated.wiring)
    for note in notes:
        progress.say(note)
    if wants_json:
        print_json(document)
    else:
        click.echo(json.dumps(document, indent=2))
    return DONE
