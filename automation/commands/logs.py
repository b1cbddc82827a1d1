"""`python -m automation logs`: what the consumer has logged, and what it logs now."""

import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import click

from automation.aws.consumer_log import LogEvent, LogReader
from automation.commands.options import queue_options, show_personal_option
from automation.commands.output import DONE, duration, print_json_rows, print_line
from automation.deadletters.shown_records import shown_record
from automation.errors import AutomationError
from automation.interrupts import cancelled_by_signals
from automation.operations.operated import Selection, operated_queue
from automation.progress import Progress

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


@click.command(short_help="Show the consumer's log records.")
@click.option("--follow", is_flag=True, help="Stay and show what comes; Ctrl-C ends it.")
@click.option("--failures", is_flag=True, help="Only failed messages, and runs that Lambda ended.")
@click.option("--run", "run_id", metavar="ID", help="Only records about one producer run.")
@click.option("--since", type=_Span(), default="1h", show_default=True, help="How far back.")
@show_personal_option
@queue_options
def logs(
    *,
    selection: Selection,
    wants_json: bool,
    follow: bool,
    failures: bool,
    run_id: str | None,
    since: float,
    show_personal: bool,
) -> int:
    """Show the consumer's log records, and the runs that Lambda ended (time-outs, crashes).

    What may quote a message's body is masked: words of others' records, and those of exceptions.
    """
    progress = Progress()
    with (
        operated_queue(selection, report=progress.say) as operated,
        cancelled_by_signals(lambda _: None) as cancel,
    ):
        groups = operated.wiring.log_groups
        if not groups:
            raise AutomationError(
                f"{operated.wiring.selected}: no log of a consumer is known; say where it logs: "
                "--log-group NAME"
            )
        since_ms = int((time.time() - since) * 1000)
        readers = [LogReader(operated.clients.logs, group, since_ms=since_ms) for group in groups]
        pause_seconds = max(0.5, operated.pace.poll_interval_seconds) if follow else None
        events = (
            event
            for event in _events(readers, pause_seconds, cancel)
            if (event.line.is_error if failures else _is_record(event))
            and is_of_run(event.record, run_id)
        )
        records = (shown_record(event, personal=show_personal) for event in events)
        if wants_json:
            print_json_rows("records", records, dict[str, object])
            return DONE
        is_empty = True
        for record in records:
            is_empty = False
            print_line(_log_line(record))
    if is_empty:
        progress.say(f"no such record in the last {duration(since)} (--since goes further back)")
    return DONE


def _events(
    readers: Sequence[LogReader], pause_seconds: float | None, cancel: threading.Event
) -> Iterator[LogEvent]:
    """What is in the log; with a pause also what comes, until `cancel` is set."""
    while True:
        for reader in readers:
            yield from reader.new_events()
        if pause_seconds is None or cancel.wait(pause_seconds):
            return


def _is_record(event: LogEvent) -> bool:
    """Whether it is more than a line of the frame that Lambda writes around each invocation."""
    return event.line.mark is None or event.is_ending


def is_of_run(record: Mapping[str, object], run_id: str | None) -> bool:
    """Whether a record names a producer run; any does when there is no `run_id`."""
    processed = record.get("processed")
    is_processed = isinstance(processed, dict) and run_id in processed
    return run_id is None or record.get("run_id") == run_id or is_processed


def _log_line(record: Mapping[str, object]) -> str:
    words = [str(record.get("timestamp", "")), str(record.get("level", ""))]
    resp = record.get("resp")
    # Other consumers may log anything under our names.
    if isinstance(resp, dict):
        resp = cast("Mapping[str, object]", resp)
        words.append(f"{resp.get('s_msgs')} processed, {resp.get('f_msgs')} failed")
    elif "message_id" in record:
        words.append(f"{record['message_id']} attempt {record.get('receive_count')}")
        words.append(f"{record.get('exception_name')}: {record.get('reason', '')}")
        words.append(f"run {record.get('run_id')} seq {record.get('seq')}")
    else:
        words += [str(record[key]) for key in ("message_ids", "exception_name") if key in record]
        words.append(str(record.get("reason", record.get("message", ""))))
    return "  ".join(words)
