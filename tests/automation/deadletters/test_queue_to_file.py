"""A purge loses nothing: what is deleted is in the file, and the file brings it back."""

import json
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from automation.deadletters.file_to_queue import Defaults, PostReport, post_messages, read_file
from automation.deadletters.journal import Journal
from automation.deadletters.queue_to_file import drain_to_file, purge_queue
from automation.errors import AutomationError
from tests.automation.deadletters.fake_queues import (
    FakeQueue,
    FakeSqs,
    Fault,
    Killed,
    Steps,
    Stored,
)

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

NO_DEFAULTS = Defaults(attributes={})


def restore(sqs: Any, url: str, path: Path, journal_path: Path) -> PostReport:
    with (
        path.open() as file,
        Journal(journal_path, purpose="restore", source=str(path)) as journal,
    ):
        return post_messages(
            sqs,
            url,
            read_file(file, is_fifo=url.endswith(".fifo"), defaults=NO_DEFAULTS),
            journal,
            connections=2,
            cancel=threading.Event(),
        )


def drain(sqs: Any, url: str, path: Path, connections: int = 1) -> None:
    drain_to_file(sqs, url, path, wait_seconds=0, connections=connections, cancel=threading.Event())


def test_drained_queue_comes_back_from_the_file(
    sqs: "SQSClient",
    dlq_url: str,
    tmp_path: Path,
    send_many: Callable[..., None],
    bodies: Callable[[str], list[str]],
) -> None:
    send_many(dlq_url, 25)
    path = tmp_path / "backups" / "backup.jsonl"

    drain(sqs, dlq_url, path)
    assert bodies(dlq_url) == []
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert {line["attributes"]["picture"]["base64"] for line in lines} == {"AP8="}

    report = restore(sqs, dlq_url, path, tmp_path / "journal.jsonl")
    assert (report.sent, report.failed) == (25, 0)
    assert bodies(dlq_url) == sorted(f"body {number}" for number in range(25))


def test_backup_never_overwrites(sqs: "SQSClient", dlq_url: str, tmp_path: Path) -> None:
    path = tmp_path / "backup.jsonl"
    path.write_text("precious")
    with pytest.raises(AutomationError, match="exists"):
        drain(sqs, dlq_url, path)
    assert path.read_text() == "precious"


def letters(count: int, group: str | None = None) -> list[Stored]:
    system = {"MessageGroupId": group} if group else {}
    return [Stored(f"dead-{n}", f"body {n}", {}, dict(system)) for n in range(count)]


@pytest.mark.parametrize("kill_at", range(1, 12))
def test_killed_drain_has_everything_in_the_file_or_in_the_queue(
    tmp_path: Path, kill_at: int
) -> None:
    queue = FakeQueue("dlq", letters(25))
    sqs = FakeSqs(queue)
    sqs.steps = Steps(kill_at)
    path = tmp_path / "backup.jsonl"
    with pytest.raises(Killed):
        drain(sqs, "dlq", path)
    in_file = {json.loads(line)["id"] for line in path.read_text().splitlines()}
    assert in_file | {message.message_id for message in queue.messages} == {
        f"dead-{number}" for number in range(25)
    }


def test_message_whose_deletion_failed_is_in_the_file_once(tmp_path: Path) -> None:
    queue = FakeQueue("dlq", letters(3))
    sqs = FakeSqs(queue)
    sqs.delete_faults = [Fault(frozenset({1}))]
    sqs.before_receive = queue.show_all
    drain(sqs, "dlq", tmp_path / "backup.jsonl")
    lines = (tmp_path / "backup.jsonl").read_text().splitlines()
    assert sorted(json.loads(line)["id"] for line in lines) == ["dead-0", "dead-1", "dead-2"]
    assert queue.messages == []


def test_restore_that_was_killed_goes_on(tmp_path: Path) -> None:
    queue = FakeQueue("dlq", letters(30))
    sqs = FakeSqs(queue)
    path, journal_path = tmp_path / "backup.jsonl", tmp_path / "journal.jsonl"
    drain(sqs, "dlq", path)
    # Two sends of a step before and one after their effect: killed after the second's effect.
    sqs.steps = Steps(kill_at=3)
    with pytest.raises(Killed):
        restore(sqs, "dlq", path, journal_path)
    sqs.steps = Steps()
    report = restore(sqs, "dlq", path, journal_path)
    assert report.is_continued
    sent_twice = len(queue.messages) - 30
    assert len({message.body for message in queue.messages}) == 30
    assert sent_twice <= len(report.possible_duplicates)


def test_restore_keeps_the_order_of_a_group(tmp_path: Path) -> None:
    queue = FakeQueue("dlq.fifo", letters(12, "g"))
    sqs = FakeSqs(queue)
    drain(sqs, "dlq.fifo", tmp_path / "backup.jsonl")
    sqs.send_faults = [Fault(frozenset({0}), sender_fault=True), *[Fault()] * 4]
    report = restore(sqs, "dlq.fifo", tmp_path / "backup.jsonl", tmp_path / "journal.jsonl")
    assert report.sent + report.failed == 12
    assert [m.body for m in queue.messages] == [f"body {n}" for n in range(report.sent)]
    report = restore(sqs, "dlq.fifo", tmp_path / "backup.jsonl", tmp_path / "journal.jsonl")
    assert report.failed == 0
    assert [m.body for m in queue.messages] == [f"body {n}" for n in range(12)]


class Purged:
    """A queue that was purged a moment ago, so often."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.purges = 0

    def purge_queue(self, **_: Any) -> None:
        if self.refusals:
            self.refusals -= 1
            raise ClientError(
                {"Error": {"Code": "AWS.SimpleQueueService.PurgeQueueInProgress"}}, "PurgeQueue"
            )
        self.purges += 1


def test_purge_waits_for_the_60_seconds_to_be_over() -> None:
    said: list[str] = []
    pauses: list[float] = []
    queue = Purged(refusals=3)
    purge_queue(
        queue,  # type: ignore[arg-type]
        "url",
        report=said.append,
        pause=pauses.append,
        clock=lambda: sum(pauses),
    )
    assert (queue.purges, len(said), len(pauses)) == (1, 1, 3)


def test_purge_gives_up_in_the_end() -> None:
    pauses: list[float] = []
    with pytest.raises(AutomationError, match="has not ended within 120 s"):
        purge_queue(
            Purged(refusals=1000),  # type: ignore[arg-type]
            "url",
            report=lambda _: None,
            pause=pauses.append,
            clock=lambda: sum(pauses),
        )
