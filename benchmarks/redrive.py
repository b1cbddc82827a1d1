"""How fast a redrive is: against a plain loop, and against the emulator's own limit.

    .venv/bin/python benchmarks/redrive.py [MESSAGES]

All are measured in the same run, on queues of the same depth with the same messages. The limit is
what the emulator does when it is kept busy by the same requests from next to no client: raw HTTP,
no client library, no journal, no decision. The loop is what a person would write with boto3 in ten
lines. A machine's speed drifts by more than the difference, so each rate of ours stands beside a
limit that was measured just before it with as many connections, and the median of the ratios
counts; how busy the emulator was says whether there was more to get. It takes about two minutes for
the default 10,000 messages. Printed as one JSON object.
"""

import http.client
import json
import statistics
import sys
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from automation.aws.clients import Clients
from automation.deadletters.journal import Journal
from automation.deadletters.move_plan import Plan
from automation.deadletters.queue_to_queue import move_messages
from automation.local.emulator import Emulator, running_emulator

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

CONNECTIONS = (4, 8, 12, 4, 8)
BODY = json.dumps({"name": "Shifter", "evnt_time": "2021-02-06T18:56:59.165483"}).ljust(150)
ATTRIBUTES: dict[str, Any] = {
    "project": {"DataType": "String", "StringValue": "reliable-queue"},
    "contact_me": {"DataType": "String", "StringValue": "a@example.org"},
    "ts": {"DataType": "Number", "StringValue": "1612637819"},
    "run_id": {"DataType": "String", "StringValue": "benchmark"},
}
# The mover adds it to each message, so the limit is measured with it too.
REDRIVE_COUNT = {"redrive_count": {"DataType": "Number", "StringValue": "1"}}


def main(messages: int) -> None:
    """Measure and print."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_emulator(Path(folder), region="us-east-1") as emulator,
    ):
        session = boto3.Session("123456789012", "local", region_name="us-east-1")
        clients = Clients(session=session, endpoint_url=emulator.endpoint_url, max_connections=32)
        bench = Bench(clients, emulator, messages, Path(folder))
        pairs = [Pair(bench.limit(number), bench.ours(number)) for number in CONNECTIONS]
        plain_loop = bench.plain_loop()
    result = {
        "messages": messages,
        "connections": CONNECTIONS,
        "limit_per_second": [round(pair.limit.messages_per_second) for pair in pairs],
        "ours_per_second": [round(pair.ours.messages_per_second) for pair in pairs],
        "emulator_busy_with_ours": [round(pair.ours.emulator_busy, 2) for pair in pairs],
        "plain_loop_per_second": round(plain_loop.messages_per_second),
        "ours_of_limit": round(statistics.median(pair.ours_of_limit for pair in pairs), 2),
        "ours_of_plain_loop": round(
            max(pair.ours.messages_per_second for pair in pairs) / plain_loop.messages_per_second, 2
        ),
    }
    print(json.dumps(result, indent=2))


@dataclass(frozen=True, kw_only=True)
class Rate:
    """How fast a queue was emptied, and which part of that time the emulator worked, 0 to 1."""

    messages_per_second: float
    emulator_busy: float


@dataclass(frozen=True)
class Pair:
    """The emulator's limit and our rate, one right after the other."""

    limit: Rate
    ours: Rate

    @property
    def ours_of_limit(self) -> float:
        return self.ours.messages_per_second / self.limit.messages_per_second


