"""What is broken here runs from a clone of its own; in an account, from one that is signed in."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from automation.local.emulator import Emulator
from automation.local.world import emulator_of_many
from tests.chaos.around.broken_run import Clone, new_clone
from tests.chaos.around.letters import Letters, dead_letters
from tests.chaos.around.played_aws import PlayedAccount, played_account


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return new_clone(tmp_path)


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with emulator_of_many(tmp_path_factory.mktemp("aws")) as emulator:
        yield emulator


@pytest.fixture
def account(aws: Emulator, tmp_path: Path) -> PlayedAccount:
    return played_account(aws, tmp_path)


@pytest.fixture
def signed_in(clone: Clone, account: PlayedAccount) -> Clone:
    """A clone whose commands work in the account."""
    return dataclasses.replace(clone, environment={**clone.environment, **account.environment})


@pytest.fixture
def letters(account: PlayedAccount) -> Letters:
    return dead_letters(account)
