"""What to say beside the numbers of a plan: what is at risk, what is assumed, what isn't known."""

from collections.abc import Iterator
from dataclasses import replace

from automation.planning.costs import monthly_parts
from automation.planning.figures import Figures
from automation.planning.plan import Plan
from automation.planning.setting import UTILISATION
from components import limits

AGE_ALARM_SECONDS = 3_600
"""When the component's alarm on the oldest message rings by default: alarm_arguments.py."""

# Of the bill: below it a window isn't worth a word.
_WORTH_SAVING = 0.05


def notes(plan: Plan, figures: Figures) -> Iterator[str]:
    """What is at risk first, then what is assumed or not known; a sentence each."""
    load, setting = plan.load, plan.setting
    yield from _risks(plan, figures)
    yield from _window_advice(plan, figures)
    yield (
        "assumed: a batch takes as long as its messages together, no cold starts, "
        f"{figures.poll_seconds * 1_000:g} ms between two batches of a poller, and that Lambda "
        "adds its pollers at the end of each minute, not in between"
    )
    if load.groups is not None:
        yield f"assumed: {load.groups} message groups are equally busy; the busiest one decides"
    if setting.minimum_pollers is not None:
        yield (
            "not known: what provisioned pollers that wait for messages ask of SQS; counted as one "
            f"empty receive in {figures.empty_receive_seconds:g} s each, and AWS says up to "
            f"{figures.poller_calls_per_second:g} a second"
        )
    yield (
        "not counted: free tiers, discounts for volume, storage of logs, KMS, transfer out of the "
        "region, what the function itself calls"
    )


def _window_advice(plan: Plan, figures: Figures) -> Iterator[str]:
    """What a window of one second would save; a FIFO queue has none."""
    load, polling = plan.load, plan.setting.polling
    if load.is_fifo or polling.window_seconds:
        return
    stream = load.mean_rate_per_second * load.deliveries_per_message
    batch, gathered = (
        replace(polling, window_seconds=window).steady_batch(stream) for window in (0, 1)
    )
    parts = monthly_parts(
        load,
        replace(polling, window_seconds=1),
        figures,
        memory_mb=plan.memory_mb,
        minimum_pollers=plan.setting.minimum_pollers,
    )
    saving = plan.monthly_usd - sum(part.usd for part in parts)
    if saving > _WORTH_SAVING * plan.monthly_usd:
        yield (
            f"the bill counts batches of {batch:.1f}: pollers take what is there when nothing "
            f"waits; --batching-window 1 would make them {gathered:.1f}, cost ${saving:,.0f} a "
            "month less, and let a message wait up to a second"
        )


def _risks(plan: Plan, figures: Figures) -> Iterator[str]:
    load, setting = plan.load, plan.setting
    polling = setting.polling
    # Pollers that only receive for most of their time invoke less than they could.
    at_once = min(polling.needed(polling.received_per_second(polling.most)), polling.most)
    if at_once > UTILISATION * figures.account_concurrency:
        yield (
            f"{at_once:,.0f} of the account's {figures.account_concurrency:,.0f} "
            "concurrent executions are for this queue: while it takes them all, other functions "
            "are throttled"
        )
    visibility = limits.visibility_timeout_advice(
        setting.visibility_timeout_seconds,
        setting.timeout_seconds,
        setting.batching_window_seconds,
    )
    retention = limits.retention_advice(
        plan.retention_seconds, setting.visibility_timeout_seconds, load.max_receive_count
    )
    yield from filter(None, (visibility, retention))
    longest = max(
        (found.longest_wait_seconds or 0.0) for found in (plan.from_idle, plan.burst) if found
    )
    if longest > AGE_ALARM_SECONDS:
        yield (
            f"a message waits up to {longest:,.0f} s: the alarm on the oldest message "
            f"(alarms.message_age_seconds = {AGE_ALARM_SECONDS}) will ring"
        )
    if plan.in_flight_without_back_off > plan.in_flight_quota:
        yield (
            "without a back-off, failed messages stay hidden for the visibility timeout: "
            f"{plan.in_flight_without_back_off:,.0f} would be in flight, and SQS allows "
            f"{plan.in_flight_quota:,}"
        )
    if load.bad_ratio == 1:
        yield "bad_ratio is 1: nothing is processed, everything is dead-lettered"
    if setting.polling.batch_size < setting.batch_size:
        yield (
            f"batches of {load.message_bytes:,} bytes a message are full with "
            f"{setting.polling.batch_size:,}: an invocation takes 6 MB"
        )
    if setting.timeout_seconds < 2 * setting.batch_size * load.duration_seconds:
        yield (
            f"a full batch takes {setting.batch_size * load.duration_seconds:,.0f} s of the "
            f"{setting.timeout_seconds} s that a function may run: a slow one is ended, and all of "
            "it comes again"
        )
