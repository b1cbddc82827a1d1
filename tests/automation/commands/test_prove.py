"""How `prove` shows its verdict."""

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from automation.commands import prove
from automation.proof.line_account import LineAccount, LineResult
from automation.proof.prove import ProveReport
from automation.proof.verdict import AlarmReport

RANG = AlarmReport(state="ALARM", went_to_alarm=True, was_notified=True)


def line(number: int, found: Any, by: Any = None, reason: str | None = None) -> LineResult:
    return LineResult(
        line=number, expected="processed", found=found, by=by, message_id="m", reason=reason
    )


def report(alarm: AlarmReport | None, **changes: Any) -> ProveReport:
    results = [
        line(1, "processed", "log"),
        line(2, "processed", "absence"),
        line(3, "dead-lettered", reason="Odd\u202e"),
    ]
    account = LineAccount(
        results=results,
        strangers=("theirs",),
        was_read_whole=True,
        reading_problem=None,
        resent=(2,),
        unsent={},
        settle_failure=None,
    )
    values: dict[str, Any] = {
        "verdict": "broken",
        "target": "local",
        "stack": "prove-1",
        "queue": "orders",
        "account": account,
        "dlq_count": 2,
        "alarm": alarm,
        "timings_seconds": {"total": 2.0},
        "destroyed": False,
        "reason": "line 3: expected processed, is dead-lettered (Odd\u202e)",
        "notes": ("a note",),
        "advice": "catch it",
        **changes,
    }
    return ProveReport(**values)


def shown(of: ProveReport, tmp_path: Path) -> list[str]:
    path = tmp_path / "shown"
    with path.open("w") as file:
        Console(file=file, width=200).print(prove.as_table(of))
    return [line.rstrip() for line in path.read_text().splitlines()]


def test_person_sees_the_counts_by_what_they_rest_on_and_nothing_that_a_terminal_obeys(
    tmp_path: Path,
) -> None:
    assert shown(report(None), tmp_path) == [
        "messages          3  to orders",
        "processed         2  1 by log, 1 by absence",
        "dead-lettered     1  SQS's approximate count 2",
        "as expected       2  each ended where its line says",
        "strangers         1  in the dead-letter queue, of no line",
        "alarm          none  on the depth of the dead-letter queue",
        "",
        "a note",
        "broken: line 3: expected processed, is dead-lettered (Odd\\u202e) "
        "(stack prove-1 kept, 2.0 s)",
        "catch it",
    ]
    rang = shown(report(RANG), tmp_path)
    assert "alarm          ALARM  rang, and its notification reached the topic" in rang


@pytest.mark.parametrize("alarm", [None, RANG])
def test_json_has_the_lines_and_null_for_an_alarm_that_is_none(alarm: AlarmReport | None) -> None:
    answer = prove.as_json(report(alarm))
    assert (answer["by_log"], answer["by_absence"], answer["as_expected"]) == (1, 1, 2)
    assert (answer["strangers"], answer["possible_duplicates"]) == (["theirs"], [2])
    assert answer["alarm"] == ("ALARM" if alarm else None)
    assert answer["alarm_notified"] == (True if alarm else None)
    lines: Any = answer["lines"]
    assert lines[2] == {
        "line": 3,
        "expected": "processed",
        "found": "dead-lettered",
        "by": None,
        "message_id": "m",
        "reason": "Odd\u202e",
        "expected_reason": None,
    }
