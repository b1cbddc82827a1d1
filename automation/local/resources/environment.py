"""Which environment variables Lambda takes: how many bytes of them, and under which names."""

from __future__ import annotations

from collections.abc import Iterator

from automation.local.resources.schema import Failure
from automation.local.resources.values import Properties, members_of
from components import limits


def environment_failures(inputs: Properties) -> Iterator[Failure]:
    """What is wrong with `environment.variables`; unknown values count as empty."""
    variables = members_of(members_of(inputs.get("environment")).get("variables"))
    known = {key: value for key, value in variables.items() if isinstance(value, str)}
    reserved = sorted(limits.RESERVED_VARIABLES & variables.keys())
    if reserved:
        reason = f"has variables that Lambda sets itself: {', '.join(reserved)}"
        yield Failure("environment", f"environment.variables {reason}")
    size = sum(len(key.encode()) + len(value.encode()) for key, value in known.items())
    if size > limits.MAX_ENVIRONMENT_BYTES:
        reason = f"takes {size} bytes; allowed: {limits.MAX_ENVIRONMENT_BYTES}"
        yield Failure("environment", f"environment.variables {reason}")
