"""The dashboard: what it shows, where, and the alarms in it."""

from collections.abc import Callable
from typing import Any

import pytest

from components import AlarmArgs, ReliableQueue, monitoring

Make = Callable[..., Any]


@pytest.fixture
def deploy_dashboard(deploy: Make, queue_args: Make) -> Make:
    """The dashboard of the queue `events`."""

    def run(**args: Any) -> Any:
        made = queue_args(**args)
        deployed = deploy(lambda: ReliableQueue("events", made))
        return deployed.only("aws:cloudwatch/dashboard:Dashboard")

    return run


def shown(body: Any) -> set[tuple[str, str]]:
    return {
        (metric[1], metric[3])
        for widget in body["widgets"]
        for metric in widget["properties"].get("metrics", [])
    }


def test_the_dashboard_is_named_after_project_stack_and_component(deploy_dashboard: Make) -> None:
    dashboard = deploy_dashboard()
    assert dashboard.inputs["dashboardName"] == "reliable-queue-test-events-dashboard"
    graphs = [w for w in dashboard.document("dashboardBody")["widgets"] if w["type"] == "metric"]
    assert {graph["properties"]["region"] for graph in graphs} == {"eu-north-1"}


def test_the_dashboard_shows_queue_dead_letters_and_consumer_side_by_side() -> None:
    body: Any = monitoring.dashboard_body(
        region="r",
        queue_name="queue",
        dlq_name="dlq",
        consumer_name="consumer",
        thresholds={},
        alarm_arns=["arn"],
    )
    assert shown(body) == {
        ("ApproximateNumberOfMessagesVisible", "queue"),
        ("ApproximateNumberOfMessagesNotVisible", "queue"),
        ("ApproximateAgeOfOldestMessage", "queue"),
        ("NumberOfMessagesSent", "queue"),
        ("NumberOfMessagesReceived", "queue"),
        ("NumberOfMessagesDeleted", "queue"),
        ("ApproximateNumberOfMessagesVisible", "dlq"),
        ("ApproximateAgeOfOldestMessage", "dlq"),
        ("Duration", "consumer"),
        ("Invocations", "consumer"),
        ("Errors", "consumer"),
        ("ConcurrentExecutions", "consumer"),
        ("Throttles", "consumer"),
    }
    taken: set[tuple[int, int]] = set()
    for widget in body["widgets"]:
        cells = {
            (x, y)
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        }
        assert not cells & taken, "a widget covers another"
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_every_alarm_is_drawn_in_at_its_threshold_and_listed(deploy_dashboard: Make) -> None:
    alarms = AlarmArgs(dead_letters_above=3, message_age_seconds=600, consumer_errors_above=7)
    widgets = deploy_dashboard(alarms=alarms).document("dashboardBody")["widgets"]
    lines = {
        widget["properties"]["title"]: widget["properties"]["annotations"]["horizontal"][0]["value"]
        for widget in widgets
        if "annotations" in widget["properties"]
    }
    assert lines == {
        "Dead letters": 3,
        "Time of the oldest dead letter there (seconds)": 432_000,
        "Age of the oldest message (seconds)": 600,
        "Consumer: invocations and errors": 7,
        "Consumer: throttles": 0,
    }
    [listed] = [widget for widget in widgets if widget["type"] == "alarm"]
    assert len(listed["properties"]["alarms"]) == 5


def test_without_alarms_and_consumer_neither_is_shown(deploy_dashboard: Make) -> None:
    body = deploy_dashboard(consumer=None, alarms=None).document("dashboardBody")
    assert {name for _, name in shown(body)} == {"events-queue-1a2b3c4", "events-dlq-1a2b3c4"}
    assert {widget["type"] for widget in body["widgets"]} == {"metric"}
    assert not any("annotations" in widget["properties"] for widget in body["widgets"])
