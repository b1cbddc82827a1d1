"""A run's report as JSON and as a table."""

from rich.console import Group
from rich.table import Table
from rich.text import Text

from automation.runs import RunReport


def as_json(report: RunReport) -> dict[str, object]:
    """The object that `--json` prints; its keys are a contract (docs/e2e.md)."""
    account = report.evidence.account
    shown: dict[str, object] = {
        "verdict": report.verdict,
        "target": report.target,
        "stack": report.stack,
        "run_id": report.run_id,
        "sent": account.sent,
        "bad": account.bad,
        "processed": account.processed,
        "dead_lettered": account.dead_lettered,
        "dlq_count": report.dlq_count,
        "misrouted": account.misrouted,
        "lost": account.lost,
        "duplicates": account.duplicates,
        "alarm": report.alarm.state,
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
            "alarm": report.redrive.alarm.state,
        }
    if report.reason:
        shown["reason"] = report.reason
    return shown


def as_table(report: RunReport) -> Group:
    """The verdict for a person."""
    account = report.evidence.account
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(justify="right")
    table.add_column(style="dim")
    bad_share = f"{account.bad} of them without store_id"
    table.add_row("sent", str(account.sent), bad_share)
    table.add_row("processed", str(account.processed), f"{account.duplicates} delivered again")
    table.add_row(
        "dead-lettered",
        str(account.dead_lettered),
        f"expected {account.bad}; SQS's approximate count {report.dlq_count}",
    )
    table.add_row("misrouted", str(account.misrouted), "good messages in the dead-letter queue")
    table.add_row("lost", str(account.lost), "neither processed nor dead-lettered")
    if account.reordered is not None:
        table.add_row("reordered", str(account.reordered), "after a later one of their group")
    table.add_row("alarm", report.alarm.state, _alarm_words(report))
    if report.redrive:
        redrive = report.redrive
        table.add_row("redriven", str(redrive.redriven), "after their repair")
        table.add_row("processed", str(len(redrive.processed)), "the repaired ones among them")
        table.add_row("left", str(redrive.left), "in the dead-letter queue")
        table.add_row("alarm", redrive.alarm.state, "after the redrive")
    return Group(table, Text(), _verdict(report))


def _alarm_words(report: RunReport) -> str:
    if report.alarm.was_notified:
        return "rang, and its notification reached the topic"
    return "rang" if report.alarm.went_to_alarm else "did not ring"


def _verdict(report: RunReport) -> Text:
    total = report.timings_seconds["total"]
    left = "everything destroyed" if report.destroyed else f"stack {report.stack} kept"
    if report.verdict == "held":
        return Text(f"held: every message accounted for, {left}, {total:.1f} s", style="bold green")
    return Text(f"broken: {report.reason} ({left}, {total:.1f} s)", style="bold red")
