"""`python -m automation send` and `dlq restore`: put the messages of a file into a queue."""

import shutil
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click
from botocore.exceptions import BotoCoreError, ClientError

from automation.commands.options import ask, queue_options, yes_option
from automation.commands.output import DONE, NOT_DONE, as_plain, print_json, print_line
from automation.deadletters.disk_map import DiskMap
from automation.deadletters.file_to_queue import (
    Defaults,
    PostReport,
    count_messages,
    open_file,
    post_messages,
    read_file,
)
from automation.deadletters.journal import Journal
from automation.deadletters.message import Message, MessageFormatError, attribute_from_json
from automation.deadletters.sending_rules import check_attribute, check_sendable
from automation.interrupts import cancelled_by_signals
from automation.operations.operated import Operated, Selection, operated_queue
from automation.progress import Progress
from components import limits

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef


@click.command(short_help="Send messages from a file or from standard input.")
@click.option(
    "--attribute",
    "attributes",
    multiple=True,
    metavar="NAME[:TYPE]=VALUE",
    help="For messages that lack it; the type is String by default. Can be given several times.",
)
@click.option("--group", metavar="NAME", help="Message group, for messages that name none.")
@click.option("--to", "to_text", metavar="QUEUE", help="Another queue: name, URL or ARN.")
@click.argument("file", type=click.File(encoding="utf-8", errors="surrogateescape"))
@queue_options
def send(
    *,
    selection: Selection,
    wants_json: bool,
    attributes: Sequence[str],
    group: str | None,
    to_text: str | None,
    file: IO[str],
) -> int:
    """Send the messages of FILE, or of standard input for '-'.

    One JSON object, or one a line: {"body": …, "attributes": {"store_id": 3}, "group": "g"}. Only
    the body is needed; what is no text is sent as JSON. Nothing is sent when a line is wrong.
    """
    defaults = Defaults(attributes=dict(map(_attribute, attributes)), group=group)
    progress = Progress()
    with (
        operated_queue(selection, report=progress.say) as operated,
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="surrogateescape") as copy,
        tempfile.TemporaryDirectory() as folder,
    ):
        url = operated.url_of(to_text) if to_text else operated.queue.url
        # It is read twice: nothing may be sent when its last line is wrong.
        shutil.copyfileobj(file, copy)
        copy.seek(0)
        count = _count_sendable(operated, url, copy, defaults)
        copy.seek(0)
        with (
            progress.shown(),
            progress.step("send", total=count),
            cancelled_by_signals(progress.say) as cancel,
            Journal(Path(folder) / "journal.jsonl", purpose="send", source=url) as journal,
        ):
            report = _post(operated, url, copy, defaults, journal, cancel, progress)
    return _show_post(report, url, wants_json)


def _count_sendable(operated: Operated, url: str, file: IO[str], defaults: Defaults) -> int:
    """Read a file to its end, and refuse what SQS would refuse.

    Raises:
        MessageFormatError: with the number of the line.
    """
    is_fifo, max_bytes = limits.is_fifo(url), operated.max_message_bytes(url)
    with DiskMap() as ids:

        def check(message: Message) -> None:
            check_sendable(message, is_fifo=is_fifo, max_bytes=max_bytes)
            # What became of a message is written down under its id.
            if not ids.add(message.message_id):
                raise MessageFormatError(
                    f"a message before it has the id {message.message_id!r} too: give each its "
                    "own, or leave them out"
                )

        return sum(1 for _ in read_file(file, is_fifo=is_fifo, defaults=defaults, check=check))


def _attribute(text: str) -> "tuple[str, MessageAttributeValueTypeDef]":
    name, equals, value = text.partition("=")
    name, _, kind = name.partition(":")
    if not name or not equals or not value:
        raise click.UsageError(f"--attribute takes NAME=VALUE or NAME:TYPE=VALUE, got {text!r}")
    is_binary = kind.partition(".")[0] == "Binary"
    content = {"type": kind or "String", "base64" if is_binary else "value": value}
    try:
        attribute = attribute_from_json(name, content)
        check_attribute(name, attribute)
    except MessageFormatError as error:
        raise click.UsageError(f"--attribute: {error}") from error
    return name, attribute


@click.command(short_help="Send what a purge has backed up.")
@click.option(
    "--to", "to_text", metavar="QUEUE", help="Another queue: name, URL or ARN.  [default: the DLQ]"
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@yes_option()
@queue_options
def restore(
    *,
    selection: Selection,
    wants_json: bool,
    yes: bool,
    to_text: str | None,
    file: Path,
) -> int:
    """Send what a purge has backed up; a run that was killed goes on when started again."""
    if not file.is_file():
        raise click.UsageError(
            f"{file} is read twice, so that nothing is sent when a line is wrong: name a plain "
            "file, no pipe"
        )
    progress = Progress()
    with operated_queue(selection, report=progress.say) as operated:
        url = operated.url_of(to_text) if to_text else operated.dlq.url
        defaults = Defaults(attributes={})
        count = count_messages(
            file,
            is_fifo=limits.is_fifo(url),
            defaults=defaults,
            on_torn_end=lambda number: progress.say(
                f"line {number}, the last, was never finished and is left out: its message was "
                "not deleted"
            ),
        )
        source = f"{file.resolve()} to {url}"
        again = ", WHICH WERE SENT THERE BEFORE" if operated.has_finished("restore", source) else ""
        ask(f"Send {count} messages to {url}{again}?", yes=yes, progress=progress)
        with (
            progress.shown(),
            progress.step("restore", total=count),
            cancelled_by_signals(progress.say) as cancel,
            operated.journal("restore", source) as journal,
            open_file(file) as opened,
        ):
            try:
                report = _post(operated, url, opened, defaults, journal, cancel, progress)
            except (BotoCoreError, ClientError, OSError):
                progress.say(f"run the same command again to go on: {journal.path} knows how far")
                raise
    return _show_post(report, url, wants_json)


def _post(
    operated: Operated,
    url: str,
    file: IO[str],
    defaults: Defaults,
    journal: Journal,
    cancel: threading.Event,
    progress: Progress,
) -> PostReport:
    return post_messages(
        operated.sender,
        url,
        # Whoever does not take such an end has refused it before.
        read_file(
            file,
            is_fifo=limits.is_fifo(url),
            defaults=defaults,
            on_torn_end=lambda _: None,
        ),
        journal,
        connections=operated.connections,
        cancel=cancel,
        on_progress=progress.advance_to,
    )


def _show_post(report: PostReport, url: str, wants_json: bool) -> int:
    """Print what was sent; return the exit code."""
    code = NOT_DONE if report.failed or report.is_interrupted else DONE
    if wants_json:
        print_json({"queue_url": url, **as_plain(report)})
        return code
    print_line(f"{report.sent} messages sent to {url}")
    if report.sent_before:
        print_line(f"{report.sent_before} were sent by an earlier run already")
    if report.failed:
        print_line(f"{report.failed} were not taken, as far as is known:")
    for message_id, words in report.failures.items():
        print_line(f"  {message_id}: {words}")
    for message_id in report.possible_duplicates:
        print_line(f"possible duplicate: {message_id}")
    return code
