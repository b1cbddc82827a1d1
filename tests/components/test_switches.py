"""What an option sets, and is left out without it, the provider does not keep for ever."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from automation.local.resources.catalogue import RESOURCE_TYPES
from automation.local.resources.schema import Property
from components import (
    AlarmArgs,
    ConsumerArgs,
    CustomerKeyArgs,
    ExistingQueueArgs,
    FifoArgs,
    IdempotencyArgs,
    PollersArgs,
    PythonFunctionArgs,
    ReliableQueue,
    ReliableQueueArgs,
    SubscriptionArgs,
    VpcArgs,
)

LAYER = "arn:aws:lambda:eu-north-1:123456789012:layer:ours:1"
KEY = "arn:aws:kms:eu-north-1:123456789012:key/1"
ORDERS = "arn:aws:sqs:eu-north-1:123456789012:orders"
TOPIC = "arn:aws:sns:eu-north-1:123456789012:alarms"
# What each option that can be switched off is, switched on.
SWITCHES: dict[str, dict[str, Any]] = {
    "traces": {"function": {"traces": True}},
    "vpc": {"function": {"vpc": VpcArgs(subnet_ids=["subnet-1"], security_group_ids=["sg-1"])}},
    "layers": {"function": {"layers": [LAYER]}},
    "environment": {"function": {"environment": {"MODE": "x"}}},
    "reserved_concurrency": {"function": {"reserved_concurrency": 20}},
    "function.tags": {"function": {"tags": {"a": "b"}}},
    "filters": {"consumer": {"filters": [{"body": ["a"]}]}},
    "batching_window_seconds": {"consumer": {"batching_window_seconds": 5}},
    "pollers": {"consumer": {"pollers": PollersArgs()}},
    "maximum_concurrency": {"consumer": {"maximum_concurrency": 5}},
    "idempotency": {"consumer": {"idempotency": IdempotencyArgs()}},
    "is_enabled": {"consumer": {"is_enabled": False}},
    "key": {"key": CustomerKeyArgs(data_key_reuse_seconds=600)},
    "key_arn": {"key": CustomerKeyArgs(key_arn=KEY)},
    "is_topic_encrypted": {"key": CustomerKeyArgs(), "alarms": AlarmArgs(is_topic_encrypted=True)},
    "subscriptions": {
        "alarms": AlarmArgs(
            subscriptions={"us": SubscriptionArgs(protocol="email", endpoint="a@example.com")}
        )
    },
    "fifo": {"fifo": FifoArgs()},
    "queue_name": {"queue_name": "orders"},
    "queue_name_prefix": {"queue_name_prefix": "team-"},
    "content_based_deduplication": {"fifo": FifoArgs(content_based_deduplication=False)},
    "high_throughput": {"fifo": FifoArgs(high_throughput=False)},
    "requires_tls": {"requires_tls": False},
    "statements": {
        "statements": [
            {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "sqs:SendMessage"}
        ]
    },
    "consumer": {"consumer": None},
    "existing": {"existing": ExistingQueueArgs(queue_arn=ORDERS)},
    "dlq_arn": {
        "existing": ExistingQueueArgs(queue_arn=ORDERS, dlq_arn=f"{ORDERS}-dlq", attaches_dlq=True)
    },
    "alarms": {"alarms": None},
    "topic_arn": {"alarms": AlarmArgs(topic_arn=TOPIC)},
    "dead_letters_above": {"alarms": AlarmArgs(dead_letters_above=None)},
    "dead_letter_age_percent": {"alarms": AlarmArgs(dead_letter_age_percent=None)},
    "message_age_seconds": {"alarms": AlarmArgs(message_age_seconds=None)},
    "consumer_errors_above": {"alarms": AlarmArgs(consumer_errors_above=None)},
    "consumer_throttles_above": {"alarms": AlarmArgs(consumer_throttles_above=None)},
    "has_dashboard": {"has_dashboard": False},
    "visibility_timeout_seconds": {"visibility_timeout_seconds": 100},
    "delay_seconds": {"delay_seconds": 5},
    "tags": {"tags": {"a": "b"}},
}
# A layer has to be built, and is passed on as `layers` are.
ELSEWHERE = {"dependencies"}
# The first SQS looks at with a customer key only, and with one it is always written; such a key
# ends the second by itself: Amazon SQS API Reference, SetQueueAttributes.
WITHOUT_MEANING = {"kmsDataKeyReusePeriodSeconds", "sqsManagedSseEnabled"}


@pytest.mark.parametrize("switch", SWITCHES)
def test_what_is_left_out_when_an_option_goes_off_is_not_kept(
    deploy: Callable[..., Any], queue_args: Callable[..., Any], switch: str
) -> None:
    def inputs(**args: Any) -> dict[str, tuple[str, dict[str, Any]]]:
        made = queue_args(**args)
        resources = deploy(lambda: ReliableQueue("events", made)).resources
        return {r.name: (r.type, r.inputs) for r in resources if r.type in RESOURCE_TYPES}

    on, off = inputs(**SWITCHES[switch]), inputs()
    assert on != off, "the option does something"
    for before, after in ((on, off), (off, on)):
        for name in before.keys() & after.keys():
            type_, given = before[name]
            properties = RESOURCE_TYPES[type_].properties
            if replaces(properties, given, after[name][1]):
                continue
            left = set(kept(properties, given, after[name][1])) - WITHOUT_MEANING
            assert left == set(), f"{name} keeps {left}"


def test_every_option_that_can_go_off_is_held_against_the_provider() -> None:
    kinds = (ReliableQueueArgs, ConsumerArgs, PythonFunctionArgs, AlarmArgs, FifoArgs)
    switches = {
        field.name
        for kind in kinds
        for field in dataclasses.fields(kind)
        if field.default in (None, True, False, ()) or "None" in str(field.type)
        or (field.default_factory is not dataclasses.MISSING and not field.default_factory())
    }  # fmt: skip
    assert switches - ELSEWHERE <= SWITCHES.keys()


def replaces(properties: Mapping[str, Property], on: Any, off: Any) -> bool:
    return any(
        prop.force_new and on.get(name) != off.get(name) for name, prop in properties.items()
    )


def kept(properties: Mapping[str, Property], on: Any, off: Any) -> Iterator[str]:
    """The inputs that are left out without the option, and that the provider then keeps."""
    for name, value in on.items():
        prop = properties.get(name)
        if prop is None:
            continue
        if off.get(name) is None:
            if prop.computed:
                yield name
        elif isinstance(value, dict) and prop.fields:
            yield from kept(prop.fields, value, off[name])
