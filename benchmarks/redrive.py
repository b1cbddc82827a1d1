"""How fast a redrive is: against a plain loop, and against the emulator's own limit.

    .venv/bin/python benchmarks/redrive.py [MESSAGES]

All are measured in the same run, on queues of the same depth with the same messages. The limit is
what the emulator does when it is kept busy by the same requests from next to no client: raw HTTP,
no client library, no journal, no decision. The loop is what a person would write with boto3 in ten
lines. Limit and ours are measured with 2, 4 and 8 connections, and then once more with as many as
helped most; the best counts. It takes about two minutes for the default 10,000 messages. Printed
as one JSON object, in messages per second.
"""

import http.client
import json
import sys
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from automation.deadletters.journal import Journal
from automation.deadletters.move_plan import Plan
from automation.deadletters.moving import move_messages
from automation.deadletters.sending import single_attempt_client
from automation.local.emulator import running_emulator
from automation.targets import Clients

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

CONNECTIONS = (4, 8, 12)
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
        bench = Bench(clients, emulator.endpoint_url, messages, Path(folder))
        limit: dict[int, float] = {}
        ours: dict[int, float] = {}
        # In turns: other work on the machine then hits both alike.
        for connections in CONNECTIONS:
            limit[connections] = bench.limit(connections)
            ours[connections] = bench.ours(connections)
        plain_loop = bench.plain_loop()
        measure_best_again(limit, bench.limit)
        measure_best_again(ours, bench.ours)
    result = {
        "messages": messages,
        "limit_by_connections": rounded(limit),
        "ours_by_connections": rounded(ours),
        "plain_loop": round(plain_loop),
        "ours_of_limit": round(max(ours.values()) / max(limit.values()), 2),
        "ours_of_plain_loop": round(max(ours.values()) / plain_loop, 2),
    }
    print(json.dumps(result, indent=2))


def measure_best_again(rates: dict[int, float], measure: Callable[[int], float]) -> None:
    """Measure with as many connections as helped most, and keep the better rate."""
    connections = max(rates, key=lambda key: rates[key])
    rates[connections] = max(rates[connections], measure(connections))


def rounded(rates: dict[int, float]) -> dict[int, int]:
    """Whole messages per second."""
    return {connections: round(rate) for connections, rate in rates.items()}


class Bench:
    """Queues of one depth, and ways to empty them."""

    def __init__(self, clients: Clients, endpoint: str, messages: int, folder: Path) -> None:
        self._clients = clients
        self._sqs: SQSClient = clients.sqs
        self._endpoint = endpoint
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

    def limit(self, connections: int) -> float:
        """Raw requests, as fast as the emulator answers."""

        def empty(source: str, destination: str) -> None:
            workers = [Raw(self._endpoint, source, destination) for _ in range(connections)]
            with ThreadPoolExecutor(connections) as pool:
                list(pool.map(Raw.empty, workers))

        return self._rate(empty)

    def plain_loop(self) -> float:
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

    def ours(self, connections: int) -> float:
        """The mover, with its journal."""

        def empty(source: str, destination: str) -> None:
            path = self._folder / f"journal-{self._number}.jsonl"
            with Journal(path, purpose="redrive", source=source) as journal:
                report = move_messages(
                    self._sqs,
                    single_attempt_client(self._clients),
                    Plan(source_url=source, destination_url=destination, connections=connections),
                    journal,
                    cancel=threading.Event(),
                )
            assert report.counts.moved == self._messages, report  # noqa: S101

        return self._rate(empty)

    def _rate(self, empty: Callable[[str, str], None]) -> float:
        self._number += 1
        source = self.fill(f"source-{self._number}", self._messages)
        destination = self._sqs.create_queue(QueueName=f"destination-{self._number}")["QueueUrl"]
        started = time.monotonic()
        empty(source, destination)
        seconds = time.monotonic() - started
        for url in (source, destination):
            self._sqs.delete_queue(QueueUrl=url)
        return self._messages / seconds


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
