"""The alarm that must ring, and the dashboard."""

from collections.abc import Callable
from typing import Any

import pytest

from components import ReliableQueue, monitoring

TOPIC_ARN = "arn:aws:sns:eu-north-1:123456789012:events-alarms-1a2b3c4"


@pytest.fixture
def deployed(deploy: Callable[..., Any], queue_args: Callable[..., Any]) -> Any:
    """The queue `events`, its dead letters kept for ten days."""
    args = queue_args(dlq_retention_seconds=864_000)
    return deploy(lambda: ReliableQueue("events", args))


def test_any_visible_dead_letter_rings_and_an_empty_queue_ends_it(deployed: Any) -> None:
    alarm = dict(deployed.only("aws:cloudwatch/metricAlarm:MetricAlarm").inputs)
    del alarm["alarmDescription"]
    assert alarm == {
        "namespace": "AWS/SQS",
        "metricName": "ApproximateNumberOfMessagesVisible",
        "dimensions": {"QueueName": "events-dlq-1a2b3c4"},
        "statistic": "Maximum",
        "comparisonOperator": "GreaterThanThreshold",
        "threshold": 0,
        "period": 60,
        "evaluationPeriods": 1,
        "treatMissingData": "notBreaching",
        "alarmActions": [TOPIC_ARN],
        "okActions": [TOPIC_ARN],
    }


def test_the_alarm_tells_what_to_do(deployed: Any) -> None:
    text = deployed.only("aws:cloudwatch/metricAlarm:MetricAlarm").inputs["alarmDescription"]
    assert "events-dlq-1a2b3c4" in text
    assert "expire 10 days" in text
    for command in ("dlq list --stack test", "logs --failures", "dlq redrive --stack test"):
        assert command in text
    # CloudWatch API Reference, PutMetricAlarm, AlarmDescription; names can be longer than here.
    assert len(text) + 80 + 3 * 100 < 1_024


def test_the_dashboard_is_named_after_project_stack_and_component(deployed: Any) -> None:
    dashboard = deployed.only("aws:cloudwatch/dashboard:Dashboard")
    assert dashboard.inputs["dashboardName"] == "reliable-queue-test-events-dashboard"
    regions = {w["properties"]["region"] for w in dashboard.document("dashboardBody")["widgets"]}
    assert regions == {"eu-north-1"}


def test_the_dashboard_shows_queue_dead_letters_and_consumer_side_by_side() -> None:
    body: Any = monitoring.dashboard_body(
        region="r", queue_name="queue", dlq_name="dlq", consumer_name="consumer"
    )
    shown = {
        (metric[1], metric[3]) for widget in body["widgets"]
        for metric in widget["properties"]["metrics"]
    }  # fmt: skip
    assert shown == {
        ("ApproximateNumberOfMessagesVisible", "queue"),
        ("ApproximateNumberOfMessagesNotVisible", "queue"),
        ("ApproximateAgeOfOldestMessage", "queue"),
        ("NumberOfMessagesSent", "queue"),
        ("NumberOfMessagesReceived", "queue"),
        ("NumberOfMessagesDeleted", "queue"),
        ("ApproximateNumberOfMessagesVisible", "dlq"),
        ("Duration", "consumer"),
        ("Invocations", "consumer"),
        ("Errors", "consumer"),
    }
    places = {(w["x"], w["y"]) for w in body["widgets"]}
    assert len(places) == len(body["widgets"])
    assert all(w["x"] + w["width"] <= 24 for w in body["widgets"])
