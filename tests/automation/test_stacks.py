"""What is told of a stack that is not this program's, and of one that can't be read."""

from typing import Any, cast

import pytest
from pulumi.automation import OutputValue

from automation import stacks
from automation.errors import AutomationError
from automation.interrupts import Interrupts


def test_a_deployed_program_that_lacks_outputs_is_told_by_them() -> None:
    class Deployed:
        name = "e2e-1"

        def deploy(self, _: object) -> object:
            return {"queueUrl": OutputValue("https://sqs/q", secret=False)}

    stack = cast("Any", Deployed())
    outputs = stacks._deploy(stack, Interrupts(report=lambda _: None), lambda _: None)
    with pytest.raises(AutomationError, match=r"stack 'e2e-1': .*dlqUrl"):
        stacks.own_outputs(stack, outputs)
