"""The rules, one accepted and one refused case each, and what a refusal says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import limits
from components.limits import LimitError

function_timeouts = st.integers(limits.FUNCTION_TIMEOUT.minimum, limits.FUNCTION_TIMEOUT.maximum)
windows = st.integers(limits.BATCHING_WINDOW.minimum, limits.BATCHING_WINDOW.maximum)


def test_a_range_includes_both_ends() -> None:
    limits.MAX_RECEIVE_COUNT.check("max_receive_count", 1)
    limits.MAX_RECEIVE_COUNT.check("max_receive_count", 1_000)


@pytest.mark.parametrize("value", [0, 1_001, -1])
def test_a_refusal_names_argument_value_and_range(value: int) -> None:
    with pytest.raises(LimitError) as refused:
        limits.MAX_RECEIVE_COUNT.check("max_receive_count", value)
    assert str(refused.value) == (
        f"max_receive_count = {value} is out of range; allowed: 1 to 1000 receives"
    )


@pytest.mark.parametrize("value", [True, 2.0, "2", None])
def test_only_whole_numbers_are_in_a_range(value: object) -> None:
    with pytest.raises(LimitError, match=r"max_receive_count = .* is not a whole number"):
        limits.MAX_RECEIVE_COUNT.check("max_receive_count", value)


@given(function_timeouts, windows)
def test_visibility_timeout_is_six_times_the_function_timeout_and_the_window(
    timeout: int, window: int
) -> None:
    derived = limits.derived_visibility_timeout_seconds(timeout, window)
    assert derived == 6 * timeout + window
    limits.check_visibility_timeout(derived, timeout)
    assert limits.visibility_timeout_advice(derived, timeout, window) is None


@given(st.integers(0, 43_200), function_timeouts, windows)
def test_visibility_timeout_is_refused_below_the_function_timeout_and_advised_on_below_six_times(
    visibility: int, timeout: int, window: int
) -> None:
    if visibility < timeout:
        with pytest.raises(LimitError, match="visibility_timeout_seconds"):
            limits.check_visibility_timeout(visibility, timeout)
        return
    limits.check_visibility_timeout(visibility, timeout)
    advice = limits.visibility_timeout_advice(visibility, timeout, window)
    assert (advice is not None) == (visibility < 6 * timeout + window)


def test_visibility_timeout_is_refused_above_twelve_hours() -> None:
    limits.check_visibility_timeout(43_200, 10)
    with pytest.raises(LimitError, match="43201 is out of range; allowed: 0 to 43200 seconds"):
        limits.check_visibility_timeout(43_201, 10)


@pytest.mark.parametrize(("size", "window"), [(1, 0), (10, 0), (11, 1), (10_000, 300)])
def test_batches_that_lambda_can_gather_are_accepted(size: int, window: int) -> None:
    limits.check_batch(size, window)


@pytest.mark.parametrize(
    ("size", "window", "complaint"),
    [
        (0, 0, "batch_size = 0 is out of range; allowed: 1 to 10000 messages"),
        (11, 0, "batch_size = 11 needs a batching window.*set batching_window_seconds to 1"),
        (10_001, 1, "batch_size = 10001 is out of range"),
        (1, -1, "batching_window_seconds = -1 is out of range; allowed: 0 to 300 seconds"),
        (1, 301, "batching_window_seconds = 301 is out of range"),
    ],
)
def test_batches_that_lambda_cannot_gather_are_refused(
    size: int, window: int, complaint: str
) -> None:
    with pytest.raises(LimitError, match=complaint):
        limits.check_batch(size, window)


def test_dead_letters_are_kept_longer_than_messages() -> None:
    limits.check_retention(345_600, 345_601)
    with pytest.raises(LimitError, match="dlq_retention_seconds = 345600 is not above"):
        limits.check_retention(345_600, 345_600)


@pytest.mark.parametrize(
    ("requested", "reserved", "expected"),
    [
        (None, None, 10),
        (None, 5, 5),
        (None, 2_000, 1_000),
        (5, 5, 5),
        (3, 5, 3),
        (1_000, None, 1_000),
    ],
)
def test_maximum_concurrency_stays_within_what_is_reserved(
    requested: int | None, reserved: int | None, expected: int
) -> None:
    assert limits.maximum_concurrency(requested, reserved) == expected


@pytest.mark.parametrize(
    ("requested", "reserved", "complaint"),
    [
        (1, None, "maximum_concurrency = 1 is out of range; allowed: 2 to 1000"),
        (1_001, None, "maximum_concurrency = 1001 is out of range"),
        (6, 5, "maximum_concurrency = 6 is above reserved_concurrency = 5.*lower it, or reserve"),
        (None, 1, "reserved_concurrency = 1 is out of range; allowed: 2 to"),
    ],
)
def test_a_mapping_that_polls_more_than_the_function_takes_is_refused(
    requested: int | None, reserved: int | None, complaint: str
) -> None:
    with pytest.raises(LimitError, match=complaint):
        limits.maximum_concurrency(requested, reserved)


def test_log_retention_is_one_of_the_periods() -> None:
    limits.check_log_retention("log_retention_days", 14)
    with pytest.raises(LimitError, match=r"log_retention_days = 15 .*allowed, in days: 1, 3, 5"):
        limits.check_log_retention("log_retention_days", 15)


@pytest.mark.parametrize("name", ["e", "events", "Store_events-2", "e" * 38])
def test_names_from_which_aws_accepts_resources_are_accepted(name: str) -> None:
    limits.check_name(name, "-consumer-function")


@pytest.mark.parametrize("name", ["", "e" * 39, "events.fifo", "2events", "événements", "a b"])
def test_names_from_which_aws_refuses_resources_are_refused(name: str) -> None:
    with pytest.raises(LimitError, match=r"allowed: 1 to 38 letters, digits"):
        limits.check_name(name, "-consumer-function")


def test_every_limit_names_its_source() -> None:
    named = [value for value in vars(limits).values() if isinstance(value, limits.Limit)]
    assert named
    assert all("Reference" in limit.source or "Guide" in limit.source for limit in named)
