"""A process of a run in an account dies: the run, or `cleanup` after it, leaves nothing there."""

import re

import pytest

from tests.chaos.around.broken_run import Clone, Ended, Run, kill
from tests.chaos.around.played_aws import PlayedAccount

pytestmark = [pytest.mark.chaos, pytest.mark.engine]

ARGUMENTS = ("--target", "aws", "--yes", "--json", "--messages", "5", "--rate", "unlimited")


def wait_for(run: Run, clone: Clone, phase: str) -> None:
    run.wait_for_step({"up": "ready", "run": "up", "destroy": "alarm"}[phase])
    if phase != "run":
        run.wait_until_amidst(clone.states, phase)


def assert_nothing_is_left(signed_in: Clone, account: PlayedAccount, ended: Ended) -> None:
    assert "Traceback" not in ended.error
    assert account.left() == {}, ended
    assert list(signed_in.states.iterdir()) == []
    signed_in.assert_no_process_is_left()


@pytest.mark.parametrize("phase", ["up", "run", "destroy"])
def test_cleanup_finds_all_that_a_killed_run_has_left(
    signed_in: Clone, account: PlayedAccount, phase: str
) -> None:
    with signed_in.started(*ARGUMENTS) as run:
        wait_for(run, signed_in, phase)
        kill(run.find_itself())
        run.end()
    signed_in.wait_until_no_engine_is_left()
    assert account.left()
    cleaned = signed_in.run("cleanup", "--target", "aws", "--yes")
    assert cleaned.code == 0, cleaned
    assert account.left() == {}
    assert [path.name for path in signed_in.states.iterdir()] == ["default"]
    signed_in.assert_no_process_is_left()


@pytest.mark.parametrize("phase", ["up", "destroy"])
def test_killed_engine_leaves_nothing_in_the_account(
    signed_in: Clone, account: PlayedAccount, phase: str
) -> None:
    with signed_in.started(*ARGUMENTS) as run:
        wait_for(run, signed_in, phase)
        kill(run.find("engine", f" {phase} "))
        ended = run.end()
    assert ended.code == (2 if phase == "up" else 0), ended
    assert_nothing_is_left(signed_in, account, ended)


def test_killed_provider_leaves_nothing_of_what_it_had_begun(
    signed_in: Clone, account: PlayedAccount
) -> None:
    with signed_in.started(*ARGUMENTS) as run:
        wait_for(run, signed_in, "up")
        kill(run.find("provider"))
        ended = run.end()
    assert ended.code == 2, ended
    assert "exited prematurely" in ended.error
    assert_nothing_is_left(signed_in, account, ended)


def test_command_that_is_named_when_the_provider_dies_in_the_destruction_works(
    signed_in: Clone, account: PlayedAccount
) -> None:
    with signed_in.started(*ARGUMENTS) as run:
        wait_for(run, signed_in, "destroy")
        kill(run.find("provider"))
        ended = run.end()
    assert ended.code == 2, ended
    assert "Traceback" not in ended.error
    assert account.left()
    named = re.search(r"what is left is removed by: (.*)", ended.error)
    assert named
    cleaned = signed_in.shell(f"{named[1]} --yes")
    assert cleaned.code == 0, cleaned
    assert account.left() == {}
    signed_in.assert_no_process_is_left()
