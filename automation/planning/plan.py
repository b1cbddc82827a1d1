"""A plan: a load, how its queue is set for it, what then happens and what it costs."""

from dataclasses import dataclass

from automation.planning.backlog import Backlog
from automation.planning.costs import Part
from automation.planning.load import Load
from automation.planning.receives import DeadLetterTime
from automation.planning.setting import Setting


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A load and what it needs.

    Attributes:
        load, setting: what was asked, and how the queue is set for it.
        memory_mb: of the function.
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
