"""What an option sets, and is left out without it, the provider does not keep for ever."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from automation.local.resources.catalogue import RESOURCE_TYPES
from automation.local.resources.schema import Property
from components import (
    AlarmArgs,
    CustomerKeyArgs,
    FifoArgs,
    PollersArgs,
    ReliableQueue,
    SubscriptionArgs,
    VpcArgs,
)

LAYER = "arn:aws:lambda:eu-north-1:123456789012:layer:ours:1"
KEY = "arn:aws:kms:eu-north-1:123456789012:key/1"
# What each option that can be switched off is, switched on.
SWITCHES: dict[str, dict[str, Any]] = {
    "traces": {"function": {"traces": True}},
    "vpc": {"function": {"vpc": VpcArgs(subnet_ids=["subnet-1"], security_group_ids=["sg-1"])}},
    "layers": {"function": {"layers": [LAYER]}},
    "environment": {"function": {"environment": {"MODE": "x"}}},
    "reserved_concurrency": {"function": {"reserved_concurrency": 20}},
    "function.tags": {"function": {"tags": {"a": "b"}}},
    "filters": {"consumer": {"filters": [{"body": ["a"]}]}},
    "pollers": {"consumer": {"pollers": PollersArgs()}},
    "maximum_concurrency": {"consumer": {"maximum_concurrency": 5}},
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
    "requires_tls": {"requires_tls": False},
    "visibility_timeout_seconds": {"visibility_timeout_seconds": 100},
    "delay_seconds": {"delay_seconds": 5},
    "tags": {"tags": {"a": "b"}},
}
# SQS looks at it with a customer key only, and with one it is always written.
WITHOUT_MEANING = {"kmsDataKeyReusePeriodSeconds"}


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
    assert inputs(**SWITCHES[switch]).keys() == on.keys()
    for name in on.keys() & off.keys():
        type_, with_it = on[name]
        properties = RESOURCE_TYPES[type_].properties
        if replaces(properties, with_it, off[name][1]):
            continue
        left = set(kept(properties, with_it, off[name][1])) - WITHOUT_MEANING
        assert left == set(), f"{name} keeps {left}"


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
