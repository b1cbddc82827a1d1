"""A queue in the played account with dead letters, and what is where after operators were there."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.chaos.around.played_aws import PlayedAccount

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

LETTERS = 300
QUEUE = "orders"


@dataclass(frozen=True, kw_only=True)
class Letters:
    """A queue and its dead-letter queue."""

    sqs: "SQSClient"
    queue_url: str
    dlq_url: str

    def in_queue(self) -> Counter[str]:
        return Counter(self._bodies(self.queue_url))

    def in_dlq(self) -> Counter[str]:
        return Counter(self._bodies(self.dlq_url))

    def _bodies(self, url: str) -> Iterator[str]:
        """Receive all that is visible, and hide it."""
        while messages := self.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=3600
        ).get("Messages"):
            for message in messages:
                yield message.get("Body", "")


ALL = Counter(f"letter {number}" for number in range(LETTERS))


def dead_letters(account: PlayedAccount) -> Letters:
    """Make both queues and fill the second."""
    sqs = account.clients.sqs
    dlq_url = sqs.create_queue(QueueName=f"{QUEUE}-dlq")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dlq_url, AttributeNames=["QueueArn"])
    policy = {"deadLetterTargetArn": arn["Attributes"]["QueueArn"], "maxReceiveCount": "2"}
    attributes = {"RedrivePolicy": json.dumps(policy)}
    queue_url = sqs.create_queue(QueueName=QUEUE, Attributes=attributes)["QueueUrl"]
    bodies = list(ALL)
    for start in range(0, LETTERS, 10):
        sqs.send_message_batch(
            QueueUrl=dlq_url,
            Entries=[
                {"Id": str(number), "MessageBody": body}
                for number, body in enumerate(bodies[start : start + 10])
            ],
        )
    return Letters(sqs=sqs, queue_url=queue_url, dlq_url=dlq_url)


def in_backups(folder: Path) -> Counter[str]:
    """The bodies of the letters in all backups; a last line that was never finished is none."""
    return Counter(
        json.loads(line)["body"]
        for path in folder.rglob("backups/*.jsonl")
        for line in path.read_text().splitlines(keepends=True)
        if line.endswith("\n")
    )
