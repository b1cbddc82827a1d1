"""SNS: topics, their policies and their subscriptions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from automation.local.resources.cloud import ignoring
from automation.local.resources.documents import normalised
from automation.local.resources.fifo import fifo_name_failures, fifo_only_failures, fifo_suffix
from automation.local.resources.policies import resource_policy_failures
from automation.local.resources.schema import (
    REGION,
    TAGS,
    AutoName,
    Change,
    Property,
    ResourceType,
    name_properties,
    output,
)
from automation.local.resources.tagging import as_pairs, from_pairs, tag_change
from automation.local.resources.values import Properties, Value, is_empty

if TYPE_CHECKING:
    from automation.local.resources.cloud import Cloud

_MISSING: Final = ("NotFound", "NotFoundException")


def _feedback_properties() -> dict[str, Property]:
    """Delivery status logging: three settings for each kind of endpoint."""
    properties: dict[str, Property] = {}
    for kind in ("application", "firehose", "http", "lambda", "sqs"):
        prefix = {"http": "HTTP"}.get(kind, kind.capitalize())
        for outcome in ("Failure", "Success"):
            properties[f"{kind}{outcome}FeedbackRoleArn"] = Property(
                kind="string", format="arn", wire=f"{prefix}{outcome}FeedbackRoleArn"
            )
        properties[f"{kind}SuccessFeedbackSampleRate"] = Property(
            kind="int", minimum=0, maximum=100, wire=f"{prefix}SuccessFeedbackSampleRate"
        )
    return properties


# https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html
_ATTRIBUTES: Final[Mapping[str, Property]] = {
    "archivePolicy": Property(kind="string", format="json"),
    "contentBasedDeduplication": Property(kind="bool", default=False),
    "deliveryPolicy": Property(kind="string", format="json"),
    "displayName": Property(kind="string", max_length=100),
    "fifoThroughputScope": Property(kind="string", computed=True, enum=("Topic", "MessageGroup")),
    "fifoTopic": Property(kind="bool", default=False, force_new=True),
    "kmsMasterKeyId": Property(kind="string"),
    "policy": Property(kind="string", computed=True, format="policy"),
    "signatureVersion": Property(kind="int", computed=True, minimum=1, maximum=2),
    "tracingConfig": Property(kind="string", computed=True, enum=("PassThrough", "Active")),
    **_feedback_properties(),
}


def _to_attribute(prop: Property, value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return normalised(str(value)) if prop.format else str(value)


def _from_attribute(prop: Property, text: str) -> Value:
    match prop.kind:
        case "bool":
            return text.lower() == "true"
        case "int":
            return int(text)
        case _:
            return text


def _create_topic(cloud: Cloud, inputs: Properties) -> str:
    attributes = {"FifoTopic": "true"} if inputs["fifoTopic"] else {}
    tags = as_pairs(inputs.get("tagsAll") or {})
    answer = cloud.sns.create_topic(Name=inputs["name"], Attributes=attributes, Tags=tags)
    return answer["TopicArn"]


def _set_attributes(cloud: Cloud, arn: str, inputs: Properties) -> None:
    for name, prop in _ATTRIBUTES.items():
        if name != "fifoTopic" and not is_empty(inputs.get(name)):
            _set_attribute(cloud, arn, prop.wire_name(name), _to_attribute(prop, inputs[name]))


def _set_attribute(cloud: Cloud, arn: str, name: str, value: str) -> None:
    cloud.sns.set_topic_attributes(TopicArn=arn, AttributeName=name, AttributeValue=value)


def _read_topic(cloud: Cloud, arn: str, _state: Properties) -> Properties | None:
    with ignoring(*_MISSING):
        attributes = cloud.sns.get_topic_attributes(TopicArn=arn)["Attributes"]
        tags = cloud.sns.list_tags_for_resource(ResourceArn=arn).get("Tags", [])
        properties: Properties = {
            name: _from_attribute(prop, attributes[prop.wire_name(name)])
            for name, prop in _ATTRIBUTES.items()
            if attributes.get(prop.wire_name(name))
        }
        return (
            {"contentBasedDeduplication": False, "fifoTopic": False}
            | properties
            | {
                "arn": arn,
                "beginningArchiveTime": attributes.get("BeginningArchiveTime", ""),
                "name": arn.rsplit(":", 1)[-1],
                "owner": attributes.get("Owner"),
                "tags": from_pairs(tags),
            }
        )
    return None


def _update_topic(cloud: Cloud, arn: str, change: Change) -> None:
    for name, prop in _ATTRIBUTES.items():
        if name in change.changed:
            value = change.new.get(name)
            text = "" if value is None else _to_attribute(prop, value)
            _set_attribute(cloud, arn, prop.wire_name(name), text)
    tags = tag_change(change)
    if tags.removed:
        cloud.sns.untag_resource(ResourceArn=arn, TagKeys=tags.removed)
    if tags.added:
        cloud.sns.tag_resource(ResourceArn=arn, Tags=as_pairs(tags.added))


def _delete_topic(cloud: Cloud, arn: str, _state: Properties) -> None:
    with ignoring(*_MISSING):
        cloud.sns.delete_topic(TopicArn=arn)


TOPIC: Final = ResourceType(
    token="aws:sns/topic:Topic",  # noqa: S106 - a type token
    properties={
        **name_properties(max_length=256, wire="Name"),
        **_ATTRIBUTES,
        "arn": output(),
        "beginningArchiveTime": output(),
        "owner": output(),
        **REGION,
        **TAGS,
    },
    auto_name=AutoName(max_length=80, suffix=fifo_suffix("fifoTopic")),
    rules=(
        fifo_name_failures("topic", "fifoTopic", max_length=256),
        fifo_only_failures(
            "fifoTopic", "archivePolicy", "contentBasedDeduplication", "fifoThroughputScope"
        ),
        resource_policy_failures("policy"),
    ),
    unsupported=frozenset({"maximumMessageSize"}),
    create=_create_topic,
    settle=_set_attributes,
    read=_read_topic,
    update=_update_topic,
    delete=_delete_topic,
)


def _put_topic_policy(cloud: Cloud, inputs: Properties) -> str:
    arn = str(inputs["arn"])
    _set_attribute(cloud, arn, "Policy", normalised(inputs["policy"]))
    return arn


def _read_topic_policy(cloud: Cloud, arn: str, _state: Properties) -> Properties | None:
    with ignoring(*_MISSING):
        attributes = cloud.sns.get_topic_attributes(TopicArn=arn)["Attributes"]
        if attributes.get("Policy"):
            owner = attributes.get("Owner")
            return {"arn": arn, "policy": attributes["Policy"], "owner": owner}
    return None


def _update_topic_policy(cloud: Cloud, _arn: str, change: Change) -> None:
    _put_topic_policy(cloud, change.new)


def _reset_topic_policy(cloud: Cloud, arn: str, _state: Properties) -> None:
    """SNS has no topic without a policy: the one it starts with is put back."""
    with ignoring(*_MISSING):
        _set_attribute(cloud, arn, "Policy", _default_policy(arn))


def _default_policy(arn: str) -> str:
    # https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
    actions = (
        *("GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission"),
        *("DeleteTopic", "Subscribe", "ListSubscriptionsByTopic", "Publish"),
    )
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{action}" for action in actions],
        "Resource": arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": arn.split(":")[4]}},
    }
    policy = {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}
    return json.dumps(policy, separators=(",", ":"))


TOPIC_POLICY: Final = ResourceType(
    token="aws:sns/topicPolicy:TopicPolicy",  # noqa: S106 - a type token
    properties={
        "arn": Property(kind="string", required=True, force_new=True, format="arn"),
        "policy": Property(kind="string", required=True, format="policy"),
        "owner": output(),
        **REGION,
    },
    rules=(resource_policy_failures("policy"),),
    create=_put_topic_policy,
    read=_read_topic_policy,
    update=_update_topic_policy,
    delete=_reset_topic_policy,
)
