"""Alarms look at their own metric, over their periods, in compressed time."""

import collections
import itertools
import logging
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ministack.core.responses import request_scope

from automation.local.corrections.alarms import COMPRESSION, AlarmEvaluator, refusal
from automation.local.corrections.replacing import service
from automation.local.resources.cloud import Cloud
from automation.waiting import wait_until

REGION = "eu-west-1"
MINUTE = 60 / COMPRESSION
_ACCOUNTS = itertools.count(200000000001)


class World:
    """An account of the emulator's modules in this process, and a clock that the test moves."""

    def __init__(self) -> None:
        self.account_id = str(next(_ACCOUNTS))
        self.evaluator = AlarmEvaluator()
        self.cloudwatch, self._sqs = service("cloudwatch"), service("sqs")
        # Messages have the machine's time; the alarms' clock is ahead of it, so they are in.
        self.now = math.ceil(time.time()) + 60.0

    def put_alarm(self, name: str = "alarm", **more: Any) -> None:
        alarm = {
            "AlarmName": name,
            "Namespace": "AWS/Lambda",
            "MetricName": "Errors",
            "Dimensions": [{"Name": "FunctionName", "Value": "f"}],
            "Statistic": "Sum",
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 0,
            "Period": 60,
            "EvaluationPeriods": 1,
            "TreatMissingData": "notBreaching",
        }
        if "ExtendedStatistic" in more:
            del alarm["Statistic"]
        with request_scope(self.account_id, REGION):
            self.cloudwatch._put_metric_alarm({}, alarm | more, False, True)

    def publish(self, value: float, *, seconds_ago: float = 0.1, of: str = "f") -> None:
        with request_scope(self.account_id, REGION):
            self.cloudwatch.record_metric(
                "AWS/Lambda", "Errors", value, "Count", {"FunctionName": of}
            )
            points = self.cloudwatch._metrics.get(("AWS/Lambda", "Errors", f"FunctionName={of}"))
        points[-1]["Timestamp"] = self.now - seconds_ago

    def make_queue(self, name: str = "q") -> str:
        with request_scope(self.account_id, REGION):
            return self._sqs._act_create_queue({"QueueName": name}, "")["QueueUrl"]

    def send(self, url: str) -> None:
        with request_scope(self.account_id, REGION):
            self._sqs._act_send_message({"QueueUrl": url, "MessageBody": "x"}, url)

    def purge(self, url: str) -> None:
        with request_scope(self.account_id, REGION):
            self._sqs._act_purge_queue({"QueueUrl": url}, url)

    def state_after(self, minutes: int, name: str = "alarm") -> str:
        for _ in range(minutes):
            self.now += MINUTE
            self.evaluator.evaluate(self.now)
        with request_scope(self.account_id, REGION):
            return self.cloudwatch._alarms.get(name)["StateValue"]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    world = World()
    # The emulator would evaluate by itself; the corrections that stop it belong to its process.
    monkeypatch.setattr(world.cloudwatch, "_evaluate_alarm", lambda _alarm: None)
    yield world
    service("cloudwatch").reset()
    service("sqs").reset()


def watch_depth(world: World, **more: Any) -> str:
    url = world.make_queue()
    world.put_alarm(
        Namespace="AWS/SQS",
        MetricName="ApproximateNumberOfMessagesVisible",
        Dimensions=[{"Name": "QueueName", "Value": "q"}],
        Statistic="Maximum",
        **more,
    )
    return url


def test_depth_alarm_rings_and_stops_with_the_end_of_a_minute(world: World) -> None:
    url = watch_depth(world)
    assert world.state_after(1) == "OK"
    world.send(url)
    assert world.state_after(1) == "ALARM"
    world.purge(url)
    assert world.state_after(1) == "OK"


def test_alarm_of_five_periods_rings_after_the_fifth(world: World) -> None:
    url = watch_depth(world, EvaluationPeriods=5)
    world.state_after(10)
    world.send(url)
    assert world.state_after(4) == "OK"
    assert world.state_after(1) == "ALARM"


