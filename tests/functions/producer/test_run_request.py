"""The event: what may be left out, and what is refused."""

from dataclasses import replace
from typing import Any

import pytest

import run_request

from .conftest import FakeSqs, Invoke


def test_everything_may_be_left_out():
    request = run_request.read_request({})
    assert request.run_id != run_request.read_request({}).run_id
    assert replace(request, run_id="run-1") == run_request.Request(
        run_id="run-1",
        duration_seconds=5,
        rate_per_second=20,
        max_messages=None,
        bad_ratio=0.25,
        seed=None,
    )


WRONG = [
    ("duration_s", value) for value in (0, -1, 890.5, None, "5", True, float("nan"), float("inf"))
]
WRONG += [("rate", value) for value in (0, -1, 10_001, "fast", False, float("nan"))]
WRONG += [("max_messages", value) for value in (0, -5, 1_000_001, 1.0, "10", True)]
WRONG += [("bad_ratio", value) for value in (-0.01, 1.01, None, "half", True)]
WRONG += [("seed", value) for value in (1.5, "1", True)]
WRONG += [("run_id", value) for value in ("", "a b", "x" * 65, "ä", "run\n", 7, True)]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_is_refused_by_name_and_nothing_is_sent(
    invoke: Invoke, fake_sqs: FakeSqs, name: str, value: Any
):
    with pytest.raises(run_request.InvalidEventError) as refusal:
        invoke(**{name: value})
    assert str(refusal.value).startswith(f"{name} is {value!r}; it must be ")
    assert fake_sqs.calls == []


RIGHT = [("duration_s", 0.001), ("duration_s", 890), ("rate", 10_000), ("rate", None)]
RIGHT += [("max_messages", 1), ("max_messages", 1_000_000), ("max_messages", None)]
RIGHT += [("bad_ratio", 0), ("bad_ratio", 1), ("bad_ratio", 1.0), ("seed", -1), ("seed", 0)]
RIGHT += [("run_id", "A-Z_9"), ("run_id", "x" * 64), ("run_id", None)]


@pytest.mark.parametrize(("name", "value"), RIGHT)
def test_the_ends_of_each_range_are_accepted(name: str, value: Any):
    run_request.read_request({name: value})


def test_an_unknown_field_is_refused_with_the_known_ones():
    with pytest.raises(run_request.InvalidEventError, match=r"'ratio' .*0\.5.*bad_ratio"):
        run_request.read_request({"ratio": 0.5})


@pytest.mark.parametrize("event", [[], "event", 5])
def test_an_event_that_is_no_object_is_refused(event: Any):
    with pytest.raises(run_request.InvalidEventError, match="JSON object"):
        run_request.read_request(event)


def test_a_long_value_is_cut_in_the_refusal():
    with pytest.raises(run_request.InvalidEventError) as refusal:
        run_request.read_request({"run_id": "x" * 100_000})
    assert len(str(refusal.value)) < 200
