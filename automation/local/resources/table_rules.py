"""The rules across a DynamoDB table's properties, of the official provider and of DynamoDB."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from automation.local.resources.schema import Failure
from automation.local.resources.values import Properties, Unknown, has_unknown, members_of

ON_DEMAND: Final = "PAY_PER_REQUEST"
CAPACITIES: Final = ("readCapacity", "writeCapacity")


def key_failures(inputs: Properties) -> Iterator[Failure]:
    """Keys and attributes name each other, one for one."""
    attributes: list[Any] = inputs["attributes"]
    if has_unknown([attributes, inputs["hashKey"], inputs.get("rangeKey")]):
        return
    declared = [attribute["name"] for attribute in attributes]
    keys: set[str] = {inputs[name] for name in ("hashKey", "rangeKey") if inputs.get(name)}
    if inputs["hashKey"] == inputs.get("rangeKey"):
        yield Failure("rangeKey", f"rangeKey is {inputs['rangeKey']!r}, as hashKey is")
    for name in sorted(keys - set(declared)):
        yield Failure("attributes", f"attributes lacks {name!r}, which is a key")
    for name in sorted(set(declared) - keys):
        reason = "which is no key; DynamoDB takes the type of key attributes only"
        yield Failure("attributes", f"attributes has {name!r}, {reason}")
    for name in sorted({name for name in declared if declared.count(name) > 1}):
        yield Failure("attributes", f"attributes has {name!r} more than once")


def capacity_failures(inputs: Properties) -> Iterator[Failure]:
    """Who pays by request says no capacity; who provisions says both."""
    mode = inputs["billingMode"]
    for name in CAPACITIES:
        value = inputs.get(name) or 0
        if isinstance(mode, Unknown) or isinstance(value, Unknown):
            continue
        if mode == ON_DEMAND and value:
            yield Failure(name, f"{name} is {value}; with billingMode {mode} leave it out")
        if mode != ON_DEMAND and value < 1:
            reason = f"with billingMode {mode} it is 1 or more; or use {ON_DEMAND}"
            yield Failure(name, f"{name} is {value}; {reason}")


def block_failures(inputs: Properties) -> Iterator[Failure]:
    """What a block holds must mean something: it is switched on, and whole."""
    ttl = members_of(inputs.get("ttl"))
    if ttl.get("enabled") is True and not ttl.get("attributeName"):
        yield Failure("ttl", "ttl.attributeName is needed when ttl.enabled is true")
    encryption = members_of(inputs.get("serverSideEncryption"))
    if encryption.get("enabled") is False and encryption.get("kmsKeyArn"):
        reason = "is used only when serverSideEncryption.enabled is true"
        yield Failure("serverSideEncryption", f"serverSideEncryption.kmsKeyArn {reason}")
    recovery = members_of(inputs.get("pointInTimeRecovery"))
    if recovery.get("enabled") is False and recovery.get("recoveryPeriodInDays"):
        reason = "is used only when pointInTimeRecovery.enabled is true"
        yield Failure("pointInTimeRecovery", f"pointInTimeRecovery.recoveryPeriodInDays {reason}")
