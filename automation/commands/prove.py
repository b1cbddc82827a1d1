"""`python -m automation prove`: the proof for a program and messages of one's own."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, get_args

import click
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from automation.commands.options import json_option, target_option, yes_option
from automation.commands.output import DONE, NOT_DONE, as_plain, print_json, shown_text
from automation.commands.throwaway import (
    alarm_words,
    config_option,
    enforce_option,
    given_stack,
    keep_option,
    parsed_settings,
    run_shown,
    stack_option,
    timeout_option,
)
from automation.programs import read_program
from automation.progress import Progress
from automation.proof.expected import read_lines
from automation.proof.line_account import How, LineAccount
from automation.proof.prove import ProveOptions, ProveReport, run_prove
from automation.target import TargetName


@click.command(short_help="Prove for a program and messages of your own where each ends.")
@click.option(
    "--program",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder of a Pulumi program with a ReliableQueue. Nothing is written into it.",
)
@click.option(
    "--messages",
    "file",
    required=True,
    type=click.File(encoding="utf-8", errors="surrogateescape"),
    metavar="FILE.jsonl",
    help='A message a line, as `send` takes it, with "expect": "processed" or '
    "\"dead-lettered\"; '-' for standard input.",
)
@click.option(
    "--component",
    metavar="NAME",
    help="The ReliableQueue in the program.  [default: the one that there is]",
)
@target_option(envvar=None)
@timeout_option
@enforce_option
@keep_option
@json_option
@stack_option("prove")
@yes_option("No question before touching a real account.")
@config_option
def prove(
    *,
    program: Path,
    file: IO[str],
    component: str | None,
    target: TargetName,
    timeout: float | None,
    enforce: bool,
    keep: bool,
    wants_json: bool,
    stack: str | None,
    yes: bool,
    settings: Sequence[str],
) -> int:
    """Deploy a program on a throw-away stack, send it messages, see each end as expected.

    A line of the file: {"body": …, "attributes": {…}, "expect": "dead-lettered", "reason":
    "KeyError"}. Only body and expect are needed. The verdict is "held" when every message ended
    where its line says, and no other is in the dead-letter queue (docs/prove.md).
    """
    options = ProveOptions(
        program=read_program(program),
        # Standard input can be read once only.
        lines=read_lines(io.StringIO(file.read())),
        component=component,
        target=target,
        timeout_seconds=timeout,
        enforces_policies=enforce,
        keep=keep,
        settings=parsed_settings(settings),
        **given_stack(stack),
    )
    report = run_shown(run_prove, options, yes=yes, progress=Progress())
    if wants_json:
        print_json(as_json(report))
    else:
        Console().print(as_table(report))
    return DONE if report.verdict == "held" else NOT_DONE


def as_json(report: ProveReport) -> dict[str, object]:
    """The object that `--json` prints; its keys are a contract (docs/prove.md)."""
    account = report.account
    shown: dict[str, object] = {
        "verdict": report.verdict,
        "target": report.target,
        "stack": report.stack,
        "queue": report.queue,
        "messages": len(account.results),
        "as_expected": sum(result.is_as_expected for result in account.results),
        "processed": account.count("processed"),
        "by_log": account.count("processed", "log"),
        "by_absence": account.count("processed", "absence"),
        "dead_lettered": account.count("dead-lettered"),
        "dlq_count": report.dlq_count,
        "lost": account.count("lost"),
        "processed_and_dead": account.count("both"),
        "strangers": list(account.strangers),
        "possible_duplicates": list(account.resent),
        "dlq_read_whole": account.was_read_whole,
        "alarm": report.alarm.state if report.alarm else None,
        "alarm_notified": report.alarm.was_notified if report.alarm else None,
        "lines": [as_plain(result) for result in account.results],
        "timings_s": {step: round(spent, 2) for step, spent in report.timings_seconds.items()},
        "destroyed": report.destroyed,
        "notes": list(report.notes),
    }
    if report.reason:
        shown["reason"] = report.reason
    if report.advice:
        shown["advice"] = report.advice
    return shown


def as_table(report: ProveReport) -> Group:
    """The verdict for a person."""
    account = report.account
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(justify="right")
    table.add_column(style="dim")
    for row in _rows(report, account):
        table.add_row(*map(shown_text, row))
    notes = [shown_text(note) for note in report.notes]
    advice = [shown_text(report.advice)] if report.advice else []
    return Group(table, Text(), *notes, _verdict(report), *advice)


def _rows(report: ProveReport, account: LineAccount) -> Iterator[tuple[str, str, str]]:
    by_log, by_absence = (account.count("processed", how) for how in get_args(How))
    yield "messages", str(len(account.results)), f"to {report.queue}"
    yield "processed", str(by_log + by_absence), f"{by_log} by log, {by_absence} by absence"
    dead = account.count("dead-lettered")
    yield "dead-lettered", str(dead), f"SQS's approximate count {report.dlq_count}"
    expected = sum(result.is_as_expected for result in account.results)
    yield "as expected", str(expected), "each ended where its line says"
    if account.strangers:
        yield "strangers", str(len(account.strangers)), "in the dead-letter queue, of no line"
    if report.alarm:
        yield "alarm", report.alarm.state, alarm_words(report.alarm)
    else:
        yield "alarm", "none", "on the depth of the dead-letter queue"


def _verdict(report: ProveReport) -> Text:
    total = report.timings_seconds["total"]
    left = "everything destroyed" if report.destroyed else f"stack {report.stack} kept"
    if report.verdict == "held":
        words = f"held: every message ended as its line says, {left}, {total:.1f} s"
        return shown_text(words, "bold green")
    return shown_text(f"broken: {report.reason} ({left}, {total:.1f} s)", "bold red")
