"""The rules, one accepted and one refused case each, and what a refusal says."""

import re
from collections.abc import Callable

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


@pytest.mark.parametrize(("retention", "visibility", "count"), [(121, 60, 2), (60, 59, 1)])
def test_messages_that_outlive_their_receives_need_no_advice(
    retention: int, visibility: int, count: int
) -> None:
    assert limits.retention_advice(retention, visibility, count) is None


def test_messages_that_expire_before_their_receives_are_advised_on() -> None:
    advice = limits.retention_advice(120, 60, 2)
    assert advice is not None
    assert "retention_seconds = 120 is not above max_receive_count 2 x" in advice


def test_an_impossible_range_is_not_offered() -> None:
    with pytest.raises(LimitError, match="retention_seconds may be 60 to 1209599 seconds"):
        limits.check_retention(1_209_600, 1_209_600)
    with pytest.raises(LimitError, match="reserve 20, or leave pollers out: each poller"):
        limits.check_pollers(2, 2, maximum_concurrency=None, reserved=19)
    with pytest.raises(LimitError, match="reserve 30, or lower it to 2: each poller"):
        limits.check_pollers(2, 3, maximum_concurrency=None, reserved=29)


counts = st.integers(0, 2_100)


@given(st.integers(59, 1_209_601), st.integers(59, 1_209_601), counts, counts, st.none() | counts)
def test_no_refusal_offers_a_range_without_anything_in_it(
    seconds: int, other: int, few: int, many: int, reserved: int | None
) -> None:
    for check in (
        lambda: limits.check_retention(seconds, other),
        lambda: limits.check_retention(seconds, seconds),
        lambda: limits.check_message_age_alarm(other, max(seconds, 60)),
        lambda: limits.check_visibility_timeout(few, min(many + 1, 900)),
        lambda: limits.check_pollers(few, many, maximum_concurrency=None, reserved=reserved),
        lambda: limits.maximum_concurrency(few, reserved),
    ):
        for lower, upper in re.findall(r"allowed[^:]*: (\d+) to (\d+)", refusal(check)):
            assert int(lower) <= int(upper)


def refusal(check: Callable[[], object]) -> str:
    try:
        check()
    except LimitError as refused:
        return str(refused)
    return ""


def test_fifo_batches_are_small_and_not_gathered() -> None:
    limits.check_fifo_batch(10, 0)
    with pytest.raises(LimitError, match=r"batch_size = 11 .*FIFO queue: 1 to 10 messages"):
        limits.check_fifo_batch(11, 0)
    with pytest.raises(LimitError, match="batching_window_seconds = 1: a FIFO queue has no"):
        limits.check_fifo_batch(10, 1)


def test_fifo_dead_letters_start_anew_and_may_be_kept_as_long_as_messages() -> None:
    limits.check_retention(345_600, 345_600, is_fifo=True)
    with pytest.raises(LimitError, match="dlq_retention_seconds = 59 is out of range"):
        limits.check_retention(345_600, 59, is_fifo=True)


def test_pollers_within_their_range_and_the_reserved_concurrency_are_accepted() -> None:
    limits.check_pollers(2, 2_000, maximum_concurrency=None, reserved=None)
    limits.check_pollers(200, 200, maximum_concurrency=None, reserved=None)
    limits.check_pollers(2, 2, maximum_concurrency=None, reserved=20)


@pytest.mark.parametrize(
    ("pollers", "maximum", "reserved", "complaint"),
    [
        ((1, 200), None, None, "pollers.minimum = 1 is out of range; allowed: 2 to 200"),
        ((201, 300), None, None, "pollers.minimum = 201 is out of range"),
        ((2, 1), None, None, "pollers.maximum = 1 is out of range; allowed: 2 to 2000"),
        ((2, 2_001), None, None, "pollers.maximum = 2001 is out of range"),
        ((9, 8), None, None, "pollers.minimum = 9 is above pollers.maximum = 8"),
        ((2, 8), 5, None, "maximum_concurrency = 5 and pollers exclude each other"),
        ((2, 3), None, 29, "invoke 30 times at once, above reserved_concurrency = 29.*reserve 30"),
    ],
)
def test_pollers_that_lambda_refuses_or_that_throttle_are_refused(
    pollers: tuple[int, int], maximum: int | None, reserved: int | None, complaint: str
) -> None:
    with pytest.raises(LimitError, match=complaint):
        limits.check_pollers(*pollers, maximum_concurrency=maximum, reserved=reserved)


@pytest.mark.parametrize("handler", ["work.handler", "a/b.handler", f"m.{'f' * 126}"])
def test_handlers_that_lambda_finds_are_accepted(handler: str) -> None:
    limits.check_handler(handler)


@pytest.mark.parametrize(
    "handler", ["handler", ".handler", "work.", "a b.handler", f"m.{'f' * 127}"]
)
def test_handlers_that_lambda_refuses_are_refused(handler: str) -> None:
    with pytest.raises(LimitError, match=r"handler = .* is not of the form module\.function"):
        limits.check_handler(handler)


