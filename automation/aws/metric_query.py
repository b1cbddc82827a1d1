"""What CloudWatch is asked about a queue or a function."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

Whose = tuple[str, str, str]
"""Namespace of a metric, and name and value of its one dimension."""


def of_queue(name: str) -> Whose:
    """The metrics of a queue."""
    return "AWS/SQS", "QueueName", name


def of_function(name: str) -> Whose:
    """The metrics of a function."""
    return "AWS/Lambda", "FunctionName", name


def metric_query(
    query_id: str, whose: Whose, metric: str, statistic: str, *, period_seconds: int
) -> "MetricDataQueryTypeDef":
    """One query of a `GetMetricData`.

    Args:
        query_id: names its values in the answer.
        whose: see `of_queue` and `of_function`.
        metric: name of the metric.
        statistic: such as `Sum`, `Maximum`, `SampleCount`.
        period_seconds: one value for each, a multiple of 60.
    """
    namespace, dimension, value = whose
    return {
        "Id": query_id,
        "MetricStat": {
            "Metric": {
                "Namespace": namespace,
                "MetricName": metric,
                "Dimensions": [{"Name": dimension, "Value": value}],
            },
            "Period": period_seconds,
            "Stat": statistic,
        },
    }
