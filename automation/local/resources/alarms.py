"""CloudWatch: metric alarms."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

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
    text_map,
)
from automation.local.resources.tagging import as_pairs, tag_change
from automation.local.resources.values import Properties, items_of
from automation.local.resources.wire import from_wire, request

if TYPE_CHECKING:
    from automation.local.resources.cloud import Cloud

_COMPARISONS: Final = (
    "GreaterThanOrEqualToThreshold",
    "GreaterThanThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
    "LessThanLowerOrGreaterThanUpperThreshold",
    "LessThanLowerThreshold",
    "GreaterThanUpperThreshold",
)
_STATISTICS: Final = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
_WITH_QUERIES: Final = ("metricQueries",)
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
_MAX_ACTIONS: Final = 5

_METRIC_FIELDS: Final = {
    "dimensions": text_map(),
    "metricName": Property(kind="string", required=True, min_length=1, max_length=255),
    "namespace": Property(kind="string", min_length=1, max_length=255),
    "period": Property(kind="int", required=True),
    "stat": Property(kind="string", required=True),
    "unit": Property(kind="string"),
}
_QUERY_FIELDS: Final = {
    "id": Property(kind="string", required=True, min_length=1, max_length=255),
    "accountId": Property(kind="string", min_length=1, max_length=255),
    "expression": Property(kind="string", min_length=1, max_length=1024),
    "label": Property(kind="string"),
    "metric": Property(kind="object", fields=_METRIC_FIELDS, sent=False),
    "period": Property(kind="int"),
    "returnData": Property(kind="bool", default=False),
}
_PROPERTIES: Final[Mapping[str, Property]] = {
    "name": Property(
        kind="string", force_new=True, min_length=1, max_length=255, wire="AlarmName", computed=True
    ),
    "actionsEnabled": Property(kind="bool", default=True),
    "alarmActions": text_list(unordered=True, max_items=_MAX_ACTIONS),
    "alarmDescription": Property(kind="string", max_length=1024),
    "comparisonOperator": Property(kind="string", required=True, enum=_COMPARISONS),
    "datapointsToAlarm": Property(kind="int", minimum=1),
    "dimensions": Property(
        kind="map",
        element=Property(kind="string"),
        conflicts_with=_WITH_QUERIES,
        sent=False,
        wire="Dimensions",
    ),
    "evaluateLowSampleCountPercentiles": Property(
        kind="string",
        computed=True,
        enum=("ignore", "evaluate"),
        wire="EvaluateLowSampleCountPercentile",
    ),
    "evaluationPeriods": Property(kind="int", required=True, minimum=1),
    "extendedStatistic": Property(kind="string", conflicts_with=("statistic", "metricQueries")),
    "insufficientDataActions": text_list(unordered=True, max_items=_MAX_ACTIONS),
    "metricName": Property(
        kind="string", conflicts_with=_WITH_QUERIES, min_length=1, max_length=255
    ),
    "metricQueries": Property(
        kind="list",
        unordered=True,
        max_items=20,
        conflicts_with=("metricName",),
        element=Property(kind="object", fields=_QUERY_FIELDS),
        sent=False,
        wire="Metrics",
    ),
    "namespace": Property(
        kind="string",
        conflicts_with=_WITH_QUERIES,
        min_length=1,
        max_length=255,
        pattern="[^:].*",
    ),
    "okActions": Property(
        kind="list",
        element=Property(kind="string"),
        unordered=True,
        max_items=_MAX_ACTIONS,
        wire="OKActions",
    ),
    "period": Property(kind="int", conflicts_with=_WITH_QUERIES),
    "statistic": Property(
        kind="string", conflicts_with=("extendedStatistic", "metricQueries"), enum=_STATISTICS
    ),
    "threshold": Property(kind="number", conflicts_with=("thresholdMetricId",)),
    "thresholdMetricId": Property(
        kind="string", conflicts_with=("threshold",), min_length=1, max_length=255
    ),
    "treatMissingData": Property(
        kind="string",
        default="missing",
        enum=("missing", "ignore", "breaching", "notBreaching"),
    ),
    "unit": Property(kind="string"),
    "arn": output(),
    **REGION,
    **TAGS,
}


def _alarm_failures(inputs: Properties) -> Iterator[Failure]:
    period = inputs.get("period")
    if isinstance(period, int) and period not in (10, 20, 30) and (period < 1 or period % 60):
        yield Failure("period", f"period is {period}; allowed: 10, 20, 30 or a multiple of 60")
    if "metricName" in inputs:
        present = [name for name in ("statistic", "extendedStatistic") if name in inputs]
        if len(present) != 1:
            yield Failure(
                "statistic", "metricName needs exactly one of statistic, extendedStatistic"
            )
        for name in ("namespace", "period"):
            if name not in inputs:
                yield Failure(name, f"metricName needs {name}")
    elif "metricQueries" not in inputs:
        yield Failure(
            "metricName", "exactly one of metricName, metricQueries is needed; found none"
        )
    if "threshold" not in inputs and "thresholdMetricId" not in inputs:
        yield Failure("threshold", "one of threshold, thresholdMetricId is needed; found none")
    datapoints, periods = inputs.get("datapointsToAlarm"), inputs.get("evaluationPeriods")
    if isinstance(datapoints, int) and isinstance(periods, int) and datapoints > periods:
        yield Failure(
            "datapointsToAlarm",
            f"datapointsToAlarm is {datapoints}; allowed: 1 to evaluationPeriods, {periods}",
        )
    yield from _query_failures(inputs.get("metricQueries"))


def _query_failures(queries: Any) -> Iterator[Failure]:
    for index, query in enumerate(items_of(queries)):
        if ("expression" in query) == ("metric" in query):
            path = f"metricQueries[{index}]"
            yield Failure("metricQueries", f"{path} needs exactly one of expression, metric")


def _action_failures(inputs: Properties) -> Iterator[Failure]:
    for name in ("alarmActions", "okActions", "insufficientDataActions"):
        for action in items_of(inputs.get(name)):
            if isinstance(action, str) and re.match(r"arn:[\w-]+:[\w-]+:", action) is None:
                yield Failure(name, f"{name} has {action!r}; it must be an ARN")


def _request(inputs: Properties) -> Properties:
    parameters = request(_PROPERTIES, inputs)
    if isinstance(inputs.get("dimensions"), dict):
        parameters["Dimensions"] = _dimensions(inputs["dimensions"])
    if isinstance(inputs.get("metricQueries"), list):
        parameters["Metrics"] = [_query(query) for query in inputs["metricQueries"]]
    return parameters


def _dimensions(dimensions: Properties) -> list[Properties]:
    return [{"Name": name, "Value": value} for name, value in dimensions.items()]


def _query(query: Properties) -> Properties:
    parameters = request(_QUERY_FIELDS, query)
    if "metric" in query:
        given = request(
            {**_METRIC_FIELDS, "dimensions": Property(kind="map", sent=False)}, query["metric"]
        )
        statistic = {name: given.pop(name) for name in ("Period", "Stat", "Unit") if name in given}
        given["Dimensions"] = _dimensions(query["metric"].get("dimensions") or {})
        parameters["MetricStat"] = {"Metric": given, **statistic}
    return parameters


def _put_alarm(cloud: Cloud, inputs: Properties) -> str:
    tags = as_pairs(inputs.get("tagsAll") or {})
    cloud.cloudwatch.put_metric_alarm(**_request(inputs), Tags=cast("Any", tags))
    return str(inputs["name"])


def _read_alarm(cloud: Cloud, name: str, _state: Properties) -> Properties | None:
    answer = cloud.cloudwatch.describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm"])
    alarms: list[Properties] = cast("Any", answer.get("MetricAlarms", []))
    if not alarms:
        return None
    alarm = alarms[0]
    arn = alarm["AlarmArn"]
    tags = cloud.cloudwatch.list_tags_for_resource(ResourceARN=arn).get("Tags", [])
    described = {key: value for key, value in alarm.items() if key not in ("Dimensions", "Metrics")}
    properties = from_wire(_PROPERTIES, described)
    if alarm.get("Dimensions"):
        properties["dimensions"] = _dimension_map(alarm["Dimensions"])
    if alarm.get("Metrics"):
        properties["metricQueries"] = [_query_properties(item) for item in alarm["Metrics"]]
    properties.setdefault("treatMissingData", "missing")
    own_tags = {tag.get("Key", ""): tag.get("Value", "") for tag in tags}
    return properties | {"arn": arn, "tags": own_tags}


def _dimension_map(pairs: list[Properties]) -> dict[str, str]:
    return {pair["Name"]: pair["Value"] for pair in pairs}


def _query_properties(query: Properties) -> Properties:
    properties = from_wire(_QUERY_FIELDS, query)
    statistic = query.get("MetricStat")
    if statistic:
        flat = {**statistic, **statistic["Metric"]}
        dimensions = _dimension_map(flat.pop("Dimensions", []))
        properties["metric"] = from_wire(_METRIC_FIELDS, flat) | {"dimensions": dimensions}
    return properties


def _update_alarm(cloud: Cloud, _name: str, change: Change) -> None:
    parameters = _request(change.new)
    cloud.cloudwatch.put_metric_alarm(**parameters)
    arn, tags = change.old["arn"], tag_change(change)
    if tags.removed:
        cloud.cloudwatch.untag_resource(ResourceARN=arn, TagKeys=tags.removed)
    if tags.added:
        cloud.cloudwatch.tag_resource(ResourceARN=arn, Tags=cast("Any", as_pairs(tags.added)))


def _delete_alarm(cloud: Cloud, name: str, _state: Properties) -> None:
    with ignoring("ResourceNotFound"):
        cloud.cloudwatch.delete_alarms(AlarmNames=[name])


METRIC_ALARM: Final = ResourceType(
    token="aws:cloudwatch/metricAlarm:MetricAlarm",  # noqa: S106 - a type token
    properties=_PROPERTIES,
    auto_name=AutoName(max_length=255),
    operation=Operation(service="cloudwatch", name="PutMetricAlarm"),
    request=_request,
    rules=(_alarm_failures, _action_failures),
    unsupported=frozenset(
        {"evaluationCriteria", "evaluationInterval", "evaluationWindow", "warmUpConfiguration"}
    ),
    create=_put_alarm,
    read=_read_alarm,
    update=_update_alarm,
    delete=_delete_alarm,
)
