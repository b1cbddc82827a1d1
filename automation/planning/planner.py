"""The plan for a load: how its queue is set, what then happens, what it costs, what isn't known."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from automation.errors import AutomationError
from automation.planning.backlog import Backlog, backlog
from automation.planning.costs import Part, Traffic, standing_parts, traffic_parts
from automation.planning.figures import HOURS_PER_MONTH, Figures
from automation.planning.load import Load
from automation.planning.receives import DeadLetterTime, dead_letter_time, longest_back_offs
from automation.planning.setting import (
    UTILISATION,
    Setting,
    Wish,
    choose_setting,
    most_concurrency,
    with_concurrency,
)
from components import limits

_DAY = 86_400
# As the component has them, components/arguments.py and alarm_arguments.py.
_RETENTION_SECONDS = 4 * _DAY
_AGE_ALARM_SECONDS = 3_600
# Of a queue's retention: what may pass before it is raised.
_SAFE_SHARE = 0.5
_SECONDS_PER_MONTH = HOURS_PER_MONTH * 3_600
# Of the bill: below it a window isn't worth a word.
_WORTH_SAVING = 0.05


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A load and what it needs.

    Attributes:
        load, setting: what was asked, and how the queue is set for it.
        busy: functions that run at the same time on average.
        needed: batches at once that keep up, each of them full.
        steady_batch: messages in a batch on average, once nothing waits.
        from_idle: the backlog when the load begins on an idle queue.
        burst: the backlog when the burst comes on top of the load; None without one.
        dead_letter: how long a bad message takes to the dead-letter queue.
        dead_letters_per_day: how many get there.
        in_flight: messages that are hidden at most, with our back-off.
        in_flight_without_back_off: the same with a consumer that only reports failures.
        in_flight_quota: what SQS allows.
        retention_seconds: how long the queue keeps a message.
        monthly: what a month costs, by part.
        burst_usd: what one burst costs.
        notes: what is assumed, at risk, or not known; a sentence each.
    """

    load: Load
    setting: Setting
    memory_mb: int
    busy: float
    needed: float
    steady_batch: float
    from_idle: Backlog
    burst: Backlog | None
    dead_letter: DeadLetterTime
    dead_letters_per_day: float
    in_flight: float
    in_flight_without_back_off: float
    in_flight_quota: int
    retention_seconds: int
    monthly: tuple[Part, ...]
    burst_usd: float
    notes: tuple[str, ...] = ()

    @property
    def monthly_usd(self) -> float:
        """What a month costs altogether."""
        return sum(part.usd for part in self.monthly)


def make_plan(load: Load, wish: Wish, figures: Figures) -> Plan:
    """Plan a queue for a load.

    Args:
        load: what is asked of it.
        wish: what shall be set otherwise than the planner would.
        figures: AWS's quotas and prices.

    Raises:
        AutomationError: it can't be done: what was asked, the limit, and what to do.
    """
    try:
        setting = choose_setting(load, wish, figures)
        if wish.drain_within_seconds is not None:
            setting = _draining(setting, load, wish, figures)
    except limits.LimitError as error:
        raise AutomationError(str(error)) from error
    plan = _described(load, setting, wish, figures)
    if plan.in_flight > plan.in_flight_quota:
        raise AutomationError(
            f"{plan.in_flight:,.0f} messages would be in flight: {setting.concurrency:,} batches "
            f"of {setting.batch_size:,} and what waits for its back-off; SQS allows "
            f"{plan.in_flight_quota:,}: a lower --batch-size or --maximum-concurrency"
        )
    return replace(plan, notes=tuple(_notes(plan, wish, figures)))


