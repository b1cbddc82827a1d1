"""`python -m automation status|logs|send|cleanup`."""

import contextlib
import re
import shutil
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import click
from pulumi.automation import CommandError
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from automation.answers import as_plain, duration, print_json, print_json_rows
from automation.cleanup import (
    Leftover,
    leftover_folders,
    leftover_log_groups,
    leftover_stacks,
    remove_leftover,
)
from automation.command_options import TARGET_VARIABLE, ask, stack_options, yes_option
from automation.commands_dlq import DONE, NOT_DONE, show_post
from automation.deadletters.journal import Journal
from automation.deadletters.message import attribute_from_json
from automation.deadletters.posting import Defaults, post_messages, read_file
from automation.log_events import LogEvent, LogReader
from automation.operating import DEFAULT_HOME, cancelled_by_signals, operated_stack
from automation.progress import Progress
from automation.stacks import diagnostics
from automation.status import StackStatus, read_status
from automation.targets import Target, TargetName, opened_target

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef

_SPARKS = "▁▂▃▄▅▆▇█"
_PLOTTED_LOOKS = 60
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


class _Span(click.ParamType[float]):
    """A time span as in `90s`, `15m`, `2h`, `3d`; in seconds."""

    name = "SPAN"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, float):
            return value
        match = re.fullmatch(r"(\d+)([smhd])", str(value))
        if not match:
            self.fail(f"{value!r} is no time span such as 90s, 15m, 2h or 3d", param, ctx)
        return int(match[1]) * _UNIT_SECONDS[match[2]]


@click.command()
@stack_options
@click.option("--watch", is_flag=True, help="Stay and show how it goes on; Ctrl-C ends it.")
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


@click.command()
@stack_options
@click.option("--follow", is_flag=True, help="Stay and show what comes; Ctrl-C ends it.")
@click.option("--failures", is_flag=True, help="Only records of failed messages.")
@click.option("--run", "run_id", metavar="ID", help="Only records about one producer run.")
@click.option("--since", type=_Span(), default="1h", show_default=True, help="How far back.")
def logs(
    *,
    stack: str,
    target: TargetName,
    home: Path,
    wants_json: bool,
    follow: bool,
    failures: bool,
    run_id: str | None,
    since: float,
) -> int:
    """Show the consumer's structured log records; they never hold a message's body."""
    progress = Progress()
    with (
        operated_stack(target, stack, home=home, report=progress.say) as operated,
        cancelled_by_signals(lambda _: None) as cancel,
    ):
        reader = LogReader(
            operated.clients.logs,
            operated.outputs.consumer_log_group_name,
            since_ms=int((time.time() - since) * 1000),
        )
        pause_seconds = max(0.5, operated.pace.poll_interval_seconds) if follow else None
        events = (
            event
            for event in _events(reader, pause_seconds, cancel)
            if (event.is_failure or not failures) and is_about(event.record, run_id)
        )
        if wants_json:
            print_json_rows("records", (event.record for event in events), dict[str, object])
            return DONE
        for event in events:
            click.echo(_log_line(event.record))
    return DONE


def _events(
    reader: LogReader, pause_seconds: float | None, cancel: threading.Event
) -> Iterator[LogEvent]:
    """What is in the log; with a pause also what comes, until `cancel` is set."""
    while True:
        yield from reader.new_events()
        if pause_seconds is None or cancel.wait(pause_seconds):
            return


def is_about(record: Mapping[str, object], run_id: str | None) -> bool:
    """Whether a record names a producer run; any does when there is no `run_id`."""
    processed = record.get("processed")
    is_processed = isinstance(processed, dict) and run_id in processed
    return run_id is None or record.get("run_id") == run_id or is_processed


def _log_line(record: Mapping[str, object]) -> str:
    words = [str(record.get("timestamp", "")), str(record.get("level", ""))]
    if "resp" in record:
        resp = cast("Mapping[str, object]", record["resp"])
        words.append(f"{resp.get('s_msgs')} processed, {resp.get('f_msgs')} failed")
    elif "message_id" in record:
        words.append(f"{record['message_id']} attempt {record.get('receive_count')}")
        words.append(f"{record.get('exception_name')}: {record.get('reason', '')}")
        words.append(f"run {record.get('run_id')} seq {record.get('seq')}")
    else:
        words.append(str(record.get("message", "")))
    return "  ".join(words)


