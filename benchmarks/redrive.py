"""How fast a redrive is: against a plain loop, and against the embedded AWS's own limit."""

import http.client
import itertools
import json
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from automation.deadletters.journal import Journal
from automation.deadletters.move_plan import Plan
from automation.deadletters.queue_to_queue import move_messages
from automation.target import LOCAL_PACE
from benchmarks.embedded import Cloud
from benchmarks.figures import OURS, Figure, Target

LIMIT = "the embedded AWS's limit"
LOOP = "a plain loop"
CONNECTIONS = LOCAL_PACE.connections
# The mover adds it to each message, so the limit is measured with it too.
REDRIVE_COUNT = {"redrive_count": {"DataType": "Number", "StringValue": "1"}}


def redriving(cloud: Cloud, rounds: int, messages: int = 10_000) -> Figure:
    """How fast a dead-letter queue is emptied into another queue, with journal and count.

    The limit is what the emulator does when it is kept busy by the same requests, over as many
    connections, from next to no client: raw HTTP, no client library, no journal, no decision.
    """
    ways: Mapping[str, Callable[[str, str], None]] = {
        LIMIT: lambda source, destination: _raw(cloud, source, destination),
        OURS: lambda source, destination: _ours(cloud, source, destination, messages),
        LOOP: lambda source, destination: plain_loop(_bare_client(cloud), source, destination),
    }
    values: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, empty in ways.items():
            source, destination = cloud.queue(), cloud.queue()
            cloud.fill(source, itertools.repeat(True, messages))
            began = time.monotonic()
            empty(source, destination)
            values[name].append(messages / (time.monotonic() - began))
            cloud.wait_for(destination, messages)
            for url in (source, destination):
                cloud.sqs.delete_queue(QueueUrl=url)
    return Figure(
        name=f"redrive of {messages:,}",
        unit="messages/s",
        meaning="Nothing is deleted that was not accepted before, each message is in a journal "
        "first. On AWS a call takes ten times as long: see the next figures.",
        values=values,
        targets=[Target(against=LIMIT, at_least=0.95), Target(against=LOOP, at_least=1)],
    )


def _raw(cloud: Cloud, source: str, destination: str) -> None:
    endpoint = str(cloud.clients.endpoint_url)
    workers = [Raw(endpoint, source, destination) for _ in range(CONNECTIONS)]
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(Raw.empty, workers))


def _ours(cloud: Cloud, source: str, destination: str, messages: int) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        Journal(Path(folder) / "moved.jsonl", purpose="redrive", source=source) as journal,
    ):
        report = move_messages(
            cloud.sqs,
            cloud.clients.sender,
            Plan(source_url=source, destination_url=destination, connections=CONNECTIONS),
            journal,
            cancel=threading.Event(),
        )
    if report.counts.moved != messages:
        raise RuntimeError(f"not all was moved: {report}")


def _bare_client(cloud: Cloud) -> Any:
    return cloud.clients.session.client("sqs", endpoint_url=cloud.clients.endpoint_url)


def plain_loop(sqs: Any, source: str, destination: str) -> None:
    """What a person writes with boto3 in ten lines: attributes kept, no journal, no retry."""
    while messages := sqs.receive_message(
        QueueUrl=source, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    ).get("Messages", []):
        entries: list[Any] = [
            {
                "Id": str(number),
                "MessageBody": message["Body"],
                "MessageAttributes": message["MessageAttributes"],
            }
            for number, message in enumerate(messages)
        ]
        sqs.send_message_batch(QueueUrl=destination, Entries=entries)
        receipts: list[Any] = [
            {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
            for number, message in enumerate(messages)
        ]
        sqs.delete_message_batch(QueueUrl=source, Entries=receipts)


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
