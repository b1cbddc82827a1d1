"""What a load needs, what can't be had, and what is said about it."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from automation.errors import AutomationError
from automation.planning.figures import Figures, read_figures
from automation.planning.load import Load
from automation.planning.plan import Plan
from automation.planning.planner import make_plan
from automation.planning.receives import (
    BACK_OFF_BASE_SECONDS,
    BACK_OFF_CAP_SECONDS,
    longest_back_offs,
)
from automation.planning.setting import Wish

ROOT = Path(__file__).resolve().parents[3]
FIGURES = read_figures()


def load(**changes: Any) -> Load:
    rate = changes.get("rate_per_second", 100.0)
    given = {"rate_per_second": rate, "mean_rate_per_second": rate, "duration_seconds": 0.04}
    return Load(**{**given, **changes})


def planned(wish: Wish | None = None, *, figures: Figures = FIGURES, **changes: Any) -> Plan:
    return make_plan(load(**changes), wish or Wish(), figures)


def test_concurrency_keeps_up_and_leaves_a_fifth() -> None:
    plan = planned(rate_per_second=5_000)
    assert plan.busy == pytest.approx(200)
    assert plan.setting.concurrency == pytest.approx(plan.needed / 0.8, abs=1)
    assert plan.from_idle.drained_seconds is not None


def test_small_load_gets_what_the_component_has_by_default() -> None:
    plan = planned()
    setting = plan.setting
    assert (setting.batch_size, setting.batching_window_seconds, setting.concurrency) == (10, 0, 10)
    assert (setting.timeout_seconds, setting.visibility_timeout_seconds) == (10, 60)
    assert plan.from_idle.drained_seconds == 0


def test_idle_queue_costs_its_empty_receives_alarms_and_dashboard() -> None:
    plan = planned(rate_per_second=0)
    assert plan.from_idle.peak == 0
    paid = {part.name: part.usd for part in plan.monthly if part.usd}
    # Five pollers, three receives a minute each, 730 hours: 657,000 requests.
    assert paid == {
        "SQS: empty receives": pytest.approx(0.2628),
        "CloudWatch: alarms": pytest.approx(0.5),
        "CloudWatch: dashboard": 3,
    }


def test_bill_is_what_the_price_list_makes_of_the_requests() -> None:
    """A million messages by full batches, in a call of ten each: counted by hand."""
    month = 730 * 3_600
    plan = planned(
        Wish(batching_window_seconds=5),
        rate_per_second=100_000_000 / month,
        duration_seconds=0.01,
        bad_ratio=0,
    )
    parts = {part.name: (part.amount, part.usd) for part in plan.monthly}
    ten_million = pytest.approx(10_000_000)
    for name in ("SQS: sends", "SQS: receives", "SQS: deletes"):
        assert parts[name] == (ten_million, pytest.approx(4.00))
    assert parts["Lambda: requests"] == (ten_million, pytest.approx(2.00))
    # 10 million invocations of 100 ms with a quarter of a GB.
    assert parts["Lambda: duration"] == (pytest.approx(250_000), pytest.approx(3.33, abs=0.01))
    assert parts["CloudWatch: logs"] == (pytest.approx(9), pytest.approx(4.50))
    assert parts["SQS: back-off"] == (0, 0)


@pytest.mark.parametrize(
    ("message_bytes", "requests_per_message"),
    [(1_024, 0.1), (6_553, 0.1), (6_554, 0.2), (65_536, 1), (65_537, 1.1), (1_048_576, 16)],
)
def test_each_64_kb_of_a_call_is_a_request(message_bytes: int, requests_per_message: float) -> None:
    plan = planned(message_bytes=message_bytes)
    sends = next(part.amount for part in plan.monthly if part.name == "SQS: sends")
    messages = 100 * 730 * 3_600
    assert sends / messages == pytest.approx(requests_per_message, rel=0.02)


def test_what_is_paid_is_the_mean_rate() -> None:
    busy, mean = planned(), planned(mean_rate_per_second=1.0)
    assert mean.setting == busy.setting
    assert mean.monthly_usd < busy.monthly_usd / 5


def test_burst_alone_and_how_long_it_may_take() -> None:
    slow = planned(rate_per_second=0, burst=50_000)
    assert slow.burst is not None
    quick = planned(Wish(drain_within_seconds=90), rate_per_second=0, burst=50_000)
    assert quick.burst is not None
    assert quick.burst.drained_seconds is not None
    assert slow.burst.drained_seconds is not None
    assert quick.burst.drained_seconds <= 90 < slow.burst.drained_seconds
    fewer = Wish(maximum_concurrency=quick.setting.concurrency - 1)
    less = planned(fewer, rate_per_second=0, burst=50_000)
    assert less.burst is not None
    assert less.burst.drained_seconds is not None
    assert less.burst.drained_seconds > 90


def test_pollers_begin_with_more_and_carry_what_they_can() -> None:
    plan = planned(Wish(is_provisioned=True), rate_per_second=2_000, duration_seconds=0.3)
    setting = plan.setting
    assert setting.minimum_pollers == 61
    assert setting.polling.first == 610
    assert plan.from_idle.drained_seconds == 0
    # 100 messages of 1 MiB a second are 105 MB: 1 MB each, and a fifth to spare.
    heavy = planned(Wish(is_provisioned=True), message_bytes=1_048_576)
    assert heavy.setting.maximum_pollers == 132


def test_a_poller_receives_ten_times_a_second_however_short_the_work_is() -> None:
    short: dict[str, Any] = {"rate_per_second": 5_000.0, "duration_seconds": 0.001}
    plan = planned(Wish(is_provisioned=True), message_bytes=100, **short)
    # Ten receives of ten messages are 100 messages/s of each poller, of all of them whole batches.
    assert plan.setting.minimum_pollers == 50
    assert plan.setting.maximum_pollers == 63
    assert plan.steady_batch == pytest.approx(10)
    single = planned(Wish(is_provisioned=True, batch_size=1), message_bytes=100, **short)
    assert single.setting.maximum_pollers == 625
    # They could invoke 6,250 times at once, and never come near it.
    crowding = "of the account's 1,000 concurrent executions are for this queue"
    assert not any(crowding in note for note in single.notes)
    busy = planned(Wish(is_provisioned=True), rate_per_second=2_500, duration_seconds=0.3)
    assert any(f"950 {crowding}" in note for note in busy.notes)
    # Few pollers that are kept let the rest wait until there are more.
    few = planned(Wish(is_provisioned=True, minimum_pollers=2), message_bytes=100, **short)
    assert few.from_idle.peak >= 60 * (5_000 - 2 * 100)


def test_slow_message_gets_a_smaller_batch_and_a_longer_timeout() -> None:
    setting = planned(rate_per_second=1, duration_seconds=120).setting
    assert (setting.batch_size, setting.timeout_seconds) == (2, 720)
    assert setting.visibility_timeout_seconds == 6 * 720


def test_large_batches_get_a_window_and_are_cut_by_what_an_invocation_takes() -> None:
    plan = planned(Wish(batch_size=10_000), duration_seconds=0.005)
    assert plan.setting.batching_window_seconds == 1
    assert plan.setting.polling.batch_size == 6_144
    assert any("full with 6,144" in note for note in plan.notes)
    # A lone message waits for its window at each receive.
    assert plan.dead_letter.mean == pytest.approx(2 * (0.03 + 1 + 0.005) + 0.5)


def test_dead_letter_times_are_those_of_the_back_off() -> None:
    letter = planned().dead_letter
    assert (letter.mean, letter.longest) == (pytest.approx(0.64), pytest.approx(1.14))
    assert letter.without_back_off == 120
    assert longest_back_offs(9) == [1, 2, 4, 8, 16, 32, 60, 60]
    assert len(longest_back_offs(1_000)) == 999


def test_back_off_is_the_consumers() -> None:
    text = (ROOT / "functions" / "consumer" / "back_off.py").read_text()
    assert f"\nBACKOFF_BASE_SECONDS = {BACK_OFF_BASE_SECONDS}\n" in text
    assert f"\nBACKOFF_CAP_SECONDS = {BACK_OFF_CAP_SECONDS}\n" in text


def test_everything_bad_is_planned_and_said() -> None:
    plan = planned(bad_ratio=1, max_receive_count=5)
    assert plan.load.deliveries_per_message == 5
    assert plan.dead_letters_per_day == pytest.approx(100 * 86_400)
    assert any("bad_ratio is 1" in note for note in plan.notes)
    deletes = next(part.amount for part in plan.monthly if part.name == "SQS: deletes")
    assert deletes == 0


def test_failed_messages_without_back_off_may_fill_what_sqs_hides() -> None:
    plan = planned(rate_per_second=2_000, bad_ratio=0.6)
    assert plan.in_flight < plan.in_flight_quota < plan.in_flight_without_back_off
    assert any("without a back-off" in note for note in plan.notes)


def test_long_wait_raises_the_retention_and_warns_of_the_alarm() -> None:
    wish = Wish(maximum_concurrency=5)
    plan = planned(wish, rate_per_second=100, duration_seconds=0.04, burst=30_000_000)
    assert plan.retention_seconds > 4 * 86_400
    assert any("alarm on the oldest message" in note for note in plan.notes)


def test_window_is_advised_where_it_saves() -> None:
    (advice,) = [note for note in planned(rate_per_second=5_000).notes if "window 1" in note]
    assert "would make them 10.0" in advice
    with_window = planned(Wish(batching_window_seconds=1), rate_per_second=5_000)
    assert not any("window 1" in note for note in with_window.notes)


@pytest.mark.parametrize(
    ("wish", "changes", "said"),
    [
        (Wish(), {"rate_per_second": float("nan")}, "--rate = nan .* 0 to 1,000,000,000"),
        (Wish(), {"rate_per_second": float("inf")}, "--rate = inf"),
        (Wish(), {"rate_per_second": -1.0}, "--rate = -1"),
        (Wish(), {"mean_rate_per_second": 101.0}, "--mean-rate = 101 .* 0 to 100"),
        (Wish(), {"duration_seconds": 0.0}, "--duration-ms = 0"),
        (Wish(), {"duration_seconds": 901.0}, "--duration-ms = 901,000 .* to 900,000 ms"),
        (Wish(), {"bad_ratio": 1.1}, "--bad-ratio = 1.1 .* 0 to 1"),
        (Wish(), {"burst": -1}, "--burst = -1"),
        (Wish(), {"rate_per_second": 1e308}, r"--rate = 1e\+308 .* 0 to 1,000,000,000"),
        (Wish(), {"burst": 10**13}, r"--burst = 1e\+13 .* 0 to 1,000,000,000,000"),
        (Wish(), {"message_bytes": 1_048_577}, "--message-bytes = 1,048,577"),
        (Wish(), {"send_batch_size": 11}, "--send-batch-size = 11"),
        (Wish(), {"max_receive_count": 0}, "--max-receive-count = 0 .* 1 to 1,000 receives"),
        (Wish(), {"groups": 0}, "--groups = 0"),
        (Wish(), {"rate_per_second": 50_000.0}, r"2,150 .* 1,000 concurrent .*account_concurrency"),
        (Wish(batch_size=11), {"groups": 5, "rate_per_second": 1.0}, "batch_size = 11 .*FIFO"),
        (Wish(batch_size=10), {"duration_seconds": 200.0}, "2,000 s, .*after 900 s; .*1 to 4"),
        (Wish(batch_size=20, batching_window_seconds=0), {}, "batch_size = 20 needs a batching"),
        (Wish(visibility_timeout_seconds=5), {}, "visibility_timeout_seconds = 5 is below"),
        (Wish(maximum_concurrency=4), {}, "= 4 never catches up: .*4.3 .*allowed: 5 to 1000"),
        (Wish(maximum_concurrency=1_001), {}, "maximum_concurrency = 1001 is out of range"),
        (Wish(maximum_concurrency=9, is_provisioned=True), {}, "exclude each other"),
        (Wish(minimum_pollers=1, is_provisioned=True), {}, "pollers.minimum = 1 is out of range"),
        (Wish(batch_size=1_000), {"rate_per_second": 3_000.0, "duration_seconds": 0.2}, "flight"),
        (Wish(drain_within_seconds=10), {"burst": 500_000}, "all that there can be"),
        (Wish(maximum_concurrency=5), {"burst": 90_000_000}, r"days .*after 14 at the latest"),
        (
            Wish(),
            {"groups": 3, "rate_per_second": 1_000.0},
            r"3 message groups let .*at least \d+ groups",
        ),
        (
            Wish(),
            {"groups": 3, "rate_per_second": 10_000.0, "duration_seconds": 0.001},
            r"3,333 messages/s sent in each of 3 groups .*300 calls/s .*at least 4 groups",
        ),
        (
            Wish(),
            {"groups": 10**6, "rate_per_second": 800_000.0, "duration_seconds": 0.001},
            r"800,000 messages/s sent .*70,000 calls/s",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_the_limit_and_the_fix(
    wish: Wish, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(AutomationError, match=said):
        planned(wish, **changes)


def test_mapping_ends_at_a_thousand_and_pollers_at_twenty_thousand() -> None:
    figures = dataclasses.replace(FIGURES, account_concurrency=100_000)
    with pytest.raises(AutomationError, match=r"a mapping takes 1,000: --provisioned .*20,000"):
        planned(rate_per_second=50_000, figures=figures)
    provisioned = Wish(is_provisioned=True)
    assert planned(provisioned, rate_per_second=50_000, figures=figures).setting.maximum_pollers
    with pytest.raises(AutomationError, match=r"18,750 event pollers; .* 10 receives of up to"):
        planned(provisioned, rate_per_second=1_500_000, duration_seconds=1e-3, figures=figures)
    with pytest.raises(AutomationError, match=r"a mapping takes 20,000: several queues"):
        planned(provisioned, rate_per_second=500_000, figures=figures)


def test_figures_have_a_source_and_a_day_and_can_be_replaced(tmp_path: Path) -> None:
    assert all(source.page and source.read for source in FIGURES.sources.values())
    file = tmp_path / "prices.toml"
    file.write_text("sqs_million_requests = 0.2\n")
    figures = read_figures(file)
    assert figures.sqs_million_requests == 0.2
    assert figures.sources["sqs_million_requests"].page == str(file)
    assert figures.lambda_gb_second == FIGURES.lambda_gb_second
    cheap = next(p.usd for p in planned(figures=figures).monthly if p.name == "SQS: sends")
    usual = next(p.usd for p in planned().monthly if p.name == "SQS: sends")
    assert cheap == pytest.approx(usual / 2)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sqs_million = 1", "sqs_million is none of the figures; there are: first_concurrency"),
        ("poller_hour = 0", "poller_hour = 0; allowed: a number from 1e-09 to"),
        ("poller_hour = nan", "poller_hour = nan"),
        ("poller_hour = inf", "poller_hour = inf"),
        ("poll_seconds = 1e308", r"poll_seconds = 1e\+308"),
        ("concurrency_per_minute = 1e-9", "per_minute = 1e-09; allowed: a number from 1 to"),
        ("account_concurrency = 0.5", "account_concurrency = 0.5; allowed: a number from 1 to"),
        ("poller_hour = true", "poller_hour = True"),
        ("poller_hour = '1'", "poller_hour = '1'"),
        ("poller_hour", "can't be read"),
    ],
)
def test_wrong_prices_are_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(text)
    with pytest.raises(AutomationError, match=said):
        read_figures(file)
    with pytest.raises(AutomationError, match="can't be read"):
        read_figures(tmp_path / "missing.toml")
