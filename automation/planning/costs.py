"""Requests and costs of a load in a month, by part."""

import math
from dataclasses import dataclass

from automation.planning.figures import HOURS_PER_MONTH, Figures
from automation.planning.load import Load
from automation.planning.polling import Polling
from components import limits

# Messages in one call of SQS: Amazon SQS API Reference, SendMessageBatch, ReceiveMessage and kin.
_PER_CALL = 10
# What the component makes by default: five alarms of one metric each, one dashboard.
_ALARMS = 5
_MILLION, _GB = 1e6, 1e9


@dataclass(frozen=True, kw_only=True)
class Part:
    """One line of a bill.

    Attributes:
        name: what is paid for.
        amount: how much of it, in `unit`.
        usd: what it costs, before taxes, without free tier and discounts for volume.
    """

    name: str
    amount: float
    unit: str
    usd: float


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Messages, and how they are handed to the function.

    Attributes:
        messages: how many are sent.
        batch: messages in a batch on average.
        memory_mb: of the function.
    """

    messages: float
    batch: float
    memory_mb: int


def monthly_parts(
    load: Load,
    polling: Polling,
    figures: Figures,
    *,
    memory_mb: int,
    minimum_pollers: int | None,
) -> tuple[Part, ...]:
    """What a month of a load costs.

    Args:
        load: its mean rate is what is paid for.
        polling: how it is received.
        figures: the prices.
        memory_mb: of the function.
        minimum_pollers: provisioned; None without.
    """
    stream = load.mean_rate_per_second * load.deliveries_per_message
    needed = polling.needed(stream)
    traffic = Traffic(
        messages=load.mean_rate_per_second * HOURS_PER_MONTH * 3_600,
        batch=polling.steady_batch(stream),
        memory_mb=memory_mb,
    )
    if minimum_pollers is None:
        idle, pollers = max(0.0, polling.first - needed), 0.0
    else:
        busy = polling.kept(stream) / limits.INVOCATIONS_PER_POLLER
        idle, pollers = max(0.0, minimum_pollers - busy), max(float(minimum_pollers), busy)
    standing = _standing_parts(figures, is_fifo=load.is_fifo, idle_receivers=idle, pollers=pollers)
    return (*traffic_parts(load, traffic, figures), *standing)


def traffic_parts(load: Load, traffic: Traffic, figures: Figures) -> tuple[Part, ...]:
    """What is paid by the message."""
    return (*_sqs_parts(load, traffic, figures), *_function_parts(load, traffic, figures))


def _standing_parts(
    figures: Figures, *, is_fifo: bool, idle_receivers: float, pollers: float
) -> tuple[Part, ...]:
    """What is paid by time, for a month."""
    empty = idle_receivers * HOURS_PER_MONTH * 3_600 / figures.empty_receive_seconds
    parts = [
        Part(
            name="SQS: empty receives",
            amount=empty,
            unit="requests",
            usd=empty / _MILLION * _request_price(figures, is_fifo=is_fifo),
        ),
        Part(
            name="CloudWatch: alarms",
            amount=_ALARMS,
            unit="alarms",
            usd=_ALARMS * figures.alarm_month,
        ),
        Part(
            name="CloudWatch: dashboard",
            amount=1,
            unit="dashboard",
            usd=figures.dashboard_month,
        ),
    ]
    if pollers:
        hours = pollers * HOURS_PER_MONTH
        parts.append(
            Part(
                name="Lambda: provisioned pollers",
                amount=hours,
                unit="poller hours",
                usd=hours * figures.poller_hour,
            )
        )
    return tuple(parts)


def _request_price(figures: Figures, *, is_fifo: bool) -> float:
    return figures.sqs_fifo_million_requests if is_fifo else figures.sqs_million_requests


def _sqs_parts(load: Load, traffic: Traffic, figures: Figures) -> tuple[Part, ...]:
    def requests(messages: float, per_call: float, *, has_bodies: bool) -> float:
        """Each 64 KB that a call carries is one more request."""
        chunks = math.ceil(per_call * load.message_bytes / figures.billed_chunk_bytes)
        return messages / per_call * (chunks if has_bodies else 1)

    messages = traffic.messages
    deliveries = messages * load.deliveries_per_message
    bad = messages * load.bad_ratio
    # A call of SQS carries 1 MiB at most, whatever its messages.
    fit = limits.MESSAGE_BYTES.maximum // load.message_bytes
    sent, received = min(load.send_batch_size, fit), min(traffic.batch, _PER_CALL, fit)
    moved = min(_PER_CALL, fit)
    counts = {
        "sends": requests(messages, sent, has_bodies=True),
        "receives": requests(deliveries, received, has_bodies=True),
        "deletes": requests(messages - bad, min(traffic.batch, _PER_CALL), has_bodies=False),
        "back-off": _calls_with_failures(load, deliveries, min(traffic.batch, _PER_CALL)),
        # Received, sent again and deleted, once each.
        "dead letters, redriven once": 2 * requests(bad, moved, has_bodies=True)
        + requests(bad, moved, has_bodies=False),
    }
    price = _request_price(figures, is_fifo=load.is_fifo)
    return tuple(
        Part(name=f"SQS: {name}", amount=count, unit="requests", usd=count / _MILLION * price)
        for name, count in counts.items()
    )


def _calls_with_failures(load: Load, deliveries: float, per_call: float) -> float:
    """Batches in which anything failed: the consumer asks for a back-off once for each."""
    failed = load.bad_ratio * load.max_receive_count / load.deliveries_per_message
    return deliveries / per_call * (1 - (1 - failed) ** per_call)


def _function_parts(load: Load, traffic: Traffic, figures: Figures) -> tuple[Part, ...]:
    deliveries = traffic.messages * load.deliveries_per_message
    invocations = deliveries / traffic.batch
    # Lambda counts whole milliseconds of each invocation.
    milliseconds = math.ceil(round(traffic.batch * load.duration_seconds * 1_000, 6))
    gb_seconds = invocations * milliseconds / 1_000 * traffic.memory_mb / 1_024
    failures = traffic.messages * load.bad_ratio * load.max_receive_count
    logged_gb = (
        invocations * figures.log_bytes_per_invocation + failures * figures.log_bytes_per_failure
    ) / _GB
    return (
        Part(
            name="Lambda: requests",
            amount=invocations,
            unit="requests",
            usd=invocations / _MILLION * figures.lambda_million_requests,
        ),
        Part(
            name="Lambda: duration",
            amount=gb_seconds,
            unit="GB-seconds",
            usd=gb_seconds * figures.lambda_gb_second,
        ),
        Part(
            name="CloudWatch: logs",
            amount=logged_gb,
            unit="GB",
            usd=logged_gb * figures.logs_gb,
        ),
    )
