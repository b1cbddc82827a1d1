"""A disk gets full midway: nothing is deleted that is not on it, and the command goes on later.

For the operator's commands a limit for the size of a file stands for the full disk: what is written
fails in the same place, and anybody may set it. The engine dies of such a limit, so that the main
job gets a disk.
"""

import dataclasses
import json
import re
import shlex
import sys
from pathlib import Path

import pytest

from tests.chaos.around.broken_run import Clone, Ended
from tests.chaos.around.letters import ALL, QUEUE, Letters, in_backups
from tests.chaos.around.played_aws import PlayedAccount
from tests.chaos.around.small_disk import SmallDisk, small_disk

pytestmark = [pytest.mark.chaos, pytest.mark.engine]

OF_THE_QUEUE = ("--queue", QUEUE, "--target", "aws", "--yes")
_FULL = "File too large"
MESSAGES = ("--json", "--messages", "5", "--rate", "unlimited")
IN_AN_ACCOUNT = ("--target", "aws", "--yes", *MESSAGES)
MIB = 2**20
NO_SPACE = "no space left on device"


def with_little_room(clone: Clone, *arguments: str) -> Ended:
    """Run a command that may write 8 KiB into each of its files."""
    command = shlex.join([sys.executable, "-m", "automation", *arguments, *OF_THE_QUEUE])
    # Python up to 3.12 takes half a file of its own bytecode for a whole one ever after.
    return clone.shell(f"ulimit -f 16; PYTHONDONTWRITEBYTECODE=1 exec {command}")


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


def on(disk: SmallDisk, clone: Clone) -> Clone:
    return dataclasses.replace(clone, entrance=disk.entrance(clone.root))


def test_main_job_without_room_for_its_state_makes_nothing(
    signed_in: Clone, account: PlayedAccount
) -> None:
    with (
        small_disk(signed_in.states, size_bytes=4 * MIB) as disk,
        on(disk, signed_in).started(*IN_AN_ACCOUNT) as run,
    ):
        ended = run.end()
        assert disk.left() == []
    assert (ended.code, ended.output) == (2, ""), ended
    assert "MiB free, a run needs 10 MiB there: make room" in ended.error
    assert account.left() == {}


def test_main_job_whose_temporary_folder_gets_full_leaves_nothing(clone: Clone) -> None:
    with small_disk(clone.temporary, size_bytes=220 * MIB) as disk:
        with on(disk, clone).started(*MESSAGES) as run:
            run.wait_for_step("ready")
            disk.fill()
            ended = run.end()
        assert disk.left() == []
    assert (ended.code, ended.output) == (2, ""), ended
    assert "Traceback" not in ended.error
    assert NO_SPACE in ended.error.lower()
    clone.assert_no_process_is_left()


def test_command_that_is_named_when_the_disk_is_full_at_the_destruction_works(
    signed_in: Clone, account: PlayedAccount
) -> None:
    with small_disk(signed_in.states, size_bytes=16 * MIB) as disk:
        there = on(disk, signed_in)
        with there.started(*IN_AN_ACCOUNT) as run:
            run.wait_for_step("produce")
            disk.fill()
            ended = run.end()
        assert (ended.code, ended.output) == (2, ""), ended
        assert NO_SPACE in ended.error
        assert account.left()
        named = re.search(r"what is left is removed by: (.*)", ended.error)
        assert named, ended
        disk.make_room()
        cleaned = there.shell(f"{named[1]} --yes")
    assert cleaned.code == 0, cleaned
    assert account.left() == {}


def test_verdict_is_told_where_its_page_has_no_room(clone: Clone, tmp_path: Path) -> None:
    with small_disk(tmp_path / "pages", size_bytes=4_096) as disk:
        page = disk.place / "run.html"
        with on(disk, clone).started(*MESSAGES, "--report", str(page)) as run:
            ended = run.end()
        assert disk.left() == []
    assert (ended.code, json.loads(ended.output)["verdict"]) == (2, "held"), ended
    assert f"No space left on device: '{page}': the disk is full; make room" in ended.error
