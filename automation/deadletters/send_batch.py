"""Send messages in batches, and know of each whether SQS took it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
)

from automation.aws.errors import error_code, is_throttled, was_never_connected, was_never_made
from automation.deadletters.message import MAX_BATCH_ENTRIES, MAX_BYTES, Message

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

# Codes with which SQS refuses a whole request for the sake of one of its entries.
_ENTRY_AT_FAULT = frozenset(
    {
        "AWS.SimpleQueueService.BatchRequestTooLong",
        "BatchRequestTooLong",
        "InvalidAttributeValue",
        "InvalidMessageContents",
        "InvalidParameterValue",
        "MissingParameter",
    }
)


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """A message ready to be sent.

    Attributes:
        message: what to send.
        deduplication_id: for a FIFO queue; None for a standard one.
    """

    message: Message
    deduplication_id: str | None = None


@dataclass(kw_only=True)
class Outcome:
    """What became of each message of a batch, by message id.

    Attributes:
        accepted: the id that SQS gave it.
        refused: SQS won't take it; the words are SQS's.
        put_off: not taken now, may be later.
        unknown: there was no answer: SQS may have taken it.
    """

    accepted: dict[str, str] = field(default_factory=dict[str, str])
    refused: dict[str, str] = field(default_factory=dict[str, str])
    put_off: dict[str, str] = field(default_factory=dict[str, str])
    unknown: dict[str, str] = field(default_factory=dict[str, str])


def cut_batches(messages: Sequence[Outgoing], *, keeps_order: bool) -> Iterator[list[Outgoing]]:
    """Cut messages into batches that SQS takes, in order.

    Args:
        messages: at most as many as are in memory anyway.
        keeps_order: put no two messages of a group into one batch. SQS may take the second and
            refuse the first, and then the order is lost.
    """
    left = list(messages)
    while left:
        batch, left = _first_batch(left, keeps_order=keeps_order)
        yield batch


def _first_batch(
    messages: Sequence[Outgoing], *, keeps_order: bool
) -> tuple[list[Outgoing], list[Outgoing]]:
    batch: list[Outgoing] = []
    rest: list[Outgoing] = []
    groups: set[str | None] = set()
    room_bytes = MAX_BYTES
    for outgoing in messages:
        size_bytes, group = outgoing.message.size_bytes, outgoing.message.group
        is_behind = keeps_order and group in groups
        groups.add(group)
        fits = not batch or (len(batch) < MAX_BATCH_ENTRIES and size_bytes <= room_bytes)
        if is_behind or not fits:
            rest.append(outgoing)
            continue
        batch.append(outgoing)
        room_bytes -= size_bytes
    return batch, rest


def send_batch(sender: "SQSClient", queue_url: str, batch: Sequence[Outgoing]) -> Outcome:
    """Send one batch once and say what became of each message.

    Args:
        sender: a client that doesn't repeat requests: `Clients.sender`.
        queue_url: where to.
        batch: as `cut_batches` makes them.

    Raises:
        ClientError: SQS refuses the request as a whole (no such queue, no permission).
        BotoCoreError: the request can't be made (no credentials). In both cases no message is
            taken.
    """
    entries = [
        outgoing.message.batch_entry(str(number), deduplication_id=outgoing.deduplication_id)
        for number, outgoing in enumerate(batch)
    ]
    ids = {str(number): outgoing.message.message_id for number, outgoing in enumerate(batch)}
    try:
        return _answered(sender, queue_url, entries, ids)
    except ClientError as error:
        return _from_refusal(error, sender, queue_url, batch, ids)
    except BotoCoreError as error:
        if was_never_made(error):
            raise
        told = dict.fromkeys(ids.values(), type(error).__name__)
        return Outcome(put_off=told) if was_never_connected(error) else Outcome(unknown=told)


def _answered(
    sender: "SQSClient",
    queue_url: str,
    entries: "Sequence[SendMessageBatchRequestEntryTypeDef]",
    ids: dict[str, str],
) -> Outcome:
    answer = sender.send_message_batch(QueueUrl=queue_url, Entries=entries)
    outcome = Outcome()
    for success in answer.get("Successful", []):
        outcome.accepted[ids[success["Id"]]] = success["MessageId"]
    for failure in answer.get("Failed", []):
        reason = f"{failure['Code']}: {failure.get('Message', '')}"
        by_kind = outcome.refused if failure["SenderFault"] else outcome.put_off
        by_kind[ids[failure["Id"]]] = reason
    named = outcome.accepted.keys() | outcome.refused.keys() | outcome.put_off.keys()
    for message_id in set(ids.values()) - named:
        outcome.unknown[message_id] = "SQS's answer does not name it"
    return outcome


def _from_refusal(
    error: ClientError,
    sender: "SQSClient",
    queue_url: str,
    batch: Sequence[Outgoing],
    ids: dict[str, str],
) -> Outcome:
    code = error_code(error)
    if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500) >= 500:
        return Outcome(unknown=dict.fromkeys(ids.values(), code))
    if is_throttled(error):
        return Outcome(put_off=dict.fromkeys(ids.values(), code))
    if code not in _ENTRY_AT_FAULT:
        raise error
    if len(batch) == 1:
        return Outcome(refused=dict.fromkeys(ids.values(), str(error)))
    return _send_one_by_one(sender, queue_url, batch)


def _send_one_by_one(sender: "SQSClient", queue_url: str, batch: Sequence[Outgoing]) -> Outcome:
    """One entry is at fault for all: each alone shows which."""
    outcome = Outcome()
    for outgoing in batch:
        try:
            alone = send_batch(sender, queue_url, [outgoing])
        except (ClientError, BotoCoreError) as error:
            # What was accepted before must not get lost over this.
            alone = Outcome(put_off={outgoing.message.message_id: str(error)})
        outcome.accepted |= alone.accepted
        outcome.refused |= alone.refused
        outcome.put_off |= alone.put_off
        outcome.unknown |= alone.unknown
    return outcome
