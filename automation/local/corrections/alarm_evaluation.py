"""Decides an alarm's state from its datapoints, as CloudWatch does.

Amazon CloudWatch User Guide, Alarm evaluation, and Configuring how CloudWatch alarms treat missing
data: its two tables of examples are the tests of this module.
"""

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]

COMPARISONS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}
MISSING_DATA = ("missing", "ignore", "breaching", "notBreaching")
STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
# The percentiles among CloudWatch's extended statistics; trimmed means and the like are not known.
PERCENTILE = re.compile(r"p(100|\d{1,2}(\.\d{1,10})?)")
# CloudWatch looks at some periods more than an alarm evaluates, to have real datapoints in the
# place of missing ones. How many it does not say; in its examples five for three.
_MORE_PERIODS = 2
# Amazon CloudWatch API Reference, PutMetricAlarm, Period.
_SHORT_PERIODS = (10, 20, 30)
_LONG_PERIOD_SECONDS = 3_600
_DAY_SECONDS = 86_400


@dataclass(frozen=True, kw_only=True)
class AlarmRule:
    """What decides an alarm's state.

    Attributes:
        comparison: a key of `COMPARISONS`.
        threshold: what datapoints are compared with.
        evaluation_periods: how many datapoints are looked at, 1 and up.
        datapoints_to_alarm: how many of them have to breach, 1 to `evaluation_periods`.
        missing_data: one of `MISSING_DATA`.
    """

    comparison: str
    threshold: float
    evaluation_periods: int
    datapoints_to_alarm: int
    missing_data: str

    @property
    def periods_in_range(self) -> int:
        """How many datapoints `decide` wants."""
        return self.evaluation_periods + _MORE_PERIODS

    def breaches(self, value: float) -> bool:
        """Whether a datapoint is on the wrong side of the threshold."""
        return COMPARISONS[self.comparison][0](value, self.threshold)


def period_refusal(period_seconds: int, evaluation_periods: int) -> str | None:
    """Why CloudWatch takes no alarm with such a period and so many of them, None if it does."""
    if period_seconds not in _SHORT_PERIODS and (period_seconds < 1 or period_seconds % 60):
        return f"period is {period_seconds}; allowed: 10, 20, 30 or a multiple of 60"
    days = 1 if period_seconds < _LONG_PERIOD_SECONDS else 7
    if period_seconds * evaluation_periods > days * _DAY_SECONDS:
        return (
            f"{evaluation_periods} periods of {period_seconds} s are "
            f"{period_seconds * evaluation_periods} s; allowed: up to {days * _DAY_SECONDS}"
        )
    return None


def decide(rule: AlarmRule, datapoints: Sequence[float | None]) -> tuple[State | None, str]:
    """The state, None for the one it has, and the reason in words.

    Args:
        rule: of the alarm.
        datapoints: of the last `rule.periods_in_range` periods, the newest first; None where there
            were no data.
    """
    real = [value for value in datapoints if value is not None][: rule.evaluation_periods]
    missing = rule.evaluation_periods - len(real)
    breaching = sum(map(rule.breaches, real))
    if not missing or breaching >= rule.datapoints_to_alarm:
        return _by_count(rule, breaching), _reason(rule, real)
    match rule.missing_data:
        case "breaching":
            return _by_count(rule, breaching + missing), _reason(rule, real)
        case "notBreaching":
            return _by_count(rule, breaching), _reason(rule, real)
        case treatment:
            return _without_filling(rule, datapoints, real, treatment), _reason(rule, real)


def _without_filling(
    rule: AlarmRule, datapoints: Sequence[float | None], real: list[float], treatment: str
) -> State | None:
    if not real:
        return "INSUFFICIENT_DATA" if treatment == "missing" else None
    if not all(map(rule.breaches, real)):
        return "OK"
    # Avoiding premature transitions to alarm state: too few breaching datapoints and none that is
    # within the threshold ring once the oldest is as old as the alarm wants datapoints.
    oldest = max(age for age, value in enumerate(datapoints, start=1) if value is not None)
    if oldest < rule.datapoints_to_alarm or treatment == "ignore":
        return None
    return "ALARM"


def _by_count(rule: AlarmRule, breaching: int) -> State:
    return "ALARM" if breaching >= rule.datapoints_to_alarm else "OK"


def _reason(rule: AlarmRule, real: list[float]) -> str:
    if not real:
        return (
            "no datapoints were received in "
            f"{rule.periods_in_range} periods; missing data are treated as [{rule.missing_data}]"
        )
    values = ", ".join(f"{value:g}" for value in real)
    breaching = sum(map(rule.breaches, real))
    return (
        f"Threshold Crossed: {breaching} of the last {rule.evaluation_periods} datapoints "
        f"[{values}] {'was' if breaching == 1 else 'were'} {COMPARISONS[rule.comparison][1]} the "
        f"threshold ({rule.threshold:g})."
    )
