"""What may be given for one argument, and how a refusal is told."""

from collections.abc import Sequence
from dataclasses import dataclass


class LimitError(ValueError):
    """A value that AWS, or the reliability of the queue, does not allow."""


@dataclass(frozen=True)
class Limit:
    """An allowed range of whole numbers, both ends included.

    `source` names the page of AWS's documentation that states it.
    """

    minimum: int
    maximum: int
    unit: str
    source: str

    def check(self, argument: str, value: object) -> None:
        """Raise `LimitError` unless `value` is a whole number within the range."""
        # bool is an int to Python; True seconds is a mistake all the same.
        if isinstance(value, bool) or not isinstance(value, int):
            raise LimitError(f"{argument} = {value!r} is not a whole number; allowed: {self}")
        if not self.minimum <= value <= self.maximum:
            raise LimitError(f"{argument} = {value} is out of range; allowed: {self}")

    def __str__(self) -> str:
        return f"{self.minimum} to {self.maximum} {self.unit}"


def check_one_of(argument: str, value: object, allowed: Sequence[object]) -> None:
    """Refuse what is none of the allowed values, for programs that no type checker reads."""
    if value not in allowed:
        named = ", ".join(str(item) for item in allowed)
        raise LimitError(f"{argument} = {value!r} is unknown; allowed: {named}")
