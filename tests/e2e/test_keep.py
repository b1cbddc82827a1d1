"""`--keep` leaves a stack that can be looked at, and destroyed by the command that is printed."""

import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator

import pytest

from automation.proof.throwaway import STATES

from .conftest import Run

pytestmark = pytest.mark.engine


@pytest.fixture
def stack() -> Iterator[str]:
    name = f"kept-{secrets.token_hex(3)}"
    yield name
    shutil.rmtree(STATES / name, ignore_errors=True)


def printed_command(run: Run, label: str) -> str:
    (line,) = [line for line in run.error.splitlines() if line.startswith(label)]
    return line.removeprefix(label)


def shell(command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["/bin/sh", "-c", command], cwd="/", capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_kept_stack_is_looked_at_and_destroyed_by_what_is_printed(
    run_e2e: Callable[..., Run], stack: str
) -> None:
    run = run_e2e("--json", "--messages", "4", "--rate", "unlimited", "--keep", "--stack", stack)
    assert run.code == 0, run.error
    assert run.report["destroyed"] is False

    again = run_e2e("--json", "--keep", "--stack", stack)
    assert again.code == 2
    assert f"'{stack}' was kept by an earlier run" in again.error

    seen = shell(printed_command(run, "look at it: "))
    assert '"dlqUrl"' in seen.stdout, seen.stderr
    destroyed = shell(printed_command(run, "destroy it: "))
    assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
    assert not (STATES / stack).exists()
