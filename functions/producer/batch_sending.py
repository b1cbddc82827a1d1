"""Sending to SQS in batches; what it did not accept is sent again."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as BotoConnectionError

from connections import MAX_CONNECTIONS
from direct_calls import DirectCalls

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pacing import Clock

# Both: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
MAX_BATCH_ENTRIES = 10
MAX_BATCH_BYTES = 1_048_576

# Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
MAX_ATTEMPTS = 5
BACKOFF_BASE_SECONDS = 0.1
BACKOFF_CAP_SECONDS = 2.0

CONNECT_TIMEOUT_SECONDS = 1
READ_TIMEOUT_SECONDS = 3
# The longest that one call can hang.
CALL_SECONDS = CONNECT_TIMEOUT_SECONDS + READ_TIMEOUT_SECONDS

# Made while Lambda starts the worker. It repeats nothing: `send_batch` repeats both failed calls
# and failed entries, and looks at the time that is left between two calls.
sqs = DirectCalls(
    connections=MAX_CONNECTIONS,
    connect_seconds=CONNECT_TIMEOUT_SECONDS,
    read_seconds=READ_TIMEOUT_SECONDS,
)


@dataclass(frozen=True, kw_only=True)
class BatchResult:
    """What became of one batch.

    accepted: ids of the entries that SQS accepted.
    reasons: for each other entry's id, why it was not.
    is_queue_usable: false when the last call failed as a whole, so that the next would as well.
    """

    accepted: frozenset[str]
    reasons: dict[str, str]
    is_queue_usable: bool


def split_batches(entries: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Cut entries, in their order, into batches of up to 10 entries and 1 MiB.

    An entry that is too large by itself gets a batch of its own, which SQS refuses.

    Args:
        entries: by id, as JSON in ASCII. SQS counts the body and the attributes' names, types and
            values, which is less: a batch that is small enough by its JSON is small enough.
    """
    batch: dict[str, str] = {}
    batch_bytes = 0
    for id_, entry in entries.items():
        is_full = len(batch) == MAX_BATCH_ENTRIES or batch_bytes + len(entry) > MAX_BATCH_BYTES
        if batch and is_full:
            yield batch
            batch, batch_bytes = {}, 0
        batch[id_] = entry
        batch_bytes += len(entry)
    if batch:
        yield batch


def send_batch(
    entries: Mapping[str, str],
    *,
    queue_url: str,
    clock: Clock,
    deadline: float,
) -> BatchResult:
    """Send one batch and repeat what SQS did not accept, with back-off, up to 5 times in all.

    Not repeated: entries that are our fault (`SenderFault`), and calls that were refused for good.
    A call that broke off may have been accepted; its messages are sent again under the same
    (run_id, seq), counted once, and at the end counted as unsent unless an answer said otherwise.
    An entry that SQS refuses for a moment comes after those of its batch that it accepted, in a
    FIFO queue too: the order is that of acceptance.

    Args:
        entries: one batch, as `split_batches` cuts it: JSON by id.
        queue_url: where to.
        clock: what the back-off waits by.
        deadline: when no further attempt may begin, in seconds on the monotonic clock.
    """
    pending = dict(entries)
    accepted: set[str] = set()
    reasons: dict[str, str] = {}
    call_error: ClientError | BotoCoreError | None = None
    for attempt in range(MAX_ATTEMPTS):
        if attempt > 0 and not _wait_before(attempt, clock=clock, deadline=deadline):
            break
        try:
            answer = sqs.send_message_batch(queue_url, pending.values())
        except (ClientError, BotoCoreError) as error:
            call_error = error
            reasons.update(dict.fromkeys(pending, _name_error(error)))
            if _is_passing(error):
                continue
            break
        call_error = None
        done = {entry["Id"] for entry in answer.get("Successful", [])}
        accepted |= done & pending.keys()
        failed = answer.get("Failed", [])
        reasons |= {entry["Id"]: entry["Code"] for entry in failed}
        hopeless = {entry["Id"] for entry in failed if entry["SenderFault"]}
        pending = {id_: e for id_, e in pending.items() if id_ not in done | hopeless}
        if not pending:
            break
    unsent = [id_ for id_ in entries if id_ not in accepted]
    return BatchResult(
        accepted=frozenset(accepted),
        # An entry may be in neither list of the answer.
        reasons={id_: reasons.get(id_, "no answer") for id_ in unsent},
        is_queue_usable=call_error is None,
    )


def _wait_before(attempt: int, *, clock: Clock, deadline: float) -> bool:
    """Wait for the back-off; false, without waiting, when it would last until the deadline."""
    ceiling = min(BACKOFF_CAP_SECONDS, BACKOFF_BASE_SECONDS * 2 ** (attempt - 1))
    delay_seconds = random.uniform(0, ceiling)  # noqa: S311 - it spreads load, protects nothing
    if clock.monotonic() + delay_seconds >= deadline:
        return False
    clock.sleep(delay_seconds)
    return True


def _is_passing(error: ClientError | BotoCoreError) -> bool:
    """Whether the same call may succeed a moment later."""
    if not isinstance(error, ClientError):
        # Connections that could not be made, or broke, are no HTTP errors to botocore.
        return isinstance(error, (HTTPClientError, BotoConnectionError))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    # SQS's and KMS's own codes for it, such as RequestThrottled, come with other 4xx statuses.
    return status >= 500 or status == 429 or "Throttl" in _name_error(error)


def _name_error(error: ClientError | BotoCoreError) -> str:
    # Code or type only: the text of a parameter validation error quotes the message's body.
    if isinstance(error, ClientError):
        return error.response.get("Error", {}).get("Code", "ClientError")
    return type(error).__name__
