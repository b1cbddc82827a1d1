"""Whatever field it is in and whoever prints it, what a stranger wrote makes nothing happen."""

import dataclasses
import io
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import HealthCheck, example, given, settings
from rich.console import Console

from automation import cli
from automation.commands import e2e, output, status
from automation.errors import AutomationError
from automation.operations.status import StackStatus
from automation.progress import Progress
from automation.proof.report_page import render_page
from tests.automation.hostile import TEXTS
from tests.automation.proof.test_report_page import report

ROOT = Path(__file__).resolve().parents[3]
HOSTILE = "\x1b]0;t\x07\x1b[2J\x9b2J\r\nheld\u202e\u2066\u200b\ufeff\u2028\U000e0041\u3164[/]"
# Default_Ignorable_Code_Point, but for the joiners and variation selectors that scripts need.
HIDDEN = re.compile(
    "[\u00ad\u034f\u115f\u1160\u3164\uffa0\U000e0000-\U000e0fff"
    "\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
)


def on_console(show: Callable[[Console], None], *, terminal: bool) -> str:
    written = io.StringIO()
    show(Console(file=written, width=400, force_terminal=terminal, color_system=None))
    return written.getvalue()


def in_status(text: str) -> str:
    seen = StackStatus(
        queue=None,
        dlq=None,
        oldest_seconds=None,
        dlq_oldest_seconds=None,
        alarms={f"alarm {text}": text},
        mappings={text: text},
        failed_attempts=0,
        errors=None,
        concurrency=None,
        advice=text,
    )
    return on_console(
        lambda console: console.print(status.status_text(seen, text), soft_wrap=True),
        terminal=False,
    )


def in_the_table_of_a_run(text: str) -> str:
    changed: dict[str, Any] = {"verdict": "broken", "reason": text, "advice": text, "stack": text}
    broken = dataclasses.replace(report(), **changed)
    return on_console(
        lambda console: console.print(e2e.as_table(broken), soft_wrap=True), terminal=False
    )


def in_the_page_of_a_run(text: str) -> str:
    changed: dict[str, Any] = {"verdict": "broken", "reason": text, "stack": text}
    return render_page(dataclasses.replace(report(), **changed))


def in_progress(text: str) -> str:
    def show(console: Console) -> None:
        progress = Progress(console)
        with progress.step("up"):
            progress.detail(text)
            progress.say(text)

    return on_console(show, terminal=False)


def captured(show: Callable[[], object]) -> str:
    written = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(click, "echo", lambda message="", **_: written.write(f"{message}\n"))
        show()
    return written.getvalue()


def in_an_error(text: str) -> str:
    def fail(*_: object, **__: object) -> None:
        raise AutomationError(text.replace("\n", " "))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cli.cli, "main", fail)
        return captured(lambda: cli._run([]))


def in_a_defect(text: str) -> str:
    def fail(*_: object, **__: object) -> None:
        raise type(text.replace("\0", "") or "X", (RuntimeError,), {})(text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cli.cli, "main", fail)
        return captured(lambda: cli._run([]))


PRINTERS: dict[str, Callable[[str], str]] = {
    "status": in_status,
    "table": in_the_table_of_a_run,
    "page": in_the_page_of_a_run,
    "progress": in_progress,
    "error": in_an_error,
    "defect": in_a_defect,
    "line": lambda text: captured(lambda: output.print_line(text)),
    "json": lambda text: captured(lambda: output.print_json({text: [text]})),
    "rows": lambda text: captured(
        lambda: output.print_json_rows(text, [{text: text}], lambda: {text: text})
    ),
}


@pytest.mark.parametrize("printer", PRINTERS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=TEXTS)
@example(text=HOSTILE)
def test_nothing_that_a_stranger_wrote_is_obeyed(printer: str, text: str) -> None:
    plain, shown = PRINTERS[printer]("x"), PRINTERS[printer](f"x{text}")
    for each in shown.replace("\n", ""):
        assert unicodedata.category(each) not in ("Cc", "Cs", "Zl", "Zp")
    assert not HIDDEN.search(shown)
    if printer != "defect":
        assert shown.count("\n") == plain.count("\n"), "a line that is not ours"


def test_who_writes_to_the_terminal_is_known() -> None:
    # One more has to show what strangers wrote by the functions above, and to be tried above.
    writing = re.compile(
        r"click\.(?:echo|confirm|prompt|secho)\(|Console\(|sys\.std\w+\.write|print_exc"
    )
    found = {
        path.relative_to(ROOT / "automation").as_posix()
        for path in (ROOT / "automation").rglob("*.py")
        if writing.search(path.read_text())
    }
    assert found == {
        *("__init__.py", "__main__.py", "e2e.py", "cli.py", "progress.py"),
        *(f"commands/{name}.py" for name in ("cleanup", "e2e", "options", "output")),
        *(f"commands/{name}.py" for name in ("plan", "policy", "prove", "status")),
    }