def test_alarm_of_two_in_five_periods_rings_at_the_second(world: World) -> None:
    url = watch_depth(world, EvaluationPeriods=5, DatapointsToAlarm=2)
    world.state_after(10)
    world.send(url)
    assert world.state_after(1) == "OK"
    world.purge(url)
    assert world.state_after(1) == "OK"
    world.send(url)
    assert world.state_after(1) == "ALARM"


def test_average_over_an_hour_is_not_that_of_the_last_minute(world: World) -> None:
    url = watch_depth(world)
    world.put_alarm(
        "average",
        Namespace="AWS/SQS",
        MetricName="ApproximateNumberOfMessagesVisible",
        Dimensions=[{"Name": "QueueName", "Value": "q"}],
        Statistic="Average",
        Threshold=0.5,
        Period=3_600,
    )
    world.state_after(60)
    world.send(url)
    assert world.state_after(30, "average") == "OK"
    assert world.state_after(1, "average") == "ALARM"


def test_sum_is_that_of_one_period(world: World) -> None:
    world.put_alarm(Threshold=2)
    world.publish(1, seconds_ago=MINUTE + 0.1)
    world.publish(2)
    assert world.state_after(0) == "INSUFFICIENT_DATA"
    world.evaluator.evaluate(world.now)
    assert world.state_after(0) == "OK"
    world.publish(1)
    world.evaluator.evaluate(world.now)
    assert world.state_after(0) == "ALARM"


def test_metric_of_another_function_does_not_ring(world: World) -> None:
    world.put_alarm()
    world.publish(1, seconds_ago=-0.1, of="other")
    assert world.state_after(1) == "OK"


def test_data_of_another_unit_are_none(world: World) -> None:
    world.put_alarm(Unit="Seconds", TreatMissingData="breaching")
    world.publish(0, seconds_ago=-0.1)
    assert world.state_after(1) == "ALARM"


@pytest.mark.parametrize(
    ("statistic", "value"),
    [("Minimum", 0), ("Maximum", 1), ("Average", 0.25), ("Sum", 1), ("SampleCount", 4)],
)
def test_each_statistic_is_that_over_the_period(world: World, statistic: str, value: float) -> None:
    world.put_alarm(
        Statistic=statistic, Threshold=value, ComparisonOperator="GreaterThanOrEqualToThreshold"
    )
    world.put_alarm("above", Statistic=statistic, Threshold=value)
    for errors in (0, 0, 0, 1):
        world.publish(errors, seconds_ago=-0.1)
    assert world.state_after(1) == "ALARM"
    assert world.state_after(0, "above") == "OK"


def test_percentile_is_evaluated(world: World) -> None:
    world.put_alarm(ExtendedStatistic="p50", Threshold=0)
    world.put_alarm("p90", ExtendedStatistic="p90", Threshold=0)
    for errors in (0, 0, 1, 1, 1):
        world.publish(errors, seconds_ago=-0.1)
    world.put_alarm("p10", ExtendedStatistic="p10", Threshold=0)
    assert world.state_after(1) == "ALARM"
    assert world.state_after(0, "p90") == "ALARM"
    assert world.state_after(0, "p10") == "OK"


