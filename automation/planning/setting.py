"""How a queue and its mapping are set for a load; what can't be is refused."""

import math
from dataclasses import dataclass, replace

from automation.errors import AutomationError
from automation.planning.figures import Figures
from automation.planning.load import Load
from automation.planning.polling import Polling, groups_ceiling
from components import limits

UTILISATION = 0.8
"""Share of the concurrency that the load itself takes; the rest is for what comes unevenly."""
# A function's timeout over the time of a full batch: a slow one is not ended.
_TIMEOUT_PER_BATCH = 3
# As the component's function has it, components/function.py.
_SHORTEST_TIMEOUT_SECONDS = 10
# Amazon SQS API Reference, ReceiveMessage, MaxNumberOfMessages.
_MESSAGES_PER_RECEIVE = 10
# What a window costs in time is at most this by default; below 1 there is none.
_WINDOW_FOR_LARGE_BATCHES = 1


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a user wants set otherwise; None (default) leaves it to the planner.

    Attributes:
        batch_size, batching_window_seconds, visibility_timeout_seconds: as in the component.
        maximum_concurrency: 2 to 1,000; not with provisioned pollers.
        is_provisioned: whether the mapping gets provisioned pollers. Default False.
        minimum_pollers: that are always kept, 2 to 200.
        drain_within_seconds: how long a burst may take.
        memory_mb: of the function. Default 256, as the component has it.
    """

    batch_size: int | None = None
    batching_window_seconds: int | None = None
    visibility_timeout_seconds: int | None = None
    maximum_concurrency: int | None = None
    is_provisioned: bool = False
    minimum_pollers: int | None = None
    drain_within_seconds: float | None = None
    memory_mb: int = 256


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How they are set; the names are those of the component's arguments.

    Attributes:
        concurrency: batches at once, in the end.
        minimum_pollers, maximum_pollers: provisioned; None without.
        polling: the mapping that this makes.
    """

    batch_size: int
    batching_window_seconds: int
    timeout_seconds: int
    visibility_timeout_seconds: int
    concurrency: int
    minimum_pollers: int | None = None
    maximum_pollers: int | None = None
    polling: Polling


