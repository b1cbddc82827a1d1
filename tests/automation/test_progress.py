"""Steps are timed and shown: as bars on a terminal, as plain lines in a pipe."""

import io

import pytest
from rich.console import Console

from automation.progress import Progress


def progress_into(output: io.StringIO, *, terminal: bool) -> Progress:
    ticks = iter(range(100))
    console = Console(file=output, force_terminal=terminal, width=100)
    return Progress(console, clock=lambda: float(next(ticks)))


def test_pipe_gets_one_plain_line_a_step() -> None:
    output = io.StringIO()
    progress = progress_into(output, terminal=False)
    with progress.shown(), progress.step("up"):
        progress.detail("a queue")
        progress.advance_to(1)
    assert output.getvalue() == "up       1.0 s\n"


def test_failed_step_is_timed_and_said() -> None:
    output = io.StringIO()
    progress = progress_into(output, terminal=False)
    with pytest.raises(ValueError, match="no"), progress.step("up"):
        raise ValueError("no")
    assert progress.timings_seconds == {"up": 1.0}
    assert output.getvalue() == "up       failed after 1.0 s\n"


@pytest.mark.parametrize("terminal", [True, False])
def test_what_strangers_wrote_is_neither_obeyed_nor_markup(*, terminal: bool) -> None:
    output = io.StringIO()
    progress = progress_into(output, terminal=terminal)
    hostile = "[/bold] [link=http://x]y[/link] \x1b]0;title\x07 \x9b2J \u202egpj \U000e0041"
    with progress.shown(), progress.step("up"):
        progress.detail(hostile)
        progress.say(f"{hostile}\nnext")
    said = output.getvalue()
    assert not any(each in said for each in "\x07\x9b\u202e\U000e0041")
    assert "\x1b]" not in said
    shown = r"[/bold] [link=http://x]y[/link] \u001b]0;title\u0007 \u009b2J \u202egpj \udb40\udc41"
    assert shown in said
    assert "\\nnext" in said


def test_terminal_gets_a_bar_with_details() -> None:
    output = io.StringIO()
    progress = progress_into(output, terminal=True)
    with progress.shown(), progress.step("settle", total=10):
        progress.advance_to(5)
        progress.detail("5 visible")
        with progress.paused():
            pass
    assert "settle" in output.getvalue()
    assert "5 visible" in output.getvalue()
