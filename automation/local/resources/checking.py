"""Check: what a program gave for a resource, completed with defaults and names, or refused."""

from __future__ import annotations

import difflib
import random
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from automation.local.resources.cloud import Cloud
from automation.local.resources.schema import Failure, ResourceType
from automation.local.resources.value_checks import coerced, value_failures
from automation.local.resources.values import Unknown, Value
from automation.local.resources.wire import model_failures

# Where the official provider notes which inputs the program did not give itself.
DEFAULTS_KEY = "__defaults"
_HEX_DIGITS = "0123456789abcdef"
# The official provider's suffix: https://www.pulumi.com/docs/iac/concepts/resources/names/
_SUFFIX_LENGTH = 7
PREFIX_SUFFIX_LENGTH = 26


@dataclass(frozen=True, kw_only=True)
class CheckRequest:
    """One resource's inputs, before and now; `seed` makes generated names repeatable."""

    logical_name: str
    old: Mapping[str, Value]
    new: Mapping[str, Value]
    seed: bytes
    default_tags: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Checked:
    """The inputs to keep, and what is wrong with them."""

    inputs: dict[str, Value]
    failures: tuple[Failure, ...]


def check(resource_type: ResourceType, request: CheckRequest, cloud: Cloud) -> Checked:
    """Completes and checks inputs. Nothing is asked of the service."""
    given = {
        name: value
        for name, value in request.new.items()
        if value is not None and name not in (DEFAULTS_KEY, "tagsAll")
    }
    failures = list(_unknown_names(resource_type, given))
    inputs: dict[str, Value] = {
        name: coerced(resource_type.properties[name], value)
        for name, value in given.items()
        if name in resource_type.inputs
    }
    defaulted = _add_defaults(resource_type, inputs)
    failures += _add_name(resource_type, request, inputs, defaulted)
    _add_surroundings(resource_type, request, inputs, cloud)
    failures += _property_failures(resource_type, inputs)
    failures += _relation_failures(resource_type, given)
    if not failures:
        failures += [item for rule in resource_type.rules for item in rule(inputs)]
        failures += model_failures(resource_type, inputs, cloud.connections)
    inputs[DEFAULTS_KEY] = [*sorted(defaulted)]
    return Checked(inputs=inputs, failures=tuple(failures))


def _unknown_names(resource_type: ResourceType, given: Mapping[str, Value]) -> Iterator[Failure]:
    for name in given:
        if name in resource_type.inputs:
            continue
        if name in resource_type.unsupported:
            reason = "the official provider has it, the local provider does not support it"
        elif name in resource_type.properties:
            reason = "it is set by AWS and is no input"
        else:
            reason = "it does not exist" + _hint(name, resource_type)
        yield Failure(name, f"property {name!r} of {resource_type.token} is refused: {reason}")


def _hint(name: str, resource_type: ResourceType) -> str:
    near = difflib.get_close_matches(name, resource_type.inputs, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _add_defaults(resource_type: ResourceType, inputs: dict[str, Value]) -> set[str]:
    """Fills in the schema's defaults and returns their names."""
    added: set[str] = set()
    for name, prop in resource_type.inputs.items():
        excluded = any(other in inputs for other in prop.conflicts_with)
        if prop.default is not None and name not in inputs and not excluded:
            inputs[name] = prop.default
            added.add(name)
    return added


def _add_name(
    resource_type: ResourceType,
    request: CheckRequest,
    inputs: dict[str, Value],
    defaulted: set[str],
) -> list[Failure]:
    """Makes up the name that the program did not give, or keeps the one made up before."""
    rule = resource_type.auto_name
    if rule is None or rule.property in inputs:
        return []
    prefix_property = f"{rule.property}Prefix"
    suffix = rule.suffix(inputs) if rule.suffix else ""
    defaulted.add(rule.property)
    # Another suffix is another kind of resource, which replaces the one that has the old name.
    is_same_kind = rule.suffix is None or rule.suffix({**request.old}) == suffix
    old_name = request.old.get(rule.property) if is_same_kind else None
    if prefix_property in inputs:
        return _add_prefixed_name(rule.property, request, inputs, suffix, old_name)
    old_defaults = request.old.get(DEFAULTS_KEY)
    if isinstance(old_defaults, list) and rule.property in old_defaults and old_name is not None:
        inputs[rule.property] = old_name
        return []
    logical_name = request.logical_name.lower() if rule.is_lower_case else request.logical_name
    name = f"{logical_name}-{_hex(request.seed, _SUFFIX_LENGTH)}"
    inputs[rule.property] = rule.prefix + name + suffix
    if len(name) <= rule.max_length:
        return []
    reason = (
        f"{rule.property} generated as {name!r} has {len(name)} characters; "
        f"at most {rule.max_length} allowed: give the resource a shorter name"
    )
    return [Failure(rule.property, reason)]


def _add_prefixed_name(
    property_name: str,
    request: CheckRequest,
    inputs: dict[str, Value],
    suffix: str,
    old_name: Value,
) -> list[Failure]:
    """Makes the name from the prefix; kept as long as the prefix stays."""
    prefix = inputs[f"{property_name}Prefix"]
    if request.old.get(f"{property_name}Prefix") == prefix and old_name is not None:
        inputs[property_name] = old_name
    elif isinstance(prefix, Unknown):
        inputs[property_name] = prefix
    else:
        inputs[property_name] = f"{prefix}{_hex(request.seed, PREFIX_SUFFIX_LENGTH)}{suffix}"
    return []


def _hex(seed: bytes, length: int) -> str:
    """Hex digits that are the same for the same seed."""
    source = random.Random(seed) if seed else secrets.SystemRandom()  # noqa: S311 - a name
    return "".join(source.choice(_HEX_DIGITS) for _ in range(length))


def _add_surroundings(
    resource_type: ResourceType, request: CheckRequest, inputs: dict[str, Value], cloud: Cloud
) -> None:
    """Fills in the provider's region and default tags."""
    if "region" in resource_type.properties:
        inputs.setdefault("region", cloud.region)
    if "tagsAll" in resource_type.properties:
        own = inputs.get("tags", {})
        all_tags: dict[str, Value] = {**request.default_tags}
        inputs["tagsAll"] = {**all_tags, **own} if isinstance(own, dict) else own


def _property_failures(
    resource_type: ResourceType, inputs: Mapping[str, Value]
) -> Iterator[Failure]:
    for name, prop in resource_type.inputs.items():
        if prop.required and inputs.get(name) is None:
            yield Failure(name, f"property {name!r} of {resource_type.token} is required")
        yield from value_failures(prop, inputs.get(name), name)
    for group in resource_type.exactly_one_of:
        present = [name for name in group if name in inputs]
        if len(present) != 1:
            found = " and ".join(present) or "none"
            yield Failure(group[0], f"exactly one of {', '.join(group)} is needed; found {found}")


def _relation_failures(
    resource_type: ResourceType, given: Mapping[str, Value]
) -> Iterator[Failure]:
    """What may not or must stand together, among what the program itself gave."""
    for name, prop in resource_type.inputs.items():
        if name not in given:
            continue
        for other in prop.conflicts_with:
            if other in given:
                yield Failure(name, f"{name} and {other} exclude each other")
        for other in prop.required_with:
            if other not in given:
                yield Failure(name, f"{name} needs {other} as well")
