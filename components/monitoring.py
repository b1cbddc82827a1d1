"""The dashboard: a queue, its dead letters and its consumer on one page, with their alarms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from . import naming
from .alarms import PERIOD_SECONDS
from .queues import QueueOutputs

# CloudWatch API Reference, PutDashboard, DashboardName.
_DASHBOARD_NAME_LENGTH = 255
# A dashboard is 24 columns wide: CloudWatch API Reference, Dashboard body structure.
_WIDGET_WIDTH, _WIDGET_HEIGHT, _WIDGETS_PER_ROW = 8, 6, 3
_ALARMS_WIDTH, _ALARMS_HEIGHT = _WIDGET_WIDTH * _WIDGETS_PER_ROW, 2

Metric = list[object]


@dataclass(frozen=True, kw_only=True)
class Graph:
    """One graph; `alarm` is the end of the name of the alarm whose threshold is drawn in."""

    title: str
    metrics: Sequence[Metric]
    alarm: str | None = None


def dashboard(
    name: str,
    *,
    queue: QueueOutputs,
    dlq: QueueOutputs,
    consumer_name: pulumi.Input[str] | None,
    alarms: Mapping[str, aws.cloudwatch.MetricAlarm],
    opts: pulumi.ResourceOptions,
) -> aws.cloudwatch.Dashboard:
    """One page with the depth, the age and the flow of a queue, its dead letters, its consumer."""
    body = dashboard_body(
        region=queue.region,
        queue_name=queue.name,
        dlq_name=dlq.name,
        consumer_name=consumer_name,
        thresholds={role: alarm.threshold for role, alarm in alarms.items()},
        alarm_arns=[alarm.arn for alarm in alarms.values()],
    )
    return aws.cloudwatch.Dashboard(
        name,
        dashboard_name=naming.name_in_stack(name, _DASHBOARD_NAME_LENGTH),
        dashboard_body=pulumi.Output.json_dumps(body),
        opts=opts,
    )


def dashboard_body(
    *,
    region: pulumi.Input[str],
    queue_name: pulumi.Input[str],
    dlq_name: pulumi.Input[str],
    consumer_name: pulumi.Input[str] | None,
    thresholds: Mapping[str, object],
    alarm_arns: Sequence[pulumi.Input[str]],
) -> dict[str, object]:
    """The dashboard in CloudWatch's own shape.

    thresholds: of each alarm by the end of its name; `alarm_arns`: all of them, shown at the top.
    """
    graphs = _queue_graphs(queue_name, dlq_name)
    if consumer_name is not None:
        graphs += _consumer_graphs(consumer_name)
    top = _ALARMS_HEIGHT if alarm_arns else 0
    widgets = [_widget(place, graph, region, thresholds, top) for place, graph in enumerate(graphs)]
    return {"widgets": [*([_alarm_widget(alarm_arns)] if alarm_arns else []), *widgets]}


def _queue_graphs(queue_name: pulumi.Input[str], dlq_name: pulumi.Input[str]) -> list[Graph]:
    def sqs(metric: str, name: pulumi.Input[str], statistic: str) -> Metric:
        return ["AWS/SQS", metric, "QueueName", name, {"stat": statistic}]

    return [
        Graph(
            title="Messages waiting and in flight",
            metrics=[
                sqs("ApproximateNumberOfMessagesVisible", queue_name, "Maximum"),
                sqs("ApproximateNumberOfMessagesNotVisible", queue_name, "Maximum"),
            ],
        ),
        Graph(
            title="Age of the oldest message (seconds)",
            metrics=[sqs("ApproximateAgeOfOldestMessage", queue_name, "Maximum")],
            alarm="message-age",
        ),
        Graph(
            title="Sent, received, deleted",
            metrics=[
                sqs("NumberOfMessagesSent", queue_name, "Sum"),
                sqs("NumberOfMessagesReceived", queue_name, "Sum"),
                sqs("NumberOfMessagesDeleted", queue_name, "Sum"),
            ],
        ),
        Graph(
            title="Dead letters",
            metrics=[sqs("ApproximateNumberOfMessagesVisible", dlq_name, "Maximum")],
            alarm="dead-letters",
        ),
        Graph(
            title="Time of the oldest dead letter there (seconds)",
            metrics=[sqs("ApproximateAgeOfOldestMessage", dlq_name, "Maximum")],
            alarm="dead-letter-age",
        ),
    ]


def _consumer_graphs(consumer_name: pulumi.Input[str]) -> list[Graph]:
    def consumer(metric: str, statistic: str) -> Metric:
        return ["AWS/Lambda", metric, "FunctionName", consumer_name, {"stat": statistic}]

    return [
        Graph(
            title="Consumer: duration (ms)",
            metrics=[consumer("Duration", "Average"), consumer("Duration", "Maximum")],
        ),
        Graph(
            title="Consumer: invocations and errors",
            metrics=[consumer("Invocations", "Sum"), consumer("Errors", "Sum")],
            alarm="consumer-errors",
        ),
        Graph(
            title="Consumer: concurrency",
            metrics=[consumer("ConcurrentExecutions", "Maximum")],
        ),
        Graph(
            title="Consumer: throttles",
            metrics=[consumer("Throttles", "Sum")],
            alarm="consumer-throttles",
        ),
    ]


def _alarm_widget(alarm_arns: Sequence[pulumi.Input[str]]) -> dict[str, object]:
    return {
        "type": "alarm",
        "x": 0,
        "y": 0,
        "width": _ALARMS_WIDTH,
        "height": _ALARMS_HEIGHT,
        "properties": {"title": "Alarms", "alarms": list(alarm_arns)},
    }


def _widget(
    place: int,
    graph: Graph,
    region: pulumi.Input[str],
    thresholds: Mapping[str, object],
    top: int,
) -> dict[str, object]:
    row, column = divmod(place, _WIDGETS_PER_ROW)
    properties: dict[str, object] = {
        "title": graph.title,
        "region": region,
        "view": "timeSeries",
        "period": PERIOD_SECONDS,
        "metrics": graph.metrics,
    }
    if graph.alarm is not None and graph.alarm in thresholds:
        line = {"label": "alarm above", "value": thresholds[graph.alarm]}
        properties["annotations"] = {"horizontal": [line]}
    return {
        "type": "metric",
        "x": column * _WIDGET_WIDTH,
        "y": top + row * _WIDGET_HEIGHT,
        "width": _WIDGET_WIDTH,
        "height": _WIDGET_HEIGHT,
        "properties": properties,
    }
