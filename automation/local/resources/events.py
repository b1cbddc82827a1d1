"""EventBridge: rules of an event bus. The bus itself is the account's default one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from automation.local.resources.cloud import AwsError, ignoring
from automation.local.resources.documents import normalised
from automation.local.resources.schema import (
    REGION,
    TAGS,
    AutoName,
    Change,
    Failure,
    Operation,
    Property,
    ResourceType,
    name_properties,
    output,
)
from automation.local.resources.tagging import as_pairs, from_pairs, tag_change
from automation.local.resources.values import Properties
from automation.local.resources.wire import request

if TYPE_CHECKING:
    from automation.local.resources.cloud import Cloud

MISSING: Final = "ResourceNotFoundException"
DEFAULT_BUS: Final = "default"
# Amazon EventBridge API Reference, PutRule and PutTargets.
RULE_NAME: Final = "[a-zA-Z0-9_.-]+"
_MAX_NAME: Final = 64
_MAX_PATTERN: Final = 4096
# Amazon EventBridge User Guide, Schedule expressions.
_RATE: Final = re.compile(r"rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)")
_CRON: Final = re.compile(r"cron\(\S+( \S+){5}\)")


def bus_property() -> Property:
    """The event bus that a rule, or a rule of a target, is on: a name, not an ARN."""
    return Property(
        kind="string",
        default=DEFAULT_BUS,
        force_new=True,
        min_length=1,
        max_length=256,
        pattern=r"[/a-zA-Z0-9_.-]+",
        wire="EventBusName",
    )


_PROPERTIES: Final[Mapping[str, Property]] = {
    **name_properties(max_length=_MAX_NAME, pattern=RULE_NAME),
    "description": Property(kind="string", max_length=512),
    "eventBusName": bus_property(),
    "eventPattern": Property(kind="string", format="json"),
    "forceDestroy": Property(kind="bool", default=False, sent=False, read_back=False),
    "scheduleExpression": Property(kind="string", max_length=256),
    "state": Property(
        kind="string",
        computed=True,
        enum=("ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"),
    ),
    "arn": output(),
    **REGION,
    **TAGS,
}


def _trigger_failures(inputs: Properties) -> Iterator[Failure]:
    pattern, schedule = inputs.get("eventPattern"), inputs.get("scheduleExpression")
    if not pattern and not schedule:
        yield Failure("eventPattern", "one of eventPattern and scheduleExpression is needed")
    if isinstance(pattern, str) and len(normalised(pattern)) > _MAX_PATTERN:
        size = len(normalised(pattern))
        yield Failure("eventPattern", f"eventPattern has {size} characters; at most {_MAX_PATTERN}")
    if isinstance(schedule, str) and schedule:
        yield from _schedule_failures(schedule, inputs["eventBusName"])


def _schedule_failures(schedule: str, bus: Any) -> Iterator[Failure]:
    if _RATE.fullmatch(schedule) is None and _CRON.fullmatch(schedule) is None:
        reason = "allowed: rate(1 minute), rate(5 minutes), hours, days, or cron() of six fields"
        yield Failure("scheduleExpression", f"scheduleExpression is {schedule!r}; {reason}")
    if isinstance(bus, str) and bus != DEFAULT_BUS:
        reason = f"rules of the bus {bus!r} have none; use the default bus"
        yield Failure("scheduleExpression", f"scheduleExpression is {schedule!r}; {reason}")


def _create(cloud: Cloud, inputs: Properties) -> str:
    tags = as_pairs(inputs.get("tagsAll") or {})
    cloud.events.put_rule(**_rule(inputs), **({"Tags": tags} if tags else {}))
    bus, name = inputs["eventBusName"], inputs["name"]
    return name if bus == DEFAULT_BUS else f"{bus}/{name}"


def _rule(inputs: Properties) -> Properties:
    """The whole rule: what PutRule is not told, it takes away."""
    return {"Description": "", **request(_PROPERTIES, inputs)}


def _place(resource_id: str) -> tuple[str, str]:
    """Bus and rule of an id: RULE, or BUS/RULE."""
    bus, _, name = resource_id.rpartition("/")
    return bus or DEFAULT_BUS, name


def _read(cloud: Cloud, resource_id: str, _state: Properties) -> Properties | None:
    bus, name = _place(resource_id)
    with ignoring(MISSING):
        rule = cloud.events.describe_rule(Name=name, EventBusName=bus)
        tags = cloud.events.list_tags_for_resource(ResourceARN=rule["Arn"]).get("Tags", [])
        return {
            "name": rule["Name"],
            "arn": rule["Arn"],
            "description": rule.get("Description", ""),
            "eventBusName": bus,
            "eventPattern": rule.get("EventPattern", ""),
            "scheduleExpression": rule.get("ScheduleExpression", ""),
            "state": rule["State"],
            "tags": from_pairs(tags),
        }
    return None


def _update(cloud: Cloud, _id: str, change: Change) -> None:
    if not change.changed <= {"tags", "tagsAll", "forceDestroy"}:
        cloud.events.put_rule(**_rule(change.new))
    tags, arn = tag_change(change), change.old["arn"]
    if tags.removed:
        cloud.events.untag_resource(ResourceARN=arn, TagKeys=tags.removed)
    if tags.added:
        cloud.events.tag_resource(ResourceARN=arn, Tags=as_pairs(tags.added))


def _delete(cloud: Cloud, resource_id: str, state: Properties) -> None:
    bus, name = _place(resource_id)
    with ignoring(MISSING):
        # EventBridge refuses this; the emulator deletes the targets along with their rule.
        if cloud.events.list_targets_by_rule(Rule=name, EventBusName=bus)["Targets"]:
            reason = f"Rule can't be deleted since it has targets. (rule {name})"
            raise AwsError("ValidationException", reason)
        cloud.events.delete_rule(Name=name, EventBusName=bus, Force=bool(state.get("forceDestroy")))


EVENT_RULE: Final = ResourceType(
    token="aws:cloudwatch/eventRule:EventRule",  # noqa: S106 - a type token
    properties=_PROPERTIES,
    auto_name=AutoName(max_length=_MAX_NAME),
    operation=Operation(service="events", name="PutRule"),
    rules=(_trigger_failures,),
    # `isEnabled` is the old way to say `state`; a role is for targets that we don't know.
    unsupported=frozenset({"isEnabled", "roleArn"}),
    create=_create,
    read=_read,
    update=_update,
    delete=_delete,
)
