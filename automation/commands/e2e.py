"""`python -m automation e2e`: the main job, its report as a table or as JSON."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from automation.commands.options import json_option, target_option, yes_option
from automation.commands.output import DONE, NOT_DONE, print_json, shown_text
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
from automation.private_files import write_private
from automation.progress import Progress
from automation.proof.account import Account
from automation.proof.report import Options, RunReport
from automation.proof.report_page import render_page
from automation.proof.run import run_e2e
from automation.target import TargetName


class _MessagesPerSecond(click.ParamType[float | None]):
    """A rate, or the word that stands for no limit."""

    name = "rate"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | None:
        if value == "unlimited":
            return None
        limits = click.FloatRange(min=0, max=10_000, min_open=True)
        return limits(value, param, ctx)


@click.command(short_help="Prove on a throw-away stack that nothing is lost.")
@target_option(envvar=None)
@click.option(
    "--duration",
    type=click.FloatRange(min=0, max=890, min_open=True),
    default=5,
    show_default=True,
    metavar="SECONDS",
    help="How long each producer sends.",
)
@click.option(
    "--rate",
    type=_MessagesPerSecond(),
    metavar="N|unlimited",
    default=20,
    show_default=True,
    help="Messages per second, of all producers together, or 'unlimited'.",
)
@click.option(
    "--bad-ratio",
    type=click.FloatRange(0, 1),
    default=0.25,
    show_default=True,
    metavar="PART",
    help="Part of the messages that lack store_id.",
)
@click.option(
    "--messages",
    type=click.IntRange(1, 1_000_000),
    metavar="N",
    help="How many messages at the most, of all producers together.  [default: no limit]",
)
@click.option(
    "--producers",
    type=click.IntRange(1, 10),
    default=1,
    show_default=True,
    metavar="N",
    help="How many producers send at once, each a run of its own.",
)
@click.option("--seed", type=int, metavar="N", help="Makes the messages repeatable.")
@timeout_option
@click.option(
    "--redrive",
    is_flag=True,
    help="Then repair the bad messages, redrive them, see them processed.",
)
@enforce_option
@keep_option
@json_option
@click.option(
    "--report",
    "page",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE.html",
    help="Write a page of the run: what happened when, and where each bad message went.",
)
@stack_option("e2e")
@yes_option("No question before touching a real account.")
@config_option
def e2e(
    *,
    target: TargetName,
    duration: float,
    rate: float | None,
    bad_ratio: float,
    messages: int | None,
    producers: int,
    seed: int | None,
    timeout: float | None,
    redrive: bool,
    enforce: bool,
    keep: bool,
    wants_json: bool,
    page: Path | None,
    stack: str | None,
    yes: bool,
    settings: Sequence[str],
) -> int:
    """Deploy a throw-away stack, prove that it loses nothing, destroy it."""
    options = Options(
        target=target,
        duration_seconds=duration,
        messages_per_second=rate,
        bad_ratio=bad_ratio,
        max_messages=messages,
        producers=producers,
        seed=seed,
        timeout_seconds=timeout,
        redrive=redrive,
        enforces_policies=enforce,
        keep=keep,
        settings=parsed_settings(settings),
        **given_stack(stack),
    )
    progress = Progress()
    report = run_shown(run_e2e, options, yes=yes, progress=progress)
    if wants_json:
        print_json(as_json(report))
    else:
        Console().print(as_table(report))
    if page:
        # Last: the verdict is said even where the page can't be written.
        write_private(page, render_page(report))
        progress.say(f"report: {page}")
    return DONE if report.verdict == "held" else NOT_DONE


def as_json(report: RunReport) -> dict[str, object]:
    """The object that `--json` prints; its keys are a contract (docs/e2e.md)."""
    account = report.evidence.account
    shown: dict[str, object] = {
        "verdict": report.verdict,
        "target": report.target,
        "stack": report.stack,
        "run_id": report.run_ids[0],
        "run_ids": list(report.run_ids),
        "sent": account.sent,
        "bad": account.bad,
        "processed": account.processed,
        "dead_lettered": account.dead_lettered,
        "dlq_count": report.dlq_count,
        "misrouted": account.misrouted,
        "lost": account.lost,
        "duplicates": account.duplicates,
        "processed_and_dead": account.processed_and_dead,
        "bad_processed": account.bad_processed,
        "strangers": account.strangers,
        "dlq_read_whole": account.was_read_whole,
        "alarm": report.alarm.state,
        "alarm_notified": report.alarm.was_notified,
        "timings_s": {step: round(spent, 2) for step, spent in report.timings_seconds.items()},
        "destroyed": report.destroyed,
    }
    if account.reordered is not None:
        shown["reordered"] = account.reordered
    if report.redrive:
        shown["redrive"] = {
            "redriven": report.redrive.redriven,
            "processed": len(report.redrive.processed),
            "dead_lettered": report.redrive.left,
            "dlq_read_whole": report.redrive.was_read_whole,
            "alarm": report.redrive.alarm.state,
        }
    if report.reason:
        shown["reason"] = report.reason
    if report.advice:
        shown["advice"] = report.advice
    return shown


def as_table(report: RunReport) -> Group:
    """The verdict for a person."""
    account = report.evidence.account
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(justify="right")
    table.add_column(style="dim")
    by_whom = f", by {len(account.runs)} producers" if len(account.runs) > 1 else ""
    table.add_row("sent", str(account.sent), f"{account.bad} of them without store_id{by_whom}")
    table.add_row("processed", str(account.processed), f"{account.duplicates} delivered again")
    table.add_row(
        "dead-lettered",
        str(account.dead_lettered),
        f"expected {account.bad}; SQS's approximate count {report.dlq_count}",
    )
    table.add_row("misrouted", str(account.misrouted), "good messages in the dead-letter queue")
    table.add_row("lost", str(account.lost), "neither processed nor dead-lettered")
    for row in _rare_rows(account):
        table.add_row(*row)
    if account.reordered is not None:
        table.add_row("reordered", str(account.reordered), "after a later one of their group")
    table.add_row("alarm", report.alarm.state, alarm_words(report.alarm))
    if report.redrive:
        redrive = report.redrive
        table.add_row("redriven", str(redrive.redriven), "after their repair")
        table.add_row("processed", str(len(redrive.processed)), "the repaired ones among them")
        table.add_row("left", str(redrive.left), "in the dead-letter queue")
        table.add_row("alarm", redrive.alarm.state, "after the redrive")
    advice = [shown_text(report.advice)] if report.advice else []
    return Group(table, Text(), _verdict(report), *advice)


# What is wrong in a way that few runs ever see has a line only when it is.
_RARE = (
    ("processed_and_dead", "in both", "processed, and in the dead-letter queue too"),
    ("bad_processed", "bad as good", "without store_id, yet reported as processed"),
    ("strangers", "strangers", "in the dead-letter queue, and none of this run's"),
)


def _rare_rows(account: Account) -> Iterator[tuple[str, str, str]]:
    for field, label, words in _RARE:
        if count := getattr(account, field):
            yield label, str(count), words


def _verdict(report: RunReport) -> Text:
    total = report.timings_seconds["total"]
    left = "everything destroyed" if report.destroyed else f"stack {report.stack} kept"
    if report.verdict == "held":
        words = f"held: every message accounted for, {left}, {total:.1f} s"
        return shown_text(words, "bold green")
    return shown_text(f"broken: {report.reason} ({left}, {total:.1f} s)", "bold red")
