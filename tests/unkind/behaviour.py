"""How unkind a world is: each way in which AWS may answer, with its documented extent."""

from dataclasses import dataclass
from typing import Literal

OldReceipt = Literal["deletes", "ignored", "expired"]
"""What an older receipt handle of a standard queue's message does."""


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """Knobs of a world; the defaults are the kindest that AWS can be.

    The sources are in docs/fidelity.md; where it says "assumed", the extent is ours.

    Attributes:
        call_seconds: how long a request takes, there and back.
        servers: on how many servers a standard queue's messages lie; with one they come in order.
        sampled_servers: the share of them that a short poll asks, above 0 to 1.
        short_receives: probability that a receive returns fewer messages than it could.
        empty_receives: probability that a short poll returns none although there are some.
        delivers_twice: probability that a standard queue delivers a message once more, meanwhile.
        keeps_deleted: probability that a copy of a deleted message is left in a standard queue,
            and is delivered once more.
        count_lag_seconds: how old a queue's counts may be.
        count_error: the share by which counts may be wrong as long as the queue isn't at rest.
        old_receipts: what an older receipt handle of a standard queue may do; one is drawn.
        in_flight_quota: messages in flight of one queue.
        refuses_whole_requests: whether one bad entry has the whole request refused, where AWS may
            do either.
        queue_name_seconds: how long a deleted queue's name can't be used.
        purge_seconds: how long a purge takes, and for how long there can be no other.
        log_delay_seconds: how late a log stream's events may arrive.
        log_page_events: how many events a page holds at the most.
        empty_log_pages: probability of an empty page, with more behind it.
        clock_skew_seconds: what the machine's clock is off by.
        task_listed_after_seconds: when a move task is first listed.
        lists_oldest_task_first: whether a finished task of before comes first.
        running_task_error: code with which a second move task is refused.
        task_moves_nothing: whether a task ends as completed without having moved anything.
        task_fails_after: number of messages after which a move task fails; None for never.
    """

    call_seconds: float = 0.01
    servers: int = 1
    sampled_servers: float = 1.0
    short_receives: float = 0.0
    empty_receives: float = 0.0
    delivers_twice: float = 0.0
    keeps_deleted: float = 0.0
    count_lag_seconds: float = 0.0
    count_error: float = 0.0
    old_receipts: tuple[OldReceipt, ...] = ("deletes",)
    in_flight_quota: int = 120_000
    refuses_whole_requests: bool = False
    queue_name_seconds: float = 60.0
    purge_seconds: float = 0.0
    log_delay_seconds: float = 0.0
    log_page_events: int = 10_000
    empty_log_pages: float = 0.0
    clock_skew_seconds: float = 0.0
    task_listed_after_seconds: float = 0.0
    lists_oldest_task_first: bool = False
    running_task_error: str = "InvalidParameterValue"
    task_moves_nothing: bool = False
    task_fails_after: int | None = None


MILD = Behaviour()
"""In order, whole, exact, at once."""

UNKIND = Behaviour(
    call_seconds=0.05,
    servers=8,
    sampled_servers=0.5,
    short_receives=0.3,
    empty_receives=0.1,
    delivers_twice=0.02,
    keeps_deleted=0.005,
    count_lag_seconds=60.0,
    count_error=0.1,
    old_receipts=("deletes", "ignored", "expired"),
    purge_seconds=60.0,
    log_delay_seconds=120.0,
    log_page_events=100,
    empty_log_pages=0.3,
    clock_skew_seconds=45.0,
    task_listed_after_seconds=5.0,
)
"""All of it at once, as far as AWS's documentation goes."""
