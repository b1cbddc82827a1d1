"""Which environment variables Lambda takes: how many bytes of them, and under which names."""

from __future__ import annotations

from collections.abc import Iterator

from automation.local.resources.schema import Failure
from automation.local.resources.values import Properties, members_of
from components import limits


def environment_failures(inputs: Properties) -> Iterator[Failure]:
    """What is wrong with `environment.variables`; unknown values count as empty."""
    variables = members_of(members_of(inputs.get("environment")).get("variables"))
    try:
        limits.check_environment(variables)
    except limits.LimitError as error:
        yield Failure("environment", f"environment.variables: {error}")
