"""Shows on standard error what a run is doing: bars for a person, plain lines for a pipe.

What is said may quote strangers, so that nothing here is taken for markup or obeyed by a terminal.
"""

import contextlib
import time
from collections.abc import Callable, Generator

from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress

from automation.foreign_text import printable


class Progress:
    """Steps of a run, each with live progress and its time.

    Args:
        console: where to show them; default standard error. Bars are drawn on a terminal only.
        clock: seconds, for the timings.

    Attributes:
        timings_seconds: how long each ended step took.
    """

    def __init__(
        self, console: Console | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.timings_seconds: dict[str, float] = {}
        self._console = console or Console(stderr=True, highlight=False)
        self._clock = clock
        self._bars: RichProgress | None = None
        self._task: TaskID | None = None

    @contextlib.contextmanager
    def shown(self) -> Generator[None]:
        """Draw until the block ends."""
        if not self._console.is_terminal:
            yield
            return
        with RichProgress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description:<8}"),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            TextColumn("{task.fields[detail]}", style="dim", markup=False),
            console=self._console,
        ) as self._bars:
            yield
        self._bars = None

    @contextlib.contextmanager
    def step(self, name: str, *, total: float | None = None) -> Generator[None]:
        """Show one step until the block ends, and take its time, also when it fails.

        Args:
            name: one word, the key of its timing.
            total: what `advance_to` counts up to; None (default) for a bar without an end.
        """
        started = self._clock()
        if self._bars:
            self._task = self._bars.add_task(name, total=total, detail="")
        failed = True
        try:
            yield
            failed = False
        finally:
            self.timings_seconds[name] = self._clock() - started
            self._end_step(name, failed=failed)

    def _end_step(self, name: str, *, failed: bool) -> None:
        seconds = self.timings_seconds[name]
        if self._bars and self._task is not None:
            if failed:
                self._bars.stop_task(self._task)
            else:
                self._bars.update(self._task, total=1, completed=1)
        else:
            self._console.print(f"{name:<8} {'failed after ' if failed else ''}{seconds:.1f} s")

    def advance_to(self, completed: float) -> None:
        """Move the running step's bar."""
        if self._bars and self._task is not None:
            self._bars.update(self._task, completed=completed)

    def detail(self, text: str) -> None:
        """Show what the running step is at; a pipe is spared."""
        if self._bars and self._task is not None:
            self._bars.update(self._task, detail=printable(text))

    def say(self, line: str) -> None:
        """Print one line that stays."""
        self._console.print(printable(line), markup=False, soft_wrap=True)

    @contextlib.contextmanager
    def paused(self) -> Generator[None]:
        """Leave the terminal alone until the block ends, so that a question can be asked."""
        if self._bars:
            self._bars.stop()
        try:
            yield
        finally:
            if self._bars:
                self._bars.start()
