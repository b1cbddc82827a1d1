"""SNS: subscriptions of a topic."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from automation.local.resources.cloud import ignoring
from automation.local.resources.documents import normalised
from automation.local.resources.schema import (
    REGION,
    Change,
    Failure,
    Operation,
    Property,
    ResourceType,
    output,
)
from automation.local.resources.values import Properties, Value, is_empty, members_of
from automation.local.resources.wire import request
from components import limits

if TYPE_CHECKING:
    from automation.local.resources.cloud import Cloud

_MISSING: Final = ("NotFound", "NotFoundException")
_PROTOCOLS: Final = (
    *("application", "email", "email-json", "firehose"),
    *("http", "https", "lambda", "sms", "sqs"),
)
# Amazon SNS Developer Guide, Amazon SNS raw message delivery.
_RAW_PROTOCOLS: Final = ("firehose", "http", "https", "sqs")
_ARN_PROTOCOLS: Final = ("application", "firehose", "lambda", "sqs")

# https://docs.aws.amazon.com/sns/latest/api/API_SetSubscriptionAttributes.html
_ATTRIBUTES: Final[Mapping[str, Property]] = {
    "deliveryPolicy": Property(kind="string", format="json", sent=False),
    "filterPolicy": Property(kind="string", format="json", sent=False),
    "filterPolicyScope": Property(
        kind="string", computed=True, enum=("MessageAttributes", "MessageBody"), sent=False
    ),
    "rawMessageDelivery": Property(kind="bool", default=False, sent=False),
    "redrivePolicy": Property(kind="string", format="json", sent=False),
    "replayPolicy": Property(kind="string", format="json", sent=False),
    "subscriptionRoleArn": Property(kind="string", format="arn", sent=False),
}
_PROPERTIES: Final[Mapping[str, Property]] = {
    "topic": Property(kind="string", required=True, force_new=True, format="arn", wire="TopicArn"),
    "protocol": Property(kind="string", required=True, force_new=True, enum=_PROTOCOLS),
    "endpoint": Property(kind="string", required=True, force_new=True),
    "confirmationTimeoutInMinutes": Property(kind="int", default=1, sent=False, read_back=False),
    "endpointAutoConfirms": Property(kind="bool", default=False, sent=False, read_back=False),
    **_ATTRIBUTES,
    "arn": output(),
    "confirmationWasAuthenticated": output("bool"),
    "ownerId": output(),
    "pendingConfirmation": output("bool"),
    **REGION,
}


def _endpoint_failures(inputs: Properties) -> Iterator[Failure]:
    protocol, endpoint = inputs.get("protocol"), inputs.get("endpoint")
    if not isinstance(protocol, str) or not isinstance(endpoint, str):
        return
    if protocol in _ARN_PROTOCOLS and not endpoint.startswith("arn:"):
        yield Failure("endpoint", f"endpoint is {endpoint!r}; {protocol} needs an ARN")
    if protocol in ("http", "https") and not endpoint.startswith(f"{protocol}://"):
        yield Failure("endpoint", f"endpoint must start with {protocol}://")
    if protocol.startswith("email") and "@" not in endpoint:
        yield Failure("endpoint", f"{protocol} needs an address as its endpoint")


def _fifo_failures(inputs: Properties) -> Iterator[Failure]:
    """Amazon SNS Developer Guide, Amazon SNS message delivery for FIFO topics."""
    topic, protocol, endpoint = (inputs.get(name) for name in ("topic", "protocol", "endpoint"))
    if not isinstance(topic, str) or not isinstance(protocol, str):
        return
    is_fifo = limits.is_fifo(topic)
    if is_fifo and protocol != "sqs":
        yield Failure("protocol", f"protocol is {protocol!r}; a FIFO topic feeds queues (sqs) only")
    if not is_fifo and protocol == "sqs" and isinstance(endpoint, str) and limits.is_fifo(endpoint):
        reason = "a standard topic feeds no FIFO queue; take a FIFO topic or a standard queue"
        yield Failure("endpoint", f"endpoint is {endpoint!r}; {reason}")
    if not is_fifo and inputs.get("replayPolicy"):
        yield Failure("replayPolicy", "replayPolicy is for FIFO topics, which keep an archive")


def _attribute_failures(inputs: Properties) -> Iterator[Failure]:
    """What is for some protocols only: Amazon SNS API Reference, SetSubscriptionAttributes."""
    protocol = inputs.get("protocol")
    if not isinstance(protocol, str):
        return
    if inputs.get("rawMessageDelivery") is True and protocol not in _RAW_PROTOCOLS:
        reason = f"rawMessageDelivery is for {', '.join(_RAW_PROTOCOLS)}; protocol is {protocol!r}"
        yield Failure("rawMessageDelivery", reason)
    if inputs.get("deliveryPolicy") and protocol not in ("http", "https"):
        reason = f"deliveryPolicy is for http and https; protocol is {protocol!r}"
        yield Failure("deliveryPolicy", reason)
    if (protocol == "firehose") != bool(inputs.get("subscriptionRoleArn")):
        reason = f"goes with firehose, which needs it; protocol is {protocol!r}"
        yield Failure("subscriptionRoleArn", f"subscriptionRoleArn {reason}")
    yield from _redrive_failures(inputs.get("redrivePolicy"))


def _redrive_failures(policy: Value) -> Iterator[Failure]:
    if not isinstance(policy, str) or not policy:
        return
    members = members_of(json.loads(policy))
    target = members.get("deadLetterTargetArn")
    if members.keys() != {"deadLetterTargetArn"} or ":sqs:" not in str(target):
        reason = "needs deadLetterTargetArn, the ARN of a queue, and nothing else"
        yield Failure("redrivePolicy", f"redrivePolicy {reason}; it is {policy}")


def _to_attribute(prop: Property, value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return normalised(str(value)) if prop.format == "json" else str(value)


def _create(cloud: Cloud, inputs: Properties) -> str:
    attributes = {
        prop.wire_name(name): _to_attribute(prop, inputs[name])
        for name, prop in _ATTRIBUTES.items()
        if not is_empty(inputs.get(name))
    }
    answer = cloud.sns.subscribe(
        **request(_PROPERTIES, inputs), Attributes=attributes, ReturnSubscriptionArn=True
    )
    return answer["SubscriptionArn"]


def _read(cloud: Cloud, arn: str, _state: Properties) -> Properties | None:
    with ignoring(*_MISSING):
        attributes: dict[str, str] = dict(
            cloud.sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
        )
        properties: Properties = {
            name: _from_attribute(prop, attributes[prop.wire_name(name)])
            for name, prop in _ATTRIBUTES.items()
            if attributes.get(prop.wire_name(name))
        }
        return properties | {
            "arn": arn,
            "topic": attributes["TopicArn"],
            "protocol": attributes["Protocol"],
            "endpoint": attributes["Endpoint"],
            "filterPolicyScope": _scope(properties),
            "confirmationWasAuthenticated": _is_true(attributes, "ConfirmationWasAuthenticated"),
            "ownerId": attributes.get("Owner"),
            "pendingConfirmation": _is_true(attributes, "PendingConfirmation"),
        }
    return None


def _from_attribute(prop: Property, text: str) -> Value:
    return text.lower() == "true" if prop.kind == "bool" else text


def _scope(properties: Properties) -> str:
    default = "MessageAttributes" if properties.get("filterPolicy") else ""
    return str(properties.get("filterPolicyScope") or default)


def _is_true(attributes: Mapping[str, str], name: str) -> bool:
    return attributes.get(name, "false").lower() == "true"


def _update(cloud: Cloud, arn: str, change: Change) -> None:
    changed = [name for name in _ATTRIBUTES if name in change.changed]
    # The scope says what a filter may hold: wide first, narrow last.
    widens = change.new.get("filterPolicyScope") == "MessageBody"
    changed.sort(key=lambda name: (name == "filterPolicyScope") != widens)
    for name in changed:
        prop, value = _ATTRIBUTES[name], change.new.get(name)
        text = _to_attribute(prop, value) if value is not None else _cleared(name)
        cloud.sns.set_subscription_attributes(
            SubscriptionArn=arn, AttributeName=prop.wire_name(name), AttributeValue=text
        )


def _cleared(name: str) -> str:
    """SNS takes a filter away when it gets an empty one, the rest when it gets nothing."""
    return "{}" if name == "filterPolicy" else ""


def _delete(cloud: Cloud, arn: str, _state: Properties) -> None:
    with ignoring(*_MISSING):
        cloud.sns.unsubscribe(SubscriptionArn=arn)


TOPIC_SUBSCRIPTION: Final = ResourceType(
    token="aws:sns/topicSubscription:TopicSubscription",  # noqa: S106 - a type token
    properties=_PROPERTIES,
    operation=Operation(service="sns", name="Subscribe"),
    rules=(_endpoint_failures, _fifo_failures, _attribute_failures),
    create=_create,
    read=_read,
    update=_update,
    delete=_delete,
)
