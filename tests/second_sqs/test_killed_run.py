"""A redrive that is killed goes on, with its journal, on a second SQS."""

import signal

from tests.second_sqs.stack import Stack

BODIES = [f"body-{number}" for number in range(400)]


def kill_midway(stack: Stack, *arguments: str) -> None:
    with stack.command("dlq", "redrive", "--yes", "--json", *arguments) as process:
        stack.wait_for(stack.queue_url, 40, process)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


def test_killed_redrive_goes_on_and_names_every_duplicate(stack: Stack) -> None:
    stack.fill(stack.dlq_url, BODIES)
    kill_midway(stack, "--max-redrives", "3", "--rate", "50")
    assert 40 <= stack.count(stack.queue_url) < len(BODIES)

    # This one would be native, which knows nothing of what is sent already. What the killed run
    # had received is hidden for a minute; it waits for that.
    answer = stack.run("dlq", "redrive", "--yes", "--json")

    assert (answer.code, answer.json["method"], answer.json["continued"]) == (0, "own", True)
    assert answer.json["left"] == 0
    arrived = stack.bodies(stack.queue_url)
    assert set(arrived) == set(BODIES)
    assert len(arrived) - len(BODIES) <= len(answer.json["possible_duplicates"])


def test_killed_native_redrive_leaves_the_task_to_sqs(stack: Stack) -> None:
    stack.fill(stack.dlq_url, BODIES[:120])
    kill_midway(stack, "--rate", "50")
    answer = stack.run("dlq", "redrive", "--yes", "--json")
    if answer.code == 2:
        # Unless it has ended meanwhile.
        assert "There is already a task running" in answer.said
    stack.wait_for(stack.queue_url, 120)
    assert sorted(stack.bodies(stack.queue_url)) == sorted(BODIES[:120])
