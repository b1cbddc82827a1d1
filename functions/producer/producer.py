"""Producer Lambda: invents the stores' customer events and sends them at an even rate."""

from __future__ import annotations

import json
import math
import os
import random
import re
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count, islice
from typing import TYPE_CHECKING, Any, cast

import boto3
from aws_lambda_powertools.logging import Logger
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import (
        MessageAttributeValueTypeDef,
        SendMessageBatchRequestEntryTypeDef,
    )

STORE_IDS = (1, 2, 3, 4, 5)
FIRST_NAMES = ("Shifter", "Amarie", "Bodhan", "Corvyn", "Delphi", "Eskil", "Farrow", "Gwilym")
FIRST_BIRTHDAY = datetime(1930, 1, 1)  # noqa: DTZ001 - a birthday has no time zone
BIRTHDAYS = 80 * 365
# The events' own time is invented like the rest, so that one seed gives the same bodies always.
FIRST_EVENT_TIME = datetime(2021, 1, 1)  # noqa: DTZ001 - the stores send local time without zone
EVENT_TIME_SPAN_SECONDS = 365 * 24 * 3600

# Both: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
MAX_BATCH_ENTRIES = 10
MAX_BATCH_BYTES = 1_048_576

# A batch holds at most this much of the rate, so that a slow rate is not sent in lumps.
BATCH_SPAN_SECONDS = 0.5

# Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
MAX_ATTEMPTS = 5
BACKOFF_BASE_SECONDS = 0.1
BACKOFF_CAP_SECONDS = 2.0

CONNECT_TIMEOUT_SECONDS = 1
READ_TIMEOUT_SECONDS = 3
# Nothing is sent when less of the invocation is left: one call that hangs, and the answer.
RESERVE_SECONDS = CONNECT_TIMEOUT_SECONDS + READ_TIMEOUT_SECONDS + 1

# Lambda ends an invocation after 900 s; a producer needs some of them for itself.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_DURATION_SECONDS = 890
RUN_ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


# Each field of the event: its default, what it must be, the test for that.
EVENT_FIELDS: dict[str, tuple[Any, str, Callable[[Any], bool]]] = {
    "duration_s": (
        5,
        f"a number of seconds above 0, at most {MAX_DURATION_SECONDS}",
        lambda v: _is_number(v) and 0 < v <= MAX_DURATION_SECONDS,
    ),
    "rate": (
        20,
        "a number of messages per second above 0, at most 10000, or null",
        lambda v: v is None or (_is_number(v) and 0 < v <= 10_000),
    ),
    "max_messages": (
        None,
        "an integer from 1 to 1000000, or null",
        lambda v: v is None or (_is_integer(v) and 1 <= v <= 1_000_000),
    ),
    "bad_ratio": (0.25, "a number from 0 to 1", lambda v: _is_number(v) and 0 <= v <= 1),
    "seed": (None, "an integer or null", lambda v: v is None or _is_integer(v)),
    "run_id": (
        None,
        "1 to 64 of the characters A-Z a-z 0-9 _ -, or null",
        lambda v: v is None or (isinstance(v, str) and bool(RUN_ID_PATTERN.fullmatch(v))),
    ),
}

logger = Logger()
# Made while Lambda starts the worker. No retries of botocore's own: `send_batch` repeats both
# failed calls and failed entries, and looks at the time that is left between two calls.
sqs: SQSClient = boto3.client(  # pyright: ignore[reportUnknownMemberType]
    "sqs",
    config=Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=READ_TIMEOUT_SECONDS,
        retries={"total_max_attempts": 1, "mode": "standard"},
    ),
)


