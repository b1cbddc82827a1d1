"""`python -m automation plan`: what a queue of a load needs on AWS, and what it costs."""

import dataclasses
import datetime
from collections.abc import Mapping
from pathlib import Path

import click
from rich.console import Console

from automation.aws.errors import explained_aws_errors
from automation.commands.options import json_option, target_option
from automation.commands.output import DONE, as_plain, print_json
from automation.commands.plan_text import plan_text
from automation.errors import AutomationError
from automation.opening import opened_account
from automation.operations.measured_load import MeasuredLoad, measure_load, require_measured
from automation.planning.figures import Figures, read_figures
from automation.planning.load import Load
from automation.planning.picture import backlog_svg
from automation.planning.plan import Plan
from automation.planning.planner import make_plan
from automation.planning.python_arguments import python_arguments
from automation.planning.setting import Wish
from automation.progress import Progress
from automation.stacks import DEFAULT_HOME
from automation.target import TargetName

_DEFAULT_BYTES = 1_024
_MAX_DAYS = 63


@click.command(short_help="Plan a queue for a load: settings, backlog, costs.")
@click.option("--rate", type=float, metavar="N", help="Messages a second, at the busiest time.")
@click.option("--mean-rate", type=float, metavar="N", help="Over a whole month.  [default: --rate]")
@click.option("--duration-ms", type=float, metavar="MS", help="The consumer's work on a message.")
@click.option(
    "--bad-ratio", type=float, default=0.0, show_default=True, help="Share that always fails."
)
@click.option(
    "--burst", type=int, default=0, show_default=True, help="Messages that come at once, on top."
)
@click.option(
    "--message-bytes",
    type=int,
    metavar="N",
    help=f"Body and attributes.  [default: {_DEFAULT_BYTES}]",
)
@click.option(
    "--send-batch-size",
    type=int,
    default=10,
    show_default=True,
    help="Messages in a sender's call.",
)
@click.option("--max-receive-count", type=int, default=2, show_default=True)
@click.option("--fifo", "is_fifo", is_flag=True, help="A FIFO queue; needs --groups.")
@click.option("--groups", type=int, metavar="N", help="Message groups active at the same time.")
@click.option("--batch-size", type=int, metavar="N", help="[default: 10, or what fits in the time]")
@click.option(
    "--batching-window", type=int, metavar="SECONDS", help="[default: 0, or what it needs]"
)
@click.option("--visibility-timeout", type=int, metavar="SECONDS", help="[default: derived]")
@click.option("--maximum-concurrency", type=int, metavar="N", help="[default: what keeps up]")
@click.option("--provisioned", "is_provisioned", is_flag=True, help="With provisioned pollers.")
@click.option("--minimum-pollers", type=int, metavar="N", help="[default: what the load takes]")
@click.option("--drain-within", type=float, metavar="SECONDS", help="How long the burst may take.")
@click.option("--memory-mb", type=int, default=256, show_default=True)
@click.option(
    "--prices",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="TOML, `name = number`: prices and quotas in place of those kept here.",
)
@click.option("--from-queue", metavar="QUEUE", help="Take rate, size and time from CloudWatch.")
@click.option(
    "--days",
    type=click.IntRange(1, _MAX_DAYS),
    default=7,
    show_default=True,
    help="How far back --from-queue looks.",
)
@target_option("Where the queue of --from-queue is.")
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_HOME,
    envvar="RELIABLE_QUEUE_HOME",
    help="Folder of the embedded AWS, for --from-queue.",
)
@click.option(
    "--svg",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Draw the backlog into a file.",
)
@json_option
def plan(
    *,
    is_fifo: bool,
    groups: int | None,
    prices: Path | None,
    svg: Path | None,
    wants_json: bool,
    from_queue: str | None,
    days: int,
    target: TargetName,
    home: Path,
    **given: float | None,
) -> int:
    """Plan a queue for a load, without anything being created.

    Says how the queue, its mapping and its function are set, how fast Lambda scales to that, what
    waits meanwhile, what a month costs; and the arguments for `ReliableQueueArgs`. What AWS does
    not allow is refused, with the limit. docs/plan.md tells what it rests on.
    """
    if is_fifo and groups is None:
        raise click.UsageError("--fifo needs --groups N: how many message groups are active")
    if groups is not None and not is_fifo:
        raise click.UsageError("--groups goes with --fifo")
    if is_fifo and given["is_provisioned"]:
        raise click.UsageError(
            "--provisioned goes with a standard queue: how many batches of a FIFO queue are "
            "processed at once, its message groups decide"
        )
    figures = read_figures(prices)
    measured = _measured(from_queue, days, target, home, given) if from_queue else None
    if measured and measured.is_fifo and not is_fifo:
        raise click.UsageError(f"{measured.queue_name} is a FIFO queue: say --fifo --groups N")
    load = _load(given, groups, measured)
    made = make_plan(load, _wish(given), figures)
    if measured:
        notes = [f"measured: {words}" for words in measured.assumptions]
        made = dataclasses.replace(made, notes=(*notes, *made.notes))
    if wants_json:
        print_json(_as_json(made, figures))
    else:
        Console(highlight=False).print(plan_text(made, figures), soft_wrap=True)
    if svg is not None:
        _draw(svg, made)
    return DONE


