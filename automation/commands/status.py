"""`python -m automation status`: how a stack is, once or as long as somebody watches."""

import sys
import threading
import time
from collections import deque
from collections.abc import Sequence

import click
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from automation.aws.queue_depth import Depth
from automation.commands.options import queue_options
from automation.commands.output import DONE, as_plain, duration, print_json
from automation.foreign_text import printable
from automation.interrupts import cancelled_by_signals
from automation.operations.operated import Operated, Selection, operated_queue
from automation.operations.status import StackStatus, read_status
from automation.progress import Progress

_SPARKS = "▁▂▃▄▅▆▇█"
_PLOTTED_LOOKS = 60


@click.command()
@click.option("--watch", is_flag=True, help="Stay and show how it goes on; Ctrl-C ends it.")
@queue_options
def status(*, selection: Selection, wants_json: bool, watch: bool) -> int:
    """Show depths, ages, alarms, the consumer and its mapping."""
    if watch and wants_json:
        raise click.UsageError("--watch and --json exclude each other")
    progress = Progress()
    with operated_queue(selection, report=progress.say) as operated:
        if watch:
            with cancelled_by_signals(lambda _: None) as cancel:
                _watch(operated, cancel)
            return DONE
        seen = read_status(operated.clients, operated.wiring)
        if wants_json:
            print_json({"stack": selection.stack, **as_plain(seen)})
        else:
            Console().print(status_text(seen, _where(operated)), soft_wrap=True)
    return DONE


def _watch(operated: Operated, cancel: threading.Event) -> None:
    depths: deque[int] = deque(maxlen=_PLOTTED_LOOKS)
    dead: deque[int] = deque(maxlen=_PLOTTED_LOOKS)
    interval_seconds = max(1.0, operated.pace.poll_interval_seconds)
    with Live(console=Console(), screen=sys.stdout.isatty(), auto_refresh=False) as live:
        while True:
            seen = read_status(operated.clients, operated.wiring)
            depths.append(seen.queue.total if seen.queue else 0)
            dead.append(seen.dlq.total if seen.dlq else 0)
            state = status_text(seen, f"{_where(operated)}, {time.strftime('%H:%M:%S')}")
            # A line stays a line, so that the whole fits on a small screen.
            state.no_wrap, state.overflow = True, "ellipsis"
            plot = Text(f"queue {sparkline(depths)}\nDLQ   {sparkline(dead)}\n")
            live.update(Group(plot, state), refresh=True)
            if cancel.wait(interval_seconds):
                return


def _where(operated: Operated) -> str:
    """Which queue this is: an operator may have several terminals open."""
    return f"{operated.wiring.selected}, {operated.account}"


def sparkline(values: Sequence[int]) -> str:
    """Values over time as a line of blocks, the highest as a full one."""
    top = max([1, *values])
    return "".join(_SPARKS[round(value / top * (len(_SPARKS) - 1))] for value in values)


def status_text(seen: StackStatus, where: str) -> Text:
    """A stack's state for a person, a line for each thing that can be wrong."""
    rows = [
        ("watched", where, ""),
        ("queue", _depth(seen.queue, seen.oldest_seconds), ""),
        ("dead letters", _depth(seen.dlq, seen.dlq_oldest_seconds), ""),
        *_alarm_rows(seen),
        *_mapping_rows(seen),
        ("failed messages", f"{seen.failed_attempts} attempts in the last 5 min", ""),
        ("failed batches", _number(seen.errors, "in the last 5 min"), ""),
        ("concurrency", _number(seen.concurrency, "at most in the last 5 min"), ""),
        *([("advice", seen.advice, "bold")] if seen.advice else []),
    ]
    lines = [
        Text.assemble((f"{label:<17}", "dim"), (printable(words), style))
        for label, words, style in rows
    ]
    return Text("\n").join(lines)


def _alarm_rows(seen: StackStatus) -> list[tuple[str, str, str]]:
    """The alarms that ring come first."""
    in_order = sorted(seen.alarms.items(), key=lambda item: (item[1] != "ALARM", item[0]))
    width = max((len(state) for state in seen.alarms.values()), default=0)
    return [
        ("alarm", f"{state:<{width}}  {name}", "bold red" if state == "ALARM" else "")
        for name, state in in_order
    ]


def _mapping_rows(seen: StackStatus) -> list[tuple[str, str, str]]:
    if not seen.mappings:
        return [("mapping", "none: nothing takes messages to the consumer", "bold red")]
    return [
        ("mapping", f"{state}  {mapping_id}", "" if state == "Enabled" else "bold red")
        for mapping_id, state in seen.mappings.items()
    ]


def _depth(depth: Depth | None, oldest_seconds: float | None) -> str:
    if depth is None:
        return "none is known"
    return f"{depth}, oldest {_age(oldest_seconds)}" if depth.total else str(depth)


def _age(seconds: float | None) -> str:
    return "unknown" if seconds is None else duration(seconds)


def _number(value: float | None, words: str) -> str:
    return "unknown" if value is None else f"{value:g} {words}"