class InvalidEventError(ValueError):
    """The invocation's event is not what the producer takes; names field, value and range."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What one run shall send."""

    run_id: str
    duration_seconds: float
    rate_per_second: float | None
    max_messages: int | None
    bad_ratio: float
    seed: int | None


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message of a run; `store_id`, the store that sends it, is left out of a bad one."""

    run_id: str
    seq: int
    store: int
    is_bad: bool
    body: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Clock:
    """The times that a run depends on, in seconds."""

    monotonic: Callable[[], float] = time.monotonic
    unix: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, kw_only=True)
class BatchResult:
    """What became of one batch: ids that SQS accepted, and why the others were not."""

    accepted: frozenset[str]
    reasons: dict[str, str]
    is_queue_usable: bool


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """What became of a run; the counts are of messages that SQS accepted."""

    accepted_count: int
    bad_count: int
    unsent_reasons: Counter[str]

    @property
    def error_message(self) -> str | None:
        total = self.accepted_count + self.unsent_reasons.total()
        if total == 0:
            return f"nothing was sent: less than {RESERVE_SECONDS} s of the invocation were left"
        if not self.unsent_reasons:
            return None
        reasons = ", ".join(f"{why} ({n})" for why, n in self.unsent_reasons.most_common())
        return f"{self.unsent_reasons.total()} of {total} messages could not be sent: {reasons}"


# POWERTOOLS_LOGGER_LOG_EVENT would put the whole event into the log; it can't here.
@logger.inject_lambda_context(log_event=False)
def handler(event: dict[str, Any] | None, context: LambdaContext) -> dict[str, Any]:
    """Send one run of messages to the queue `QUEUE_URL` and count what SQS accepted.

    Args:
        event: see `read_request`; all of it may be left out.
        context: the invocation's context; nothing is sent in its last 5 seconds.

    Returns:
        `statusCode` 200 and, as JSON text in `body`, `message` with `status`, `msg_cnt` (accepted
        messages), `bad_msg` (those of them without `store_id`), `run_id`. When a message could not
        be sent, `status` is false and `error_message` says why; the counts are exact still.

    Raises:
        InvalidEventError: when the event is wrong; nothing has been sent then.
    """
    request = read_request({} if event is None else event)
    clock = Clock()
    remaining_seconds = context.get_remaining_time_in_millis() / 1000
    result = send_run(
        request,
        queue_url=os.environ["QUEUE_URL"],
        clock=clock,
        deadline=clock.monotonic() + remaining_seconds - RESERVE_SECONDS,
    )
    message: dict[str, Any] = {
        "status": result.error_message is None,
        "msg_cnt": result.accepted_count,
        "bad_msg": result.bad_count,
        "run_id": request.run_id,
    }
    if result.error_message is not None:
        message["error_message"] = result.error_message
    logger.info("Run ended", extra=message)
    return {"statusCode": 200, "body": json.dumps({"message": message})}


def read_request(event: object) -> Request:
    """Check an event and fill in what it leaves out.

    `EVENT_FIELDS` holds each field's default and range; null stands for: `rate` as fast as it
    goes, `max_messages` no limit but the others, `seed` and `run_id` a new one each time.

    Raises:
        InvalidEventError: for an unknown field or a value out of range.
    """
    if not isinstance(event, dict):
        raise InvalidEventError(f"the event is a {type(event).__name__}; it must be a JSON object")
    given = cast("dict[str, Any]", event)
    if unknown := sorted(given.keys() - EVENT_FIELDS.keys()):
        raise InvalidEventError(
            f"unknown field {_shorten(unknown[0])} with value {_shorten(given[unknown[0]])}; "
            f"known are {', '.join(EVENT_FIELDS)}"
        )
    values: dict[str, Any] = {}
    for name, (default, must_be, is_allowed) in EVENT_FIELDS.items():
        values[name] = given.get(name, default)
        if not is_allowed(values[name]):
            raise InvalidEventError(f"{name} is {_shorten(values[name])}; it must be {must_be}")
    return Request(
        run_id=values["run_id"] or str(uuid.uuid4()),
        duration_seconds=values["duration_s"],
        rate_per_second=values["rate"],
        max_messages=values["max_messages"],
        bad_ratio=values["bad_ratio"],
        seed=values["seed"],
    )


def generate_messages(*, run_id: str, bad_ratio: float, seed: int | None) -> Iterator[Message]:
    """Invent messages without end; the same arguments give the same messages.

    A good message's store comes from shuffled rounds of all stores, so that five good messages
    are enough to have each store once; a bad one comes from any.
    """
    chance = random.Random(seed)  # noqa: S311 - invented data, nothing to protect
    stores = _stores_in_rounds(chance)
    for seq in count():
        is_bad = chance.random() < bad_ratio
        yield Message(
            run_id=run_id,
            seq=seq,
            store=chance.choice(STORE_IDS) if is_bad else next(stores),
            is_bad=is_bad,
            body=json.dumps(_invent_event(chance)),
        )


def to_entry(
    message: Message, *, unix_seconds: int, is_fifo: bool = False
) -> SendMessageBatchRequestEntryTypeDef:
    """Form a message as SendMessageBatch takes it; its id in the batch is its seq.

    In a FIFO queue each store is a message group, bad messages too, and a message that is sent
    again because no answer came is one message: its deduplication id says which it is.
    """
    attributes: dict[str, MessageAttributeValueTypeDef] = {
        "project": {"DataType": "String", "StringValue": "reliable-queue"},
        "contact_me": {"DataType": "String", "StringValue": "stores@example.com"},
        "ts": {"DataType": "Number", "StringValue": str(unix_seconds)},
        "run_id": {"DataType": "String", "StringValue": message.run_id},
        "seq": {"DataType": "Number", "StringValue": str(message.seq)},
    }
    if not message.is_bad:
        attributes["store_id"] = {"DataType": "Number", "StringValue": str(message.store)}
    entry: SendMessageBatchRequestEntryTypeDef = {
        "Id": str(message.seq),
        "MessageBody": message.body,
        "MessageAttributes": attributes,
    }
    if is_fifo:
        entry["MessageGroupId"] = f"store-{message.store}"
        entry["MessageDeduplicationId"] = f"{message.run_id}-{message.seq}"
    return entry


def measure_entry_bytes(entry: SendMessageBatchRequestEntryTypeDef) -> int:
    """Count what SQS counts: the body, and of each attribute its name, type and text value."""
    texts = [entry["MessageBody"]]
    for name, attribute in entry.get("MessageAttributes", {}).items():
        texts += [name, attribute["DataType"], attribute.get("StringValue", "")]
    return sum(len(text.encode()) for text in texts)


def split_batches(
    entries: Iterable[SendMessageBatchRequestEntryTypeDef],
) -> Iterator[list[SendMessageBatchRequestEntryTypeDef]]:
    """Cut entries, in their order, into batches of up to 10 entries and 1 MiB.

    An entry that is too large by itself gets a batch of its own, which SQS refuses.
    """
    batch: list[SendMessageBatchRequestEntryTypeDef] = []
    batch_bytes = 0
    for entry in entries:
        entry_bytes = measure_entry_bytes(entry)
        is_full = len(batch) == MAX_BATCH_ENTRIES or batch_bytes + entry_bytes > MAX_BATCH_BYTES
        if batch and is_full:
            yield batch
            batch, batch_bytes = [], 0
        batch.append(entry)
        batch_bytes += entry_bytes
    if batch:
        yield batch


def pace(request: Request, *, clock: Clock, deadline: float) -> Iterator[int]:
    """Wait for each moment at which messages are due, and say how many are.

    With a rate, a run sends rate x duration messages in evenly spaced groups; when sending is
    slower than that, what is due is sent without a pause. Ends at the run's duration or at
    `deadline` (on the monotonic clock), whichever comes first.
    """
    started = clock.monotonic()
    end = min(started + request.duration_seconds, deadline)
    rate = request.rate_per_second
    planned = math.inf if request.max_messages is None else request.max_messages
    group_size = MAX_BATCH_ENTRIES
    if rate is not None:
        planned = min(planned, max(1, round(rate * request.duration_seconds)))
        group_size = min(group_size, math.ceil(rate * BATCH_SPAN_SECONDS))
    done = 0
    while done < planned:
        now = clock.monotonic()
        due = now if rate is None else started + done / rate
        if max(now, due) >= end:
            return
        if due > now:
            clock.sleep(due - now)
        size = int(min(group_size, planned - done))
        yield size
        done += size


def send_run(request: Request, *, queue_url: str, clock: Clock, deadline: float) -> RunResult:
    """Generate, pace and send one run; ends early when the queue can't be used at all."""
    messages = generate_messages(
        run_id=request.run_id, bad_ratio=request.bad_ratio, seed=request.seed
    )
    # Only a FIFO queue's name has this end: Amazon SQS API Reference, CreateQueue, QueueName.
    is_fifo = queue_url.endswith(".fifo")
    accepted_count = bad_count = 0
    unsent_reasons: Counter[str] = Counter()
    for size in pace(request, clock=clock, deadline=deadline):
        group = list(islice(messages, size))
        unix_seconds = int(clock.unix())
        entries = [to_entry(m, unix_seconds=unix_seconds, is_fifo=is_fifo) for m in group]
        bad_ids = {str(message.seq) for message in group if message.is_bad}
        is_queue_usable = True
        for batch in split_batches(entries):
            result = send_batch(batch, queue_url=queue_url, clock=clock, deadline=deadline)
            accepted_count += len(result.accepted)
            bad_count += len(result.accepted & bad_ids)
            unsent_reasons.update(result.reasons.values())
            is_queue_usable = is_queue_usable and result.is_queue_usable
        if not is_queue_usable:
            break
    return RunResult(
        accepted_count=accepted_count, bad_count=bad_count, unsent_reasons=unsent_reasons
    )


