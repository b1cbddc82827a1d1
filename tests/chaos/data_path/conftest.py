"""A deployed stack for the tests of a file, with a queue for each of the file's `SETTINGS`."""

import warnings
from collections.abc import Iterator

import pulumi_aws as aws
import pytest

with warnings.catch_warnings():
    # The SDK loads a service's module at its first use and warns of its own old names then.
    warnings.simplefilter("ignore", DeprecationWarning)
    _LOADED = aws.lambda_.Function

from automation.interrupts import Interrupts
from automation.opening import opened_target
from automation.programs import inline_program
from automation.progress import Progress
from automation.stacks import throwaway_program
from tests.chaos.data_path.deployed import ROOT, Faulty, Stage, read_stage


@pytest.fixture(scope="module")
def stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    home = tmp_path_factory.mktemp("home")
    program = Faulty(folder=tmp_path_factory.mktemp("program"), settings=request.module.SETTINGS)
    progress = Progress()
    with (
        opened_target("local", home=home, report=progress.say) as target,
        throwaway_program(
            target,
            inline_program(program.declare, ROOT),
            read=read_stage(target, home, program),
            name="chaos",
            home=home,
            settings={},
            interrupts=Interrupts(progress.say),
            progress=progress,
            # Everything goes with the emulator, and sooner.
            keep=True,
        ) as stage,
    ):
        yield stage