def _draining(setting: Setting, load: Load, wish: Wish, figures: Figures) -> Setting:
    """The lowest concurrency with which the burst is gone in time."""
    within = wish.drain_within_seconds or 0.0

    def drained(concurrency: int) -> float:
        seconds = _burst(with_concurrency(setting, load, wish, concurrency, figures), load)
        return float("inf") if seconds.drained_seconds is None else seconds.drained_seconds

    low, high = setting.concurrency, most_concurrency(wish, figures)
    if wish.maximum_concurrency is not None:
        high = low
    if drained(high) > within:
        raise AutomationError(_too_slow(setting, load, wish, high, drained(high)))
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if drained(middle) <= within else (middle + 1, high)
    return with_concurrency(setting, load, wish, high, figures)


def _too_slow(setting: Setting, load: Load, wish: Wish, concurrency: int, seconds: float) -> str:
    polling, within = setting.polling, wish.drain_within_seconds
    if wish.is_provisioned:
        faster = "a higher --minimum-pollers (each invokes 10 times at once), "
    elif load.is_fifo:
        faster = "more --groups, "
    else:
        faster = "--provisioned, "
    return (
        f"--drain-within {within:g} s: {concurrency:,} batches at once, all that there can be, "
        f"drain the burst in {seconds:,.0f} s; the mapping begins with {polling.first:,.0f} and "
        f"takes {polling.per_minute:,.0f} more each minute: {faster}an account with more "
        "concurrent executions (account_concurrency, --prices), or more time"
    )


def _backlog(setting: Setting, load: Load, *, burst: float, is_warm: bool) -> Backlog:
    polling = setting.polling
    needed = polling.needed(load.deliveries_per_second)
    return backlog(
        polling,
        messages_per_second=load.rate_per_second,
        deliveries_per_message=load.deliveries_per_message,
        burst=burst,
        concurrency=max(polling.first, needed) if is_warm else polling.first,
    )


def _burst(setting: Setting, load: Load) -> Backlog:
    """On top of the load, which the mapping has caught up with before."""
    return _backlog(setting, load, burst=load.burst, is_warm=True)


def _described(load: Load, setting: Setting, wish: Wish, figures: Figures) -> Plan:
    polling = setting.polling
    stream = load.deliveries_per_second
    from_idle = _backlog(setting, load, burst=0, is_warm=False)
    burst = _burst(setting, load) if load.burst else None
    waits = longest_back_offs(load.max_receive_count)
    peak = max(found.peak for found in (from_idle, burst) if found)
    full_speed = polling.received_per_second(polling.most)
    bad_per_second = (full_speed if peak >= 1 else stream) * load.bad_ratio
    batch_seconds = (
        polling.gap_seconds + polling.window_seconds + polling.batch_size * load.duration_seconds
    )
    at_once = min(polling.most * polling.batch_size, peak + stream * batch_seconds)
    per_day = load.mean_rate_per_second * load.bad_ratio * _DAY
    quota = figures.in_flight_fifo if load.is_fifo else figures.in_flight_standard
    return Plan(
        load=load,
        setting=setting,
        memory_mb=wish.memory_mb,
        busy=stream * load.duration_seconds,
        needed=polling.needed(stream),
        steady_batch=polling.steady_batch(stream),
        from_idle=from_idle,
        burst=burst,
        dead_letter=dead_letter_time(
            receive_seconds=polling.gap_seconds + load.duration_seconds,
            max_receive_count=load.max_receive_count,
            visibility_timeout_seconds=setting.visibility_timeout_seconds,
        ),
        dead_letters_per_day=per_day,
        in_flight=at_once + _hidden(load, bad_per_second, sum(waits) / 2),
        in_flight_without_back_off=at_once
        + _hidden(
            load,
            bad_per_second,
            setting.visibility_timeout_seconds * load.max_receive_count,
        ),
        in_flight_quota=int(quota),
        retention_seconds=_retention(from_idle, burst),
        monthly=_monthly(load, setting, wish, figures),
        burst_usd=sum(
            part.usd
            for part in traffic_parts(
                load,
                Traffic(messages=load.burst, batch=polling.batch_size, memory_mb=wish.memory_mb),
                figures,
            )
        ),
    )