def send_batch(
    entries: Sequence[SendMessageBatchRequestEntryTypeDef],
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
    """
    pending = {entry["Id"]: entry for entry in entries}
    accepted: set[str] = set()
    reasons: dict[str, str] = {}
    call_error: ClientError | BotoCoreError | None = None
    for attempt in range(MAX_ATTEMPTS):
        if attempt > 0 and not _wait_before(attempt, clock=clock, deadline=deadline):
            break
        try:
            answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=list(pending.values()))
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
    unsent = [entry["Id"] for entry in entries if entry["Id"] not in accepted]
    return BatchResult(
        accepted=frozenset(accepted),
        reasons={id_: reasons.get(id_, "no answer") for id_ in unsent},
        is_queue_usable=call_error is None,
    )


def _wait_before(attempt: int, *, clock: Clock, deadline: float) -> bool:
    ceiling = min(BACKOFF_CAP_SECONDS, BACKOFF_BASE_SECONDS * 2 ** (attempt - 1))
    delay_seconds = random.uniform(0, ceiling)  # noqa: S311 - it spreads load, protects nothing
    if clock.monotonic() + delay_seconds >= deadline:
        return False
    clock.sleep(delay_seconds)
    return True


def _is_passing(error: ClientError | BotoCoreError) -> bool:
    """Whether the same call may succeed a moment later."""
    if not isinstance(error, ClientError):
        return isinstance(error, HTTPClientError)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= 500 or status == 429 or "Throttl" in _name_error(error)


def _name_error(error: ClientError | BotoCoreError) -> str:
    # Code or type only: the text of a parameter validation error quotes the message's body.
    if isinstance(error, ClientError):
        return error.response.get("Error", {}).get("Code", "ClientError")
    return type(error).__name__


def _stores_in_rounds(chance: random.Random) -> Iterator[int]:
    while True:
        yield from chance.sample(STORE_IDS, k=len(STORE_IDS))


def _invent_event(chance: random.Random) -> dict[str, Any]:
    birthday = FIRST_BIRTHDAY + timedelta(days=chance.randrange(BIRTHDAYS))
    event_time = FIRST_EVENT_TIME + timedelta(
        seconds=chance.randrange(EVENT_TIME_SPAN_SECONDS), microseconds=chance.randrange(1_000_000)
    )
    return {
        "name": chance.choice(FIRST_NAMES),
        "dob": birthday.date().isoformat(),
        "gender": chance.choice("FM"),
        "ssn_no": f"{chance.randrange(10**9):09}",
        "data_share_consent": chance.random() < 0.5,
        "evnt_time": event_time.isoformat(timespec="microseconds"),
    }


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
