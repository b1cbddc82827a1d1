"""CloudWatch: alarms on one metric."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from automation.local.corrections.alarm_evaluation import (
    COMPARISONS,
    MISSING_DATA,
    PERCENTILE,
    STATISTICS,
    period_refusal,
)
from automation.local.resources.cloud import ignoring
from automation.local.resources.schema import (
    REGION,
    TAGS,
    AutoName,
    Change,
    Failure,
    Operation,
    Property,
    ResourceType,
    output,
    text_list,
)
from automation.local.resources.tagging import as_pairs, from_pairs, tag_change
from automation.local.resources.values import Properties, items_of
from automation.local.resources.wire import from_wire, request

if TYPE_CHECKING:
    from automation.local.resources.cloud import Cloud

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
_MAX_ACTIONS: Final = 5

_PROPERTIES: Final[Mapping[str, Property]] = {
    "name": Property(
        kind="string", computed=True, force_new=True, min_length=1, max_length=255, wire="AlarmName"
    ),
    "actionsEnabled": Property(kind="bool", default=True),
    "alarmActions": text_list(unordered=True, max_items=_MAX_ACTIONS),
    "alarmDescription": Property(kind="string", max_length=1024),
    "comparisonOperator": Property(kind="string", required=True, enum=tuple(COMPARISONS)),
    "datapointsToAlarm": Property(kind="int", minimum=1),
    "dimensions": Property(
        kind="map", element=Property(kind="string"), max_items=30, sent=False, wire="Dimensions"
    ),
    "evaluationPeriods": Property(kind="int", required=True, minimum=1),
    "extendedStatistic": Property(kind="string", conflicts_with=("statistic",)),
    "insufficientDataActions": text_list(unordered=True, max_items=_MAX_ACTIONS),
    "metricName": Property(kind="string", required=True, min_length=1, max_length=255),
    "namespace": Property(
        kind="string", required=True, min_length=1, max_length=255, pattern="[^:].*"
    ),
    "okActions": Property(
        kind="list",
        element=Property(kind="string"),
        unordered=True,
        max_items=_MAX_ACTIONS,
        wire="OKActions",
    ),
    "period": Property(kind="int", required=True),
    "statistic": Property(kind="string", conflicts_with=("extendedStatistic",), enum=STATISTICS),
    "threshold": Property(kind="number", required=True),
    "treatMissingData": Property(
        kind="string",
        default="missing",
        enum=MISSING_DATA,
    ),
    "unit": Property(kind="string"),
    "arn": output(),
    **REGION,
    **TAGS,
}


def _period_failures(inputs: Properties) -> Iterator[Failure]:
    period, periods = inputs["period"], inputs["evaluationPeriods"]
    # A number of periods that is not known yet is at least one.
    reason = (
        period_refusal(period, periods if isinstance(periods, int) else 1)
        if isinstance(period, int)
        else None
    )
    if reason:
        yield Failure("period", reason)


def _statistic_failures(inputs: Properties) -> Iterator[Failure]:
    if "statistic" not in inputs and "extendedStatistic" not in inputs:
        reason = "exactly one of statistic, extendedStatistic is needed; found none"
        yield Failure("statistic", reason)


def _percentile_failures(inputs: Properties) -> Iterator[Failure]:
    percentile = inputs.get("extendedStatistic")
    if isinstance(percentile, str) and PERCENTILE.fullmatch(percentile) is None:
        reason = f"extendedStatistic is {percentile!r}; the local provider knows p0 to p100 only"
        yield Failure("extendedStatistic", reason)


def _datapoints_failures(inputs: Properties) -> Iterator[Failure]:
    datapoints, periods = inputs.get("datapointsToAlarm"), inputs["evaluationPeriods"]
    if isinstance(datapoints, int) and isinstance(periods, int) and datapoints > periods:
        yield Failure(
            "datapointsToAlarm",
            f"datapointsToAlarm is {datapoints}; allowed: 1 to evaluationPeriods, {periods}",
        )


def _action_failures(inputs: Properties) -> Iterator[Failure]:
    for name in ("alarmActions", "okActions", "insufficientDataActions"):
        for action in items_of(inputs.get(name)):
            if isinstance(action, str) and re.match(r"arn:[\w-]+:[\w-]+:", action) is None:
                yield Failure(name, f"{name} has {action!r}; it must be an ARN")


def _request(inputs: Properties) -> Properties:
    parameters = request(_PROPERTIES, inputs)
    dimensions = inputs.get("dimensions")
    if isinstance(dimensions, dict):
        given = cast("Properties", dimensions)
        parameters["Dimensions"] = [{"Name": key, "Value": value} for key, value in given.items()]
    return parameters


def _create(cloud: Cloud, inputs: Properties) -> str:
    tags = as_pairs(inputs.get("tagsAll") or {})
    cloud.cloudwatch.put_metric_alarm(**_request(inputs), Tags=tags)
    return str(inputs["name"])


def _read(cloud: Cloud, name: str, _state: Properties) -> Properties | None:
    answer = cloud.cloudwatch.describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm"])
    alarms: list[Properties] = cast("Any", answer.get("MetricAlarms", []))
    if not alarms:
        return None
    alarm = dict(alarms[0])
    dimensions = {item["Name"]: item["Value"] for item in alarm.pop("Dimensions", [])}
    if alarm.get("ExtendedStatistic"):
        # The emulator gives every alarm a statistic.
        alarm.pop("Statistic", None)
    tags = cloud.cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"]).get("Tags", [])
    return from_wire(_PROPERTIES, alarm) | {
        "arn": alarm["AlarmArn"],
        "dimensions": dimensions or None,
        "tags": from_pairs(tags),
    }


def _update(cloud: Cloud, _name: str, change: Change) -> None:
    cloud.cloudwatch.put_metric_alarm(**_request(change.new))
    arn, tags = change.old["arn"], tag_change(change)
    if tags.removed:
        cloud.cloudwatch.untag_resource(ResourceARN=arn, TagKeys=tags.removed)
    if tags.added:
        cloud.cloudwatch.tag_resource(ResourceARN=arn, Tags=as_pairs(tags.added))


def _delete(cloud: Cloud, name: str, _state: Properties) -> None:
    with ignoring("ResourceNotFound"):
        cloud.cloudwatch.delete_alarms(AlarmNames=[name])


METRIC_ALARM: Final = ResourceType(
    token="aws:cloudwatch/metricAlarm:MetricAlarm",  # noqa: S106 - a type token
    properties=_PROPERTIES,
    auto_name=AutoName(max_length=255),
    operation=Operation(service="cloudwatch", name="PutMetricAlarm"),
    request=_request,
    rules=(
        _period_failures,
        _statistic_failures,
        _percentile_failures,
        _datapoints_failures,
        _action_failures,
    ),
    # The emulator forgets queries, bands and windows, and nothing here would evaluate them.
    unsupported=frozenset(
        {
            "evaluateLowSampleCountPercentiles",
            "evaluationCriteria",
            "evaluationInterval",
            "evaluationWindow",
            "metricQueries",
            "thresholdMetricId",
            "warmUpConfiguration",
        }
    ),
    create=_create,
    read=_read,
    update=_update,
    delete=_delete,
)
