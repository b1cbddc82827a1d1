"""The pytest plugin: a program of one's own on the embedded AWS, for the time of a test.

Pytest loads it wherever the package is installed, so nothing is imported before a fixture is asked
for.
"""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:
    from automation.opening import NewAccount
    from automation.target import Target
    from automation.testing.deployed_queue import DeployedQueue
    from automation.testing.programs_under_test import Source


class DeployProgram(Protocol):
    """Deploys a program until the test ends, and gives a handle on its queue."""

    def __call__(
        self,
        source: "Source",
        *,
        config: Mapping[str, object] | None = None,
        component: str | None = None,
        retry_seconds: int | None = 5,
    ) -> "DeployedQueue":
        """Deploy a program.

        Args:
            source: the program's folder, or a function that makes resources.
            config: the program's settings by name; None (default) for none.
            component: the name of the `ReliableQueue`; None (default) for the one that there is.
            retry_seconds: how long the test's queue hides a message that was received, so that one
                that failed is tried again soon; default 5 s, longer than a batch may take here.
                None for the queue's own visibility timeout, which is minutes as a rule.

        Raises:
            DeploymentError: the engine could not create it, in its own words.
            AutomationError: no such program, or no such component in it.
        """
        ...


@pytest.fixture(scope="session")
def embedded_aws_accounts(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[NewAccount]":
    """The embedded AWS, one for all tests of a process, which gives as many accounts as asked."""
    from automation.opening import opened_accounts

    home = tmp_path_factory.mktemp("embedded-aws")
    with opened_accounts(home=home, report=print) as new_account:
        yield new_account


@pytest.fixture
def embedded_aws(
    embedded_aws_accounts: "NewAccount", tmp_path_factory: pytest.TempPathFactory
) -> "Iterator[Target]":
    """An account of the test's own in the embedded AWS; `.clients` are boto3's for it."""
    with embedded_aws_accounts(tmp_path_factory.mktemp("account")) as target:
        yield target


@pytest.fixture
def deploy_program(
    embedded_aws: "Target", tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DeployProgram]:
    """Deploys programs into the test's account, and destroys them when the test ends."""
    from automation.testing.programs_under_test import deployed_queue

    with contextlib.ExitStack() as at_the_end:

        def deploy(
            source: "Source",
            *,
            config: Mapping[str, object] | None = None,
            component: str | None = None,
            retry_seconds: int | None = 5,
        ) -> "DeployedQueue":
            home: Path = tmp_path_factory.mktemp("program")
            return at_the_end.enter_context(
                deployed_queue(
                    embedded_aws,
                    source,
                    home=home,
                    config=config or {},
                    component=component,
                    retry_seconds=retry_seconds,
                )
            )

        yield deploy