class Bench:
    """Queues of one depth, and ways to empty them."""

    def __init__(self, clients: Clients, emulator: Emulator, messages: int, folder: Path) -> None:
        self._clients = clients
        self._sqs: SQSClient = clients.sqs
        self._endpoint = emulator.endpoint_url
        self._process = psutil.Process(emulator.process.pid)
        self._messages = messages
        self._folder = folder
        self._number = 0

    def fill(self, name: str, messages: int) -> str:
        """A new queue with messages in it."""
        url = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        entries: Any = [
            {"Id": str(n), "MessageBody": BODY, "MessageAttributes": ATTRIBUTES} for n in range(10)
        ]
        with ThreadPoolExecutor(4) as pool:
            list(
                pool.map(
                    lambda _: self._sqs.send_message_batch(QueueUrl=url, Entries=entries),
                    range(messages // 10),
                )
            )
        return url

    def limit(self, connections: int) -> Rate:
        """Raw requests, as fast as the emulator answers."""

        def empty(source: str, destination: str) -> None:
            workers = [Raw(self._endpoint, source, destination) for _ in range(connections)]
            with ThreadPoolExecutor(connections) as pool:
                list(pool.map(Raw.empty, workers))

        return self._rate(empty)

    def plain_loop(self) -> Rate:
        """One connection, no journal, no retry, attributes kept."""

        def empty(source: str, destination: str) -> None:
            while messages := self._sqs.receive_message(
                QueueUrl=source, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
            ).get("Messages", []):
                self._sqs.send_message_batch(
                    QueueUrl=destination,
                    Entries=[
                        {
                            "Id": str(number),
                            "MessageBody": message.get("Body", ""),
                            "MessageAttributes": message.get("MessageAttributes", {}),
                        }
                        for number, message in enumerate(messages)
                    ],
                )
                self._sqs.delete_message_batch(
                    QueueUrl=source,
                    Entries=[
                        {"Id": str(number), "ReceiptHandle": message.get("ReceiptHandle", "")}
                        for number, message in enumerate(messages)
                    ],
                )

        return self._rate(empty)

    def ours(self, connections: int) -> Rate:
        """The mover, with its journal."""

        def empty(source: str, destination: str) -> None:
            path = self._folder / f"journal-{self._number}.jsonl"
            with Journal(path, purpose="redrive", source=source) as journal:
                report = move_messages(
                    self._sqs,
                    self._clients.sender,
                    Plan(source_url=source, destination_url=destination, connections=connections),
                    journal,
                    cancel=threading.Event(),
                )
            assert report.counts.moved == self._messages, report  # noqa: S101

        return self._rate(empty)

    def _rate(self, empty: Callable[[str, str], None]) -> Rate:
        self._number += 1
        source = self.fill(f"source-{self._number}", self._messages)
        destination = self._sqs.create_queue(QueueName=f"destination-{self._number}")["QueueUrl"]
        started, worked_before = time.monotonic(), self._worked_seconds()
        empty(source, destination)
        seconds = time.monotonic() - started
        worked_seconds = self._worked_seconds() - worked_before
        for url in (source, destination):
            self._sqs.delete_queue(QueueUrl=url)
        return Rate(
            messages_per_second=self._messages / seconds, emulator_busy=worked_seconds / seconds
        )

    def _worked_seconds(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)


class Raw:
    """One connection that receives, sends, deletes, with next to no work of its own."""

    def __init__(self, endpoint: str, source: str, destination: str) -> None:
        self._connection = http.client.HTTPConnection(urllib.parse.urlsplit(endpoint).netloc)
        self._source = source
        self._destination = destination

    def empty(self) -> None:
        """Until nothing is received."""
        receive = {
            "QueueUrl": self._source,
            "MaxNumberOfMessages": 10,
            "MessageAttributeNames": ["All"],
            "MessageSystemAttributeNames": ["All"],
        }
        while messages := self._call("ReceiveMessage", receive).get("Messages", []):
            entries = [
                {
                    "Id": str(number),
                    "MessageBody": message["Body"],
                    "MessageAttributes": message["MessageAttributes"] | REDRIVE_COUNT,
                }
                for number, message in enumerate(messages)
            ]
            self._call("SendMessageBatch", {"QueueUrl": self._destination, "Entries": entries})
            receipts = [
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                for number, message in enumerate(messages)
            ]
            self._call("DeleteMessageBatch", {"QueueUrl": self._source, "Entries": receipts})

    def _call(self, action: str, request: Mapping[str, object]) -> dict[str, Any]:
        headers = {
            "X-Amz-Target": f"AmazonSQS.{action}",
            "Content-Type": "application/x-amz-json-1.0",
            "Authorization": "AWS4-HMAC-SHA256 Credential=123456789012/20260101/us-east-1/sqs/"
            "aws4_request, SignedHeaders=host, Signature=0",
        }
        self._connection.request("POST", "/", json.dumps(request), headers)
        return dict(json.loads(self._connection.getresponse().read()))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
