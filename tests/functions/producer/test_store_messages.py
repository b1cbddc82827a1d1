"""The messages: what is drawn, and how it is put into the form of SQS."""

import json
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import customer_events
import run_request
import store_messages

from .conftest import generate


def test_the_same_seed_gives_the_same_messages():
    assert generate(50, seed=7) == generate(50, seed=7)
    assert generate(50, seed=7) != generate(50, seed=8)


def test_no_seed_gives_other_messages_each_time():
    assert generate(5, seed=None) != generate(5, seed=None)


def test_a_body_has_the_fields_that_the_consumer_wants():
    for message in generate(20):
        event = json.loads(message.body)
        assert list(event) == list(customer_events.EVENT_FIELDS)
        assert all(
            isinstance(event[name], kind) for name, kind in customer_events.EVENT_FIELDS.items()
        )
        assert len(event["ssn_no"]) == 9


@given(seed=st.integers(), bad_ratio=st.floats(0, 0.8))
def test_any_five_good_messages_from_the_start_come_from_all_five_stores(
    seed: int, bad_ratio: float
):
    messages = store_messages.generate_messages(run_id="run-1", bad_ratio=bad_ratio, seed=seed)
    good = [message.store for message in islice(messages, 200) if not message.is_bad]
    assert set(good) <= {1, 2, 3, 4, 5}
    for start in range(0, len(good) - 4, 5):
        assert set(good[start : start + 5]) == {1, 2, 3, 4, 5}


@pytest.mark.parametrize(("bad_ratio", "expected"), [(0, 0), (1, 500)])
def test_none_or_all_are_bad_when_asked_for(bad_ratio: float, expected: int):
    for seed in range(5):
        messages = generate(500, bad_ratio=bad_ratio, seed=seed)
        assert sum(message.is_bad for message in messages) == expected


def test_about_the_asked_share_is_bad():
    bad = sum(message.is_bad for message in generate(4000, bad_ratio=0.25))
    assert 900 < bad < 1100


def entry_of(*, is_fifo: bool = False, unix_seconds: int = 1_700_000_000, **fields: Any) -> Any:
    defaults = {"run_id": "run-1", "seq": 7, "store": 3, "is_bad": False, "body": "{}"}
    message = store_messages.Message(**{**defaults, **fields})
    text = store_messages.to_entry(message, unix_seconds=unix_seconds, is_fifo=is_fifo)
    assert text.isascii(), "its length is not that of its bytes"
    return json.loads(text)


@given(
    body=st.text(), seq=st.integers(0, 10**6), store=st.integers(1, 5), is_bad=st.booleans(),
    is_fifo=st.booleans(), unix_seconds=st.integers(0, 2**32),
    run_id=st.from_regex(run_request.RUN_ID_PATTERN, fullmatch=True),
)  # fmt: skip
def test_an_entry_says_what_its_message_holds(is_fifo: bool, unix_seconds: int, **fields: Any):
    entry = entry_of(is_fifo=is_fifo, unix_seconds=unix_seconds, **fields)
    seq, run_id, group = str(fields["seq"]), fields["run_id"], f"store-{fields['store']}"
    values = {name: value["StringValue"] for name, value in entry.pop("MessageAttributes").items()}
    assert (values["seq"], values["run_id"], values["ts"]) == (seq, run_id, str(unix_seconds))
    assert values.get("store_id") == (None if fields["is_bad"] else str(fields["store"]))
    fifo = {"MessageGroupId": group, "MessageDeduplicationId": f"{run_id}-{seq}"} if is_fifo else {}
    assert entry == {"Id": seq, "MessageBody": fields["body"]} | fifo


def test_attributes_are_those_of_the_contract():
    good, bad = (entry_of(is_bad=is_bad)["MessageAttributes"] for is_bad in (False, True))
    types = {name: attribute["DataType"] for name, attribute in good.items()}
    assert types == {
        "project": "String",
        "contact_me": "String",
        "ts": "Number",
        "run_id": "String",
        "seq": "Number",
        "store_id": "Number",
    }
    assert [good[name]["StringValue"] for name in ("store_id", "seq", "run_id", "ts")] == [
        "3",
        "7",
        "run-1",
        "1700000000",
    ]
    assert bad == {name: value for name, value in good.items() if name != "store_id"}


def test_a_message_does_not_show_its_body_in_a_traceback():
    (message,) = generate(1)
    assert json.loads(message.body)["ssn_no"] not in repr(message)
