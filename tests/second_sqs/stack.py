"""A queue with a dead-letter queue and a consumer's log, and the operator's commands for them."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from automation.aws.clients import Clients
from automation.waiting import wait_until
from tests.second_sqs.server import REPOSITORY

REGION = "us-east-1"
LOG_GROUP = "consumer-logs"
MAX_RECEIVES = 2
ATTRIBUTES: dict[str, Any] = {
    "picture": {"DataType": "Binary.gif", "BinaryValue": b"\x00\xff"},
    "size": {"DataType": "Number.int", "StringValue": "7"},
    "run_id": {"DataType": "String", "StringValue": "run"},
}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How a command ended, what it wrote, and what it said meanwhile."""

    code: int
    output: str
    said: str

    @property
    def json(self) -> dict[str, Any]:
        assert self.output, self.said
        return json.loads(self.output)


class Stack:
    def __init__(self, endpoint_url: str, account: str, folder: Path, *, is_fifo: bool) -> None:
        session = boto3.Session(account, "test", region_name=REGION)
        self.clients = Clients(session=session, endpoint_url=endpoint_url)
        self.sqs = self.clients.sqs
        self.is_fifo = is_fifo
        self.home = folder / "home"
        self.dlq_url, self.dlq_arn = self.add_queue("the-dlq")
        policy = {"deadLetterTargetArn": self.dlq_arn, "maxReceiveCount": MAX_RECEIVES}
        self.queue_url, self.queue_arn = self.add_queue(
            "the-queue", RedrivePolicy=json.dumps(policy), VisibilityTimeout="60"
        )
        self.clients.logs.create_log_group(logGroupName=LOG_GROUP)
        self.clients.logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName="stream")
        self._environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("AWS_")},
            "AWS_ENDPOINT_URL": endpoint_url,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": account,
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "RELIABLE_QUEUE_TARGET": "aws",
            "RELIABLE_QUEUE_HOME": str(self.home),
        }

    def add_queue(self, name: str, **attributes: str) -> tuple[str, str]:
        """Make a queue; return its URL and ARN."""
        if self.is_fifo:
            name, attributes = f"{name}.fifo", {**attributes, "FifoQueue": "true"}
        request: Any = {"QueueName": name, "Attributes": attributes}
        url = self.sqs.create_queue(**request)["QueueUrl"]
        answer = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return url, answer["Attributes"]["QueueArn"]

    def command(self, *arguments: str) -> subprocess.Popen[str]:
        """Start one of the operator's commands."""
        named = ("--queue", self.queue_url, "--log-group", LOG_GROUP)
        return subprocess.Popen(
            [sys.executable, "-m", "automation", *arguments, *named],
            cwd=REPOSITORY,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> Answer:
        """Run one of the operator's commands to its end."""
        with self.command(*arguments) as process:
            return ended(process)

    def fill(self, url: str, bodies: Sequence[str], *, groups: int = 3) -> None:
        """Send messages with attributes of each kind."""
        for first in range(0, len(bodies), 10):
            entries: list[Any] = [
                {
                    "Id": str(number),
                    "MessageBody": bodies[number],
                    "MessageAttributes": ATTRIBUTES
                    | {"seq": {"DataType": "Number", "StringValue": str(number)}},
                    **(self._fifo(bodies[number], number % groups) if self.is_fifo else {}),
                }
                for number in range(first, min(first + 10, len(bodies)))
            ]
            answer = self.sqs.send_message_batch(QueueUrl=url, Entries=entries)
            assert not answer.get("Failed"), answer

    def _fifo(self, body: str, group: int) -> Mapping[str, str]:
        return {"MessageGroupId": f"group-{group}", "MessageDeduplicationId": body}

    def fail(self, bodies: Sequence[str], *, reason: str) -> None:
        """Bring messages to the dead-letter queue as they come there, and log why they failed."""
        self.fill(self.queue_url, bodies)
        failed: dict[str, int] = {}
        while self.count(self.dlq_url) < len(bodies):
            answer = self.sqs.receive_message(
                QueueUrl=self.queue_url, MaxNumberOfMessages=10, VisibilityTimeout=0
            )
            for message in answer.get("Messages", []):
                failed[message["MessageId"]] = failed.get(message["MessageId"], 0) + 1
        assert set(failed.values()) == {MAX_RECEIVES}
        for message_id in failed:
            self.log({"level": "ERROR", "message_id": message_id, "reason": reason})

    def log(self, record: Mapping[str, object]) -> None:
        """Let the consumer have logged a record."""
        event: Any = {
            "timestamp": int(time.time() * 1000),
            "message": json.dumps({"missing_store_id": True, "receive_count": 2, **record}),
        }
        self.clients.logs.put_log_events(
            logGroupName=LOG_GROUP, logStreamName="stream", logEvents=[event]
        )

    def count(self, url: str) -> int:
        """How many messages SQS counts, hidden ones too."""
        answer = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        found = answer["Attributes"]
        return int(found["ApproximateNumberOfMessages"]) + int(
            found["ApproximateNumberOfMessagesNotVisible"]
        )

    def wait_for(self, url: str, count: int, process: subprocess.Popen[str] | None = None) -> None:
        """Wait until so many messages are in a queue; as long, a process has to go on."""

        def probe() -> tuple[bool, int]:
            assert process is None or process.poll() is None
            found = self.count(url)
            return found >= count, found

        wait_until(f"{count} messages are in {url}", probe, timeout_seconds=60)

    def take(self, url: str) -> list[Any]:
        """Receive and delete all that is visible."""
        taken: list[Any] = []
        while messages := self.sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        ).get("Messages", []):
            for message in messages:
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            taken += messages
        return taken

    def bodies(self, url: str) -> list[str]:
        """The bodies of all that is visible, taken out."""
        return [message["Body"] for message in self.take(url)]


def ended(process: subprocess.Popen[str]) -> Answer:
    """Wait for a command to end."""
    output, said = process.communicate(timeout=300)
    assert "Traceback" not in said, said
    return Answer(code=process.returncode, output=output, said=said)
