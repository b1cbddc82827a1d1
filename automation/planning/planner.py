"""Makes the plan for a load, or refuses what can't be done."""

from dataclasses import replace

from automation.errors import AutomationError
from automation.planning.backlog import Backlog, backlog
from automation.planning.costs import Traffic, monthly_parts, traffic_parts
from automation.planning.figures import Figures
from automation.planning.load import Load
from automation.planning.notes import notes
from automation.planning.plan import Plan
from automation.planning.python_arguments import DEFAULTS
from automation.planning.receives import dead_letter_time, longest_back_offs
from automation.planning.setting import (
    Setting,
    Wish,
    choose_setting,
    most_concurrency,
    with_concurrency,
)
from components import limits

_DAY = 86_400
_RETENTION_SECONDS = DEFAULTS["retention_seconds"]
# Of a queue's retention: what may pass before it is raised.
_SAFE_SHARE = 0.5


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
            f"{plan.in_flight_quota:,}: a lower --batch-size, --maximum-concurrency or "
            "--max-receive-count"
        )
    return replace(plan, notes=tuple(notes(plan, figures)))


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
    kept = polling.kept(load.deliveries_per_second)
    return backlog(
        polling,
        messages_per_second=load.rate_per_second,
        deliveries_per_message=load.deliveries_per_message,
        burst=burst,
        concurrency=max(polling.first, kept) if is_warm else polling.first,
    )


def _burst(setting: Setting, load: Load) -> Backlog:
    """On top of the load, which the mapping has caught up with before."""
    return _backlog(setting, load, burst=load.burst, is_warm=True)


def _described(load: Load, setting: Setting, wish: Wish, figures: Figures) -> Plan:
    polling = setting.polling
    stream = load.deliveries_per_second
    from_idle = _backlog(setting, load, burst=0, is_warm=False)
    burst = _burst(setting, load) if load.burst else None
    peak = max(found.peak for found in (from_idle, burst) if found)
    in_flight, without_back_off = _in_flight(setting, load, peak)
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
            # Alone it waits for the whole window, each time.
            receive_seconds=polling.gap_seconds + polling.window_seconds + load.duration_seconds,
            max_receive_count=load.max_receive_count,
            visibility_timeout_seconds=setting.visibility_timeout_seconds,
        ),
        dead_letters_per_day=per_day,
        in_flight=in_flight,
        in_flight_without_back_off=without_back_off,
        in_flight_quota=int(quota),
        retention_seconds=_retention(from_idle, burst),
        monthly=monthly_parts(
            load,
            polling,
            figures,
            memory_mb=wish.memory_mb,
            minimum_pollers=setting.minimum_pollers,
        ),
        burst_usd=sum(
            part.usd
            for part in traffic_parts(
                load,
                Traffic(messages=load.burst, batch=polling.batch_size, memory_mb=wish.memory_mb),
                figures,
            )
        ),
    )


def _in_flight(setting: Setting, load: Load, peak: float) -> tuple[float, float]:
    """Messages that are hidden at most: with our back-off, and without one."""
    polling, stream = setting.polling, load.deliveries_per_second
    batch_seconds = (
        polling.gap_seconds + polling.window_seconds + polling.batch_size * load.duration_seconds
    )
    in_batches = min(polling.most * polling.batch_size, peak + stream * batch_seconds)
    full_speed = polling.received_per_second(polling.most)
    messages_per_second = (full_speed if peak >= 1 else stream) / load.deliveries_per_message

    def hidden(seconds: float) -> float:
        """Bad ones that wait for their next receive; of a burst alone no more than it has."""
        waiting = messages_per_second * load.bad_ratio * seconds
        return waiting if load.rate_per_second else min(waiting, load.burst * load.bad_ratio)

    back_offs = sum(longest_back_offs(load.max_receive_count)) / 2
    unasked = setting.visibility_timeout_seconds * load.max_receive_count
    return in_batches + hidden(back_offs), in_batches + hidden(unasked)


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
