"""A plan for a person: what is set, what happens, what it costs, and what isn't known."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from automation.commands.output import duration
from automation.planning.backlog import Backlog
from automation.planning.figures import Figures
from automation.planning.picture import columns
from automation.planning.plan import Plan
from automation.planning.python_arguments import python_arguments

_PLOT_WIDTH, _PLOT_HEIGHT = 60, 6
_READ_IN_SECONDS = 600


def plan_text(plan: Plan, figures: Figures) -> RenderableType:
    """Rows, the plot, the bill, the arguments, the notes."""
    shown = plan.burst or plan.from_idle
    rows = [Text.assemble((f"{label:<13}", "dim"), words) for label, words in _rows(plan)]
    arguments = python_arguments(plan)
    return Group(
        *rows,
        *([Text(), *_plot(shown)] if shown.peak >= 1 else []),
        Text(),
        _bill(plan),
        Text(),
        Text(arguments),
        Text(),
        *(Text(f"- {note}") for note in plan.notes),
        Text(
            f"- AWS's quotas and prices: us-east-1, looked up on {figures.oldest_read} or later; "
            "automation/planning/us_east_1.toml has their sources"
        ),
    )


def _rows(plan: Plan) -> Iterator[tuple[str, str]]:
    load, setting = plan.load, plan.setting
    yield "load", _load(plan)
    yield (
        "concurrency",
        f"{setting.concurrency:,} batches at once; the load takes {plan.needed:,.1f}, and "
        f"{plan.busy:,.1f} functions run at the same time on average",
    )
    yield (
        "batch",
        f"up to {setting.batch_size:,}, window {setting.batching_window_seconds} s; about "
        f"{plan.steady_batch:,.1f} once nothing waits",
    )
    yield (
        "function",
        f"timeout {setting.timeout_seconds} s, {plan.memory_mb} MB; visibility timeout "
        f"{_seconds(setting.visibility_timeout_seconds)}",
    )
    yield "scaling", _scaling(plan)
    yield "from idle", _backlog(plan.from_idle)
    if plan.burst:
        yield "burst", f"{load.burst:,} at once: {_backlog(plan.burst)}"
    letter = plan.dead_letter
    yield (
        "dead letter",
        f"{letter.mean:,.1f} s after its first receive, {letter.longest:,.1f} s at the longest; "
        f"{letter.without_back_off:,.0f} s without our back-off",
    )
    of_burst = f", {load.burst * load.bad_ratio:,.0f} of each burst" if load.burst else ""
    yield "", f"{plan.dead_letters_per_day:,.0f} a day{of_burst}"
    yield (
        "in flight",
        f"{plan.in_flight:,.0f} at most, {plan.in_flight_without_back_off:,.0f} without our "
        f"back-off; SQS allows {plan.in_flight_quota:,}",
    )
    yield "retention", duration(plan.retention_seconds)


def _load(plan: Plan) -> str:
    load = plan.load
    words = f"{load.rate_per_second:,g} messages/s of {load.duration_seconds * 1_000:,g} ms"
    if load.mean_rate_per_second != load.rate_per_second:
        words += f" (on average {load.mean_rate_per_second:,.3g}/s)"
    words += f", {load.message_bytes:,} bytes, {load.bad_ratio * 100:.3g} % bad"
    words += f", {load.max_receive_count} receives"
    return words + (f", {load.groups:,} message groups" if load.groups is not None else "")


def _scaling(plan: Plan) -> str:
    polling = plan.setting.polling
    if plan.load.is_fifo:
        return f"by active message groups, {polling.most:,.0f} batches at once"
    words = f"{polling.first:,.0f} batches at once, {polling.per_minute:,.0f} more each minute"
    if plan.setting.minimum_pollers is None:
        return words
    pollers = f"{plan.setting.minimum_pollers:,} to {plan.setting.maximum_pollers:,}"
    return f"{words}, by {pollers} provisioned pollers"


def _backlog(found: Backlog) -> str:
    if found.drained_seconds is None or found.longest_wait_seconds is None:
        return "never catches up"
    if found.drained_seconds == 0:
        return "nothing waits"
    return (
        f"up to {found.peak:,.0f} wait, gone after {_seconds(found.drained_seconds)}, the longest "
        f"wait is {_seconds(found.longest_wait_seconds)}"
    )


def _plot(found: Backlog) -> Iterator[Text]:
    for line in columns(found, width=_PLOT_WIDTH, height=_PLOT_HEIGHT):
        yield Text(f"{'':13}{line}".rstrip())
    until = _seconds(found.moments[-1].seconds)
    yield Text(f"{'waiting':<13}0 s{until:>{_PLOT_WIDTH - 3}}", style="dim")


def _bill(plan: Plan) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("a month")
    table.add_column("", justify="right")
    table.add_column("")
    table.add_column("USD", justify="right")
    for part in plan.monthly:
        if part.amount:
            is_whole = part.amount >= 100 or part.amount == int(part.amount)
            amount = f"{part.amount:,.0f}" if is_whole else f"{part.amount:,.1f}"
            table.add_row(part.name, amount, part.unit, f"{part.usd:,.2f}")
    table.add_row("together", "", "", f"{plan.monthly_usd:,.2f}", style="bold")
    if burst := plan.load.burst:
        table.add_row("each burst, beside", f"{burst:,}", "messages", f"{plan.burst_usd:,.2f}")
    return table


def _seconds(seconds: float) -> str:
    """A time as a plan needs it: in seconds, as long as those are read at a glance."""
    return f"{seconds:,.0f} s" if seconds < _READ_IN_SECONDS else duration(seconds)