def choose_setting(load: Load, wish: Wish, figures: Figures) -> Setting:
    """The smallest setting that keeps up with a load.

    Raises:
        AutomationError: nothing keeps up with it, or a wish is against a limit.
    """
    limits.FUNCTION_MEMORY.check("memory_mb", wish.memory_mb)
    batch_size, window = _batch(load, wish, figures)
    timeout = min(
        limits.FUNCTION_TIMEOUT.maximum,
        max(
            _SHORTEST_TIMEOUT_SECONDS,
            math.ceil(_TIMEOUT_PER_BATCH * batch_size * load.duration_seconds),
        ),
    )
    visibility = wish.visibility_timeout_seconds
    if visibility is None:
        visibility = limits.derived_visibility_timeout_seconds(timeout, window)
    else:
        limits.check_visibility_timeout(visibility, timeout)
    full = max(1, min(batch_size, int(figures.invocation_bytes // load.message_bytes)))
    polling = Polling(
        first=figures.first_concurrency,
        per_minute=figures.concurrency_per_minute,
        most=figures.first_concurrency,
        batch_size=full,
        window_seconds=window,
        gap_seconds=figures.poll_seconds,
        duration_seconds=load.duration_seconds,
        ceiling_per_second=groups_ceiling(load, batch_size=full, gap_seconds=figures.poll_seconds),
    )
    if wish.is_provisioned:
        polling = _by_pollers(polling, load, figures)
    _check_fifo(load, polling, figures)
    setting = Setting(
        batch_size=batch_size,
        batching_window_seconds=window,
        timeout_seconds=timeout,
        visibility_timeout_seconds=visibility,
        concurrency=0,
        polling=polling,
    )
    needed = polling.needed(load.deliveries_per_second)
    _check_needed(needed, wish, figures)
    return with_concurrency(setting, load, wish, _chosen(needed, wish), figures)


def most_concurrency(wish: Wish, figures: Figures) -> int:
    """What a mapping takes and an account gives by default."""
    most = limits.MAXIMUM_CONCURRENCY.maximum
    if wish.is_provisioned:
        most = limits.MAXIMUM_POLLERS.maximum * limits.INVOCATIONS_PER_POLLER
    return min(most, int(figures.account_concurrency))


def _batch(load: Load, wish: Wish, figures: Figures) -> tuple[int, int]:
    """Batch size and window, as asked, else the component's own or what fits in the time."""
    longest = limits.FUNCTION_TIMEOUT.maximum
    fits = max(1, int(longest / load.duration_seconds))
    size = wish.batch_size
    if size is None:
        comfortable = max(1, int(longest / load.duration_seconds / _TIMEOUT_PER_BATCH))
        by_bytes = max(1, int(figures.invocation_bytes // load.message_bytes))
        size = min(limits.BATCH_SIZE_WITHOUT_WINDOW, comfortable, by_bytes)
    window = wish.batching_window_seconds
    if window is None:
        is_large = size > limits.BATCH_SIZE_WITHOUT_WINDOW and not load.is_fifo
        window = _WINDOW_FOR_LARGE_BATCHES if is_large else 0
    if load.is_fifo:
        limits.check_fifo_batch(size, window)
    limits.check_batch(size, window)
    if size > fits:
        raise AutomationError(
            f"batch_size = {size} of {load.duration_seconds:g} s each take "
            f"{size * load.duration_seconds:,.0f} s, and Lambda ends a function after {longest} s; "
            f"allowed: 1 to {fits} messages"
        )
    return size, window


def _check_fifo(load: Load, polling: Polling, figures: Figures) -> None:
    if load.groups is None:
        return
    queue_calls, group_calls = (
        figures.fifo_high_throughput_calls_per_second,
        figures.fifo_calls_per_second,
    )
    for what, messages, per_call in (
        ("sent", load.rate_per_second, load.send_batch_size),
        ("received", load.deliveries_per_second, polling.batch_size),
    ):
        if messages > queue_calls * per_call:
            raise AutomationError(
                f"{messages:,.0f} messages/s {what} by {per_call} a call are above a FIFO queue's "
                f"{queue_calls:,.0f} calls/s with high throughput, {queue_calls * per_call:,.0f} "
                "messages/s: larger batches, several queues, or a standard queue"
            )
        in_group = messages / load.groups
        if in_group > group_calls * per_call:
            raise AutomationError(
                f"{in_group:,.0f} messages/s {what} in each of {load.groups} groups are above the "
                f"{group_calls:,.0f} calls/s of a group, {group_calls * per_call:,.0f} messages/s: "
                f"at least {math.ceil(messages / group_calls / per_call)} groups, or larger batches"
            )
    ceiling = polling.ceiling_per_second
    if load.deliveries_per_second >= ceiling:
        raise AutomationError(
            f"{load.groups} message groups let {ceiling / load.deliveries_per_message:,.1f} "
            f"messages/s through, below --rate {load.rate_per_second:,g}: a group is processed one "
            "batch at a time, and waits for its bad messages; at least "
            f"{math.floor(load.groups * load.deliveries_per_second / ceiling) + 1} groups, a "
            "shorter --duration-ms, or a standard queue"
        )


def _check_needed(needed: float, wish: Wish, figures: Figures) -> None:
    account = int(figures.account_concurrency)
    if needed >= account:
        raise AutomationError(
            f"{math.ceil(needed):,} batches have to be processed at once, and an account has "
            f"{account:,} concurrent executions by default: have the quota raised (Service Quotas, "
            "Lambda, Concurrent executions) and say so, account_concurrency = N in a file for "
            "--prices; or a shorter --duration-ms"
        )
    most = most_concurrency(wish, figures)
    if needed >= most:
        raise AutomationError(
            f"{math.ceil(needed):,} batches have to be processed at once, and a mapping takes "
            f"{most:,}: "
            + (
                "several queues, or a shorter --duration-ms"
                if wish.is_provisioned
                else "--provisioned takes up to "
                f"{limits.MAXIMUM_POLLERS.maximum * limits.INVOCATIONS_PER_POLLER:,}; or a shorter "
                "--duration-ms"
            )
        )
    if wish.maximum_concurrency is None:
        return
    if wish.is_provisioned:
        raise AutomationError("--maximum-concurrency and --provisioned exclude each other")
    limits.MAXIMUM_CONCURRENCY.check("maximum_concurrency", wish.maximum_concurrency)
    if wish.maximum_concurrency <= needed:
        raise AutomationError(
            f"maximum_concurrency = {wish.maximum_concurrency} never catches up: the load alone "
            f"takes {needed:,.1f} batches at once; allowed: {math.floor(needed) + 1} to "
            f"{limits.MAXIMUM_CONCURRENCY.maximum}"
        )


def _chosen(needed: float, wish: Wish) -> int:
    if wish.maximum_concurrency is not None:
        return wish.maximum_concurrency
    return max(limits.maximum_concurrency(None, None), math.ceil(needed / UTILISATION))


def with_concurrency(
    setting: Setting, load: Load, wish: Wish, concurrency: int, figures: Figures
) -> Setting:
    """The same setting with another concurrency, no higher than there can be."""
    most = min(concurrency, most_concurrency(wish, figures))
    polling = setting.polling
    if load.groups is not None:
        # A FIFO queue's mapping goes by the groups that are active, not by the minute.
        most_groups = min(most, load.groups)
        polling = replace(polling, first=most_groups, per_minute=0, most=most_groups)
        return replace(setting, concurrency=most, polling=polling)
    if not wish.is_provisioned:
        polling = replace(polling, first=min(figures.first_concurrency, most), most=most)
        return replace(setting, concurrency=most, polling=polling)
    return _provisioned(setting, load, wish, most, figures)


def _by_pollers(polling: Polling, load: Load, figures: Figures) -> Polling:
    """The same by provisioned pollers, each of which carries so much for all its invocations."""
    calls = figures.poller_calls_per_second
    messages = min(
        figures.poller_bytes_per_second / load.message_bytes,
        calls * min(polling.batch_size, _MESSAGES_PER_RECEIVE),
    )
    return replace(
        polling,
        calls_each_per_second=calls / limits.INVOCATIONS_PER_POLLER,
        each_per_second=messages / limits.INVOCATIONS_PER_POLLER,
    )


def _provisioned(
    setting: Setting, load: Load, wish: Wish, concurrency: int, figures: Figures
) -> Setting:
    each = limits.INVOCATIONS_PER_POLLER
    stream = load.deliveries_per_second
    needed = setting.polling.kept(stream) / each
    carried = stream / setting.polling.each_per_second / each
    least, most = limits.MINIMUM_POLLERS, limits.MAXIMUM_POLLERS
    maximum = max(most.minimum, math.ceil(concurrency / each), math.ceil(carried / UTILISATION))
    if maximum > most.maximum:
        raise AutomationError(
            f"{stream:,.0f} messages/s of {load.message_bytes:,} bytes take {maximum:,} event "
            f"pollers; allowed: {most}, of 1 MB/s and {figures.poller_calls_per_second:g} receives "
            "of up to 10 messages a second each: several queues, smaller messages, or a "
            "--batch-size of 10 or more"
        )
    minimum = wish.minimum_pollers
    if minimum is None:
        minimum = min(maximum, max(least.minimum, min(least.maximum, math.ceil(needed))))
    maximum = max(minimum, maximum)
    limits.check_pollers(minimum, maximum, maximum_concurrency=None, reserved=None)
    polling = replace(
        setting.polling,
        first=minimum * each,
        per_minute=figures.provisioned_concurrency_per_minute,
        most=maximum * each,
    )
    return replace(
        setting,
        concurrency=maximum * each,
        minimum_pollers=minimum,
        maximum_pollers=maximum,
        polling=polling,
    )
