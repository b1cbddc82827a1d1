"""The messages of the stores: invented customer events, in the form that SQS takes."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

STORE_IDS = (1, 2, 3, 4, 5)
FIRST_NAMES = ("Shifter", "Amarie", "Bodhan", "Corvyn", "Delphi", "Eskil", "Farrow", "Gwilym")
FIRST_BIRTHDAY = date(1930, 1, 1)
BIRTHDAY_SPAN_DAYS = 80 * 365
# The events' own time is invented like the rest, so that one seed gives the same bodies always.
FIRST_EVENT_TIME = datetime(2021, 1, 1)  # noqa: DTZ001 - the stores send local time without zone
EVENT_TIME_SPAN_MICROSECONDS = 365 * 24 * 3600 * 1_000_000


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message of a run; `store_id`, the store that sends it, is left out of a bad one."""

    run_id: str
    seq: int
    store: int
    is_bad: bool
    body: str = field(repr=False)


def generate_messages(*, run_id: str, bad_ratio: float, seed: int | None) -> Iterator[Message]:
    """Invent messages without end; the same arguments give the same messages.

    A good message's store comes from shuffled rounds of all stores, so that five good messages
    are enough to have each store once; a bad one comes from any.

    Args:
        run_id: goes into each message, with its number in the run, counted from 0.
        bad_ratio: the share of messages without `store_id`, 0 to 1; each is drawn by itself.
        seed: None for other messages each time.
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
            body=_invent_body(chance),
        )


def to_entry(message: Message, *, unix_seconds: int, is_fifo: bool) -> str:
    """Form a message as SendMessageBatch takes it, in JSON; its id in the batch is its seq.

    In a FIFO queue each store is a message group, bad messages too, and a message that is sent
    again because no answer came is one message: its deduplication id says which it is.
    """
    seq, store, run_id = message.seq, message.store, message.run_id
    shared = _shared_attributes(run_id, unix_seconds)
    store_id = "" if message.is_bad else f', "store_id": {_number(store)}'
    fifo = (
        f', "MessageGroupId": "store-{store}", "MessageDeduplicationId": "{run_id}-{seq}"'
        if is_fifo
        else ""
    )
    return (
        f'{{"Id": "{seq}", "MessageBody": {json.dumps(message.body)}, '
        f'"MessageAttributes": {{{shared}, "seq": {_number(seq)}{store_id}}}{fifo}}}'
    )


# Of this second, and of the last one while some connection is still at it.
@lru_cache(maxsize=2)
def _shared_attributes(run_id: str, unix_seconds: int) -> str:
    """What is the same in all messages of a second; to write it anew would take longest."""
    attributes = {
        "project": {"DataType": "String", "StringValue": "reliable-queue"},
        "contact_me": {"DataType": "String", "StringValue": "stores@example.com"},
        "ts": {"DataType": "Number", "StringValue": str(unix_seconds)},
        "run_id": {"DataType": "String", "StringValue": run_id},
    }
    return json.dumps(attributes).removeprefix("{").removesuffix("}")


def _number(value: int) -> str:
    return f'{{"DataType": "Number", "StringValue": "{value}"}}'


def _stores_in_rounds(chance: random.Random) -> Iterator[int]:
    while True:
        yield from chance.sample(STORE_IDS, k=len(STORE_IDS))


def _invent_body(chance: random.Random) -> str:
    # What is drawn needs no escape, and to have it written as JSON took a third of the time.
    birthday = FIRST_BIRTHDAY + timedelta(days=chance.randrange(BIRTHDAY_SPAN_DAYS))
    event_time = FIRST_EVENT_TIME + timedelta(
        microseconds=chance.randrange(EVENT_TIME_SPAN_MICROSECONDS)
    )
    return (
        f'{{"name": "{chance.choice(FIRST_NAMES)}", '
        f'"dob": "{birthday.isoformat()}", '
        f'"gender": "{chance.choice("FM")}", '
        f'"ssn_no": "{chance.randrange(10**9):09}", '
        f'"data_share_consent": {"true" if chance.random() < 0.5 else "false"}, '
        f'"evnt_time": "{event_time.isoformat(timespec="microseconds")}"}}'
    )
