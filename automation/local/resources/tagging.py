"""What a change of tags takes: keys to remove, tags to set."""

from __future__ import annotations

from dataclasses import dataclass

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


def as_pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    """Tags in the shape that most services take: a list of `Key` and `Value`."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
