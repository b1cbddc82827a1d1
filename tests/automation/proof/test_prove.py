"""What a proof knows beside its lines: how long queues keep messages, and when an alarm rings."""

import time
from types import SimpleNamespace
from typing import Any

import pytest

from automation.aws.consumer_log import CLOCK_DIFFERENCE_SECONDS
from automation.operations.wiring import Queue, Wiring
from automation.proof import prove
from automation.proof.line_account import LineAccount, LineResult

WIRING = Wiring(
    selected="stack s",
    queue=Queue(url="u/queue", arn="a", name="queue"),
    dlq=Queue(url="u/dlq", arn="a", name="dlq"),
)


def target(**retention_seconds: int) -> Any:
    def ask(*, QueueUrl: str, AttributeNames: list[str]) -> object:  # noqa: N803 as boto3
        (name,) = AttributeNames
        return {"Attributes": {name: str(retention_seconds[QueueUrl.rpartition("/")[2]])}}

    return SimpleNamespace(clients=SimpleNamespace(sqs=SimpleNamespace(get_queue_attributes=ask)))


def test_absence_proves_nothing_when_a_queue_may_have_forgotten_the_message() -> None:
    # The log is read from a while before the beginning on, since clocks differ.
    began_ms = int((time.time() - CLOCK_DIFFERENCE_SECONDS - 100) * 1000)
    assert prove._expiry(target(queue=345_600, dlq=1_209_600), WIRING, since_ms=began_ms) == []
    (words,) = prove._expiry(target(queue=60, dlq=1_209_600), WIRING, since_ms=began_ms)
    assert words.startswith("the run took 100 s, and queue keeps a message for 60 s only")
    assert len(prove._expiry(target(queue=60, dlq=99), WIRING, since_ms=began_ms)) == 2


def result(line: int, **changes: Any) -> LineResult:
    values: dict[str, Any] = {
        "expected": "dead-lettered",
        "found": "dead-lettered",
        "by": None,
        "message_id": "m",
        "reason": None,
        **changes,
    }
    return LineResult(line=line, **values)


@pytest.mark.parametrize(
    ("results", "resent", "notes"),
    [
        ([result(1)], (), []),
        ([result(1, found="processed", by="log")], (), []),
        (
            [result(1, found="processed", by="absence")],
            (),
            ["processed by absence: 1 messages, which"],
        ),
        (
            [result(1, expected_reason="A"), result(2, expected_reason="A", reason="A")],
            (),
            ["line 1: the consumer's log does not tell why just this message failed, so"],
        ),
        ([result(1)], (1, 2), ["lines 1-2: SQS's answer got lost"]),
    ],
)
def test_what_the_verdict_can_t_know_is_said(
    results: list[LineResult], resent: tuple[int, ...], notes: list[str]
) -> None:
    account = LineAccount(
        results=results,
        strangers=(),
        was_read_whole=True,
        reading_problem=None,
        resent=resent,
        unsent={},
        settle_failure=None,
    )
    said = prove._notes(account)
    assert len(said) == len(notes)
    assert all(words.startswith(note) for words, note in zip(said, notes, strict=True))