def _draw(svg: Path, made: Plan) -> None:
    try:
        svg.write_text(backlog_svg(made.burst or made.from_idle, _title(made)))
    except OSError as error:
        raise AutomationError(f"--svg {svg} can't be written: {error.strerror}") from error


def _measured(
    queue: str, days: int, target: TargetName, home: Path, given: Mapping[str, float | None]
) -> MeasuredLoad:
    progress = Progress()
    home.mkdir(parents=True, exist_ok=True)
    now = datetime.datetime.now(datetime.UTC)
    with opened_account(target, home=home) as account, explained_aws_errors(f"queue {queue}", None):
        progress.say(f"asking CloudWatch about {queue} in {account}")
        measured = measure_load(account, queue, days=days, now=now)
    require_measured(
        measured,
        lacks_rate=given["rate"] is None,
        lacks_duration=given["duration_ms"] is None,
    )
    return measured


def _load(
    given: Mapping[str, float | None], groups: int | None, measured: MeasuredLoad | None
) -> Load:
    """What was given by hand counts; what is missing there was measured."""
    rate, mean = given["rate"], given["mean_rate"]
    if rate is None:
        rate = measured.rate_per_second if measured else None
        mean = measured.mean_rate_per_second if measured and mean is None else mean
    duration = _or(_seconds(given["duration_ms"]), measured and measured.duration_seconds)
    if rate is None or duration is None:
        raise click.UsageError("say the load: --rate N --duration-ms MS, or --from-queue QUEUE")
    message_bytes = _or(given["message_bytes"], measured and measured.message_bytes)
    return Load(
        rate_per_second=rate,
        mean_rate_per_second=rate if mean is None else mean,
        duration_seconds=duration,
        bad_ratio=given["bad_ratio"] or 0.0,
        burst=int(given["burst"] or 0),
        message_bytes=int(_DEFAULT_BYTES if message_bytes is None else message_bytes),
        send_batch_size=int(given["send_batch_size"] or 0),
        max_receive_count=int(given["max_receive_count"] or 0),
        groups=groups,
    )


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1_000


def _or(given: float | None, measured: float | None) -> float | None:
    return measured if given is None else given


def _wish(given: Mapping[str, float | None]) -> Wish:
    def whole(name: str) -> int | None:
        value = given[name]
        return None if value is None else int(value)

    within = given["drain_within"]
    if within is not None and not 0 < within < float("inf"):
        raise AutomationError(f"--drain-within = {within:g}; allowed: seconds above 0")
    if within is not None and not given["burst"]:
        raise click.UsageError("--drain-within goes with --burst")
    if given["minimum_pollers"] is not None and not given["is_provisioned"]:
        raise click.UsageError("--minimum-pollers goes with --provisioned")
    return Wish(
        batch_size=whole("batch_size"),
        batching_window_seconds=whole("batching_window"),
        visibility_timeout_seconds=whole("visibility_timeout"),
        maximum_concurrency=whole("maximum_concurrency"),
        is_provisioned=bool(given["is_provisioned"]),
        minimum_pollers=whole("minimum_pollers"),
        drain_within_seconds=within,
        memory_mb=whole("memory_mb") or 0,
    )


def _title(made: Plan) -> str:
    load = made.load
    what = f"{load.burst:,} messages at once beside " if load.burst else ""
    return f"Waiting messages: {what}{load.rate_per_second:,g} messages/s"


def _as_json(made: Plan, figures: Figures) -> Mapping[str, object]:
    return {
        **as_plain(made),
        "monthly_usd": made.monthly_usd,
        "arguments": python_arguments(made),
        "figures": {
            name: {
                "value": getattr(figures, name),
                "source": source.page,
                "read": source.read.isoformat() if source.read else None,
            }
            for name, source in figures.sources.items()
        },
    }
