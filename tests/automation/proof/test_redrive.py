"""What a redrive has to show before it counts as proven."""

import dataclasses

import pytest

from automation.aws.consumer_log import Processing
from automation.deadletters.message import Message
from automation.proof.account import Sent
from automation.proof.redrive import RedriveReport, repaired
from automation.proof.verdict import NOT_READ_WHOLE, AlarmReport

SENT = Sent(run_id="run", messages=10, bad=3)
PROVEN = RedriveReport(
    redriven=3,
    deliveries=[Processing(identity=("run", seq), at_ms=0) for seq in range(10)],
    left=0,
    was_read_whole=True,
    alarm=AlarmReport(state="OK", went_to_alarm=True, was_notified=True),
    problem=None,
)


def test_redrive_is_proven_when_everything_is_processed_and_the_alarm_is_off() -> None:
    assert PROVEN.reasons_broken([SENT]) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"problem": "refilling"}, "the redrive ended early: refilling"),
        ({"redriven": 2}, "2 messages were redriven, 3 were bad"),
        ({"left": 1}, "1 messages are in the dead-letter queue after the redrive"),
        (
            {"deliveries": PROVEN.deliveries[1:]},
            "9 of 10 messages are processed after the redrive",
        ),
        (
            {"alarm": AlarmReport(state="ALARM", went_to_alarm=True, was_notified=True)},
            "the alarm is ALARM though the dead-letter queue is empty",
        ),
        (
            {
                "alarm": AlarmReport(
                    state="OK", went_to_alarm=True, was_notified=True, problem="misdirected"
                )
            },
            "misdirected",
        ),
        ({"was_read_whole": False}, NOT_READ_WHOLE),
        ({"was_read_whole": False, "reading_problem": "5 are aside"}, "5 are aside"),
    ],
)
def test_anything_else_breaks_the_verdict(changes: dict[str, object], reason: str) -> None:
    report = dataclasses.replace(PROVEN, **changes)  # type: ignore[arg-type]
    assert report.reasons_broken([SENT]) == [reason]


def test_letter_that_was_sent_twice_is_redriven_twice() -> None:
    assert dataclasses.replace(PROVEN, redriven=4).reasons_broken([SENT]) == []


def test_alarm_is_not_blamed_for_letters_that_are_left() -> None:
    rings = AlarmReport(state="ALARM", went_to_alarm=True, was_notified=True)
    report = dataclasses.replace(PROVEN, left=2, alarm=rings)
    assert report.reasons_broken([SENT]) == [
        "2 messages are in the dead-letter queue after the redrive",
        "the alarm is ALARM",
    ]


def test_message_of_one_run_is_not_replaced_by_one_of_another() -> None:
    both = [dataclasses.replace(SENT, messages=9), Sent(run_id="other", messages=1, bad=0)]
    assert PROVEN.reasons_broken(both) == [
        "10 of 9 messages of run run are processed after the redrive",
        "0 of 1 messages of run other are processed after the redrive",
    ]


def test_repair_adds_the_store_and_keeps_the_rest() -> None:
    seq = {"DataType": "Number", "StringValue": "4"}
    message = Message(message_id="m", body="{}", attributes={"seq": seq}, system={"x": "y"})  # type: ignore[dict-item]
    mended = repaired(message)
    assert mended.attributes == {
        "seq": seq,
        "store_id": {"DataType": "Number", "StringValue": "1"},
    }
    assert (mended.body, mended.message_id, mended.system) == ("{}", "m", {"x": "y"})
