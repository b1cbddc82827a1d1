"""Evaluates alarms as CloudWatch does, in compressed time, and refuses those it can't evaluate.

The emulator looks at all queues and functions together, at one datapoint, and at new data only;
it publishes no metric of SQS.
"""

import collections
import logging
import math
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from ministack.core.responses import (  # pyright: ignore[reportMissingTypeStubs] it has none
    request_scope,
)

from automation.local.corrections.alarm_evaluation import (
    COMPARISONS,
    MISSING_DATA,
    PERCENTILE,
    STATISTICS,
    AlarmRule,
    decide,
    period_refusal,
)
from automation.local.corrections.queue_metrics import UNITS, QueueSampler
from automation.local.corrections.replacing import replace, require, service

_log = logging.getLogger(__name__)
# A datapoint as the emulator keeps it: Timestamp in Unix seconds, Value, Unit, and others.
_Point: TypeAlias = dict[str, Any]

# A minute of CloudWatch takes half a second here, so that nobody waits for an alarm. Only periods
# are shorter: what a metric counts and an age's seconds are those of the wall clock.
COMPRESSION = 120
# How often SQS publishes and CloudWatch evaluates: Amazon SQS Developer Guide, Available CloudWatch
# metrics; Amazon CloudWatch User Guide, Alarm evaluation.
_MINUTE_SECONDS = 60 / COMPRESSION
# What is not understood here, of the alarms that CloudWatch takes.
_UNKNOWN_PARAMETERS = ("Metrics", "ThresholdMetricId", "EvaluateLowSampleCountPercentile")


class AlarmEvaluator:
    """Samples what the alarms watch, and sets the states that follow."""

    def __init__(self) -> None:
        self._cloudwatch, self._sqs = service("cloudwatch"), service("sqs")
        # By account, region and name of the alarm, and what it watches: the newest last.
        self._samples: dict[tuple[str, ...], collections.deque[_Point]] = {}
        self._broken: set[tuple[str, ...]] = set()

    def evaluate(self, now: float) -> None:
        """Look at every alarm once.

        Args:
            now: Unix time in seconds, the end of a minute of theirs.
        """
        sampler = QueueSampler(self._sqs, now)
        kept: set[tuple[str, ...]] = set()
        for (account_id, region, name), alarm in self._cloudwatch._alarms.all_items():
            watched = (alarm["MetricName"], self._cloudwatch._dims_key(_dimensions(alarm)))
            key = (account_id, region, name, *watched)
            kept.add(key)
            with request_scope(account_id, region):
                try:
                    self._evaluate_one(key, alarm, sampler, now)
                    self._broken.discard(key)
                except Exception:  # noqa: BLE001 one alarm must not silence the others
                    if key not in self._broken:
                        _log.exception("alarm %s can't be evaluated", name)
                    self._broken.add(key)
        for gone in self._samples.keys() - kept:
            del self._samples[gone]

    def _evaluate_one(
        self, key: tuple[str, ...], alarm: Any, sampler: QueueSampler, now: float
    ) -> None:
        rule = _rule(alarm)
        period_seconds = alarm["Period"] / COMPRESSION
        start = now - period_seconds * rule.periods_in_range
        if alarm["Namespace"] == "AWS/SQS":
            points = self._sampled(key, alarm, sampler, now, start)
        else:
            points = self._published(alarm, start)
        by_period = _by_period(points, now, period_seconds, rule.periods_in_range)
        state, reason = decide(rule, [self._statistic(alarm, points) for points in by_period])
        if state is not None and state != alarm["StateValue"]:
            values = {"AlarmName": alarm["AlarmName"], "StateValue": state, "StateReason": reason}
            self._cloudwatch._set_alarm_state({}, values, False, True)

    def _sampled(
        self, key: tuple[str, ...], alarm: Any, sampler: QueueSampler, now: float, start: float
    ) -> Iterator[_Point]:
        metric, dimensions = alarm["MetricName"], _dimensions(alarm)
        samples = self._samples.setdefault(key, collections.deque[_Point]())
        if dimensions.keys() == {"QueueName"} and alarm.get("Unit") in (
            None,
            "",
            UNITS.get(metric),
        ):
            value = sampler.value(key[0], key[1], dimensions["QueueName"], metric)
            if value is not None:
                samples.append({"Timestamp": now, "Value": value})
        while samples and samples[0]["Timestamp"] <= start:
            samples.popleft()
        return iter(samples)

    def _published(self, alarm: Any, start: float) -> Iterator[_Point]:
        dimensions = self._cloudwatch._dims_key(_dimensions(alarm))
        key = (alarm["Namespace"], alarm["MetricName"], dimensions)
        for point in reversed(self._cloudwatch._metrics.get(key) or ()):
            if point["Timestamp"] <= start:
                return
            if alarm.get("Unit") in (None, "", point.get("Unit")):
                yield point

    def _statistic(self, alarm: Any, points: list[_Point]) -> float | None:
        values = self._cloudwatch._calc_stats(points)
        if not values:
            return None
        name = alarm.get("ExtendedStatistic") or alarm["Statistic"]
        return self._cloudwatch._stat_value(values, name, points)


def _by_period(
    points: Iterator[_Point], now: float, period_seconds: float, count: int
) -> list[list[_Point]]:
    """The points of each of the last periods, the newest first; a period holds its own end."""
    by_period = [list[_Point]() for _ in range(count)]
    for point in points:
        index: int = math.floor((now - point["Timestamp"]) / period_seconds)
        if 0 <= index < count:
            by_period[index].append(point)
    return by_period


