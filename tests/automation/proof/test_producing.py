"""Several producers: what each is asked for, that all run at once, and what a failing one means."""

import io
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from automation.errors import AutomationError
from automation.proof.account import Sent
from automation.proof.producing import produce, producer_events, refuse_idle_producers
from automation.proof.report import Options

OUTPUTS: Any = SimpleNamespace(producer_function_name="producer")
Event = dict[str, Any]


def answered(event: Event, **message: object) -> dict[str, object]:
    said = {"status": True, "msg_cnt": 4, "bad_msg": 1, "run_id": event["run_id"], **message}
    return {"statusCode": 200, "body": json.dumps({"message": said})}


FAILURE = {"errorMessage": "Task timed out", "errorType": "Sandbox.Timedout"}


def target(answer: Callable[[Event], Any]) -> Any:
    """An AWS whose producer answers so; `FAILURE` is an answer that Lambda makes."""

    def invoke(**call: Any) -> dict[str, Any]:
        assert call["FunctionName"] == "producer"
        payload = answer(json.loads(call["Payload"]))
        failed = {"FunctionError": "Unhandled"} if payload is FAILURE else {}
        return {"Payload": io.BytesIO(json.dumps(payload).encode()), **failed}

    return SimpleNamespace(clients=SimpleNamespace(invoker=SimpleNamespace(invoke=invoke)))


@given(producers=st.integers(1, 10), messages=st.integers(10, 1000), rate=st.floats(0.1, 10_000))
def test_rate_and_number_are_those_of_all_producers_together(
    producers: int, messages: int, rate: float
) -> None:
    events = list(
        producer_events(
            Options(producers=producers, max_messages=messages, messages_per_second=rate)
        )
    )
    counts: list[Any] = [event["max_messages"] for event in events]
    rates: list[Any] = [event["rate"] for event in events]
    assert len(events) == producers
    assert sum(counts) == messages
    assert max(counts) - min(counts) <= 1
    assert sum(rates) == pytest.approx(rate)
    assert len({event["run_id"] for event in events}) == producers


def test_no_limit_is_none_for_each() -> None:
    for event in producer_events(Options(producers=3, messages_per_second=None)):
        assert (event["rate"], event["max_messages"], event["seed"]) == (None, None, None)


def test_seed_gives_each_producer_one_of_its_own_and_the_same_ones_again() -> None:
    def seeds(producers: int, seed: int) -> list[object]:
        events = producer_events(Options(producers=producers, seed=seed))
        return [event["seed"] for event in events]

    assert seeds(1, 7) == [7]
    assert seeds(4, 7) == seeds(4, 7)
    assert len({*seeds(4, 7), *seeds(4, 8)}) == 8


def test_fewer_messages_than_producers_are_refused_with_the_fix() -> None:
    with pytest.raises(AutomationError, match=r"--messages 3 is less than --producers 4.*fewer"):
        refuse_idle_producers(Options(producers=4, max_messages=3))
    refuse_idle_producers(Options(producers=4, max_messages=4))
    refuse_idle_producers(Options(producers=4))


def test_a_rate_that_is_less_than_a_message_each_is_refused_with_the_fix() -> None:
    slow = Options(producers=10, messages_per_second=1, duration_seconds=9)
    with pytest.raises(AutomationError, match=r"--rate 1 for --duration 9 s .*--producers 10: "):
        refuse_idle_producers(slow)
    refuse_idle_producers(replace(slow, duration_seconds=10))
    refuse_idle_producers(replace(slow, messages_per_second=None))
    # One producer alone sends its message, however slow it is.
    refuse_idle_producers(replace(slow, producers=1, duration_seconds=0.1))


def test_all_producers_run_at_once_and_each_reports_its_own_run() -> None:
    meeting = threading.Barrier(5, timeout=30)

    def answer(event: Event) -> dict[str, object]:
        meeting.wait()
        return answered(event)

    reports = produce(Options(producers=5), target(answer), OUTPUTS)
    assert [(report.messages, report.bad) for report in reports] == [(4, 1)] * 5
    assert len({report.run_id for report in reports}) == 5


def test_producer_that_fails_is_reported_beside_the_others() -> None:
    seen: list[str] = []

    def answer(event: Event) -> Any:
        seen.append(event["run_id"])
        return FAILURE if len(seen) == 1 else answered(event)

    reports = produce(Options(producers=3), target(answer), OUTPUTS)
    failed, *others = sorted(reports, key=lambda report: report.messages)
    assert failed == Sent(run_id=seen[0], messages=0, bad=0, error="Task timed out")
    assert [(report.messages, report.error) for report in others] == [(4, None)] * 2


def test_what_could_not_be_sent_is_the_runs_error() -> None:
    aws = target(lambda event: answered(event, status=False, error_message="2 of 6 unsent"))
    (report,) = produce(Options(), aws, OUTPUTS)
    assert (report.messages, report.error) == (4, "2 of 6 unsent")


def refused(code: str, status: int) -> ClientError:
    metadata: Any = {"HTTPStatusCode": status}
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": metadata}, "Invoke")


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waited: list[float] = []
    monkeypatch.setattr("automation.proof.producing.time.sleep", waited.append)
    return waited


def test_producer_that_is_throttled_is_invoked_again(waits: list[float]) -> None:
    refusals = [refused("TooManyRequestsException", 429)] * 4

    def answer(event: Event) -> Any:
        if refusals:
            raise refusals.pop()
        return answered(event)

    (report,) = produce(Options(), target(answer), OUTPUTS)
    assert (report.messages, len(waits)) == (4, 4)


@pytest.mark.parametrize(
    "error", [refused("TooManyRequestsException", 429), refused("AccessDeniedException", 403)]
)
def test_producer_that_cannot_be_invoked_is_no_verdict(
    waits: list[float], error: ClientError
) -> None:
    def answer(_: Event) -> Any:
        raise error

    with pytest.raises(ClientError):
        produce(Options(producers=2), target(answer), OUTPUTS)
    assert bool(waits) == ("TooMany" in str(error))


@pytest.mark.parametrize(
    "error",
    [
        refused("ServiceException", 500),
        ConnectionClosedError(endpoint_url="http://127.0.0.1"),
        ReadTimeoutError(endpoint_url="http://127.0.0.1"),
    ],
)
def test_producer_that_may_have_run_is_not_invoked_again_and_there_is_no_verdict(
    error: Exception,
) -> None:
    invoked: list[Event] = []

    def answer(event: Event) -> Any:
        invoked.append(event)
        raise error

    with pytest.raises(AutomationError, match=r"producer gave no answer.*no verdict. Run it once"):
        produce(Options(), target(answer), OUTPUTS)
    assert len(invoked) == 1
