"""Evaluates CloudWatch alarms on SQS's own metrics, which the emulator neither publishes nor reads.

The definitions come from the emulator, the values from the queues' attributes, and the result
goes back through `SetAlarmState`, which runs the alarm's actions. The newest datapoint alone
decides: an alarm over several periods rings here after the first. On any other metric an alarm is
without data, and has the state that its `TreatMissingData` says.
"""

import collections
import contextlib
import logging
import operator
import statistics
import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.literals import StateValueType
    from mypy_boto3_cloudwatch.type_defs import MetricAlarmTypeDef
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType

_log = logging.getLogger(__name__)

# CloudWatch has one datapoint for each period, at best each minute. Nobody waits a minute for
# a local run: here a period's datapoint is made of what was sampled during this time.
_PERIOD_STANDS_FOR_SECONDS = 1.0
_SAMPLE_INTERVAL_SECONDS = 0.2

# The metrics of namespace AWS/SQS that a queue's attributes can answer.
_ATTRIBUTE_BY_METRIC: "dict[str, QueueAttributeNameType]" = {
    "ApproximateNumberOfMessagesVisible": "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible": "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed": "ApproximateNumberOfMessagesDelayed",
}
_STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {
    "Maximum": max,
    "Minimum": min,
    "Average": statistics.fmean,
    "Sum": sum,
    "SampleCount": len,
}
_COMPARISONS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}


class AlarmEvaluator:
    """Evaluates every alarm of one account each time that `evaluate` is called."""

    def __init__(
        self,
        cloudwatch: "CloudWatchClient",
        sqs: "SQSClient",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cloudwatch = cloudwatch
        self._sqs = sqs
        self._clock = clock
        self._samples: dict[str, collections.deque[tuple[float, float]]] = {}

    def evaluate(self) -> None:
        """Sample each alarm's metric and set the states that changed."""
        for page in self._cloudwatch.get_paginator("describe_alarms").paginate(
            AlarmTypes=["MetricAlarm"]
        ):
            for description in page.get("MetricAlarms", []):
                self._evaluate_one(_definition(description))

    def _evaluate_one(self, alarm: "_Definition") -> None:
        value = self._datapoint(alarm)
        if value is None:
            state, reason = _state_without_data(alarm.missing_data)
        else:
            state, reason = state_for(value, alarm.comparison, alarm.threshold)
        if state and state != alarm.state:
            self._cloudwatch.set_alarm_state(
                AlarmName=alarm.name, StateValue=state, StateReason=reason
            )

    def _datapoint(self, alarm: "_Definition") -> float | None:
        """The alarm's statistic over the time that stands for a period; None without samples."""
        samples = self._samples.setdefault(alarm.name, collections.deque())
        now = self._clock()
        value = self._sample(alarm)
        if value is not None:
            samples.append((now, value))
        while samples and samples[0][0] < now - _PERIOD_STANDS_FOR_SECONDS:
            samples.popleft()
        if not samples:
            return None
        return _STATISTICS[alarm.statistic]([value for _, value in samples])

    def _sample(self, alarm: "_Definition") -> float | None:
        attribute = _ATTRIBUTE_BY_METRIC.get(alarm.metric)
        if alarm.namespace != "AWS/SQS" or attribute is None:
            return None
        try:
            url = self._sqs.get_queue_url(QueueName=alarm.queue_name)["QueueUrl"]
            attributes = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[attribute])
        except self._sqs.exceptions.QueueDoesNotExist:
            return None
        return float(attributes["Attributes"][attribute])


@dataclass(frozen=True, kw_only=True)
class _Definition:
    """What this module needs of an alarm's description."""

    name: str
    state: str
    namespace: str
    metric: str
    queue_name: str
    statistic: str
    comparison: str
    threshold: float
    missing_data: str


def _definition(alarm: "MetricAlarmTypeDef") -> _Definition:
    dimensions = {item.get("Name"): item.get("Value") for item in alarm.get("Dimensions", [])}
    return _Definition(
        name=alarm.get("AlarmName", ""),
        state=alarm.get("StateValue", ""),
        namespace=alarm.get("Namespace", ""),
        metric=alarm.get("MetricName", ""),
        queue_name=dimensions.get("QueueName") or "",
        statistic=alarm.get("Statistic", ""),
        comparison=alarm.get("ComparisonOperator", ""),
        threshold=alarm.get("Threshold", 0),
        missing_data=alarm.get("TreatMissingData", "missing"),
    )


def state_for(value: float, comparison: str, threshold: float) -> "tuple[StateValueType, str]":
    """The state of an alarm whose newest datapoint is `value`, and the reason in words."""
    compare, words = _COMPARISONS[comparison]
    breaches = compare(value, threshold)
    reason = (
        f"Threshold Crossed: 1 datapoint [{value:g}] was {'' if breaches else 'not '}"
        f"{words} the threshold ({threshold:g})."
    )
    return ("ALARM" if breaches else "OK"), reason


def _state_without_data(treatment: str) -> "tuple[StateValueType | None, str]":
    reason = f"no datapoints were received and missing data are treated as [{treatment}]"
    states: dict[str, StateValueType] = {
        "breaching": "ALARM",
        "notBreaching": "OK",
        "missing": "INSUFFICIENT_DATA",
    }
    return states.get(treatment), reason


@contextlib.contextmanager
def evaluated_alarms(evaluator: AlarmEvaluator) -> Generator[None]:
    """Evaluate in a thread until the block ends, five times a second."""
    ended = threading.Event()
    thread = threading.Thread(target=_evaluate_until, args=(evaluator, ended), name="alarms")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _evaluate_until(evaluator: AlarmEvaluator, ended: threading.Event) -> None:
    while not ended.wait(_SAMPLE_INTERVAL_SECONDS):
        try:
            evaluator.evaluate()
        except (BotoCoreError, ClientError):
            # An alarm may be deleted between the reading and the setting; the next round is soon.
            _log.warning("could not evaluate the alarms", exc_info=True)
