"""Two operators at once on one dead-letter queue: each letter ends in one place, once.

SQS answers late, so that the second is surely at work before the first has ended.
"""

import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from automation.local.emulator import Emulator
from tests.chaos.around.broken_run import Clone, Ended
from tests.chaos.around.letters import ALL, QUEUE, Letters, in_backups
from tests.chaos.wire.fault_proxy import Plan, running_proxy

pytestmark = [pytest.mark.chaos, pytest.mark.engine]

OF_THE_QUEUE = ("--queue", QUEUE, "--target", "aws", "--yes")
REDRIVE, PURGE = ("dlq", "redrive"), ("dlq", "purge")


SLOW = Plan(
    faults=("slow",),
    rate=1,
    operations=frozenset({"ReceiveMessage", "SendMessageBatch", "DeleteMessageBatch"}),
    in_a_row=float("inf"),
    slow_seconds=1,
)


@pytest.fixture
def signed_in(signed_in: Clone, aws: Emulator) -> Iterator[Clone]:
    with running_proxy() as proxy:
        proxy.upstream = aws.port
        environment = {**signed_in.environment, "AWS_ENDPOINT_URL": proxy.endpoint_url}
        with proxy.injecting(SLOW):
            yield dataclasses.replace(signed_in, environment=environment)


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
    (refused,) = [each for each in ended if each.code]
    assert refused.code == 2
    assert "another run is working on" in refused.error


def test_redrives_of_two_machines_share_the_letters(
    signed_in: Clone, letters: Letters, tmp_path: Path
) -> None:
    homes = [("--home", str(tmp_path / name)) for name in ("one", "other")]
    ended = at_once(signed_in, *((*REDRIVE, "--json", *home) for home in homes))
    assert [each.code for each in ended] == [0, 0], ended
    assert all(json.loads(each.output)["moved"] for each in ended), ended
    assert letters.in_queue() == ALL
    assert not letters.in_dlq()


def test_redrive_and_purge_leave_each_letter_in_the_queue_or_in_the_backup(
    signed_in: Clone, letters: Letters
) -> None:
    ended = at_once(signed_in, REDRIVE, PURGE)
    assert all(each.code in (0, 1) and "Traceback" not in each.error for each in ended), ended
    moved, purged = letters.in_queue(), in_backups(signed_in.states)
    assert moved
    assert purged
    assert moved + purged + letters.in_dlq() == ALL


def test_two_purges_leave_each_letter_in_one_backup(signed_in: Clone, letters: Letters) -> None:
    ended = at_once(signed_in, PURGE, PURGE)
    # Two that begin in the same second would write the same file, and the second is refused.
    assert all("Traceback" not in each.error for each in ended), ended
    backups = [path for path in signed_in.states.rglob("backups/*.jsonl") if path.stat().st_size]
    refused = [each for each in ended if each.code == 2]
    assert len(backups) + len(refused) == 2, ended
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