def _hidden(load: Load, bad_per_second: float, seconds: float) -> float:
    """Bad messages that wait for their next receive; of a burst no more than it has."""
    share = bad_per_second / load.deliveries_per_message * seconds
    if load.rate_per_second:
        return share
    return min(share, load.burst * load.bad_ratio)


def _retention(*backlogs: Backlog | None) -> int:
    longest = max(found.longest_wait_seconds or 0.0 for found in backlogs if found)
    most = limits.MESSAGE_RETENTION.maximum - _DAY
    if longest > most * _SAFE_SHARE:
        raise AutomationError(
            f"a message would wait {longest / _DAY:,.1f} days for its first receive, and SQS "
            f"deletes it after {limits.MESSAGE_RETENTION.maximum // _DAY} at the latest: a higher "
            "--maximum-concurrency, or a smaller --burst"
        )
    if longest <= _RETENTION_SECONDS * _SAFE_SHARE:
        return _RETENTION_SECONDS
    return min(most, _DAY * (1 + int(longest / _SAFE_SHARE / _DAY)))


def _monthly(
    load: Load, setting: Setting, wish: Wish, figures: Figures, *, batch: float | None = None
) -> tuple[Part, ...]:
    polling = setting.polling
    stream = load.mean_rate_per_second * load.deliveries_per_message
    traffic = Traffic(
        messages=load.mean_rate_per_second * _SECONDS_PER_MONTH,
        batch=batch or polling.steady_batch(stream),
        memory_mb=wish.memory_mb,
    )
    kept = setting.minimum_pollers or 0
    each = limits.INVOCATIONS_PER_POLLER
    receivers = kept or figures.first_concurrency
    return (
        *traffic_parts(load, traffic, figures),
        *standing_parts(
            figures,
            is_fifo=load.is_fifo,
            idle_receivers=max(0.0, receivers - polling.needed(stream) / (each if kept else 1)),
            pollers=max(float(kept), polling.needed(stream) / each) if kept else 0.0,
        ),
    )


def _notes(plan: Plan, wish: Wish, figures: Figures) -> Iterator[str]:
    """What is at risk first, then what is assumed or not known."""
    load, setting = plan.load, plan.setting
    yield from _risks(plan, figures)
    yield from _window_advice(plan, wish, figures)
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
            "empty receive in 20 s each"
        )
    yield (
        "not counted: free tiers, discounts for volume, storage of logs, KMS, transfer out of the "
        "region, what the function itself calls"
    )


def _window_advice(plan: Plan, wish: Wish, figures: Figures) -> Iterator[str]:
    """What a window of one second would save; a FIFO queue has none."""
    load, polling = plan.load, plan.setting.polling
    if load.is_fifo or polling.window_seconds:
        return
    stream = load.mean_rate_per_second * load.deliveries_per_message
    batch, gathered = (
        replace(polling, window_seconds=window).steady_batch(stream) for window in (0, 1)
    )
    parts = _monthly(load, plan.setting, wish, figures, batch=gathered)
    saving = plan.monthly_usd - sum(part.usd for part in parts)
    if saving > _WORTH_SAVING * plan.monthly_usd:
        yield (
            f"the bill counts batches of {batch:.1f}: pollers take what is there when nothing "
            f"waits; --batching-window 1 would make them {gathered:.1f}, cost ${saving:,.0f} a "
            "month less, and let a message wait up to a second"
        )


def _risks(plan: Plan, figures: Figures) -> Iterator[str]:
    load, setting = plan.load, plan.setting
    if setting.concurrency > UTILISATION * figures.account_concurrency:
        yield (
            f"{setting.concurrency:,} of the account's {figures.account_concurrency:,.0f} "
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
    if longest > _AGE_ALARM_SECONDS:
        yield (
            f"a message waits up to {longest:,.0f} s: the alarm on the oldest message "
            f"(alarms.message_age_seconds = {_AGE_ALARM_SECONDS}) will ring"
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
