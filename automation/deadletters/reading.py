"""Read a whole dead-letter queue and leave every message visible as before."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from automation.accounting import DeadLetter, Identity

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageAttributeValueOutputTypeDef, MessageTypeDef

# SQS takes at most 10 messages in a receive or a batch (SQS Developer Guide, "Message quotas").
_BATCH_MESSAGES = 10
# Short polling asks a part of SQS's servers, so one empty answer is no proof.
_EMPTY_RECEIVES = 2


def read_dead_letters(
    sqs: "SQSClient", queue_url: str, *, wait_seconds: int, hidden_seconds: int = 120
) -> list[DeadLetter]:
    """Receive until nothing more comes, give every message back, and say what was there.

    Args:
        sqs: client.
        queue_url: the dead-letter queue.
        wait_seconds: long polling of one receive, 0 to 20 s.
        hidden_seconds: how long a message is hidden should this process be killed meanwhile,
            default 120 s; also the time in which the whole queue has to be read.
    """
    letters: dict[str, DeadLetter] = {}
    receipts: dict[str, str] = {}
    try:
        for message in _received(sqs, queue_url, wait_seconds, hidden_seconds):
            message_id = message.get("MessageId", "")
            letters[message_id] = _dead_letter(message)
            receipts[message_id] = message.get("ReceiptHandle", "")
    finally:
        _give_back(sqs, queue_url, list(receipts.values()))
    return list(letters.values())


def _received(
    sqs: "SQSClient", queue_url: str, wait_seconds: int, hidden_seconds: int
) -> "Iterator[MessageTypeDef]":
    empty_receives = 0
    while empty_receives < _EMPTY_RECEIVES:
        messages = sqs.receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=_BATCH_MESSAGES,
            VisibilityTimeout=hidden_seconds,
            WaitTimeSeconds=wait_seconds,
            MessageAttributeNames=["All"],
        ).get("Messages", [])
        empty_receives = 0 if messages else empty_receives + 1
        yield from messages


def _dead_letter(message: "MessageTypeDef") -> DeadLetter:
    attributes = message.get("MessageAttributes", {})
    return DeadLetter(
        message_id=message.get("MessageId", ""),
        identity=_identity(
            _text(attributes.get("run_id")),
            _text(attributes.get("seq")),
        ),
        has_store_id="store_id" in attributes,
    )


def _text(attribute: "MessageAttributeValueOutputTypeDef | None") -> str | None:
    return attribute.get("StringValue") if attribute else None


def _identity(run_id: str | None, seq: str | None) -> Identity | None:
    return (run_id, int(seq)) if run_id and seq and seq.isdecimal() else None


def _give_back(sqs: "SQSClient", queue_url: str, receipts: list[str]) -> None:
    for start in range(0, len(receipts), _BATCH_MESSAGES):
        batch = receipts[start : start + _BATCH_MESSAGES]
        # A receipt that has run out meanwhile is visible already: its failure changes nothing.
        sqs.change_message_visibility_batch(
            QueueUrl=queue_url,
            Entries=[
                {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
                for number, receipt in enumerate(batch)
            ],
        )
