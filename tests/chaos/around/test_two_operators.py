"""Two operators at once on one dead-letter queue: each letter ends in one place, once."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.around.broken_run import Clone, Ended
from tests.chaos.around.letters import ALL, QUEUE, Letters, in_backups

pytestmark = [pytest.mark.chaos, pytest.mark.engine]

OF_THE_QUEUE = ("--queue", QUEUE, "--target", "aws", "--yes")
REDRIVE, PURGE = ("dlq", "redrive"), ("dlq", "purge")


def at_once(clone: Clone, *commands: tuple[str, ...]) -> list[Ended]:
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "automation", *command, *OF_THE_QUEUE],
            cwd=clone.root,
            env=clone.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for command in commands
    ]
    ended: list[Ended] = []
    for process in started:
        with process:
            output, error = process.communicate(timeout=180)
        ended.append(Ended(code=process.returncode, output=output, error=error))
    return ended


def test_second_redrive_of_a_machine_is_told_of_the_first(
    signed_in: Clone, letters: Letters
) -> None:
    ended = at_once(signed_in, REDRIVE, REDRIVE)
    assert letters.in_queue() == ALL
    refused = [each for each in ended if each.code]
    # One that begins when the other has ended finds nothing left to do.
    assert all(each.code == 2 and "another run is working on" in each.error for each in refused)
    assert len(refused) <= 1


def test_redrives_of_two_machines_share_the_letters(
    signed_in: Clone, letters: Letters, tmp_path: Path
) -> None:
    homes = [("--home", str(tmp_path / name)) for name in ("one", "other")]
    ended = at_once(signed_in, *((*REDRIVE, *home) for home in homes))
    assert [each.code for each in ended] == [0, 0], ended
    assert letters.in_queue() == ALL
    assert not letters.in_dlq()


def test_redrive_and_purge_leave_each_letter_in_the_queue_or_in_the_backup(
    signed_in: Clone, letters: Letters
) -> None:
    ended = at_once(signed_in, REDRIVE, PURGE)
    assert all(each.code in (0, 1) and "Traceback" not in each.error for each in ended), ended
    assert letters.in_queue() + in_backups(signed_in.states) + letters.in_dlq() == ALL


def test_two_purges_leave_each_letter_in_one_backup(signed_in: Clone, letters: Letters) -> None:
    ended = at_once(signed_in, PURGE, PURGE)
    # Two that begin in the same second would write the same file, and the second is refused.
    assert all("Traceback" not in each.error for each in ended), ended
    assert in_backups(signed_in.states) + letters.in_dlq() == ALL


def test_second_restore_of_a_backup_is_told_of_the_first(
    signed_in: Clone, letters: Letters
) -> None:
    (purged,) = at_once(signed_in, PURGE)
    assert purged.code == 0, purged
    (backup,) = signed_in.states.rglob("backups/*.jsonl")
    restore = ("dlq", "restore", str(backup))
    ended = at_once(signed_in, restore, restore)
    again = [each for each in ended if "WHICH WERE SENT THERE BEFORE" in each.error]
    refused = [each for each in ended if "another run is working on" in each.error]
    assert len(again) + len(refused) == 1, ended
    restored = letters.in_dlq()
    assert set(restored) == set(ALL)
    assert restored.total() == ALL.total() * (1 + len(again))
