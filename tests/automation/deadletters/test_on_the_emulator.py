"""Many dead letters, and a real SIGKILL, on the embedded AWS."""

import os
import signal
import subprocess
import sys
import threading
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from automation.aws.clients import Clients
from automation.aws.queue_depth import queue_depth
from automation.deadletters.file_to_queue import Defaults, post_messages, read_file
from automation.deadletters.journal import Journal
from automation.deadletters.move_plan import MoveReport, Plan
from automation.deadletters.queue_to_file import drain_to_file
from automation.deadletters.queue_to_queue import move_messages
from automation.deadletters.reading import read_messages
from automation.deadletters.survey import survey_dead_letters
from automation.local.emulator import Emulator, running_emulator

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

pytestmark = pytest.mark.engine

REPOSITORY = Path(__file__).resolve().parents[3]
CONNECTIONS = 4
BODY_BYTES = 4_000
# So many that their bodies would be seen in memory, and so few that it takes seconds.
FEW, MANY = 200, 2_000
SPARE_BYTES = 1_500_000

KILLED_RUN = """
import sys, threading
from pathlib import Path
import boto3
from automation.deadletters.journal import Journal
from automation.deadletters.move_plan import Plan
from automation.deadletters.queue_to_queue import move_messages
from automation.aws.clients import Clients

endpoint, source, destination, journal = sys.argv[1:]
session = boto3.Session("123456789012", "x", region_name="us-east-1")
clients = Clients(session=session, endpoint_url=endpoint, max_connections=8)
with Journal(Path(journal), purpose="redrive", source=source) as opened:
    move_messages(
        clients.sqs,
        clients.sender,
        Plan(source_url=source, destination_url=destination, connections=4, hidden_seconds=3),
        opened,
        cancel=threading.Event(),
        on_progress=lambda counts: print(counts.moved, flush=True),
    )
"""


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    folder = tmp_path / "emulator"
    folder.mkdir()
    with running_emulator(folder, region="us-east-1") as emulator:
        yield emulator


@pytest.fixture
def clients(emulator: Emulator) -> Clients:
    session = boto3.Session("123456789012", "x", region_name="us-east-1")
    return Clients(session=session, endpoint_url=emulator.endpoint_url, max_connections=8)


@pytest.fixture
def fill(clients: Clients) -> Callable[[str, int], str]:
    def fill(name: str, count: int) -> str:
        url = clients.sqs.create_queue(QueueName=name)["QueueUrl"]

        def send(start: int) -> None:
            entries: Any = [
                {"Id": str(number), "MessageBody": f"{number} ".ljust(BODY_BYTES, "x")}
                for number in range(start, start + 10)
            ]
            clients.sqs.send_message_batch(QueueUrl=url, Entries=entries)

        with ThreadPoolExecutor(CONNECTIONS) as pool:
            list(pool.map(send, range(0, count, 10)))
        return url

    return fill


def numbers(sqs: "SQSClient", url: str) -> Counter[int]:
    return Counter(
        int(message.body.split()[0])
        for message in read_messages(sqs, url, wait_seconds=0, connections=CONNECTIONS)
    )


def redrive(clients: Clients, source: str, destination: str, path: Path) -> MoveReport:
    with Journal(path, purpose="redrive", source=source) as journal:
        return move_messages(
            clients.sqs,
            clients.sender,
            Plan(source_url=source, destination_url=destination, connections=CONNECTIONS),
            journal,
            cancel=threading.Event(),
        )


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_messages(
    clients: Clients, fill: Callable[[str, int], str], tmp_path: Path
) -> None:
    clients.logs.create_log_group(logGroupName="consumer")
    peaks = {
        count: _peaks(clients, fill(f"dlq-{count}", count), count, tmp_path)
        for count in (FEW, MANY)
    }
    for work, peak in peaks[MANY].items():
        assert peak < peaks[FEW][work] + SPARE_BYTES, (work, peaks)


