"""`python -m automation status`: how a stack is, once or as long as somebody watches."""

import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

import click
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from automation.answers import DONE, as_plain, duration, print_json
from automation.command_options import stack_options
from automation.operating import cancelled_by_signals, operated_stack
from automation.progress import Progress
from automation.status import StackStatus, read_status
from automation.targets import TargetName

_SPARKS = "▁▂▃▄▅▆▇█"
_PLOTTED_LOOKS = 60


@click.command()
@click.option("--watch", is_flag=True, help="Stay and show how it goes on; Ctrl-C ends it.")
@stack_options
def status(*, stack: str, target: TargetName, home: Path, wants_json: bool, watch: bool) -> int:
    """Show depths, ages, alarms, the consumer and its mapping."""
    if watch and wants_json:
        raise click.UsageError("--watch and --json exclude each other")
    progress = Progress()
    with operated_stack(target, stack, home=home, report=progress.say) as operated:
        if watch:
            with cancelled_by_signals(lambda _: None) as cancel:
                _watch(
                    lambda: read_status(operated.clients, operated.outputs),
                    max(1.0, operated.pace.poll_interval_seconds),
                    cancel,
                )
            return DONE
        seen = read_status(operated.clients, operated.outputs)
    if wants_json:
        print_json({"stack": stack, **as_plain(seen)})
    else:
        Console().print(status_table(seen))
    return DONE


def _watch(
    read: Callable[[], StackStatus], interval_seconds: float, cancel: threading.Event
) -> None:
    depths: deque[int] = deque(maxlen=_PLOTTED_LOOKS)
    dead: deque[int] = deque(maxlen=_PLOTTED_LOOKS)
    with Live(console=Console(), screen=sys.stdout.isatty(), auto_refresh=False) as live:
        while True:
            seen = read()
            depths.append(seen.queue.total)
            dead.append(seen.dlq.total)
            plot = Text(f"queue {sparkline(depths)}\nDLQ   {sparkline(dead)}")
            live.update(Group(status_table(seen), Text(), plot), refresh=True)
            if cancel.wait(interval_seconds):
                return


def sparkline(values: Sequence[int]) -> str:
    """Values over time as a line of blocks, the highest as a full one."""
    top = max([1, *values])
    return "".join(_SPARKS[round(value / top * (len(_SPARKS) - 1))] for value in values)


def status_table(seen: StackStatus) -> Table:
    """A stack's state for a person."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="dim")
    table.add_column()
    table.add_row("queue", f"{seen.queue}, oldest {_age(seen.oldest_seconds)}")
    table.add_row("dead letters", f"{seen.dlq}, oldest {_age(seen.dlq_oldest_seconds)}")
    for name, state in seen.alarms.items():
        table.add_row("alarm", Text(f"{state}  {name}", style="red" if state == "ALARM" else ""))
    for mapping_id, state in seen.mappings.items():
        table.add_row("mapping", f"{state}  {mapping_id}")
    table.add_row("failed messages", f"{seen.failed_attempts} attempts in the last 5 min")
    table.add_row("failed batches", f"{_number(seen.errors)} in the last 5 min")
    table.add_row("concurrency", f"{_number(seen.concurrency)} at most in the last 5 min")
    return table


def _age(seconds: float | None) -> str:
    return "unknown" if seconds is None else duration(seconds)


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:g}"
