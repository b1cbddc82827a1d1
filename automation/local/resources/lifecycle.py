"""Create, read, update and delete of any resource type, and the state that each leaves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from automation.local.resources.checking import DEFAULTS_KEY, PREFIX_SUFFIX_LENGTH
from automation.local.resources.cloud import Cloud
from automation.local.resources.diffing import diff, same
from automation.local.resources.schema import Change, ResourceType
from automation.local.resources.values import UNKNOWN, Properties, Value, is_empty
from components import limits


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource as the engine's state holds it."""

    id: str
    inputs: dict[str, Value]
    outputs: dict[str, Value]


class HalfMadeError(Exception):
    """A resource that exists but could not be finished: its id is kept, its failure is told."""

    def __init__(self, resource: Resource, reason: str) -> None:
        super().__init__(reason)
        self.resource = resource
        self.reason = reason


def planned(resource_type: ResourceType, inputs: Mapping[str, Value]) -> dict[str, Value]:
    """The outputs of a creation in a preview: what AWS computes is unknown."""
    outputs: dict[str, Value] = {
        name: UNKNOWN
        for name, prop in resource_type.properties.items()
        if prop.computed and name not in ("namePrefix",)
    }
    return outputs | _without_marks(inputs)


def create(resource_type: ResourceType, cloud: Cloud, inputs: Properties) -> Resource:
    """Makes the resource and reads it back. Raises HalfMadeError when it exists unfinished."""
    resource_id = resource_type.create(cloud, inputs)
    try:
        if resource_type.settle is not None:
            resource_type.settle(cloud, resource_id, inputs)
        found = resource_type.read(cloud, resource_id, inputs)
        if found is None:
            raise LookupError(f"{resource_type.token} {resource_id!r} is gone right after creation")
    except Exception as error:
        unfinished = Resource(id=resource_id, inputs=inputs, outputs=_without_marks(inputs))
        raise HalfMadeError(unfinished, str(error)) from error
    return Resource(
        id=resource_id, inputs=inputs, outputs=_state(resource_type, cloud, found, inputs)
    )


def read(
    resource_type: ResourceType,
    cloud: Cloud,
    resource_id: str,
    state: Mapping[str, Value],
    inputs: Mapping[str, Value],
) -> Resource | None:
    """The resource as AWS has it, None when it is gone; without a state this is an import."""
    found = resource_type.read(cloud, resource_id, dict(state))
    if found is None:
        return None
    is_import = not state
    known = _defaults(resource_type) if is_import else state
    outputs = _state(resource_type, cloud, found, known)
    new_id = resource_type.id_of(found) if resource_type.id_of else resource_id
    new_inputs = (
        _imported_inputs(resource_type, outputs)
        if is_import
        else _refreshed_inputs(resource_type, outputs, inputs)
    )
    return Resource(id=new_id, inputs=new_inputs, outputs=outputs)


def update_outputs(
    resource_type: ResourceType, state: Mapping[str, Value], inputs: Mapping[str, Value]
) -> dict[str, Value]:
    """The outputs of an update in a preview: as they are, with what the update makes unknown."""
    change = _change(resource_type, state, inputs)
    rule = resource_type.unknown_after
    unknown: frozenset[str] = rule(change) if rule else frozenset()
    removed = {
        name
        for name, prop in resource_type.inputs.items()
        if name not in inputs and not prop.computed
    }
    kept = {name: value for name, value in state.items() if name not in removed}
    return kept | _without_marks(inputs) | dict.fromkeys(unknown, UNKNOWN)


def update(
    resource_type: ResourceType,
    cloud: Cloud,
    resource_id: str,
    state: Properties,
    inputs: Properties,
) -> Resource:
    """Changes what differs and reads the resource back."""
    if resource_type.update is None:
        raise LookupError(f"{resource_type.token} can't be changed in place")
    resource_type.update(cloud, resource_id, _change(resource_type, state, inputs))
    found = resource_type.read(cloud, resource_id, {**state, **inputs})
    if found is None:
        raise LookupError(f"{resource_type.token} {resource_id!r} does not exist any more")
    outputs = _state(resource_type, cloud, found, inputs)
    return Resource(id=resource_id, inputs=inputs, outputs=outputs)


