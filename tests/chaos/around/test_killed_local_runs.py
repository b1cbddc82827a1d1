"""A process of a run on the embedded AWS dies: nothing lives on, and one message says why."""

import pytest

from tests.chaos.around.broken_run import Clone, Run, kill

pytestmark = [pytest.mark.chaos, pytest.mark.engine]

FOR_A_WHILE = ("--json", "--duration", "20", "--rate", "5")
AT_ONCE = ("--json", "--messages", "5", "--rate", "unlimited")


def wait_for(run: Run, phase: str) -> None:
    """Until the run is in the middle of a phase."""
    run.wait_for_step({"up": "ready", "run": "up", "destroy": "alarm"}[phase])
    if phase != "run":
        run.find("engine", f" {phase} ")


@pytest.mark.parametrize("phase", ["up", "run", "destroy"])
def test_killed_run_leaves_a_folder_that_cleanup_removes(clone: Clone, phase: str) -> None:
    with clone.started(*(FOR_A_WHILE if phase == "run" else AT_ONCE)) as run:
        wait_for(run, phase)
        kill(run.find_itself())
        run.end()
    clone.assert_no_process_is_left()
    (left,) = clone.temporary.iterdir()
    cleaned = clone.run("cleanup", "--yes")
    assert (cleaned.code, cleaned.output) == (0, "1 removed\n")
    assert f"folder: {left}" in cleaned.error
    assert list(clone.temporary.iterdir()) == []
