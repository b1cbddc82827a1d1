"""A disk gets full midway: nothing is deleted that is not on it, and the command goes on later.

A limit for the size of a file stands for the full disk: what is written fails in the same place,
and anybody may set it.
"""

import shlex
import sys

import pytest

from tests.chaos.around.broken_run import Clone, Ended
from tests.chaos.around.letters import ALL, QUEUE, Letters, in_backups

pytestmark = [pytest.mark.chaos, pytest.mark.engine]

OF_THE_QUEUE = ("--queue", QUEUE, "--target", "aws", "--yes")
_FULL = "File too large"


def with_little_room(clone: Clone, *arguments: str) -> Ended:
    """Run a command that may write 8 KiB into each of its files."""
    command = shlex.join([sys.executable, "-m", "automation", *arguments, *OF_THE_QUEUE])
    return clone.shell(f"ulimit -f 16; exec {command}")


def assert_full(ended: Ended) -> None:
    assert (ended.code, ended.output) == (2, ""), ended
    assert "Traceback" not in ended.error
    assert _FULL in ended.error


def test_redrive_goes_on_when_there_is_room(signed_in: Clone, letters: Letters) -> None:
    full = with_little_room(signed_in, "dlq", "redrive")
    assert_full(full)
    assert "run the same command again to go on" in full.error
    again = signed_in.run("dlq", "redrive", *OF_THE_QUEUE)
    assert again.code == 0, again
    moved = letters.in_queue()
    assert set(moved) == set(ALL)
    doubles = moved.total() - ALL.total()
    assert doubles == again.output.count("possible duplicate")
    assert not letters.in_dlq()


def test_purge_deletes_what_is_on_the_disk_only(signed_in: Clone, letters: Letters) -> None:
    full = with_little_room(signed_in, "dlq", "purge")
    assert_full(full)
    assert "what is deleted is in it" in full.error
    deleted = ALL.total() - depth(letters)
    backed_up = in_backups(signed_in.states)
    assert 0 < deleted <= backed_up.total()
    assert set(backed_up.values()) == {1}


def test_restore_goes_on_when_there_is_room(signed_in: Clone, letters: Letters) -> None:
    assert signed_in.run("dlq", "purge", *OF_THE_QUEUE).code == 0
    (backup,) = signed_in.states.rglob("backups/*.jsonl")
    full = with_little_room(signed_in, "dlq", "restore", str(backup))
    assert_full(full)
    assert "run the same command again to go on" in full.error
    again = signed_in.run("dlq", "restore", str(backup), *OF_THE_QUEUE)
    assert again.code == 0, again
    restored = letters.in_dlq()
    assert set(restored) == set(ALL)
    assert restored.total() - ALL.total() == again.output.count("possible duplicate")


def depth(letters: Letters) -> int:
    """How many letters are in the dead-letter queue, hidden ones too."""
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    answer = letters.sqs.get_queue_attributes(QueueUrl=letters.dlq_url, AttributeNames=names)
    return sum(int(answer["Attributes"][name]) for name in names)
