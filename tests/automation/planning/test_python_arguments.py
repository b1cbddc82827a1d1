"""The printed arguments are Python that the component takes, and mean what the plan says."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from automation.planning.figures import read_figures
from automation.planning.load import Load
from automation.planning.notes import AGE_ALARM_SECONDS
from automation.planning.planner import make_plan
from automation.planning.python_arguments import DEFAULTS, python_arguments
from automation.planning.setting import Wish
from components import (
    AlarmArgs,
    ConsumerArgs,
    FifoArgs,
    PollersArgs,
    PythonFunctionArgs,
    ReliableQueueArgs,
    limits,
)

FIGURES = read_figures()
NAMES = {
    item.__name__: item
    for item in (ConsumerArgs, FifoArgs, Path, PollersArgs, PythonFunctionArgs, ReliableQueueArgs)
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the program is: the arguments name a file in it."""
    (tmp_path / "consumer").mkdir()
    (tmp_path / "consumer" / "orders.py").write_text("def handler(event, context): ...\n")
    monkeypatch.chdir(tmp_path)


def constructed(wish: Wish, **given: Any) -> tuple[Any, ReliableQueueArgs]:
    rate = given.setdefault("rate_per_second", 100.0)
    load = Load(**{"mean_rate_per_second": rate, "duration_seconds": 0.04, **given})
    plan = make_plan(load, wish, FIGURES)
    made = eval(python_arguments(plan), NAMES)  # noqa: S307 ours
    assert isinstance(made, ReliableQueueArgs)
    return plan, made


@pytest.mark.parametrize(
    ("wish", "given"),
    [
        (Wish(), {}),
        (Wish(), {"rate_per_second": 5_000.0, "burst": 50_000, "max_receive_count": 5}),
        (Wish(memory_mb=1_024, batch_size=500), {}),
        (Wish(is_provisioned=True, minimum_pollers=10), {}),
        (Wish(visibility_timeout_seconds=600), {"groups": 50}),
        (Wish(maximum_concurrency=5), {"burst": 30_000_000}),
        (Wish(), {"duration_seconds": 250.0, "rate_per_second": 1.0}),
    ],
)
def test_component_takes_the_printed_arguments(wish: Wish, given: dict[str, Any]) -> None:
    plan, made = constructed(wish, **given)
    setting, consumer = plan.setting, made.consumer
    assert consumer is not None
    assert isinstance(consumer.function, PythonFunctionArgs)
    assert consumer.batch_size == setting.batch_size
    assert consumer.batching_window_seconds == setting.batching_window_seconds
    assert consumer.function.timeout_seconds == setting.timeout_seconds
    assert consumer.function.memory_mb == plan.memory_mb
    seconds = made.visibility_timeout_for(setting.timeout_seconds)
    assert seconds == setting.visibility_timeout_seconds
    assert made.max_receive_count == plan.load.max_receive_count
    assert made.retention_seconds == plan.retention_seconds
    assert made.is_fifo == plan.load.is_fifo
    if setting.minimum_pollers is None:
        assert (consumer.maximum_concurrency or 10) == setting.concurrency
        assert consumer.pollers is None
    else:
        assert consumer.pollers is not None
        assert consumer.pollers.minimum == setting.minimum_pollers
        assert consumer.pollers.maximum == setting.maximum_pollers


def test_defaults_are_the_components() -> None:
    fields = {
        field.name: field.default
        for of in (ReliableQueueArgs, ConsumerArgs, PythonFunctionArgs)
        for field in dataclasses.fields(of)
    }
    # None stands for what nothing is reserved of.
    fields["maximum_concurrency"] = limits.maximum_concurrency(None, None)
    assert {name: fields[name] for name in DEFAULTS} == DEFAULTS
    assert AlarmArgs().message_age_seconds == AGE_ALARM_SECONDS


def test_what_is_the_components_default_is_left_out() -> None:
    load = Load(rate_per_second=1, mean_rate_per_second=1, duration_seconds=0.01)
    text = python_arguments(make_plan(load, Wish(), FIGURES))
    assert text.count("=") == 4, text
    _, made = constructed(Wish())
    assert made.consumer is not None
    assert made.consumer.maximum_concurrency is None
