"""A process of a run on the embedded AWS dies: nothing lives on, and one message says why."""

import pytest

from tests.chaos.around.broken_run import Clone, Ended, Run, kill

pytestmark = [pytest.mark.chaos, pytest.mark.engine]

FOR_A_WHILE = ("--json", "--duration", "20", "--rate", "5")
AT_ONCE = ("--json", "--messages", "5", "--rate", "unlimited")
EMULATOR_ENDED = (
    "the embedded AWS was ended by SIGKILL while it was in use, and what was in it went with it: "
    "nothing is left; run the command again"
)


def start_arguments(phase: str) -> tuple[str, ...]:
    return FOR_A_WHILE if phase == "run" else AT_ONCE


def wait_for(run: Run, clone: Clone, phase: str) -> None:
    """Until the run is in the middle of a phase."""
    run.wait_for_step({"up": "ready", "run": "up", "destroy": "alarm"}[phase])
    if phase != "run":
        run.wait_until_amidst(clone.temporary, phase)


def assert_nothing_is_left(clone: Clone) -> None:
    clone.assert_no_process_is_left()
    assert list(clone.temporary.iterdir()) == []


def assert_one_message(ended: Ended, *messages: str) -> None:
    assert (ended.code, ended.output) == (2, ""), ended
    assert "Traceback" not in ended.error
    assert "Warning" not in ended.error
    assert [line for line in ended.error.splitlines() if line.startswith("error: ")] == [
        f"error: {message}" for message in messages
    ]


@pytest.mark.parametrize("phase", ["up", "run", "destroy"])
def test_killed_run_leaves_a_folder_that_cleanup_removes(clone: Clone, phase: str) -> None:
    with clone.started(*start_arguments(phase)) as run:
        wait_for(run, clone, phase)
        kill(run.find_itself())
        run.end()
    clone.wait_until_no_engine_is_left()
    (left,) = clone.temporary.glob("reliable-queue-*")
    cleaned = clone.run("cleanup", "--yes")
    assert (cleaned.code, cleaned.output) == (0, "1 removed\n")
    assert f"folder: {left}" in cleaned.error
    assert_nothing_is_left(clone)


@pytest.mark.parametrize("phase", ["up", "run", "destroy"])
def test_killed_emulator_is_what_the_message_is_about(clone: Clone, phase: str) -> None:
    with clone.started(*start_arguments(phase)) as run:
        wait_for(run, clone, phase)
        kill(run.find("emulator"))
        ended = run.end()
    assert_one_message(ended, EMULATOR_ENDED)
    assert_nothing_is_left(clone)


def test_emulator_killed_while_the_queue_settles_is_told_in_one_message_too(clone: Clone) -> None:
    with clone.started("--messages", "200", "--rate", "unlimited") as run:
        run.wait_for_step("produce")
        kill(run.find("emulator"))
        ended = run.end()
    assert_one_message(ended, EMULATOR_ENDED)
    assert_nothing_is_left(clone)


def test_engine_killed_during_up_is_told_and_what_it_made_is_destroyed(clone: Clone) -> None:
    with clone.started(*AT_ONCE) as run:
        wait_for(run, clone, "up")
        kill(run.find("engine", " up "))
        ended = run.end()
    assert_one_message(ended, "the stack could not be deployed:")
    assert "\nthe Pulumi engine was ended by SIGKILL in the middle of 'pulumi up'\n" in ended.error
    assert "destroy failed" not in " ".join(ended.error.split())
    assert_nothing_is_left(clone)


def test_engine_killed_during_destroy_is_made_good_by_another(clone: Clone) -> None:
    with clone.started(*AT_ONCE) as run:
        wait_for(run, clone, "destroy")
        kill(run.find("engine", " destroy "))
        ended = run.end()
    assert ended.code == 0, ended
    assert '"destroyed": true' in ended.output
    assert_nothing_is_left(clone)


@pytest.mark.parametrize("victim", ["language host", "program"])
def test_program_that_dies_is_told_and_what_it_declared_is_destroyed(
    clone: Clone, victim: str
) -> None:
    with clone.started(*AT_ONCE) as run:
        wait_for(run, clone, "up")
        kill(run.find(victim))
        ended = run.end()
    assert ended.code == 2, ended
    assert "Traceback" not in ended.error
    assert "error: the stack could not be deployed:" in ended.error
    assert_nothing_is_left(clone)
