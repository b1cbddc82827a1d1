"""Diff: what differs between a resource's state and its checked inputs, and what that means."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from automation.local.resources.checking import DEFAULTS_KEY
from automation.local.resources.documents import same_json, same_policy
from automation.local.resources.schema import Property, ResourceType
from automation.local.resources.values import Archive, Unknown, Value, has_unknown, is_empty

ChangeKind: TypeAlias = Literal["add", "delete", "update"]


@dataclass(frozen=True, kw_only=True)
class PropertyChange:
    """One difference; `path` in the engine's notation, `property` its top-level name."""

    path: str
    property: str
    kind: ChangeKind
    replaces: bool


@dataclass(frozen=True, kw_only=True)
class Difference:
    """All differences of one resource. `delete_first`: a replacement can't stand beside the old."""

    changes: tuple[PropertyChange, ...]
    stable: tuple[str, ...]
    delete_first: bool

    @property
    def changed(self) -> frozenset[str]:
        """The top-level names of what differs."""
        return frozenset(change.property for change in self.changes)

    @property
    def replaced(self) -> tuple[str, ...]:
        """The top-level names whose change replaces the resource."""
        return tuple(sorted({change.property for change in self.changes if change.replaces}))


def diff(
    resource_type: ResourceType,
    state: Mapping[str, Value],
    inputs: Mapping[str, Value],
    ignored: frozenset[str] = frozenset(),
) -> Difference:
    """Compares as Terraform does: what the program leaves out and AWS computes is no difference."""
    changes = tuple(
        change
        for name, prop in resource_type.properties.items()
        if name not in ignored and (not prop.output or name == "tagsAll")
        for change in _property_changes(name, prop, state.get(name), inputs.get(name))
    )
    changed = {change.property for change in changes}
    stable = tuple(
        name
        for name, prop in resource_type.inputs.items()
        if prop.force_new and name not in changed
    )
    return Difference(
        changes=changes,
        stable=stable,
        delete_first=resource_type.delete_before_replace or _keeps_own_name(resource_type, inputs),
    )


def _keeps_own_name(resource_type: ResourceType, inputs: Mapping[str, Value]) -> bool:
    """Whether the program gave the name that the provider could have made up."""
    rule = resource_type.auto_name
    defaults = inputs.get(DEFAULTS_KEY)
    if rule is None or rule.property not in inputs or not isinstance(defaults, list):
        return False
    return rule.property not in defaults


def _property_changes(
    name: str, prop: Property, old: Value, new: Value
) -> Iterator[PropertyChange]:
    if new is None:
        if not prop.computed and not is_empty(old) and old != prop.service_default:
            yield PropertyChange(path=name, property=name, kind="delete", replaces=prop.force_new)
        return
    if old is None or is_empty(old):
        if not is_empty(new) and not _is_missing_archive(prop, old):
            yield PropertyChange(path=name, property=name, kind="add", replaces=prop.force_new)
        return
    for path, kind in _paths(prop, old, new, name):
        yield PropertyChange(path=path, property=name, kind=kind, replaces=prop.force_new)


def _is_missing_archive(prop: Property, old: Value) -> bool:
    """An imported layer has no code in its state; that alone must not replace it."""
    return prop.kind == "archive" and prop.force_new and old is None


def _paths(prop: Property, old: Value, new: Value, path: str) -> Iterator[tuple[str, ChangeKind]]:
    if same(prop, old, new):
        return
    if prop.kind in ("object", "map") and isinstance(old, dict) and isinstance(new, dict):
        yield from _member_paths(prop, old, new, path)
    else:
        yield path, "update"


def _member_paths(
    prop: Property, old: Mapping[str, Value], new: Mapping[str, Value], path: str
) -> Iterator[tuple[str, ChangeKind]]:
    for key in sorted({*old, *new}):
        member = _member(prop, key)
        inner = f"{path}.{key}" if key.isidentifier() else f"{path}[{json.dumps(key)}]"
        before, after = old.get(key), new.get(key)
        if after is None:
            if before is not None and not member.computed:
                yield inner, "delete"
        elif before is None:
            yield inner, "add"
        else:
            yield from _paths(member, before, after, inner)


def _member(prop: Property, key: str) -> Property:
    fallback = prop.element or Property(kind="string")
    return prop.fields.get(key, fallback) if prop.kind == "object" else fallback


def same(prop: Property, old: Value, new: Value) -> bool:
    """Whether two values of a property mean the same to AWS."""
    if has_unknown(new) or has_unknown(old):
        return False
    if isinstance(old, Unknown) or isinstance(new, Unknown):
        return False
    if prop.same is not None:
        return prop.same(old, new)
    if prop.format == "policy":
        return same_policy(old, new)
    if prop.format == "json":
        return same_json(old, new)
    if isinstance(old, Archive) and isinstance(new, Archive):
        return old.hash == new.hash
    if isinstance(old, list) and isinstance(new, list):
        return _same_list(prop, old, new)
    if prop.kind == "object" and isinstance(old, dict) and isinstance(new, dict):
        return not any(_member_paths(prop, old, new, ""))
    return old == new


def _same_list(prop: Property, old: list[Value], new: list[Value]) -> bool:
    if len(old) != len(new):
        return False
    element = prop.element or Property(kind="string")
    if not prop.unordered:
        return all(same(element, left, right) for left, right in zip(old, new, strict=True))
    rest = list(new)
    for item in old:
        found = next((other for other in rest if same(element, item, other)), None)
        if found is None:
            return False
        rest.remove(found)
    return True
