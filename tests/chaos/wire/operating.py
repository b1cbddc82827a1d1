"""A queue with dead letters in an account of its own, and the operator's commands for it.

The commands go through the proxy; what became of the messages is looked up past it.
"""

import contextlib
import io
import json
import os
import secrets
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from automation import cli
from automation.aws.clients import Clients

REGION = "us-east-1"
# How long a message stays hidden that was received by a request whose answer got lost: else a
# minute or more.
HIDDEN_SECONDS = 4
_ENVIRONMENT = {
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_REGION": REGION,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "RELIABLE_QUEUE_TARGET": "aws",
}


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended, and what it wrote."""

    code: int
    output: str
    error: str

    @property
    def answer(self) -> dict[str, Any]:
        return dict(json.loads(self.output))


@dataclass(frozen=True, kw_only=True)
class Orders:
    """The queue `orders` and its dead letters in `orders-dead`; FIFO with the ending of that."""

    past: Clients
    queue_url: str
    dlq_url: str

    @property
    def is_fifo(self) -> bool:
        return self.queue_url.endswith(".fifo")

    def fail(self, count: int) -> dict[str, str]:
        """Dead letters, as SQS makes them; their ids by their bodies."""
        sent: dict[str, str] = {}
        for start in range(0, count, 10):
            entries = [
                {
                    "Id": str(number),
                    "MessageBody": f"order {number}",
                    **(_in_a_group(number) if self.is_fifo else {}),
                }
                for number in range(start, min(count, start + 10))
            ]
            answer = self.past.sqs.send_message_batch(QueueUrl=self.queue_url, Entries=entries)  # type: ignore[arg-type]
            sent |= {f"order {done['Id']}": done["MessageId"] for done in answer["Successful"]}
        self.give_up()
        return sent

    def give_up(self) -> None:
        """Receive from the queue until SQS has moved all to the dead letters."""
        while self.past.sqs.receive_message(
            QueueUrl=self.queue_url, MaxNumberOfMessages=10, VisibilityTimeout=0
        ).get("Messages"):
            pass

    def bodies(self, url: str) -> Counter[str]:
        """Everything in a queue; it is visible again afterwards."""
        found: dict[str, str] = {}
        receipts: list[str] = []
        while messages := self.past.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=600
        ).get("Messages"):
            found |= {message["MessageId"]: message["Body"] for message in messages}
            receipts += [message["ReceiptHandle"] for message in messages]
        for receipt in receipts:
            self.past.sqs.change_message_visibility(
                QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=0
            )
        return Counter(found.values())

    def take_in_order(self, url: str) -> dict[str, list[str]]:
        """The bodies of each message group in their order; each is deleted, to see the next."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        while messages := self.past.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["MessageGroupId"]
        ).get("Messages"):
            for message in messages:
                found[message["Attributes"]["MessageGroupId"]].append(message["Body"])
                self.past.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return dict(found)

    def count_hidden(self) -> int:
        attributes = self.past.sqs.get_queue_attributes(
            QueueUrl=self.dlq_url, AttributeNames=["All"]
        )["Attributes"]
        return int(attributes["ApproximateNumberOfMessagesNotVisible"])


def _in_a_group(number: int) -> dict[str, str]:
    """One of three message groups; without content-based deduplication each has its own id."""
    return {"MessageGroupId": f"group-{number % 3}", "MessageDeduplicationId": f"{number}"}


def new_orders(
    monkeypatch: pytest.MonkeyPatch, *, proxied: str, direct: str, home: str, ending: str = ""
) -> Orders:
    """Make the queues, FIFO ones when that is the ending, and lead the commands to them."""
    account_id = f"{10**11 + secrets.randbelow(9 * 10**11)}"
    own = {"AWS_ENDPOINT_URL": proxied, "AWS_ACCESS_KEY_ID": account_id}
    for name, value in {**_ENVIRONMENT, **own, "RELIABLE_QUEUE_HOME": home}.items():
        monkeypatch.setenv(name, value)
    session = boto3.Session(account_id, "local", region_name=REGION)
    past = Clients(session=session, endpoint_url=direct)
    kind: dict[Any, str] = {"FifoQueue": "true"} if ending else {}
    dead = f"orders-dead{ending}"
    dlq_url = past.sqs.create_queue(QueueName=dead, Attributes=kind)["QueueUrl"]
    target = f"arn:aws:sqs:{REGION}:{account_id}:{dead}"
    policy = {"deadLetterTargetArn": target, "maxReceiveCount": 1}
    queue_url = past.sqs.create_queue(
        QueueName=f"orders{ending}", Attributes={**kind, "RedrivePolicy": json.dumps(policy)}
    )["QueueUrl"]
    return Orders(past=past, queue_url=queue_url, dlq_url=dlq_url)


def run(*arguments: str, queue: str = "orders") -> Ended:
    """Run a command for the queue."""
    return run_command(*arguments, "--queue", queue)


def run_command(*arguments: str) -> Ended:
    """Run a command in this process; it may never end in a traceback."""
    output, error = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(error),
        pytest.raises(SystemExit) as ended,
    ):
        cli.main(arguments)
    assert "Traceback" not in error.getvalue(), error.getvalue()
    return Ended(code=int(ended.value.code or 0), output=output.getvalue(), error=error.getvalue())


def doubles(bodies: Mapping[str, int]) -> set[str]:
    """Bodies that are there more than once."""
    return {body for body, count in bodies.items() if count > 1}
