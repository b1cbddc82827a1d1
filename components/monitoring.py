"""What tells people about a queue: the alarm on its dead letters, and the dashboard."""

import pulumi
import pulumi_aws as aws

from components import naming

# How often SQS publishes its metrics: Amazon SQS Developer Guide, Available CloudWatch metrics.
_PERIOD_SECONDS = 60
_SECONDS_PER_DAY = 86_400
# CloudWatch API Reference, PutDashboard, DashboardName.
_DASHBOARD_NAME_LENGTH = 255
# A dashboard is 24 columns wide: CloudWatch API Reference, Dashboard body structure.
_WIDGET_WIDTH, _WIDGET_HEIGHT, _WIDGETS_PER_ROW = 8, 6, 3

Metric = list[object]


def dead_letter_alarm(
    name: str,
    *,
    dlq_name: pulumi.Input[str],
    dlq_retention_seconds: int,
    topic_arn: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> aws.cloudwatch.MetricAlarm:
    """Rings while anything is in the dead-letter queue, and tells when it is empty again.

    It counts what is visible: SQS's own moves to a dead-letter queue are not in
    `NumberOfMessagesSent` (Amazon SQS Developer Guide, Creating alarms for dead-letter queues).
    An idle queue stops sending data after a while, which is no alarm.
    """
    return aws.cloudwatch.MetricAlarm(
        name,
        alarm_description=alarm_description(dlq_name, dlq_retention_seconds, pulumi.get_stack()),
        namespace="AWS/SQS",
        metric_name="ApproximateNumberOfMessagesVisible",
        dimensions={"QueueName": dlq_name},
        statistic="Maximum",
        comparison_operator="GreaterThanThreshold",
        threshold=0,
        period=_PERIOD_SECONDS,
        evaluation_periods=1,
        treat_missing_data="notBreaching",
        alarm_actions=[topic_arn],
        ok_actions=[topic_arn],
        opts=opts,
    )


def alarm_description(
    dlq_name: pulumi.Input[str], dlq_retention_seconds: int, stack: str
) -> pulumi.Output[str]:
    """What whoever is woken by the alarm reads: what happened, and what to do."""
    days = dlq_retention_seconds / _SECONDS_PER_DAY
    return pulumi.Output.concat(
        "Messages could not be processed and are kept in the dead-letter queue ",
        dlq_name,
        f". They expire {days:g} days after they were first sent. What to do: "
        f"1. python -m automation dlq list --stack {stack} shows them and why they failed. "
        f"2. python -m automation logs --failures --stack {stack} shows the consumer's errors. "
        "3. Mend the cause: the consumer, or what sends the messages. "
        f"4. python -m automation dlq redrive --stack {stack} sends them through again. "
        "The alarm returns to OK when the queue is empty.",
    )


def dashboard(
    name: str,
    *,
    queue: aws.sqs.Queue,
    dlq: aws.sqs.Queue,
    consumer_name: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> aws.cloudwatch.Dashboard:
    """One page with the depth, the age and the flow of a queue, its dead letters, its consumer."""
    body = dashboard_body(
        region=queue.region, queue_name=queue.name, dlq_name=dlq.name, consumer_name=consumer_name
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
    consumer_name: pulumi.Input[str],
) -> dict[str, object]:
    """The dashboard in CloudWatch's own shape."""

    def sqs(metric: str, name: pulumi.Input[str], statistic: str) -> Metric:
        return ["AWS/SQS", metric, "QueueName", name, {"stat": statistic}]

    def consumer(metric: str, statistic: str) -> Metric:
        return ["AWS/Lambda", metric, "FunctionName", consumer_name, {"stat": statistic}]

    graphs: list[tuple[str, list[Metric]]] = [
        (
            "Messages waiting and in flight",
            [
                sqs("ApproximateNumberOfMessagesVisible", queue_name, "Maximum"),
                sqs("ApproximateNumberOfMessagesNotVisible", queue_name, "Maximum"),
            ],
        ),
        (
            "Age of the oldest message (seconds)",
            [sqs("ApproximateAgeOfOldestMessage", queue_name, "Maximum")],
        ),
        (
            "Sent, received, deleted",
            [
                sqs("NumberOfMessagesSent", queue_name, "Sum"),
                sqs("NumberOfMessagesReceived", queue_name, "Sum"),
                sqs("NumberOfMessagesDeleted", queue_name, "Sum"),
            ],
        ),
        ("Dead letters", [sqs("ApproximateNumberOfMessagesVisible", dlq_name, "Maximum")]),
        (
            "Consumer: duration (ms)",
            [consumer("Duration", "Average"), consumer("Duration", "Maximum")],
        ),
        (
            "Consumer: invocations and errors",
            [consumer("Invocations", "Sum"), consumer("Errors", "Sum")],
        ),
    ]
    return {
        "widgets": [_graph(i, title, metrics, region) for i, (title, metrics) in enumerate(graphs)]
    }


def _graph(
    place: int, title: str, metrics: list[Metric], region: pulumi.Input[str]
) -> dict[str, object]:
    row, column = divmod(place, _WIDGETS_PER_ROW)
    return {
        "type": "metric",
        "x": column * _WIDGET_WIDTH,
        "y": row * _WIDGET_HEIGHT,
        "width": _WIDGET_WIDTH,
        "height": _WIDGET_HEIGHT,
        "properties": {
            "title": title,
            "region": region,
            "view": "timeSeries",
            "period": _PERIOD_SECONDS,
            "metrics": metrics,
        },
    }