def test_variables_that_lambda_takes_are_accepted() -> None:
    limits.check_environment({"MODE": "x", "a1": "", "A_": object()})
    limits.check_environment({"MODE": "é" * 2_046})


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"A": "x"}, "variable 'A'; allowed: 2 or more letters"),
        ({"1A": "x"}, "variable '1A'"),
        ({"A-B": "x"}, "variable 'A-B'"),
        ({"AWS_REGION": "x"}, "variable 'AWS_REGION', which Lambda sets itself"),
        ({"_HANDLER": "x"}, "variable '_HANDLER', which Lambda sets itself"),
        ({"MODE": "é" * 2_046 + "x"}, "environment takes 4097 bytes; allowed: 0 to 4096"),
    ],
)
def test_variables_that_lambda_refuses_are_refused(
    variables: dict[str, object], complaint: str
) -> None:
    with pytest.raises(LimitError, match=complaint):
        limits.check_environment(variables)


def test_what_is_none_of_the_allowed_is_refused_with_them() -> None:
    limits.check_one_of("architecture", "arm64", ("arm64", "x86_64"))
    with pytest.raises(LimitError, match="architecture = 'arm' is unknown; allowed: arm64, x86_64"):
        limits.check_one_of("architecture", "arm", ("arm64", "x86_64"))


def test_a_function_has_up_to_five_layers() -> None:
    limits.check_layers(5)
    with pytest.raises(LimitError, match="6 layers together; allowed: 0 to 5"):
        limits.check_layers(6)


def test_tags_are_those_that_every_service_takes() -> None:
    limits.check_tags({"team": "a", "k" * 128: "v" * 256, "cost centre": ""})
    limits.check_tags({str(number): "" for number in range(50)})


@pytest.mark.parametrize(
    ("tags", "complaint"),
    [
        ({str(number): "" for number in range(51)}, "tags has 51 entries; allowed: 0 to 50"),
        ({"": "a"}, "tags has the key ''"),
        ({"k" * 129: "a"}, "allowed: 1 to 128"),
        ({"AWS:x": "a"}, "not beginning with aws:"),
        ({"a": "v" * 257}, "allowed: 0 to 256"),
        ({"a": "b\n"}, r"tags\['a'\]"),
        ({"Team": "a", "team": "b"}, "keys 'Team' and 'team', which are the same to IAM"),
    ],
)
def test_tags_that_some_service_refuses_are_refused(tags: dict[str, str], complaint: str) -> None:
    with pytest.raises(LimitError, match=complaint):
        limits.check_tags(tags)


@pytest.mark.parametrize(
    ("name", "prefix", "is_fifo"),
    [
        (None, None, False),
        ("q" * 76, None, False),
        ("q" * 71, None, True),
        (None, "p" * 50, False),
        (None, "p" * 45, True),
        ("2-x_Y", None, False),
    ],
)
def test_queue_names_that_leave_room_for_the_dead_letter_queue_are_accepted(
    name: str | None, prefix: str | None, is_fifo: bool
) -> None:
    limits.check_queue_names(name, prefix, is_fifo=is_fifo)


@pytest.mark.parametrize(
    ("name", "prefix", "is_fifo", "complaint"),
    [
        ("a", "b", False, "queue_name = 'a' and queue_name_prefix = 'b' exclude each other"),
        ("q" * 77, None, False, "77 characters.*allowed: 1 to 76"),
        ("q" * 72, None, True, "72 characters.*allowed: 1 to 71"),
        (None, "p" * 51, False, "queue_name_prefix = .*allowed: 1 to 50"),
        ("orders.fifo", None, True, "queue_name = 'orders.fifo'"),
        ("", None, False, "queue_name = ''"),
        (None, "a b", False, "queue_name_prefix = 'a b'"),
    ],
)
def test_queue_names_that_sqs_refuses_are_refused(
    name: str | None, prefix: str | None, is_fifo: bool, complaint: str
) -> None:
    with pytest.raises(LimitError, match=complaint):
        limits.check_queue_names(name, prefix, is_fifo=is_fifo)


def test_an_alarm_on_the_age_of_messages_can_ring() -> None:
    limits.check_message_age_alarm(59, 60)
    limits.check_message_age_alarm(1, 60)
    for seconds in (0, 60):
        with pytest.raises(LimitError, match=rf"seconds = {seconds} .*allowed: 1 to 59 seconds"):
            limits.check_message_age_alarm(seconds, 60)


def test_names_that_must_differ_are_told() -> None:
    limits.check_distinct("names", ["a", "b"])
    with pytest.raises(LimitError, match="names: a is there twice"):
        limits.check_distinct("names", ["a", "b", "a"])


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


RANGES = {name: value for name, value in vars(limits).items() if isinstance(value, limits.Limit)}


@pytest.mark.parametrize("limit", RANGES.values(), ids=RANGES)
def test_every_range_has_its_ends_in_it_and_a_source(limit: limits.Limit) -> None:
    for value in (limit.minimum, limit.maximum):
        limit.check("argument", value)
    for value in (limit.minimum - 1, limit.maximum + 1):
        with pytest.raises(LimitError, match=f"argument = {value} is out of range; allowed: "):
            limit.check("argument", value)
    assert "Reference" in limit.source or "Guide" in limit.source