def _peaks(clients: Clients, dlq_url: str, count: int, folder: Path) -> dict[str, int]:
    """The most memory that each operation takes, in bytes."""
    queue_url = clients.sqs.create_queue(QueueName=f"queue-{count}")["QueueUrl"]
    backup = folder / f"backup-{count}.jsonl"
    peaks: dict[str, int] = {}

    def measure(work: str, do: Callable[[], int]) -> None:
        tracemalloc.start()
        assert do() == count
        peaks[work] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    def survey() -> int:
        with closing(
            survey_dead_letters(
                clients.sqs,
                clients.logs,
                dlq_url=dlq_url,
                log_groups=["consumer"],
                wait_seconds=0,
                connections=CONNECTIONS,
            )
        ) as found:
            return sum(1 for _ in found.letters())

    def drain() -> int:
        return drain_to_file(
            clients.sqs,
            queue_url,
            backup,
            wait_seconds=0,
            connections=CONNECTIONS,
            cancel=threading.Event(),
        ).deleted

    def restore() -> int:
        with (
            backup.open() as file,
            Journal(folder / f"restore-{count}.jsonl", purpose="restore", source="b") as journal,
        ):
            return post_messages(
                clients.sender,
                dlq_url,
                read_file(file, is_fifo=False, defaults=Defaults(attributes={})),
                journal,
                connections=CONNECTIONS,
                cancel=threading.Event(),
            ).sent

    measure("survey", survey)
    path = folder / f"redrive-{count}.jsonl"
    measure("redrive", lambda: redrive(clients, dlq_url, queue_url, path).counts.moved)
    measure("drain", drain)
    measure("restore", restore)
    assert queue_depth(clients.sqs, dlq_url).visible == count
    return peaks


def test_redrive_that_is_killed_and_started_again_loses_nothing(
    emulator: Emulator,
    clients: Clients,
    fill: Callable[[str, int], str],
    tmp_path: Path,
) -> None:
    source = fill("dlq", 600)
    destination = clients.sqs.create_queue(QueueName="queue")["QueueUrl"]
    path = tmp_path / "journal.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED_RUN, emulator.endpoint_url, source, destination, str(path)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout
        while int(process.stdout.readline()) < 100:
            pass
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL

    report = redrive(clients, source, destination, path)

    assert report.continued
    arrived = numbers(clients.sqs, destination)
    assert arrived.keys() == set(range(600))
    duplicates = sum(arrived.values()) - 600
    assert duplicates <= len(report.possible_duplicates) <= 10 * CONNECTIONS
    assert queue_depth(clients.sqs, source).total == 0


def test_fifo_redrive_keeps_groups_orders_and_bytes(clients: Clients, tmp_path: Path) -> None:
    fifo = {"FifoQueue": "true"}
    source, destination = (
        clients.sqs.create_queue(QueueName=name, Attributes=fifo)["QueueUrl"]  # type: ignore[arg-type]
        for name in ("dlq.fifo", "queue.fifo")
    )
    for number in range(45):
        clients.sqs.send_message(
            QueueUrl=source,
            MessageBody=str(number),
            MessageGroupId=f"group-{number % 3}",
            MessageDeduplicationId=str(number),
            MessageAttributes={
                "picture": {"DataType": "Binary.gif", "BinaryValue": b"\x00\xff"},
                "size": {"DataType": "Number.int", "StringValue": "7"},
            },
        )

    report = redrive(clients, source, destination, tmp_path / "journal.jsonl")

    assert (report.counts.moved, report.ended) == (45, "empty")
    drain_to_file(
        clients.sqs,
        destination,
        tmp_path / "arrived.jsonl",
        wait_seconds=0,
        connections=1,
        cancel=threading.Event(),
    )
    with (tmp_path / "arrived.jsonl").open() as file:
        arrived = list(read_file(file, is_fifo=True, defaults=Defaults(attributes={})))
    for group in range(3):
        bodies = [m.body for m in arrived if m.group == f"group-{group}"]
        assert bodies == [str(number) for number in range(group, 45, 3)]
    assert {m.attributes["picture"]["BinaryValue"] for m in arrived} == {b"\x00\xff"}  # type: ignore[typeddict-item]
    assert {m.attributes["size"]["DataType"] for m in arrived} == {"Number.int"}
