"""Tags: what a change of them takes, and the shape that most services give them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from automation.local.resources.schema import Change


@dataclass(frozen=True)
class TagChange:
    """`removed` are keys; `added` are new tags and tags with a new value."""

    removed: list[str]
    added: dict[str, str]


def tag_change(change: Change) -> TagChange:
    """The difference between the tags that AWS has and those wanted, the provider's included."""
    old: dict[str, str] = change.old.get("tagsAll") or {}
    new: dict[str, str] = change.new.get("tagsAll") or {}
    return TagChange(
        removed=sorted(old.keys() - new.keys()),
        added={key: value for key, value in new.items() if old.get(key) != value},
    )


# Any, because each service's client has a type of its own for the same pairs.
def as_pairs(tags: Mapping[str, str]) -> list[Any]:
    """Tags in the shape that most services take: a list of `Key` and `Value`."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def from_pairs(pairs: Iterable[Any]) -> dict[str, str]:
    """The tags that a list of `Key` and `Value` holds."""
    return {pair["Key"]: pair["Value"] for pair in pairs}
