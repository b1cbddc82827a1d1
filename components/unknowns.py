"""Computes with values of which some are known only once something else is deployed."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar, cast

import pulumi

from .limits import LimitError

Given = TypeVar("Given")
Result = TypeVar("Result")


def when_known(
    value: pulumi.Input[Given], compute: Callable[[Given], Result]
) -> pulumi.Output[Result]:
    """What `compute` makes of a value, as soon as it is known: at preview, or at deployment.

    A `LimitError` of `compute` ends the deployment with its message and without a traceback.
    """

    def told(known: Given) -> Result:
        try:
            return compute(known)
        except LimitError as error:
            raise pulumi.RunError(str(error)) from error

    return pulumi.Output.from_input(value).apply(told)


def computed(compute: Callable[..., Result], *values: object) -> pulumi.Input[Result]:
    """What `compute` makes of values: at once if all of them are known, else as soon as they are.

    It may not refuse any; `when_known` is for that.
    """
    if not any(map(is_late, values)):
        return compute(*values)
    return pulumi.Output.all(*values).apply(lambda known: compute(*known))


def holds_outputs(value: object) -> bool:
    """Whether a value, or what stands anywhere in it, may be known only at deployment."""
    if isinstance(value, Mapping):
        return any(map(holds_outputs, cast("Mapping[object, object]", value).values()))
    if isinstance(value, list | tuple):
        return any(map(holds_outputs, cast("Sequence[object]", value)))
    return is_late(value)


def is_late(value: object) -> bool:
    """Whether a value itself may be known only at deployment."""
    return isinstance(value, pulumi.Output | Awaitable)


def checked(
    argument: str, value: pulumi.Input[str], check: Callable[[str, str], None]
) -> pulumi.Output[str]:
    """A text that is held against a rule as soon as it is known. Raises as `when_known` does."""

    def told(known: str) -> str:
        check(argument, known)
        return known

    return when_known(value, told)