def _change(
    resource_type: ResourceType, state: Mapping[str, Value], inputs: Mapping[str, Value]
) -> Change:
    difference = diff(resource_type, state, inputs)
    return Change(old=dict(state), new=dict(inputs), changed=difference.changed)


def _without_marks(inputs: Mapping[str, Value]) -> dict[str, Value]:
    return {name: value for name, value in inputs.items() if name != DEFAULTS_KEY}


def _defaults(resource_type: ResourceType) -> dict[str, Value]:
    return {
        name: prop.default
        for name, prop in resource_type.inputs.items()
        if prop.default is not None
    }


def _state(
    resource_type: ResourceType, cloud: Cloud, found: Properties, known: Mapping[str, Value]
) -> dict[str, Value]:
    """The outputs: what AWS told, in the program's own words where they mean the same."""
    state: dict[str, Value] = {}
    for name, prop in resource_type.properties.items():
        ours = known.get(name)
        theirs = _name_prefix(found) if name == "namePrefix" else found.get(name)
        if name == "region":
            state[name] = cloud.region
        elif not prop.read_back:
            state[name] = ours if theirs is None else theirs
        elif ours is not None and (same(prop, ours, theirs) or (is_empty(ours) and theirs is None)):
            state[name] = ours
        else:
            state[name] = theirs
    if "tagsAll" in resource_type.properties:
        _split_tags(state, found, known)
    return {name: value for name, value in state.items() if value is not None}


def _name_prefix(found: Properties) -> str | None:
    """What a generated name begins with; no service tells it. None for any other name."""
    name = str(found.get("name", "")).removesuffix(limits.FIFO_SUFFIX)
    is_generated = re.search(rf"[0-9a-f]{{{PREFIX_SUFFIX_LENGTH}}}$", name)
    return name[:-PREFIX_SUFFIX_LENGTH] if is_generated else None


def _split_tags(state: dict[str, Value], found: Properties, known: Mapping[str, Value]) -> None:
    """Divides the tags that AWS has into the resource's own and those of the provider."""
    every: dict[str, Value] = found.get("tags") or {}
    own, combined = known.get("tags"), known.get("tagsAll")
    own_tags = own if isinstance(own, dict) else {}
    inherited = {
        key: value
        for key, value in (combined.items() if isinstance(combined, dict) else ())
        if key not in own_tags
    }
    state["tagsAll"] = every
    left = {key: value for key, value in every.items() if inherited.get(key) != value}
    state["tags"] = left if left or own is not None else None


def _imported_inputs(resource_type: ResourceType, outputs: Mapping[str, Value]) -> dict[str, Value]:
    """What a program would say to get this resource."""
    inputs: dict[str, Value] = {
        name: outputs[name]
        for name, prop in resource_type.inputs.items()
        if name in outputs
        and name != "namePrefix"
        and (not is_empty(outputs[name]) or prop.default is not None)
    }
    if "tagsAll" in resource_type.properties:
        inputs["tagsAll"] = outputs.get("tagsAll", {})
    return inputs | {DEFAULTS_KEY: []}


def _refreshed_inputs(
    resource_type: ResourceType, outputs: Mapping[str, Value], inputs: Mapping[str, Value]
) -> dict[str, Value]:
    """The inputs as before, with AWS's value where it has drifted."""
    refreshed: dict[str, Value] = {}
    for name, value in inputs.items():
        prop = resource_type.properties.get(name)
        # As in a diff: what AWS computes inside a block that the program gave is no drift.
        if prop is None or (name in outputs and same(prop, outputs[name], value)):
            refreshed[name] = value
        elif name in outputs:
            refreshed[name] = outputs[name]
        elif is_empty(value):
            refreshed[name] = value
    return refreshed