@click.command()
@stack_options
@click.option(
    "--attribute",
    "attributes",
    multiple=True,
    metavar="NAME[:TYPE]=VALUE",
    help="For messages that lack it; the type is String by default. Can be given several times.",
)
@click.option("--group", help="Message group, for messages that name none.")
@click.option("--to", "to_url", metavar="URL", help="Another queue.  [default: the stack's queue]")
@click.argument("file", type=click.File(encoding="utf-8"))
def send(
    *,
    stack: str,
    target: TargetName,
    home: Path,
    wants_json: bool,
    attributes: Sequence[str],
    group: str | None,
    to_url: str | None,
    file: IO[str],
) -> int:
    """Send the messages of FILE, or of standard input for '-'.

    One JSON object, or one a line: {"body": …, "attributes": {"store_id": 3}, "group": "g"}. Only
    the body is needed; what is no text is sent as JSON. Nothing is sent when a line is wrong.
    """
    defaults = Defaults(attributes=dict(map(_attribute, attributes)), group=group)
    progress = Progress()
    with (
        operated_stack(target, stack, home=home, report=progress.say) as operated,
        tempfile.TemporaryFile("w+", encoding="utf-8") as copy,
        tempfile.TemporaryDirectory() as folder,
    ):
        url = to_url or operated.outputs.queue_url
        # It is read twice: nothing may be sent when its last line is wrong.
        shutil.copyfileobj(file, copy)
        copy.seek(0)
        count = sum(1 for _ in read_file(copy, is_fifo=url.endswith(".fifo"), defaults=defaults))
        copy.seek(0)
        with (
            progress.shown(),
            progress.step("send", total=count),
            cancelled_by_signals(progress.say) as cancel,
            Journal(Path(folder) / "journal.jsonl", purpose="send", source=url) as journal,
        ):
            report = post_messages(
                operated.sender,
                url,
                read_file(copy, is_fifo=url.endswith(".fifo"), defaults=defaults),
                journal,
                connections=operated.connections,
                cancel=cancel,
                on_progress=progress.advance_to,
            )
    show_post(report, url, wants_json)
    return NOT_DONE if report.failed or report.is_interrupted else DONE


def _attribute(text: str) -> "tuple[str, MessageAttributeValueTypeDef]":
    name, equals, value = text.partition("=")
    name, _, kind = name.partition(":")
    if not name or not equals or not value:
        raise click.UsageError(f"--attribute takes NAME=VALUE or NAME:TYPE=VALUE, got {text!r}")
    is_binary = kind.partition(".")[0] == "Binary"
    content = {"type": kind or "String", "base64" if is_binary else "value": value}
    return name, attribute_from_json(name, content)


@click.command()
@click.option(
    "--target",
    type=click.Choice(["local", "aws"]),
    default="local",
    envvar=TARGET_VARIABLE,
    show_default=True,
    show_envvar=True,
    help="What is left on this machine, or in the account of the ambient credentials.",
)
@click.option("--json", "wants_json", is_flag=True, help="One JSON object as the result.")
@yes_option
def cleanup(*, target: TargetName, wants_json: bool, yes: bool) -> int:
    """Show what broken or kept runs have left, and remove it.

    Folders of embedded AWSs that no process uses; in an account, stacks whose state a run has left
    here and log groups that no function writes to.
    """
    progress = Progress()
    with contextlib.ExitStack() as opened:
        account: Target | None = None
        if target == "aws":
            DEFAULT_HOME.mkdir(parents=True, exist_ok=True)
            account = opened.enter_context(
                opened_target("aws", home=DEFAULT_HOME, report=progress.say, own_state=False)
            )
        found = list(_leftovers(account))
        for leftover in found:
            progress.say(f"{leftover.kind}: {leftover.name}")
        if found:
            ask(f"Remove these {len(found)}?", yes=yes, progress=progress)
        failures = dict(_removed(found, account))
    if wants_json:
        removed = [item.name for item in found if item.name not in failures]
        print_json({"removed": removed, "failed": failures})
    else:
        click.echo(f"{len(found) - len(failures)} removed" if found else "nothing is left over")
        for name, words in failures.items():
            click.echo(f"not removed: {name}: {words}")
    return NOT_DONE if failures else DONE


def _leftovers(account: Target | None) -> Iterator[Leftover]:
    if account is None:
        yield from leftover_folders()
        return
    yield from leftover_stacks()
    yield from leftover_log_groups(account.clients)


def _removed(found: Sequence[Leftover], account: Target | None) -> Iterator[tuple[str, str]]:
    """Remove each; yield what could not be removed, and why."""
    for leftover in found:
        try:
            remove_leftover(leftover, account)
        except CommandError as error:
            yield leftover.name, diagnostics(error)
        except OSError as error:
            yield leftover.name, str(error)
