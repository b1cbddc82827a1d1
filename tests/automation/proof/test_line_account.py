"""The account of a file's lines and the verdict, for the ways in which a consumer can be wrong."""

import dataclasses
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.deadletters.message import Message
from automation.proof.account import DeadLetter, content_of
from automation.proof.expected import End, Line
from automation.proof.line_account import (
    LineAccount,
    Posted,
    Sightings,
    account_for_lines,
    reasons_lines_broken,
)
from automation.proof.line_words import line_numbers, some
from automation.proof.verdict import NOT_READ_WHOLE, AlarmReport

NOTHING_SEEN = Sightings(letters=[], was_read_whole=True, reasons={})
RANG = AlarmReport(state="ALARM", went_to_alarm=True, was_notified=True)
QUIET = AlarmReport(state="OK", went_to_alarm=False, was_notified=False)
GOOD, BAD = "processed", "dead-lettered"
RUN_IDS = ("a\nb", "x" * 65, "x" * 64, "A_b-1")


def line(
    number: int,
    expect: End,
    *,
    reason: str | None = None,
    identity: bool = False,
    body: str = "",
    run_id: str = "run",
) -> Line:
    attributes = {
        "run_id": {"DataType": "String", "StringValue": run_id},
        "seq": {"DataType": "Number", "StringValue": str(number)},
    }
    message = Message(
        message_id=f"line-{number}",
        body=body or f"secret {number}",
        attributes=attributes if identity else {},  # type: ignore[arg-type]
        system={},
    )
    return Line(number=number, expect=expect, message=message, reason=reason)


def file(*expect: End, identity: bool = False) -> list[Line]:
    return [line(number, one, identity=identity) for number, one in enumerate(expect, 1)]


def id_of(number: int) -> str:
    return f"sqs-{number}"


def posted(lines: Sequence[Line]) -> Posted:
    return Posted(message_ids={one.number: id_of(one.number) for one in lines}, unsent={})


def dead(*numbers: int) -> list[DeadLetter]:
    return [
        DeadLetter(message_id=id_of(number), identity=None, has_store_id=False, content="?")
        for number in numbers
    ]


def seen(*dead_lines: int, **more: object) -> Sightings:
    changed = {"letters": dead(*dead_lines), **more}
    return dataclasses.replace(NOTHING_SEEN, **changed)  # type: ignore[arg-type]


def account(lines: Sequence[Line], sightings: Sightings) -> LineAccount:
    return account_for_lines(lines, posted(lines), sightings)


def broken(lines: Sequence[Line], sightings: Sightings) -> list[str]:
    found = account(lines, sightings)
    rings = found.dead_letters > 0
    return reasons_lines_broken(found, RANG if rings else QUIET, rings=rings)


def test_it_holds_when_every_line_ended_as_expected_and_says_by_what() -> None:
    lines = [*file(GOOD, BAD), line(3, GOOD, identity=True), line(4, GOOD)]
    sightings = seen(2, logged={("run", 3)}, log_tells=True)
    found = account(lines, sightings)
    assert [(one.found, one.by) for one in found.results] == [
        ("processed", "absence"),
        ("dead-lettered", None),
        ("processed", "log"),
        ("processed", "absence"),
    ]
    assert found.is_complete
    assert broken(lines, sightings) == []


def test_consumer_that_raises_for_the_whole_batch_or_answers_with_wrong_ids() -> None:
    # Lambda takes both for a batch that failed as a whole.
    lines = file(GOOD, GOOD, BAD, GOOD)
    reasons = {id_of(number): "KeyError" for number in (1, 2, 3)}
    assert broken(lines, seen(1, 2, 3, reasons=reasons)) == [
        "lines 1-2: expected processed, are dead-lettered (KeyError)"
    ]
    assert broken(lines, seen(2, 3)) == ["line 2: expected processed, is dead-lettered"]


def test_consumer_that_swallows_bad_messages() -> None:
    assert broken(file(GOOD, BAD, BAD), seen(3)) == [
        "line 2: expected dead-lettered, is processed by absence"
    ]
    logged = seen(logged={("run", 1), ("run", 2)}, log_tells=True)
    assert broken(file(GOOD, BAD, identity=True), logged) == [
        "line 2: expected dead-lettered, is processed by log"
    ]


def test_message_whose_run_id_no_log_names_is_not_lost_for_that() -> None:
    # Our consumer does not log what may hold anything.
    lines = [line(number, GOOD, identity=True, run_id=one) for number, one in enumerate(RUN_IDS, 1)]
    found = account(lines, seen(logged={("run", 9)}, log_tells=True))
    assert [one.found for one in found.results] == ["processed", "processed", "lost", "lost"]


def test_consumer_that_drops_good_messages_and_logs_nothing_looks_like_one_that_does_not() -> None:
    found = account(file(GOOD, GOOD, identity=True), NOTHING_SEEN)
    assert found.count("processed", "absence") == 2


def test_message_that_never_leaves_the_queue() -> None:
    lines = file(GOOD, GOOD, BAD)
    late = seen(3, settle_failure="gave up", queued={id_of(2)}, reasons={id_of(1): "ValueError: x"})
    assert broken(lines, late) == [
        "line 1: expected processed, is not known to have ended (ValueError: x)",
        "line 2: expected processed, is still in the queue",
        "the queue did not settle: gave up",
    ]


def test_message_that_is_processed_and_dead_lettered() -> None:
    lines = file(BAD, GOOD, identity=True)
    assert broken(lines, seen(1, logged={("run", 1), ("run", 2)}, log_tells=True)) == [
        "line 1: expected dead-lettered, is both processed and dead-lettered"
    ]


