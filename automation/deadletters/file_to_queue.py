"""Send messages that a file holds: a backup that is restored, or what somebody has written."""

import contextlib
import hashlib
import json
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING

from automation.deadletters.disk_map import DiskMap
from automation.deadletters.journal import Journal
from automation.deadletters.message import (
    MAX_BATCH_ENTRIES,
    Message,
    MessageFormatError,
    message_from_json,
    message_to_json,
)
from automation.deadletters.transfer import Transfer
from automation.foreign_text import read_strict_json
from components import limits

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef

_SHOWN_FAILURES = 20

# Editors on Windows begin a file of UTF-8 with it.
_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, kw_only=True)
class Defaults:
    """What a message gets that doesn't say it itself.

    Attributes:
        attributes: message attributes by name.
        group: message group; None for none.
    """

    attributes: "Mapping[str, MessageAttributeValueTypeDef]"
    group: str | None = None


@dataclass(frozen=True, kw_only=True)
class PostReport:
    """What was sent.

    Attributes:
        sent: messages that SQS accepted.
        sent_before: messages that an earlier run of the same file had sent.
        failed: messages that SQS would not take.
        failures: the first of them, by id or line, each with SQS's words.
        possible_duplicates: ids or lines of messages that were sent twice, perhaps.
        is_interrupted: it was told to end before the file was at its end.
        is_continued: it went on with what a killed or stopped run had left.
    """

    sent: int
    sent_before: int
    failed: int
    failures: Mapping[str, str]
    possible_duplicates: tuple[str, ...]
    is_interrupted: bool
    is_continued: bool


def read_file(
    file: IO[str],
    *,
    is_fifo: bool,
    defaults: Defaults,
    check: Callable[[Message], None] = lambda _: None,
    on_torn_end: Callable[[int], None] | None = None,
) -> Iterator[Message]:
    """Yield the messages of a file: JSON lines, or one JSON object over several lines.

    Args:
        file: text; bytes that are no UTF-8 as lone surrogates, which no message may hold.
        is_fifo: the messages go to a FIFO queue.
        defaults: what a message gets that doesn't say it itself.
        check: raises `MessageFormatError` for a message that is not wanted. Default: all are.
        on_torn_end: is given the number of a last line that a kill or a full disk has left
            unfinished, which is then left out: a purge deletes only what it has written. Default:
            such a line is refused.

    Raises:
        MessageFormatError: with the number of the line.
    """
    for number, value in read_values(file, on_torn_end=on_torn_end):
        with naming_line(number):
            message = numbered_message(value, number, is_fifo=is_fifo, defaults=defaults)
            check(message)
        yield message


def read_values(
    file: IO[str], *, on_torn_end: Callable[[int], None] | None = None
) -> Iterator[tuple[int, object]]:
    """Yield what each line of such a file holds, with the line's number, whatever it is.

    Args:
        file, on_torn_end: as of `read_file`.

    Raises:
        MessageFormatError: a line is no JSON.
    """
    first = file.readline()
    file.seek(0)
    if first.strip() and not _is_json(first):
        lines = iter([(1, file.read())])
    else:
        lines = enumerate(file, 1)
    for number, line in lines:
        if line.strip():
            try:
                value = _json(line, number)
            except MessageFormatError:
                if on_torn_end is None or number == 1 or line.endswith("\n"):
                    raise
                on_torn_end(number)
                return
            yield number, value


@contextlib.contextmanager
def naming_line(number: int) -> Generator[None]:
    """Put a line's number before what is wrong with it."""
    try:
        yield
    except MessageFormatError as error:
        raise MessageFormatError(f"line {number}: {error}") from error


def _is_json(text: str) -> bool:
    try:
        json.loads(text.removeprefix(_BYTE_ORDER_MARK))
    except json.JSONDecodeError:
        return False
    except (ValueError, RecursionError):
        # JSON that we don't take: too deep, or a number too long.
        return True
    return True


def _json(text: str, number: int) -> object:
    try:
        return read_strict_json(text.removeprefix(_BYTE_ORDER_MARK) if number == 1 else text)
    except ValueError as error:
        raise MessageFormatError(f"line {number} {error}") from error


def numbered_message(value: object, number: int, *, is_fifo: bool, defaults: Defaults) -> Message:
    """A message of a file; one without an id gets its line's number for one.

    Raises:
        MessageFormatError: it is none.
    """
    message = message_from_json(value)
    group = defaults.group if message.group is None else message.group
    if is_fifo and group is None:
        raise MessageFormatError("a message to a FIFO queue needs a 'group'")
    return Message(
        message_id=message.message_id or f"line-{number}",
        body=message.body,
        attributes={**defaults.attributes, **message.attributes},
        system={**message.system, **({} if group is None else {"MessageGroupId": group})},
    )


