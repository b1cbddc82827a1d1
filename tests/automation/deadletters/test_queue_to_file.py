"""A purge loses nothing: what is deleted is in the file, and the file brings it back."""

import dataclasses
import errno
import itertools
import json
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest

from automation.deadletters import journal, queue_to_file
from automation.deadletters.file_to_queue import (
    Defaults,
    PostReport,
    count_messages,
    open_file,
    post_messages,
    read_file,
)
from automation.deadletters.journal import Journal
from automation.deadletters.message import MessageFormatError
from automation.deadletters.queue_to_file import drain_to_file, purge_queue
from automation.deadletters.receiving import HIDDEN_SECONDS
from automation.errors import AutomationError
from tests.unkind.behaviour import MILD
from tests.unkind.faults import Fault, Killed, Steps
from tests.unkind.queue import Queue
from tests.unkind.world import World

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


def filled(world: World, count: int, name: str = "dlq", group: str | None = None) -> Queue:
    system = {"MessageGroupId": group} if group else {}
    queue = world.add_queue(name)
    world.put(
        queue, [world.letter(f"body {n}", message_id=f"dead-{n}", **system) for n in range(count)]
    )
    return queue


def ids_in(path: Path) -> list[str]:
    return [json.loads(line)["id"] for line in path.read_text().splitlines()]


@pytest.mark.parametrize("kill_at", range(1, 12))
def test_killed_drain_has_everything_in_the_file_or_in_the_queue(
    tmp_path: Path, kill_at: int
) -> None:
    world = World()
    queue = filled(world, 25)
    world.steps = Steps(kill_at)
    path = tmp_path / "backup.jsonl"
    with world.running(), pytest.raises(Killed):
        drain(world.sqs, queue.url, path)
    in_queue = {message.message_id for message in queue.messages()}
    assert {*ids_in(path), *in_queue} == {f"dead-{number}" for number in range(25)}


@pytest.mark.parametrize("connections", [1, 3])
@pytest.mark.parametrize("count", [10, 60])
def test_nothing_is_deleted_before_it_is_on_the_disk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, connections: int, count: int
) -> None:
    # All come twice: of ten, two workers have all at once, and the second has nothing to write.
    world = World(dataclasses.replace(MILD, delivers_twice=1.0), preempts=0.3)
    queue = filled(world, count)
    on_disk: list[int] = []
    to_disk, delete = journal.to_disk, world.service.delete_message_batch

    def sync(descriptor: int) -> None:
        # Meanwhile the other workers go on.
        world.pause(0.05)
        to_disk(descriptor)
        on_disk.append(os.fstat(descriptor).st_size)

    def checked_delete(**request: Any) -> dict[str, Any]:
        safe = path.read_bytes()[: on_disk[-1] if on_disk else 0].splitlines()
        deleted = {world.service.received(one["ReceiptHandle"]) for one in request["Entries"]}
        assert {one.message_id for one in deleted} <= {json.loads(line)["id"] for line in safe}
        return delete(**request)

    path = tmp_path / "backup.jsonl"
    monkeypatch.setattr(journal, "to_disk", sync)
    world.service.delete_message_batch = checked_delete  # type: ignore[method-assign]
    with world.running():
        drain(world.sqs, queue.url, path, connections)
    assert len(ids_in(path)) == count


@pytest.mark.parametrize("count", [10, 60])
def test_what_the_disk_did_not_take_nobody_deletes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, count: int
) -> None:
    # All come twice, and another worker may have what one could not write.
    world = World(dataclasses.replace(MILD, delivers_twice=1.0), preempts=0.3)
    queue = filled(world, count)
    numbers = itertools.count()

    def fail_once(_: int) -> None:
        world.pause(0.05)
        # The kernel tells it to one alone, of whatever it could not write.
        if next(numbers) == 0:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fail_once)
    with world.running(), pytest.raises(AutomationError, match="Input/output error"):
        drain(world.sqs, queue.url, tmp_path / "backup.jsonl", connections=3)
    assert len(queue.messages()) == count


def test_message_whose_deletion_failed_is_in_the_file_once(tmp_path: Path) -> None:
    world = World()
    queue = filled(world, 3)
    world.faults.scripted["DeleteMessageBatch"].append(Fault(failing_entries=frozenset({1})))
    receives = itertools.count()

    def show_all() -> None:
        if next(receives) == 1:
            world.time.pass_until(world.time.now + HIDDEN_SECONDS)
            queue.settle(world.time.now)

    world.before_each_receive(show_all)
    with world.running():
        drain(world.sqs, queue.url, tmp_path / "backup.jsonl")
    assert sorted(ids_in(tmp_path / "backup.jsonl")) == ["dead-0", "dead-1", "dead-2"]
    assert queue.messages() == []


def test_restore_that_was_killed_goes_on(tmp_path: Path) -> None:
    world = World()
    queue = filled(world, 30)
    path, journal_path = tmp_path / "backup.jsonl", tmp_path / "journal.jsonl"
    with world.running():
        drain(world.sqs, queue.url, path)
        # Two sends of a step before and one after their effect: killed after the second's effect.
        world.steps = Steps(kill_at=3)
        with pytest.raises(Killed):
            restore(world.sender, queue.url, path, journal_path)
        world.steps = Steps()
        report = restore(world.sender, queue.url, path, journal_path)
    assert report.is_continued
    bodies = [message.body for message in queue.messages()]
    assert len(set(bodies)) == 30
    assert len(bodies) - 30 <= len(report.possible_duplicates)


