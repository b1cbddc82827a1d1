"""Computes with values of which some are known only once something else is deployed."""

from collections.abc import Callable
from typing import TypeVar

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