def post_messages(
    sender: "SQSClient",
    queue_url: str,
    messages: Iterator[Message],
    journal: Journal,
    *,
    connections: int = 8,
    cancel: threading.Event,
    on_progress: Callable[[int], None] = lambda _: None,
    on_sent: Callable[[Mapping[str, str]], None] = lambda _: None,
) -> PostReport:
    """Send messages, in order for a FIFO queue; one that was sent before is not sent again.

    Args:
        sender: client that never repeats a request by itself (`Clients.sender`).
        queue_url: where to.
        messages: what to send.
        journal: of this work; set aside when nothing is left to do.
        connections: how many requests to make at once, default 8; a FIFO queue gets one.
        cancel: set it to end in order.
        on_progress: is told how many are sent.
        on_sent: is told of each message that SQS accepted: the id that SQS gave it, by its own.

    Raises:
        ClientError, BotoCoreError: the queue can't be worked with.
    """
    workers = 1 if limits.is_fifo(queue_url) else connections
    transfer = Transfer(
        None, "", sender=sender, destination_url=queue_url, journal=journal, pause=cancel.wait
    )
    post = _Post(transfer, journal, on_progress, on_sent, keeps_order=limits.is_fifo(queue_url))
    with ThreadPoolExecutor(workers, thread_name_prefix="post") as pool:
        # A chunk for each worker at a time, so that a large file is never in memory.
        while not cancel.is_set():
            chunks = [list(islice(messages, MAX_BATCH_ENTRIES)) for _ in range(workers)]
            if not chunks[0]:
                break
            list(pool.map(post.send, chunks))
    if not cancel.is_set() and not post.failed:
        journal.finish()
    return PostReport(
        sent=post.sent,
        sent_before=post.sent_before,
        failed=post.failed,
        failures=post.failures,
        possible_duplicates=journal.possible_duplicates,
        is_interrupted=cancel.is_set(),
        is_continued=journal.is_continued,
    )


class _Post:
    def __init__(
        self,
        transfer: Transfer,
        journal: Journal,
        on_progress: Callable[[int], None],
        on_sent: Callable[[Mapping[str, str]], None],
        *,
        keeps_order: bool,
    ) -> None:
        self._transfer = transfer
        self._journal = journal
        self._on_progress = on_progress
        self._on_sent = on_sent
        self._keeps_order = keeps_order
        self._stopped_groups: set[str | None] = set()
        self._lock = threading.Lock()
        self.sent = 0
        self.sent_before = 0
        self.failed = 0
        self.failures: dict[str, str] = {}

    def send(self, messages: list[Message]) -> None:
        left = [
            message
            for message in messages
            if self._journal.state(message.message_id) not in ("sent", "deleted")
        ]
        with self._lock:
            self.sent_before += len(messages) - len(left)
        for batch in self._transfer.batches(left):
            stopped = [item for item in batch if item.message.group in self._stopped_groups]
            free = [item for item in batch if item not in stopped]
            outcome = self._transfer.move(free) if free else None
            accepted = outcome.accepted if outcome else {}
            failures = {item.message.message_id: "one before it failed" for item in stopped}
            if outcome:
                failures |= outcome.refused | outcome.put_off | outcome.unknown
            if self._keeps_order:
                self._stopped_groups.update(
                    item.message.group for item in free if item.message.message_id in failures
                )
            self._note(accepted, failures)

    def _note(self, accepted: Mapping[str, str], failures: Mapping[str, str]) -> None:
        with self._lock:
            self._on_sent(accepted)
            self.sent += len(accepted)
            self.failed += len(failures)
            room = _SHOWN_FAILURES - len(self.failures)
            self.failures.update(islice(failures.items(), max(0, room)))
        self._on_progress(self.sent)


def open_file(path: Path) -> IO[str]:
    """A file of messages, to be read by `read_file`."""
    return path.open(encoding="utf-8", errors="surrogateescape")


def count_messages(
    path: Path,
    *,
    is_fifo: bool,
    defaults: Defaults,
    on_torn_end: Callable[[int], None] = lambda _: None,
) -> int:
    """Read a backup to its end, so that nothing is sent when a line of it is wrong.

    A message that is in it twice, as two backups in one file have it, is sent once, by its id. Two
    messages of one id, as edited by hand, would be taken for that, and one of them never sent.

    Raises:
        MessageFormatError: with the number of the line.
    """
    with open_file(path) as file, DiskMap() as contents:

        def check(message: Message) -> None:
            content = _digest(message)
            is_new = contents.add(message.message_id, content)
            if not is_new and contents.get(message.message_id) != content:
                raise MessageFormatError(
                    f"another message before it has the id {message.message_id!r} too: give this "
                    "one its own, or leave it out"
                )

        messages = read_file(
            file, is_fifo=is_fifo, defaults=defaults, check=check, on_torn_end=on_torn_end
        )
        return sum(1 for _ in messages)


def _digest(message: Message) -> str:
    """Of what is sent: SQS's own attributes differ from one delivery to the next."""
    fields = message_to_json(message)
    sent = json.dumps([fields["body"], fields["attributes"], message.group], sort_keys=True)
    return hashlib.sha256(sent.encode()).hexdigest()
