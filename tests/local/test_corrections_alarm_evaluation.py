"""An alarm's state follows from its datapoints as in the tables of CloudWatch's guide."""

import pytest

from automation.local.corrections.alarm_evaluation import AlarmRule, decide

TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
NO_DATA = "INSUFFICIENT_DATA"
# Amazon CloudWatch User Guide, Configuring how CloudWatch alarms treat missing data: the newest
# datapoint last; 0 is within the threshold, X breaches, - is missing. None: the state is kept.
THREE_OF_THREE = {
    "0 - X - X": ("OK", "OK", "OK", "OK"),
    "- - - - 0": ("OK", "OK", "OK", "OK"),
    "- - - - -": (NO_DATA, None, "ALARM", "OK"),
    "0 X X - X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "- - X - -": ("ALARM", None, "ALARM", "OK"),
    # Avoiding premature transitions to alarm state.
    "- - - - X": (None, None, "ALARM", "OK"),
    "- - - X -": (None, None, "ALARM", "OK"),
}
TWO_OF_THREE = {
    "0 - X - X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "0 0 X 0 X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "0 - X - -": ("OK", "OK", "ALARM", "OK"),
    "- - - - 0": ("OK", "OK", "ALARM", "OK"),
    "- - - X -": ("ALARM", None, "ALARM", "OK"),
}
ROWS = [
    (needed, row, treatment, state)
    for needed, table in ((3, THREE_OF_THREE), (2, TWO_OF_THREE))
    for row, states in table.items()
    for treatment, state in zip(TREATMENTS, states, strict=True)
]


def rule(
    *,
    periods: int = 1,
    needed: int | None = None,
    missing_data: str = "missing",
    comparison: str = "GreaterThanThreshold",
    threshold: float = 0,
) -> AlarmRule:
    return AlarmRule(
        comparison=comparison,
        threshold=threshold,
        evaluation_periods=periods,
        datapoints_to_alarm=needed or periods,
        missing_data=missing_data,
    )


def datapoints(row: str) -> list[float | None]:
    values = {"0": 0.0, "X": 1.0, "-": None}
    return [values[mark] for mark in reversed(row.split())]


@pytest.mark.parametrize(("needed", "row", "treatment", "state"), ROWS)
def test_state_is_that_of_the_guide_s_tables(
    needed: int, row: str, treatment: str, state: str | None
) -> None:
    alarm = rule(periods=3, needed=needed, missing_data=treatment)
    assert alarm.periods_in_range == 5
    assert decide(alarm, datapoints(row))[0] == state


def test_older_datapoints_than_evaluated_count_only_for_missing_ones() -> None:
    assert decide(rule(periods=1), [None, 1.0, 0.0])[0] == "ALARM"
    assert decide(rule(periods=1), [0.0, 1.0, 1.0])[0] == "OK"


@pytest.mark.parametrize(
    ("value", "comparison", "state"),
    [
        (1, "GreaterThanThreshold", "OK"),
        (1, "GreaterThanOrEqualToThreshold", "ALARM"),
        (1, "LessThanThreshold", "OK"),
        (1, "LessThanOrEqualToThreshold", "ALARM"),
        (2, "GreaterThanThreshold", "ALARM"),
        (0, "LessThanThreshold", "ALARM"),
    ],
)
def test_comparison_with_a_threshold_of_1(value: float, comparison: str, state: str) -> None:
    assert decide(rule(comparison=comparison, threshold=1), [value, None, None])[0] == state


def test_reason_says_what_was_compared() -> None:
    assert decide(rule(), [24.0, None, None])[1] == (
        "Threshold Crossed: 1 of the last 1 datapoints [24] was greater than the threshold (0)."
    )
    assert (
        "missing data are treated as [notBreaching]"
        in (decide(rule(missing_data="notBreaching"), [None, None, None])[1])
    )
