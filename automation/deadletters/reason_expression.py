"""`--reason`: a JMESPath expression that gives the reason from a consumer's own kind of record."""

from collections.abc import Mapping
from typing import Any, cast

import jmespath

from automation.deadletters.expression_faults import CANT_BE_APPLIED, fault_in
from automation.deadletters.where import ExpressionError

_MAX_CHARACTERS = 300


class ReasonExpression:
    """A checked expression over one log record.

    A line that is no JSON object is given to it as `{"message": the line}`.

    Args:
        text: in JMESPath.

    Raises:
        ExpressionError: it is none.
    """

    def __init__(self, text: str) -> None:
        try:
            self._compiled: Any = cast("Any", jmespath).compile(text)
            fault = fault_in(self._compiled.parsed)
        except RecursionError:
            raise ExpressionError("--reason is nested too deeply") from None
        except CANT_BE_APPLIED as error:
            raise ExpressionError(f"--reason is no JMESPath expression: {error}") from error
        if fault:
            raise ExpressionError(f"--reason {text!r}: {fault}")

    def reason_in(self, record: Mapping[str, object]) -> str | None:
        """The reason, up to 300 characters; None where the expression gives no text or number."""
        try:
            result = self._compiled.search(record)
        except CANT_BE_APPLIED:
            return None
        if isinstance(result, bool) or not isinstance(result, str | int | float) or result == "":
            return None
        return str(result)[:_MAX_CHARACTERS]
