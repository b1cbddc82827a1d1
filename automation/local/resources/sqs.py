"""SQS: queues, and the three policies of a queue that are resources of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from automation.local.resources.batch_actions import as_written, for_emulator
from automation.local.resources.cloud import ignoring
from automation.local.resources.documents import normalised
from automation.local.resources.fifo import fifo_name_failures, fifo_only_failures, fifo_suffix
from automation.local.resources.policies import resource_policy_failures
from automation.local.resources.redrive import (
    redrive_allow_policy_failures,
    redrive_policy_failures,
    require_redrive_target,
)
from automation.local.resources.schema import (
    REGION,
    TAGS,
    AutoName,
    Change,
    Property,
    ResourceType,
    Rule,
    name_properties,
    output,
)
from automation.local.resources.tagging import tag_change
from automation.local.resources.values import Properties, Value, is_empty
from components import limits

if TYPE_CHECKING:
    from automation.local.resources.cloud import Cloud

MISSING_QUEUE: Final = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")

# Ranges: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
_ATTRIBUTES: Final = {
    "contentBasedDeduplication": Property(kind="bool", default=False),
    "deduplicationScope": Property(kind="string", computed=True, enum=("messageGroup", "queue")),
    "delaySeconds": Property(kind="int", default=0, minimum=0, maximum=900),
    "fifoQueue": Property(kind="bool", default=False, force_new=True),
    "fifoThroughputLimit": Property(
        kind="string", computed=True, enum=("perMessageGroupId", "perQueue")
    ),
    "kmsDataKeyReusePeriodSeconds": Property(kind="int", computed=True, minimum=60, maximum=86400),
    "kmsMasterKeyId": Property(kind="string", conflicts_with=("sqsManagedSseEnabled",)),
    "maxMessageSize": Property(
        kind="int", default=262144, minimum=1024, maximum=1048576, wire="MaximumMessageSize"
    ),
    "messageRetentionSeconds": Property(
        kind="int", default=345600, minimum=60, maximum=1209600, wire="MessageRetentionPeriod"
    ),
    "policy": Property(kind="string", computed=True, format="policy"),
    "receiveWaitTimeSeconds": Property(
        kind="int", default=0, minimum=0, maximum=20, wire="ReceiveMessageWaitTimeSeconds"
    ),
    "redriveAllowPolicy": Property(kind="string", computed=True, format="json"),
    "redrivePolicy": Property(kind="string", computed=True, format="json"),
    "sqsManagedSseEnabled": Property(
        kind="bool", computed=True, conflicts_with=("kmsMasterKeyId",)
    ),
    "visibilityTimeoutSeconds": Property(
        kind="int", default=30, minimum=0, maximum=43200, wire="VisibilityTimeout"
    ),
}


def _to_attribute(name: str, value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    match _ATTRIBUTES[name].format:
        case "json":
            return normalised(str(value))
        case "policy":
            return for_emulator(normalised(str(value)))
        case _:
            return str(value)


def _from_attribute(prop: Property, text: str) -> Value:
    match prop.kind:
        case "bool":
            return text == "true"
        case "int":
            return int(text)
        case _:
            return as_written(text) if prop.format == "policy" else text


def _create(cloud: Cloud, inputs: Properties) -> str:
    name, is_fifo = str(inputs["name"]), bool(inputs["fifoQueue"])
    arn = f"arn:aws:sqs:{cloud.region}:{cloud.account_id}:{name}"
    require_redrive_target(cloud, arn, is_fifo, inputs.get("redrivePolicy") or "")
    attributes = {
        prop.wire_name(key): _to_attribute(key, inputs[key])
        for key, prop in _ATTRIBUTES.items()
        # SQS refuses `FifoQueue=false` and empty texts; false is its own default elsewhere, but
        # for encryption, which it switches on by itself.
        if inputs.get(key) is not None
        and (not is_empty(inputs[key]) or prop.kind == "int" or key == "sqsManagedSseEnabled")
    }
    answer = cloud.sqs.create_queue(
        QueueName=name,
        Attributes=cast("Any", attributes),
        tags=inputs.get("tagsAll") or {},
    )
    return answer["QueueUrl"]


def _read(cloud: Cloud, url: str, _state: Properties) -> Properties | None:
    with ignoring(*MISSING_QUEUE):
        answer = cloud.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        given = answer.get("Attributes", {})
        attributes = {str(name): value for name, value in given.items()}
        tags = cloud.sqs.list_queue_tags(QueueUrl=url).get("Tags", {})
        return _as_properties(url, attributes) | {"tags": dict(tags)}
    return None


def _as_properties(url: str, attributes: dict[str, str]) -> Properties:
    properties: Properties = {
        name: _from_attribute(prop, attributes[prop.wire_name(name)])
        if prop.wire_name(name) in attributes
        else _absent(prop)
        for name, prop in _ATTRIBUTES.items()
    }
    # SQS encrypts with its own key unless told otherwise; the emulator does not say so.
    if "SqsManagedSseEnabled" not in attributes:
        properties["sqsManagedSseEnabled"] = not attributes.get("KmsMasterKeyId")
    # The official provider's state holds SQS's default where the service tells none.
    properties["kmsDataKeyReusePeriodSeconds"] = properties["kmsDataKeyReusePeriodSeconds"] or 300
    name = url.rsplit("/", 1)[-1]
    return properties | {"name": name, "url": url, "arn": attributes["QueueArn"]}


def _absent(prop: Property) -> Value:
    return {"bool": False, "int": None}.get(prop.kind, "")


def _update(cloud: Cloud, url: str, change: Change) -> None:
    changed = [name for name in _ATTRIBUTES if name in change.changed]
    if change.touches("redrivePolicy"):
        policy = change.new.get("redrivePolicy") or ""
        require_redrive_target(cloud, change.old["arn"], limits.is_fifo(url), policy)
    if changed:
        attributes = {
            _ATTRIBUTES[name].wire_name(name): _to_attribute(name, change.new.get(name, ""))
            for name in changed
        }
        cloud.sqs.set_queue_attributes(QueueUrl=url, Attributes=cast("Any", attributes))
    tags = tag_change(change)
    if tags.removed:
        cloud.sqs.untag_queue(QueueUrl=url, TagKeys=tags.removed)
    if tags.added:
        cloud.sqs.tag_queue(QueueUrl=url, Tags=tags.added)


def _delete(cloud: Cloud, url: str, _state: Properties) -> None:
    with ignoring(*MISSING_QUEUE):
        cloud.sqs.delete_queue(QueueUrl=url)


QUEUE: Final = ResourceType(
    token="aws:sqs/queue:Queue",  # noqa: S106 - a type token
    properties={
        **name_properties(max_length=80, wire="QueueName"),
        **_ATTRIBUTES,
        "arn": output(),
        "url": output(),
        **REGION,
        **TAGS,
    },
    auto_name=AutoName(max_length=80, suffix=fifo_suffix("fifoQueue")),
    rules=(
        fifo_name_failures("queue", "fifoQueue", max_length=80),
        fifo_only_failures(
            "fifoQueue", "contentBasedDeduplication", "deduplicationScope", "fifoThroughputLimit"
        ),
        redrive_policy_failures,
        redrive_allow_policy_failures,
        resource_policy_failures("policy"),
    ),
    create=_create,
    read=_read,
    update=_update,
    delete=_delete,
)


def _attribute_resource(token: str, property_name: str, format_: Any, rule: Rule) -> ResourceType:
    """A resource that owns one attribute of a queue; its id is the queue's URL."""
    attribute: Any = property_name[0].upper() + property_name[1:]

    def write(cloud: Cloud, inputs: Properties) -> str:
        url = str(inputs["queueUrl"])
        if property_name == "redrivePolicy":
            _require_target(cloud, url, inputs[property_name])
        value = normalised(inputs[property_name])
        if format_ == "policy":
            value = for_emulator(value)
        cloud.sqs.set_queue_attributes(QueueUrl=url, Attributes={attribute: value})
        return url

    def read(cloud: Cloud, url: str, _state: Properties) -> Properties | None:
        with ignoring(*MISSING_QUEUE):
            answer = cloud.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[attribute])
            value = answer.get("Attributes", {}).get(attribute)
            if value and format_ == "policy":
                value = as_written(value)
            return {"queueUrl": url, property_name: value} if value else None
        return None

    def update(cloud: Cloud, _url: str, change: Change) -> None:
        write(cloud, change.new)

    def delete(cloud: Cloud, url: str, _state: Properties) -> None:
        with ignoring(*MISSING_QUEUE):
            cloud.sqs.set_queue_attributes(QueueUrl=url, Attributes={attribute: ""})

    return ResourceType(
        token=token,
        properties={
            "queueUrl": Property(kind="string", required=True, force_new=True, min_length=1),
            property_name: Property(kind="string", required=True, format=format_),
            **REGION,
        },
        rules=(rule,),
        create=write,
        read=read,
        update=update,
        delete=delete,
    )


def _require_target(cloud: Cloud, url: str, policy: str) -> None:
    answer = cloud.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn = answer.get("Attributes", {}).get("QueueArn", "")
    require_redrive_target(cloud, arn, limits.is_fifo(arn), policy)


QUEUE_POLICY: Final = _attribute_resource(
    "aws:sqs/queuePolicy:QueuePolicy", "policy", "policy", resource_policy_failures("policy")
)
REDRIVE_POLICY: Final = _attribute_resource(
    "aws:sqs/redrivePolicy:RedrivePolicy", "redrivePolicy", "json", redrive_policy_failures
)
REDRIVE_ALLOW_POLICY: Final = _attribute_resource(
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy",
    "redriveAllowPolicy",
    "json",
    redrive_allow_policy_failures,
)
