"""A mapping takes a message when it appears, and not when the emulator looks again."""

import threading
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any, cast

import pytest

from automation.local.corrections import deep_queues, long_polls
from automation.local.corrections.long_polls import Waking
from automation.local.corrections.receipts import ReceiptRules
from automation.local.corrections.replacing import EmulatorChangedError
from tests.local.conftest import own_copy

NEVER = float("inf")


class Event(threading.Event):
    """Remembers how long it was waited for, and does not wait."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        return self.is_set()


def waking(event: Event, next_appearance: Callable[[], float]) -> Waking:
    return Waking(event, next_appearance=next_appearance, clock=lambda: 100)


@pytest.mark.parametrize(("appears_at", "seconds"), [(100.25, 0.25), (107, 1), (NEVER, 1)])
def test_poller_waits_for_the_next_message_and_no_longer_than_before(
    appears_at: float, seconds: float
) -> None:
    event = Event()
    assert not waking(event, lambda: appears_at).wait(1)
    assert event.waits == [seconds]


def test_what_appeared_in_the_middle_of_a_pass_is_looked_for_at_once() -> None:
    event, appearances = Event(), iter([NEVER, 99.9, NEVER])
    wake = waking(event, lambda: next(appearances))
    wake.clear()
    wake.wait(1)
    assert event.waits == [0]


def test_what_has_appeared_is_looked_for_once() -> None:
    event, appearances = Event(), iter([99.9, NEVER, NEVER])
    wake = waking(event, lambda: next(appearances))
    wake.clear()
    wake.wait(1)
    assert event.waits == [1]


def test_who_sets_it_ends_the_wait() -> None:
    event = Event()
    wake = waking(event, lambda: NEVER)
    wake.set()
    assert wake.wait(1)
    wake.clear()
    assert not wake.wait(1)


@pytest.fixture
def services() -> tuple[ModuleType, Any]:
    functions, sqs = own_copy("ministack.services.lambda_svc"), own_copy("ministack.services.sqs")
    cast("Any", functions)._esm_wake = Event()
    deep_queues.correct(sqs, ReceiptRules())
    long_polls.correct(functions, sqs)
    return functions, sqs


def make_queue(sqs: Any, name: str, delay_seconds: int) -> str:
    url = sqs._act_create_queue({"QueueName": name}, "")["QueueUrl"]
    sqs._act_send_message({"QueueUrl": url, "MessageBody": "x", "DelaySeconds": delay_seconds}, url)
    return str(sqs._queues[url]["attributes"]["QueueArn"])


def wait_once(functions: Any) -> float:
    """How long the emulator's poller waits when a pass has found nothing."""
    functions._esm_wake.wait(1_000)
    return float(functions._esm_wake._event.waits[-1])


def test_messages_of_a_mapped_queue_count_and_no_others(services: Any) -> None:
    functions, sqs = services
    arn, _ = make_queue(sqs, "mapped", 600), make_queue(sqs, "another", 300)
    assert wait_once(functions) == 1_000
    functions._esms["id"] = {"UUID": "id", "EventSourceArn": arn}
    assert 500 < wait_once(functions) <= 600


def test_message_that_is_visible_already_is_not_waited_for(services: Any) -> None:
    """Whoever did not take it then had a reason: paused, or as many batches as it may have."""
    functions, sqs = services
    functions._esms["id"] = {"UUID": "id", "EventSourceArn": make_queue(sqs, "mapped", 0)}
    functions._esm_wake.clear()
    assert wait_once(functions) == 1_000


def test_emulator_whose_poller_waits_otherwise_is_refused(services: Any) -> None:
    functions, sqs = services
    functions._esm_wake = time.sleep
    with pytest.raises(EmulatorChangedError, match="no event"):
        long_polls.correct(functions, sqs)