def test_alarm_that_can_t_be_evaluated_is_logged_once_and_silences_no_other(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.put_alarm("a-bad", ComparisonOperator="unknown")
    world.put_alarm("good", TreatMissingData="breaching")
    world.publish(1, seconds_ago=-0.1)
    with caplog.at_level(logging.ERROR):
        assert world.state_after(2, "good") == "ALARM"
    assert collections.Counter(record.message for record in caplog.records) == {
        "alarm a-bad can't be evaluated": 1
    }


TAKEN = {
    "Statistic": "Sum",
    "ComparisonOperator": "GreaterThanThreshold",
    "Period": 60,
    "EvaluationPeriods": 3,
}


@pytest.mark.parametrize(
    "parameters",
    [
        {"DatapointsToAlarm": 3, "TreatMissingData": "ignore"},
        {"Statistic": None, "ExtendedStatistic": "p99.9"},
        {"Period": 10},
        # The query protocol has texts.
        {"Period": "86400", "EvaluationPeriods": "7"},
    ],
)
def test_alarm_that_is_evaluated_is_taken(parameters: dict[str, Any]) -> None:
    assert refusal(TAKEN | parameters) is None


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"Statistic": None, "ExtendedStatistic": "tm90"}, "p0 to p100"),
        ({"Statistic": None, "ExtendedStatistic": "p101"}, "p0 to p100"),
        ({"ExtendedStatistic": "p50"}, "exactly one of Statistic and ExtendedStatistic"),
        ({"Statistic": None}, "exactly one of Statistic and ExtendedStatistic"),
        ({"Statistic": "Median"}, "Statistic is 'Median'"),
        ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "GreaterThanUpperThreshold"),
        ({"TreatMissingData": "zero"}, "TreatMissingData is 'zero'"),
        ({"Metrics": [{"Id": "m"}]}, "Metrics"),
        ({"DatapointsToAlarm": 4}, "1 to EvaluationPeriods, 3"),
        ({"DatapointsToAlarm": 0}, "1 to EvaluationPeriods, 3"),
        ({"EvaluationPeriods": 0}, "1 and up"),
        ({"Period": 0}, "multiple of 60"),
        ({"Period": 61}, "multiple of 60"),
        ({"EvaluationPeriods": 1_441}, "up to 86400"),
        ({"Period": 3_600, "EvaluationPeriods": 169}, "up to 604800"),
    ],
)
def test_alarm_that_would_not_be_evaluated_is_refused(
    parameters: dict[str, Any], named: str
) -> None:
    assert named in str(refusal(TAKEN | parameters))


def states(cloud: Cloud, *names: str) -> Callable[[], tuple[bool, dict[str, str]]]:
    def probe() -> tuple[bool, dict[str, str]]:
        alarms = cloud.cloudwatch.describe_alarms(AlarmNames=list(names))["MetricAlarms"]
        found = {alarm.get("AlarmName", ""): alarm.get("StateValue", "") for alarm in alarms}
        return set(found.values()) == {"ALARM"}, found

    return probe


def test_depth_and_age_of_a_queue_ring_on_the_emulator(cloud: Cloud) -> None:
    url = cloud.sqs.create_queue(QueueName="q")["QueueUrl"]
    for metric in ("ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"):
        cloud.cloudwatch.put_metric_alarm(
            AlarmName=metric,
            Namespace="AWS/SQS",
            MetricName=metric,
            Dimensions=[{"Name": "QueueName", "Value": "q"}],
            Statistic="Maximum",
            ComparisonOperator="GreaterThanThreshold",
            Threshold=0,
            Period=60,
            EvaluationPeriods=1,
            TreatMissingData="notBreaching",
        )
    cloud.sqs.send_message(QueueUrl=url, MessageBody="x")
    probe = states(cloud, "ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage")
    wait_until("both ring", probe, timeout_seconds=20)


def test_trimmed_mean_is_refused_by_the_emulator_when_the_alarm_is_made(cloud: Cloud) -> None:
    with pytest.raises(cloud.cloudwatch.exceptions.ClientError, match="p0 to p100 only"):
        cloud.cloudwatch.put_metric_alarm(
            AlarmName="trimmed",
            Namespace="AWS/Lambda",
            MetricName="Duration",
            ExtendedStatistic="tm90",
            ComparisonOperator="GreaterThanThreshold",
            Threshold=0,
            Period=60,
            EvaluationPeriods=1,
        )


def test_alarms_of_a_metric_are_those_with_its_dimensions(cloud: Cloud) -> None:
    metric: Any = {"Namespace": "AWS/SQS", "MetricName": "ApproximateAgeOfOldestMessage"}
    for name in ("a", "b"):
        cloud.cloudwatch.put_metric_alarm(
            AlarmName=name,
            Dimensions=[{"Name": "QueueName", "Value": name}],
            Statistic="Maximum",
            ComparisonOperator="GreaterThanThreshold",
            Threshold=0,
            Period=60,
            EvaluationPeriods=1,
            **metric,
        )

    def found(*dimensions: tuple[str, str]) -> list[str]:
        asked: Any = [{"Name": name, "Value": value} for name, value in dimensions]
        alarms = cloud.cloudwatch.describe_alarms_for_metric(Dimensions=asked, **metric)
        return [alarm.get("AlarmName", "") for alarm in alarms["MetricAlarms"]]

    assert found(("QueueName", "b")) == ["b"]
    assert found() == found(("QueueName", "c")) == []
