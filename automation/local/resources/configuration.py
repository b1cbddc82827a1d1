"""The provider's own settings: which keys are known, which mean something locally."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from automation.local.resources.schema import Failure
from automation.local.resources.values import Unknown, Value, members_of

# Settings about how the official provider checks an account; here there is nothing to check.
_WITHOUT_MEANING: Final = frozenset(
    {
        "skipCredentialsValidation",
        "skipMetadataApiCheck",
        "skipRegionValidation",
        "skipRequestingAccountId",
        "s3UsePathStyle",
        "version",
        "pluginDownloadURL",
    }
)
# Settings that say which account is meant. The embedded AWS stands in for any.
_BOUND: Final = frozenset({"accessKey", "secretKey", "token", "endpoints", "profile"})


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """The settings of one provider resource that mean something here."""

    region: str
    default_tags: Mapping[str, str] = field(default_factory=dict[str, str])


def configuration_failures(settings: Mapping[str, Value]) -> Iterator[Failure]:
    """Settings that the local provider can't honour, each by its name."""
    for name, value in settings.items():
        if name in _WITHOUT_MEANING or name.startswith("__"):
            continue
        if name == "region":
            if not isinstance(value, str | Unknown) or not value:
                yield Failure(name, f"aws:region is {value!r}; it must be the name of a region")
        elif name == "defaultTags":
            if not isinstance(value, Unknown) and _tags(value) is None:
                yield Failure(name, "aws:defaultTags must be an object with a map of strings, tags")
        elif name in _BOUND:
            reason = "the local provider always speaks to the embedded AWS: leave it out"
            yield Failure(name, f"aws:{name} is refused: {reason}")
        else:
            yield Failure(name, f"aws:{name} is a setting that the local provider does not know")


def read_configuration(settings: Mapping[str, Value], region: str) -> Configuration:
    """The settings, with `region` where they name none. Call it on checked settings."""
    given = settings.get("region")
    return Configuration(
        region=given if isinstance(given, str) and given else region,
        default_tags=_tags(settings.get("defaultTags")) or {},
    )


def _tags(value: Value) -> dict[str, str] | None:
    """The default tags; None when the value is none. SDKs send the object as a JSON text."""
    try:
        parsed: Any = json.loads(value) if isinstance(value, str) and value else value or {}
    except ValueError:
        return None
    tags = members_of(members_of(parsed).get("tags"))
    if not isinstance(parsed, dict) or not all(isinstance(item, str) for item in tags.values()):
        return None
    return tags