def _rule(alarm: Any) -> AlarmRule:
    periods = alarm["EvaluationPeriods"]
    return AlarmRule(
        comparison=alarm["ComparisonOperator"],
        threshold=alarm["Threshold"],
        evaluation_periods=periods,
        datapoints_to_alarm=alarm.get("DatapointsToAlarm") or periods,
        missing_data=alarm["TreatMissingData"],
    )


def _dimensions(alarm: Any) -> dict[str, str]:
    return {item["Name"]: item["Value"] for item in alarm["Dimensions"]}


def _alarms_of(cloudwatch: Any, metric: Mapping[str, Any], *, is_cbor: bool) -> Iterator[Any]:
    """Those of exactly this metric: the emulator would answer with those of any queue."""
    wanted = {item["Name"]: item["Value"] for item in metric.get("Dimensions", [])}
    for alarm in cloudwatch._alarms.values():
        named = (alarm.get("Namespace"), alarm.get("MetricName"))
        if named == (metric["Namespace"], metric["MetricName"]) and _dimensions(alarm) == wanted:
            yield cloudwatch._cbor_alarm(alarm) if is_cbor else alarm


def refusal(parameters: Mapping[str, Any]) -> str | None:
    """Why CloudWatch takes no such alarm, or it can't be evaluated here; None for a good one.

    Args:
        parameters: of `PutMetricAlarm`; numbers may be in texts.
    """
    for name in _UNKNOWN_PARAMETERS:
        if parameters.get(name):
            return f"{name} is not known to the embedded AWS"
    return _statistic_refusal(parameters) or _periods_refusal(parameters)


def _statistic_refusal(parameters: Mapping[str, Any]) -> str | None:
    statistic, percentile = parameters.get("Statistic"), parameters.get("ExtendedStatistic")
    if bool(statistic) == bool(percentile):
        return "exactly one of Statistic and ExtendedStatistic is needed"
    if percentile and not PERCENTILE.fullmatch(percentile):
        return f"ExtendedStatistic is {percentile!r}; the embedded AWS knows p0 to p100 only"
    known = {
        "Statistic": (statistic, STATISTICS),
        "ComparisonOperator": (parameters.get("ComparisonOperator"), COMPARISONS),
        "TreatMissingData": (parameters.get("TreatMissingData"), MISSING_DATA),
    }
    for name, (value, allowed) in known.items():
        if value and value not in allowed:
            return f"{name} is {value!r}; allowed: {', '.join(allowed)}"
    return None


def _periods_refusal(parameters: Mapping[str, Any]) -> str | None:
    period, periods = int(parameters.get("Period", 0)), int(parameters.get("EvaluationPeriods", 0))
    needed = int(parameters.get("DatapointsToAlarm", periods))
    if periods < 1:
        return f"EvaluationPeriods is {periods}; allowed: 1 and up"
    if not 1 <= needed <= periods:
        return f"DatapointsToAlarm is {needed}; allowed: 1 to EvaluationPeriods, {periods}"
    return period_refusal(period, periods)


def apply() -> None:
    """Take evaluation from the emulator, and begin with ours in a thread."""
    cloudwatch = service("cloudwatch")
    require(
        cloudwatch,
        _calc_stats="points",
        _stat_value="stats stat_name points",
        _set_alarm_state="params cbor_data is_cbor is_json",
        _error="code message status use_json use_cbor",
        _dims_key="dims",
        _cbor_ok="data",
        _json_ok="data",
        _cbor_alarm="alarm",
    )

    def evaluate_alarm(alarm: Any) -> None:
        """The thread does it."""

    def put_metric_alarm(params: Any, cbor_data: Any, is_cbor: Any, is_json: Any = False) -> Any:
        # The query protocol has its values in lists.
        given = cbor_data or {name: value[0] for name, value in params.items() if value}
        reason = refusal(given)
        if reason:
            return cloudwatch._error(
                "ValidationError", reason, 400, use_json=is_json, use_cbor=is_cbor
            )
        return original(params, cbor_data, is_cbor, is_json)

    def describe_alarms_for_metric(
        params: Any, cbor_data: Any, is_cbor: Any, is_json: Any = False
    ) -> Any:
        answer = answer_cbor if is_cbor else answer_json
        if not cbor_data:
            # The Query protocol of old clients.
            return all_of_metric(params, cbor_data, is_cbor, is_json)
        return answer({"MetricAlarms": list(_alarms_of(cloudwatch, cbor_data, is_cbor=is_cbor))})

    answer_cbor, answer_json = cloudwatch._cbor_ok, cloudwatch._json_ok
    all_of_metric = replace(cloudwatch, "_describe_alarms_for_metric", describe_alarms_for_metric)
    replace(cloudwatch, "_evaluate_alarm", evaluate_alarm)
    original = replace(cloudwatch, "_put_metric_alarm", put_metric_alarm)
    threading.Thread(target=_evaluate_forever, name="alarms", daemon=True).start()


def _evaluate_forever() -> None:
    evaluator = AlarmEvaluator()
    while True:
        minute = math.floor(time.time() / _MINUTE_SECONDS) + 1
        time.sleep(max(0.0, minute * _MINUTE_SECONDS - time.time()))
        evaluator.evaluate(minute * _MINUTE_SECONDS)
