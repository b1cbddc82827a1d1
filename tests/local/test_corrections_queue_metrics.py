"""A queue's metrics are what SQS documents of them."""

from typing import Any

from automation.local.corrections.queue_metrics import queue_metrics

NOW = 1_000_000.0
AGE = "ApproximateAgeOfOldestMessage"
SOURCE = {"DeadLetterQueueSourceArn": "arn:aws:sqs:eu-west-1:123456789012:q"}


def message(age: float, *, visible_in: float = 0, receives: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "sent_at": NOW - age,
        "visible_at": NOW + visible_in,
        "receive_count": receives,
        "sys": {},
        **more,
    }


def test_messages_are_visible_delayed_or_in_flight() -> None:
    messages = [message(5), message(5, visible_in=9), message(5, visible_in=9, receives=1)]
    values = queue_metrics(messages, is_fifo=False, now=NOW)
    assert values["ApproximateNumberOfMessagesVisible"] == 1
    assert values["ApproximateNumberOfMessagesDelayed"] == 1
    assert values["ApproximateNumberOfMessagesNotVisible"] == 1


def test_age_is_that_of_the_oldest_message_also_while_it_is_hidden() -> None:
    messages = [message(5), message(30, visible_in=9, receives=1)]
    assert queue_metrics(messages, is_fifo=False, now=NOW)[AGE] == 30
    assert queue_metrics([], is_fifo=False, now=NOW)[AGE] == 0


def test_age_leaves_out_what_was_received_three_times_but_for_fifo() -> None:
    messages = [message(30, receives=3), message(5, receives=2)]
    assert queue_metrics(messages, is_fifo=False, now=NOW)[AGE] == 5
    assert queue_metrics(messages, is_fifo=True, now=NOW)[AGE] == 30


def test_age_of_a_dead_letter_counts_from_its_move() -> None:
    letters = [message(3_600, receives=5, sys=SOURCE)]
    assert queue_metrics(letters, is_fifo=False, now=NOW)[AGE] == 0
    assert queue_metrics(letters, is_fifo=False, now=NOW + 20)[AGE] == 20
