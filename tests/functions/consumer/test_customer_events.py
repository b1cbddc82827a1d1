"""The work on one message: what passes, and what is refused."""

import io
import json

import pytest

from .conftest import EVENT, Run, make_record, read_log


@pytest.mark.parametrize("store_id", ["0", "6", "03", "3.0", " 3", "-1", "three", ""])
def test_a_store_id_that_is_no_store_fails_but_is_not_called_missing(
    run: Run, log: io.StringIO, store_id: str
):
    assert run(make_record(0, store_id=store_id)) == ["id-0"]
    (error,) = read_log(log, "ERROR")
    assert error["missing_store_id"] is False
    assert error["exception_name"] == "UnusableStoreIdError"


def test_a_binary_store_id_is_unusable(run: Run, log: io.StringIO):
    record = make_record(0)
    record["messageAttributes"]["store_id"] = {"binaryValue": "Mw==", "dataType": "Binary"}
    assert run(record) == ["id-0"]
    assert read_log(log, "ERROR")[0]["exception_name"] == "UnusableStoreIdError"


@pytest.mark.parametrize("store_id", ["1", "2", "3", "4", "5"])
def test_every_store_is_processed(run: Run, store_id: str):
    assert run(make_record(0, store_id=store_id)) == []


UNREADABLE_BODIES = {
    "no JSON": 'Quillaume, 396144610 {"',
    "cut off": json.dumps(EVENT)[:-5],
    "not an object": json.dumps([EVENT]),
    "no name": json.dumps({k: v for k, v in EVENT.items() if k != "name"}),
    "wrong type": json.dumps({**EVENT, "ssn_no": 396144610}),
    "too deep": "[" * 100_000,
    "too long a number": "1" * 5_000,
    "empty": "",
}


@pytest.mark.parametrize("body", UNREADABLE_BODIES.values(), ids=list(UNREADABLE_BODIES))
def test_an_unreadable_body_fails_alone(run: Run, log: io.StringIO, body: str):
    assert run(make_record(0), make_record(1, body=body), make_record(2)) == ["id-1"]
    (error,) = read_log(log, "ERROR")
    assert error["missing_store_id"] is False
    assert error["exception_name"] == "UnreadableEventError"


def test_the_same_message_twice_does_no_harm(run: Run):
    assert run(make_record(0), make_record(0)) == []