def test_restore_keeps_the_order_of_a_group(tmp_path: Path) -> None:
    world = World()
    queue = filled(world, 12, "dlq.fifo", "g")
    path, journal_path = tmp_path / "backup.jsonl", tmp_path / "journal.jsonl"
    refusal = Fault(failing_entries=frozenset({0}), sender_fault=True)
    with world.running():
        drain(world.sqs, queue.url, path)
        world.faults.scripted["SendMessageBatch"].extend([*[Fault()] * 4, refusal])
        report = restore(world.sender, queue.url, path, journal_path)
        assert (report.sent, report.failed) == (4, 8)
        assert [m.body for m in queue.messages()] == [f"body {n}" for n in range(4)]
        report = restore(world.sender, queue.url, path, journal_path)
    assert report.failed == 0
    assert [m.body for m in queue.messages()] == [f"body {n}" for n in range(12)]


def test_restore_names_what_it_may_have_sent_twice(tmp_path: Path) -> None:
    world = World()
    queue = filled(world, 25)
    with world.running():
        drain(world.sqs, queue.url, tmp_path / "backup.jsonl")
        lost = Fault(error="ReadTimeoutError", after=True)
        world.faults.scripted["SendMessageBatch"].append(lost)
        report = restore(
            world.sender, queue.url, tmp_path / "backup.jsonl", tmp_path / "journal.jsonl"
        )
    assert (report.sent, report.failed) == (25, 0)
    world.ledger.assert_law(doubled_are_named=report.possible_duplicates)
    assert world.ledger.doubled()


def test_full_disk_is_said_with_the_file_and_where_everything_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    world = World()
    queue = filled(world, 25)
    numbers = itertools.count(1)

    def append(file: IO[bytes], data: bytes, *, waits_for_disk: bool) -> None:
        if next(numbers) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real_append(file, data, waits_for_disk=waits_for_disk)

    real_append = queue_to_file.append
    monkeypatch.setattr(queue_to_file, "append", append)
    path = tmp_path / "backup.jsonl"
    with world.running(), pytest.raises(AutomationError) as raised:
        drain(world.sqs, queue.url, path)
    assert f"{path}: [Errno 28] No space left on device: what is deleted is in it" in str(
        raised.value
    )
    assert (len(ids_in(path)), len(queue.messages())) == (10, 15)


@pytest.mark.parametrize("broken_off", [5, 60, 1])
def test_backup_of_a_purge_that_was_killed_while_it_wrote_is_restored(
    tmp_path: Path, broken_off: int
) -> None:
    world = World()
    queue = filled(world, 3)
    path = tmp_path / "backup.jsonl"
    with world.running():
        drain(world.sqs, queue.url, path)
    # A line that is not at its end is of a message that is still in the queue.
    path.write_bytes(path.read_bytes()[:-broken_off])
    torn: list[int] = []
    with open_file(path) as file:
        messages = list(
            read_file(file, is_fifo=False, defaults=NO_DEFAULTS, on_torn_end=torn.append)
        )
    whole = 3 if broken_off == 1 else 2
    assert [message.body for message in messages] == [f"body {n}" for n in range(whole)]
    assert torn == [3][: 3 - whole]
    assert count_messages(path, is_fifo=False, defaults=NO_DEFAULTS) == whole


def test_backup_with_two_messages_of_one_id_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "backup.jsonl"
    lines = [json.dumps({"id": "a", "body": body}) for body in ("x", "x", "y")]
    path.write_text("\n".join(lines[:2]))
    assert count_messages(path, is_fifo=False, defaults=NO_DEFAULTS) == 2
    path.write_text("\n".join(lines))
    with pytest.raises(MessageFormatError, match=r"line 3: another message .* the id 'a' too"):
        count_messages(path, is_fifo=False, defaults=NO_DEFAULTS)


def test_line_in_the_middle_of_a_backup_is_never_left_out(tmp_path: Path) -> None:
    path = tmp_path / "backup.jsonl"
    for text in ('{"body": "a"}\n{"bo\n{"body": "b"}\n', '{"body": "a"}\n{"bo\n', '{"bo'):
        path.write_text(text)
        with pytest.raises(MessageFormatError, match="is not JSON"):
            count_messages(path, is_fifo=False, defaults=NO_DEFAULTS)


def test_purge_waits_for_the_60_seconds_to_be_over() -> None:
    world = World()
    queue = world.add_queue("dlq")
    said: list[str] = []
    world.service.purge_queue(QueueUrl=queue.url)
    filled(world, 3)
    assert purge_queue(
        world.sqs,
        queue.url,
        cancel=threading.Event(),
        report=said.append,
        pause=world.pause,
        clock=world.monotonic,
    )
    assert (queue.messages(), len(said)) == ([], 1)


def test_purge_that_is_cancelled_while_it_waits_deletes_nothing() -> None:
    world, cancel = World(), threading.Event()
    queue = world.add_queue("dlq")
    world.service.purge_queue(QueueUrl=queue.url)
    filled(world, 3)
    assert not purge_queue(
        world.sqs,
        queue.url,
        cancel=cancel,
        report=lambda _: cancel.set(),
        pause=world.pause,
        clock=world.monotonic,
    )
    assert len(queue.messages()) == 3


def test_purge_gives_up_in_the_end() -> None:
    world = World()
    queue = world.add_queue("dlq")
    in_progress = Fault(error="AWS.SimpleQueueService.PurgeQueueInProgress")
    world.faults.scripted["PurgeQueue"].extend([in_progress] * 1000)
    with pytest.raises(AutomationError, match="has not ended within 120 s"):
        purge_queue(
            world.sqs,
            queue.url,
            cancel=threading.Event(),
            report=lambda _: None,
            pause=world.pause,
            clock=world.monotonic,
        )
