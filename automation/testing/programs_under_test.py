"""Deploy a program for the time of a test, and give a handle on its queue."""

import contextlib
import inspect
import secrets
from collections.abc import Generator, Mapping
from pathlib import Path

from pulumi.automation import PulumiFn

from automation.operations.operated import Operated
from automation.programs import Program, inline_program, read_program
from automation.proof.deployed import deployed_program
from automation.target import Target
from automation.testing.deployed_queue import DeployedQueue

Source = Path | str | PulumiFn
"""A program: its folder, with the project file in it, or a function that makes resources."""


@contextlib.contextmanager
def deployed_queue(
    target: Target,
    source: Source,
    *,
    home: Path,
    config: Mapping[str, object],
    component: str | None,
    retry_seconds: int | None,
) -> Generator[DeployedQueue]:
    """Deploy a program, give a handle on its `ReliableQueue`, and destroy the stack at the end.

    Args:
        target: where.
        source: the program.
        home: existing folder for what a deployment writes.
        config: the program's settings; a key without a namespace is the project's own.
        component: the name of the `ReliableQueue`; None for the one that there is.
        retry_seconds: the queue's visibility timeout instead of its own, 0 to 43,200 s; None for
            its own.

    Raises:
        DeploymentError: with the engine's own words.
        AutomationError: no such program, or no such component in it.
    """
    with deployed_program(
        target,
        _program(source),
        name=f"test-{secrets.token_hex(3)}",
        home=home,
        component=component,
        settings=config,
    ) as deployed:
        operated = Operated.of(target, deployed.wiring, home)
        queue = DeployedQueue(operated, deployed.outputs)
        if retry_seconds is not None:
            queue.clients.sqs.set_queue_attributes(
                QueueUrl=queue.queue_url, Attributes={"VisibilityTimeout": str(retry_seconds)}
            )
        yield queue


def _program(source: Source) -> Program:
    if callable(source):
        return inline_program(source, Path(inspect.getfile(source)).parent)
    return read_program(Path(source))
