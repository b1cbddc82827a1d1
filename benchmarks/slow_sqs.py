"""A stand-in for two queues of SQS whose answers take 10 ms, whatever the queues hold.

It speaks the AWS JSON protocol over HTTP as far as moving messages needs it, in a process of its
own, and keeps account: a message that is deleted and was never sent is an error.
"""

import asyncio
import contextlib
import email
import functools
import hashlib
import json
import multiprocessing
import struct
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any, cast

LATENCY_SECONDS = 0.010
BODY = json.dumps({"name": "Shifter", "evnt_time": "2021-02-06T18:56:59.165483"}).ljust(150)
ATTRIBUTES = {
    "contact_me": {"DataType": "String", "StringValue": "a@example.org"},
    "project": {"DataType": "String", "StringValue": "reliable-queue"},
    "run_id": {"DataType": "String", "StringValue": "benchmark"},
    "ts": {"DataType": "Number", "StringValue": "1612637819"},
}
SYSTEM = {
    "SenderId": "AIDAEXAMPLE",
    "ApproximateFirstReceiveTimestamp": "1612637819000",
    "ApproximateReceiveCount": "3",
    "SentTimestamp": "1612637819000",
    "DeadLetterQueueSourceArn": "arn:aws:sqs:us-east-1:123456789012:source",
}


@contextlib.contextmanager
def slow_sqs(messages: int) -> Iterator[str]:
    """Yield the endpoint's URL; afterwards all messages must have been sent, then deleted."""
    processes = multiprocessing.get_context("spawn")
    ours, theirs = processes.Pipe()
    server = processes.Process(target=serve, args=(theirs, messages), daemon=True)
    server.start()
    yield f"http://127.0.0.1:{ours.recv()}"
    ours.send("end")
    left, sent = ours.recv()
    server.join()
    assert (left, sent) == (0, messages)  # noqa: S101


def serve(parent: Connection, messages: int) -> None:
    """Be the two queues until the parent says something, then say what is in them."""

    async def run() -> None:
        queues = Queues(messages)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Requests(queues.answer), "127.0.0.1", 0)
        parent.send(server.sockets[0].getsockname()[1])
        await loop.run_in_executor(None, parent.recv)
        parent.send((len(queues.waiting) + len(queues.hidden), len(queues.sent)))

    asyncio.run(run())


class Queues:
    """A source full of messages and a destination, as the AWS JSON protocol shows them.

    A message's place in the source is its receipt, and the end of its id and its body.
    """

    def __init__(self, messages: int) -> None:
        self.waiting = list(range(messages))
        self.hidden: set[int] = set()
        self.sent: set[int] = set()

    def answer(self, action: str, request: dict[str, Any]) -> dict[str, Any]:
        """What SQS says to a request."""
        match action:
            case "ReceiveMessage":
                wanted = min(request["MaxNumberOfMessages"], len(self.waiting))
                taken = [self.waiting.pop() for _ in range(wanted)]
                self.hidden.update(taken)
                return {"Messages": [delivery(number) for number in taken]} if taken else {}
            case "SendMessageBatch":
                return {"Successful": [self._take(entry) for entry in request["Entries"]]}
            case "DeleteMessageBatch":
                numbers = {int(entry["ReceiptHandle"]) for entry in request["Entries"]}
                assert numbers <= self.sent & self.hidden  # noqa: S101
                self.hidden -= numbers
                return {"Successful": [{"Id": entry["Id"]} for entry in request["Entries"]]}
            case "GetQueueAttributes":
                counts = {"": len(self.waiting), "NotVisible": len(self.hidden), "Delayed": 0}
                return {
                    "Attributes": {
                        f"ApproximateNumberOfMessages{name}": str(count)
                        for name, count in counts.items()
                    }
                }
            case _:
                raise NotImplementedError(action)

    def _take(self, entry: dict[str, Any]) -> dict[str, str]:
        body: str = entry["MessageBody"]
        number = int(body[-12:])
        assert number in self.hidden  # noqa: S101
        self.sent.add(number)
        return {
            "Id": entry["Id"],
            "MessageId": f"00000000-0000-4000-9000-{number:012}",
            "MD5OfMessageBody": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest(),
            "MD5OfMessageAttributes": attributes_md5(json.dumps(entry["MessageAttributes"])),
        }


def delivery(number: int) -> dict[str, Any]:
    """A message as `ReceiveMessage` brings it."""
    body = f"{BODY}{number:012}"
    return {
        "MessageId": f"00000000-0000-4000-8000-{number:012}",
        "ReceiptHandle": f"{number:0200}",
        "MD5OfBody": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest(),
        "Body": body,
        "Attributes": SYSTEM,
        "MD5OfMessageAttributes": attributes_md5(json.dumps(ATTRIBUTES)),
        "MessageAttributes": ATTRIBUTES,
    }


@functools.cache
def attributes_md5(attributes: str) -> str:
    """SQS Developer Guide, "Calculating the MD5 message digest for message attributes"."""
    digest = hashlib.md5(usedforsecurity=False)
    for name, value in sorted(json.loads(attributes).items()):
        for text in (name, value["DataType"]):
            digest.update(struct.pack(">I", len(text.encode())) + text.encode())
        text = value["StringValue"]
        digest.update(b"\1" + struct.pack(">I", len(text.encode())) + text.encode())
    return digest.hexdigest()


class Requests(asyncio.Protocol):
    """One connection: each request is answered when the latency is over."""

    def __init__(self, answer: Callable[[str, dict[str, Any]], dict[str, Any]]) -> None:
        self._answer = answer
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        headers = email.message_from_bytes(head.partition(b"\r\n")[2])
        if not end or len(body) < int(headers["Content-Length"]):
            return
        self._received = b""
        answer = self._answer(headers["X-Amz-Target"].rpartition(".")[2], json.loads(body))
        content = json.dumps(answer).encode()
        response = (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\n"
            b"x-amzn-RequestId: 0\r\nContent-Length: %d\r\n\r\n" % len(content)
        )
        loop = asyncio.get_running_loop()
        loop.call_later(LATENCY_SECONDS, self._transport.write, response + content)
