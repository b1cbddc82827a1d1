"""EventBridge: targets of rules, which are queues, topics and functions."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from automation.local.resources.cloud import AwsError, ignoring
from automation.local.resources.events import DEFAULT_BUS, MISSING, RULE_NAME, bus_property
from automation.local.resources.schema import (
    REGION,
    Change,
    Failure,
    Operation,
    Property,
    ResourceType,
)
from automation.local.resources.values import Properties, members_of
from automation.local.resources.wire import from_wire, request
from components import limits

if TYPE_CHECKING:
    from automation.local.resources.cloud import Cloud

# Those that the emulator delivers to, of what the local provider can make.
_SERVICES: Final = ("lambda", "sns", "sqs")
# Amazon EventBridge User Guide, Quotas: targets per rule.
_MAX_TARGETS: Final = 5
_MAX_PATHS: Final = 100
# How Terraform makes up an id: `terraform-` and 26 digits.
_ID_PREFIX: Final = "terraform-"
_ID_BYTES: Final = 13

_TARGET: Final[Mapping[str, Property]] = {
    "arn": Property(kind="string", required=True, format="arn"),
    "deadLetterConfig": Property(
        kind="object", fields={"arn": Property(kind="string", format="arn")}
    ),
    "input": Property(
        kind="string",
        format="json",
        max_length=8192,
        conflicts_with=("inputPath", "inputTransformer"),
    ),
    "inputPath": Property(
        kind="string", max_length=256, conflicts_with=("input", "inputTransformer")
    ),
    "inputTransformer": Property(
        kind="object",
        conflicts_with=("input", "inputPath"),
        fields={
            "inputPaths": Property(
                kind="map",
                element=Property(kind="string"),
                max_items=_MAX_PATHS,
                wire="InputPathsMap",
            ),
            "inputTemplate": Property(kind="string", required=True, min_length=1, max_length=8192),
        },
    ),
    "retryPolicy": Property(
        kind="object",
        fields={
            "maximumEventAgeInSeconds": Property(kind="int", minimum=60, maximum=86400),
            "maximumRetryAttempts": Property(kind="int", minimum=0, maximum=185),
        },
    ),
    "sqsTarget": Property(
        kind="object",
        wire="SqsParameters",
        fields={"messageGroupId": Property(kind="string", max_length=100)},
    ),
    "targetId": Property(
        kind="string",
        computed=True,
        force_new=True,
        min_length=1,
        max_length=64,
        pattern=RULE_NAME,
        wire="Id",
    ),
}
_PROPERTIES: Final[Mapping[str, Property]] = {
    **_TARGET,
    "eventBusName": bus_property(),
    "forceDestroy": Property(kind="bool", default=False, sent=False, read_back=False),
    "rule": Property(
        kind="string",
        required=True,
        force_new=True,
        min_length=1,
        max_length=64,
        pattern=RULE_NAME,
    ),
    **REGION,
}


def _target_failures(inputs: Properties) -> Iterator[Failure]:
    arn = inputs["arn"]
    if not isinstance(arn, str):
        return
    service = arn.split(":")[2]
    if service not in _SERVICES:
        reason = f"the local provider delivers to {', '.join(_SERVICES)} only"
        yield Failure("arn", f"arn is {arn!r}; {reason}")
    has_group = bool(members_of(inputs.get("sqsTarget")).get("messageGroupId"))
    if service == "sqs" and limits.is_fifo(arn) and not has_group:
        reason = "a FIFO queue needs sqsTarget.messageGroupId"
        yield Failure("sqsTarget", f"arn is {arn!r}; {reason}")
    if service != "sqs" and inputs.get("sqsTarget"):
        yield Failure("sqsTarget", f"sqsTarget is for queues; arn is {arn!r}")


def _dead_letter_failures(inputs: Properties) -> Iterator[Failure]:
    """Amazon EventBridge User Guide, Using dead-letter queues: a standard queue."""
    arn = members_of(inputs.get("deadLetterConfig")).get("arn")
    if isinstance(arn, str) and (arn.split(":")[2] != "sqs" or limits.is_fifo(arn)):
        reason = "it must be the ARN of a standard queue"
        yield Failure("deadLetterConfig", f"deadLetterConfig.arn is {arn!r}; {reason}")


def _request(inputs: Properties) -> Properties:
    """PutTargets, as far as it is known before an id is made up."""
    target = {"Id": "made-up", **request(_TARGET, inputs)}
    return {
        "Rule": inputs.get("rule"),
        "EventBusName": inputs["eventBusName"],
        "Targets": [target],
    }


def _create(cloud: Cloud, inputs: Properties) -> str:
    target_id = inputs.get("targetId") or f"{_ID_PREFIX}{secrets.token_hex(_ID_BYTES)}"
    bus, rule = str(inputs["eventBusName"]), str(inputs["rule"])
    others = [item for item in _targets(cloud, bus, rule) if item["Id"] != target_id]
    if len(others) >= _MAX_TARGETS:
        reason = (
            f"The requested resource exceeds the maximum number allowed: {_MAX_TARGETS} targets"
        )
        raise AwsError("LimitExceededException", reason)
    _put(cloud, {**inputs, "targetId": target_id})
    return _id({**inputs, "targetId": target_id})


def _targets(cloud: Cloud, bus: str, rule: str) -> list[Properties]:
    return cloud.events.list_targets_by_rule(Rule=rule, EventBusName=bus)["Targets"]


def _put(cloud: Cloud, inputs: Properties) -> None:
    answer = cloud.events.put_targets(
        Rule=inputs["rule"],
        EventBusName=inputs["eventBusName"],
        Targets=[request(_TARGET, inputs)],
    )
    for failure in answer["FailedEntries"]:
        raise AwsError(failure["ErrorCode"], failure["ErrorMessage"])


def _place(resource_id: str, state: Mapping[str, Any]) -> tuple[str, str, str]:
    """Bus, rule and target: from the state, or from what an import was given."""
    if state:
        bus, rule = str(state["eventBusName"]), str(state["rule"])
        beginning = f"{rule}-" if bus == DEFAULT_BUS else f"{bus}-{rule}-"
        return bus, rule, str(state.get("targetId") or resource_id.removeprefix(beginning))
    parts = resource_id.rsplit("/", 2)
    if len(parts) == 1 or not all(parts):
        raise ValueError(
            f"{resource_id!r} is not a target: RULE/TARGET or BUS/RULE/TARGET expected"
        )
    bus, rule, target = [DEFAULT_BUS, *parts][-3:]
    return bus, rule, target


def _read(cloud: Cloud, resource_id: str, state: Properties) -> Properties | None:
    bus, rule, target_id = _place(resource_id, state)
    with ignoring(MISSING):
        for target in _targets(cloud, bus, rule):
            if target["Id"] == target_id:
                return from_wire(_TARGET, target) | {"eventBusName": bus, "rule": rule}
    return None


def _id(properties: Properties) -> str:
    bus, rule, target = (properties[name] for name in ("eventBusName", "rule", "targetId"))
    return f"{rule}-{target}" if bus == DEFAULT_BUS else f"{bus}-{rule}-{target}"


def _update(cloud: Cloud, _id: str, change: Change) -> None:
    # PutTargets replaces the whole target.
    _put(cloud, {**change.new, "targetId": change.old["targetId"]})


def _delete(cloud: Cloud, resource_id: str, state: Properties) -> None:
    bus, rule, target_id = _place(resource_id, state)
    with ignoring(MISSING):
        cloud.events.remove_targets(
            Rule=rule, EventBusName=bus, Ids=[target_id], Force=bool(state.get("forceDestroy"))
        )


EVENT_TARGET: Final = ResourceType(
    token="aws:cloudwatch/eventTarget:EventTarget",  # noqa: S106 - a type token
    properties=_PROPERTIES,
    operation=Operation(service="events", name="PutTargets"),
    request=_request,
    rules=(_target_failures, _dead_letter_failures),
    unsupported=frozenset(
        {
            "appsyncTarget",
            "batchTarget",
            "ecsTarget",
            "httpTarget",
            "kinesisTarget",
            "redshiftTarget",
            "roleArn",
            "runCommandTargets",
            "sagemakerPipelineTarget",
        }
    ),
    id_of=_id,
    create=_create,
    read=_read,
    update=_update,
    delete=_delete,
)