def test_nothing_is_absent_from_a_queue_that_was_not_read_whole() -> None:
    reasons = broken(file(GOOD), seen(was_read_whole=False))
    assert reasons == ["line 1: expected processed, is not known to have ended", NOT_READ_WHOLE]
    aside = broken(file(GOOD), seen(was_read_whole=False, reading_problem="5 are aside"))
    assert aside[1:] == ["5 are aside"]


def test_stranger_in_the_dead_letter_queue_is_named() -> None:
    assert broken(file(BAD), seen(1, 8, 9)) == [
        "2 messages in the dead-letter queue are none of the file's: sqs-8, sqs-9"
    ]


@pytest.mark.parametrize(
    ("said", "is_right"),
    [
        ("KeyError", True),
        ("KeyError: 'order'", True),
        ("its batch failed: KeyError: 'order'", True),
        (None, True),
        ("its batch failed: ValueError", True),
        ("KeyErrors", False),
        ("ValueError: KeyError:", False),
    ],
)
def test_reason_is_compared_where_the_log_has_one(said: str | None, *, is_right: bool) -> None:
    lines = [line(1, BAD, reason="KeyError")]
    sightings = seen(1, reasons={id_of(1): said} if said else {})
    words = [] if is_right else [f"line 1: expected to fail with KeyError, failed with {said}"]
    assert broken(lines, sightings) == words
    is_unknown = said in (None, "its batch failed: ValueError")
    assert account(lines, sightings).misses_reasons == is_unknown


def test_copy_of_a_message_whose_answer_got_lost_is_no_stranger() -> None:
    lines = [line(1, BAD, body="same"), line(2, GOOD)]
    copy = dataclasses.replace(dead(7)[0], content=content_of(lines[0].message))
    resent = dataclasses.replace(posted(lines), resent=(1,))
    both = account_for_lines(lines, resent, seen(letters=[*dead(1), copy]))
    assert (both.strangers, both.count("dead-lettered")) == ((), 1)
    # Of the two that there are, one has left both queues.
    one = account_for_lines(lines, resent, seen(letters=[copy]))
    assert one.count("both") == 1
    never = Posted(message_ids={2: id_of(2)}, unsent={1: "no answer"})
    found = account_for_lines(lines, never, seen(letters=[copy]))
    assert (found.strangers, found.count("dead-lettered")) == ((), 1)


def test_line_that_sqs_did_not_take_is_named_with_its_words() -> None:
    lines = file(GOOD, GOOD)
    never = Posted(message_ids={1: id_of(1)}, unsent={2: "InternalError: later"})
    found = account_for_lines(lines, never, NOTHING_SEEN)
    assert reasons_lines_broken(found, None, rings=False) == [
        "line 2: could not be sent: InternalError: later"
    ]


def test_number_that_two_lines_carry_says_nothing_of_either() -> None:
    lines = [line(1, GOOD, identity=True), line(2, GOOD)]
    lines[1] = dataclasses.replace(lines[0], number=2)
    found = account(lines, seen(logged={("run", 1)}, log_tells=True))
    assert {one.by for one in found.results} == {"absence"}


@pytest.mark.parametrize(
    ("alarm", "dead_lines", "words"),
    [
        (QUIET, (1,), ["the alarm did not ring, its state is OK"]),
        (
            dataclasses.replace(RANG, was_notified=False),
            (1,),
            ["the alarm rang, but its notification did not reach the topic"],
        ),
        (RANG, (), ["the alarm rang though the dead-letter queue holds too few messages for it"]),
        (dataclasses.replace(QUIET, problem="misdirected"), (), ["misdirected"]),
        (None, (1,), []),
    ],
)
def test_alarm_is_part_of_the_verdict_where_there_is_one(
    alarm: AlarmReport | None, dead_lines: tuple[int, ...], words: list[str]
) -> None:
    found = account(file(BAD if dead_lines else GOOD), seen(*dead_lines))
    assert reasons_lines_broken(found, alarm, rings=bool(dead_lines)) == words


FATES = st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=40)


@given(FATES, st.booleans())
def test_verdict_holds_only_when_every_message_is_where_its_line_says(
    fates: list[tuple[bool, bool, bool]], log_tells: bool
) -> None:
    lines = [
        line(number, BAD if is_bad else GOOD, identity=True)
        for number, (is_bad, _, _) in enumerate(fates, 1)
    ]
    letters = dead(*(number for number, (_, is_dead, _) in enumerate(fates, 1) if is_dead))
    done = {("run", number) for number, (_, _, is_done) in enumerate(fates, 1) if is_done}
    sightings = seen(letters=letters, logged=done if log_tells else set(), log_tells=log_tells)

    reasons = broken(lines, sightings)

    all_right = all(
        is_bad == is_dead and (not log_tells or is_done != is_bad)
        for is_bad, is_dead, is_done in fates
    )
    assert (not reasons) == all_right
    assert "secret" not in "".join(reasons)


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ([3], "line 3"),
        ([4, 1, 5, 6], "lines 1, 4-6"),
        (range(1, 100, 2), f"lines {', '.join(map(str, range(1, 41, 2)))} and 30 more"),
    ],
)
def test_numbers_of_lines_as_a_person_writes_them(numbers: Sequence[int], words: str) -> None:
    assert line_numbers(numbers) == words


def test_only_the_first_names_are_shown() -> None:
    names: Mapping[int, list[str]] = {count: [f"m{n}" for n in range(count)] for count in (2, 22)}
    assert some(names[2]) == "m0, m1"
    assert some(names[22]).endswith("m19 and 2 more")
