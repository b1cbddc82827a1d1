"""What SQS says of a receipt that ran out is told from other refusals."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from automation.deadletters.failed_entries import receipt_ran_out
from automation.deadletters.receiving import EmptyTwice, Sweep

EXPIRED = "Value x for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired."


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        ("ReceiptHandleIsInvalid", "", True),
        ("InvalidParameterValue", EXPIRED, True),
        ("InvalidParameterValueException", EXPIRED, True),
        ("InvalidParameterValue", "Value x for parameter Id is invalid.", False),
        ("InternalError", EXPIRED, False),
    ],
)
def test_receipt_that_ran_out_is_recognised(code: str, message: str, expected: bool) -> None:
    failure = {"Id": "0", "SenderFault": True, "Code": code, "Message": message}
    assert receipt_ran_out(failure) is expected  # type: ignore[arg-type]


def test_only_the_second_empty_receive_in_a_row_is_the_end() -> None:
    # Short polling asks a part of SQS's servers.
    end = EmptyTwice()
    said = [end.is_reached(is_empty=is_empty) for is_empty in (True, False, True, True)]
    assert said == [False, False, False, True]


def test_one_thread_alone_waits_for_what_may_be_hidden_unseen() -> None:
    now = [0.0]
    sqs: Any = None

    def pause(seconds: float) -> None:
        now[0] += seconds

    with (
        contextlib.closing(
            Sweep(sqs, "url", wait_seconds=0, hidden_seconds=60, clock=lambda: now[0])
        ) as sweep,
        ThreadPoolExecutor(1) as another,
    ):
        sweep.hidden_until = 60.0
        assert sweep.wait_for_unseen(pause, lambda: False) is True
        assert now == [60.0]
        sweep.hidden_until = 120.0
        # The second may come to its end; the first goes on, as often as it has to.
        assert another.submit(sweep.wait_for_unseen, pause, lambda: False).result() is False
        assert now == [60.0]
        assert sweep.wait_for_unseen(pause, lambda: now[0] > 70) is True
        assert 70 < now[0] < 120


def test_how_many_are_in_flight_is_asked_once_a_second() -> None:
    now, in_flight, asked = [0.0], [0], []

    class EmptyQueue:
        def receive_message(self, **_: object) -> Any:
            return {"ResponseMetadata": {}}

        def get_queue_attributes(self, **_: object) -> Any:
            asked.append(now[0])
            names = ("", "NotVisible", "Delayed")
            counts = dict.fromkeys(names, "0") | {"NotVisible": str(in_flight[0])}
            return {
                "Attributes": {
                    f"ApproximateNumberOfMessages{name}": count for name, count in counts.items()
                }
            }

    sqs: Any = EmptyQueue()
    with contextlib.closing(
        Sweep(sqs, "url", wait_seconds=0, hidden_seconds=60, clock=lambda: now[0])
    ) as sweep:
        for time in (0.0, 0.5, 0.9, 1.0, 1.9):
            now[0] = time
            assert sweep.receive().is_empty
        assert asked == [0.0, 1.0]
        # The quota is reached: each asks from then on, and no end is one.
        in_flight[0] = 115_000
        assert sweep.is_whole
        for time in (2.0, 2.1):
            now[0] = time
            sweep.receive()
        assert asked == [0.0, 1.0, 2.0, 2.1]
        assert not sweep.is_whole
