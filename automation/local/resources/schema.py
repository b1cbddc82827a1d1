"""The words in which a resource type is described: its properties, and how AWS is asked for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from automation.local.resources.values import Properties, Value

if TYPE_CHECKING:
    from automation.local.resources.cloud import Cloud

Kind: TypeAlias = Literal["string", "int", "number", "bool", "list", "map", "object", "archive"]
Format: TypeAlias = Literal["json", "policy", "arn"]


@dataclass(frozen=True, kw_only=True)
class Property:
    """What one property may hold, and what a change of it means.

    `service_default`: what AWS takes when a program leaves the property out, without the provider
    writing it down. `computed`: AWS fills it when the program does not. `output`: it is no input.
    `wire`: its name in the AWS request, when that is not its own name with a capital.
    `read_back`: whether AWS tells it; when not, the state keeps what the program said.
    `same`: a comparison of its own, for two values of which neither is unknown.
    """

    kind: Kind
    required: bool = False
    default: Value = None
    service_default: Value = None
    computed: bool = False
    output: bool = False
    force_new: bool = False
    enum: tuple[str | int, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    max_items: int | None = None
    pattern: str | None = None
    format: Format | None = None
    unordered: bool = False
    conflicts_with: tuple[str, ...] = ()
    required_with: tuple[str, ...] = ()
    element: Property | None = None
    fields: Mapping[str, Property] = field(default_factory=dict[str, "Property"])
    wire: str | None = None
    sent: bool = True
    read_back: bool = True
    same: Callable[[Value, Value], bool] | None = None

    def wire_name(self, name: str) -> str:
        """The property's name in a request to AWS."""
        return self.wire or name[0].upper() + name[1:]


def output(kind: Kind = "string") -> Property:
    """A property that only AWS sets."""
    return Property(kind=kind, computed=True, output=True)


def text_list(*, unordered: bool = False, max_items: int | None = None) -> Property:
    """A list of strings without rules of their own."""
    return Property(
        kind="list", element=Property(kind="string"), unordered=unordered, max_items=max_items
    )


def text_map() -> Property:
    """A map from strings to strings."""
    return Property(kind="map", element=Property(kind="string"))


REGION: Mapping[str, Property] = {
    "region": Property(
        kind="string", computed=True, force_new=True, sent=False, min_length=1, read_back=False
    )
}

# AWS allows 50 tags a resource, keys of 128 and values of 256 characters:
# https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
TAGS: Mapping[str, Property] = {
    "tags": Property(
        kind="map", element=Property(kind="string", max_length=256), max_items=50, sent=False
    ),
    "tagsAll": Property(
        kind="map", element=Property(kind="string"), computed=True, output=True, sent=False
    ),
}


def name_properties(
    *, max_length: int, min_length: int = 1, pattern: str | None = None, wire: str | None = None
) -> Mapping[str, Property]:
    """`name` and `namePrefix`: each excludes the other, either is made up when both are missing."""
    name = Property(
        kind="string",
        computed=True,
        force_new=True,
        conflicts_with=("namePrefix",),
        min_length=min_length,
        max_length=max_length,
        pattern=pattern,
        wire=wire,
    )
    # 26: the length of what is appended to the prefix.
    prefix = Property(
        kind="string",
        computed=True,
        force_new=True,
        conflicts_with=("name",),
        max_length=max_length - 26,
        pattern=pattern,
        sent=False,
    )
    return {"name": name, "namePrefix": prefix}


@dataclass(frozen=True)
class Failure:
    """One thing wrong with one property (empty for the resource as a whole)."""

    property: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class AutoName:
    """How the official provider names a resource that the program does not name.

    `max_length` is in characters and covers the logical name and the suffix `-1234567`.
    `prefix` and `suffix` are what comes before and after it once the length was checked, `.fifo`
    for instance. `is_lower_case`: the logical name loses its capitals, as a bucket's does.
    """

    property: str = "name"
    max_length: int
    prefix: str = ""
    suffix: Callable[[Properties], str] | None = None
    is_lower_case: bool = False


@dataclass(frozen=True, kw_only=True)
class Change:
    """An update of one resource: its state before, its inputs now, and what differs."""

    old: Properties
    new: Properties
    changed: frozenset[str]

    def touches(self, *names: str) -> bool:
        """Whether one of these properties differs."""
        return not self.changed.isdisjoint(names)


@dataclass(frozen=True, kw_only=True)
class Operation:
    """The AWS operation whose model the inputs are held against."""

    service: str
    name: str


Rule: TypeAlias = Callable[[Properties], Iterable[Failure]]


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """One resource type: its schema and its calls to AWS.

    `create` returns the id. `settle` does what is left to do once the id exists; when it fails, the
    engine keeps the resource and marks it as half made. `read` returns None when the resource is
    gone; its second argument is the id, or what a person gave to `pulumi import`. `id_of` says the
    id of what was read, for types whose import id differs. `update` is None when every change
    replaces. `request` makes the parameters of `operation`, the AWS call that creates the
    resource; by default each input under its wire name. `rules` see checked inputs, of which some
    may still be unknown. `unknown_after` names what a preview can't tell of an update.
    `unsupported` names the official provider's properties that are left out here, for a clear
    refusal.
    """

    token: str
    properties: Mapping[str, Property]
    create: Callable[[Cloud, Properties], str]
    read: Callable[[Cloud, str, Properties], Properties | None]
    delete: Callable[[Cloud, str, Properties], None]
    update: Callable[[Cloud, str, Change], None] | None = None
    settle: Callable[[Cloud, str, Properties], None] | None = None
    id_of: Callable[[Properties], str] | None = None
    auto_name: AutoName | None = None
    exactly_one_of: tuple[tuple[str, ...], ...] = ()
    rules: tuple[Rule, ...] = ()
    operation: Operation | None = None
    request: Callable[[Properties], Properties] | None = None
    delete_before_replace: bool = False
    unknown_after: Callable[[Change], frozenset[str]] | None = None
    unsupported: frozenset[str] = frozenset()

    @property
    def inputs(self) -> dict[str, Property]:
        """The properties that a program may set."""
        return {name: prop for name, prop in self.properties.items() if not prop.output}
