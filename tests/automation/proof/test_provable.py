"""A run that nobody could prove is refused before anything is created."""

import pytest

from automation.deadletters import receiving
from automation.errors import AutomationError
from automation.proof import provable
from automation.proof.provable import refuse_unprovable
from automation.proof.report import Options


def options(messages: int | None, bad_ratio: float) -> Options:
    return Options(
        duration_seconds=890,
        messages_per_second=None,
        max_messages=messages,
        bad_ratio=bad_ratio,
    )


def test_more_dead_letters_than_sqs_hides_are_refused_with_number_limit_and_fix() -> None:
    with pytest.raises(AutomationError) as refused:
        refuse_unprovable(options(1_000_000, 0.25))
    words = str(refused.value)
    assert "1,000,000 messages with --bad-ratio 0.25 make about 250,000 dead letters" in words
    assert "at most 105,000 can be proven" in words
    assert "take --messages 420000 or fewer" in words


def test_fix_that_is_named_is_accepted() -> None:
    refuse_unprovable(options(420_000, 0.25))


def test_run_without_a_limit_is_judged_by_its_rate_and_duration() -> None:
    with pytest.raises(AutomationError, match="--bad-ratio 1"):
        refuse_unprovable(options(None, 1))
    refuse_unprovable(Options())
    refuse_unprovable(options(1_000_000, 0))


def test_what_is_accepted_can_be_hidden_at_once_with_room_for_chance() -> None:
    hidden = receiving.IN_FLIGHT_QUOTA - receiving._ROOM
    assert hidden > provable._MOST_DEAD_LETTERS + 1_300
