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
