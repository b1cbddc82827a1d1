"""The page of a run says what happened, holds no personal data, and can be read on a phone."""

import dataclasses
import html
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from automation.aws.consumer_log import Processing
from automation.aws.queue_depth import Depth
from automation.proof.account import DeadLetter, Sent, account_for
from automation.proof.depth_samples import DepthSample
from automation.proof.evidence import Evidence
from automation.proof.redrive import RedriveReport
from automation.proof.report import RunReport
from automation.proof.report_chart import draw
from automation.proof.report_page import MOST_ROWS, group_letters, render_page
from automation.proof.verdict import AlarmReport

RANG = AlarmReport(state="ALARM", went_to_alarm=True, was_notified=True)
# Without the last ones it looks for its maker's hosts at every start.
ALONE_AND_HEADLESS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
START_MS = 1_790_000_000_000


def report(*, sent: int = 12, bad: int = 3, runs: int = 1) -> RunReport:
    run_ids = [f"run-{number}" for number in range(runs)]
    good = [
        Processing(identity=(run_id, seq), at_ms=START_MS + seq)
        for run_id in run_ids
        for seq in range(bad, sent)
    ]
    dead = [
        DeadLetter(message_id=f"id-{seq}", identity=(run_id, seq), has_store_id=False)
        for run_id in run_ids
        for seq in range(bad)
    ]
    account = account_for(
        [Sent(run_id=run_id, messages=sent, bad=bad) for run_id in run_ids],
        [each.identity for each in good],
        dead,
    )
    return RunReport(
        verdict="held",
        target="local",
        stack="e2e-abc",
        run_ids=run_ids,
        evidence=Evidence(account=account, processed=good, dead_letters=dead),
        dlq_count=bad,
        alarm=RANG,
        redrive=None,
        timings_seconds={"up": 2.0, "produce": 5.0, "total": 7.0},
        depths=[
            DepthSample(
                at_ms=START_MS + 1000 * second,
                queue=Depth(visible=max(0, sent - second), in_flight=0, delayed=0),
                dlq=Depth(visible=min(second, bad), in_flight=0, delayed=0),
            )
            for second in range(8)
        ],
        destroyed=True,
        reason=None,
    )


def with_letters(shown: RunReport, *more: DeadLetter) -> RunReport:
    evidence = shown.evidence
    found = dataclasses.replace(evidence, dead_letters=[*evidence.dead_letters, *more])
    return dataclasses.replace(shown, evidence=found)


def test_each_of_a_few_bad_messages_has_a_line_that_is_shown_at_once() -> None:
    page = render_page(report())
    rows = re.findall(r"<tr><td>(\d+)</td><td><code>(id-\d)</code></td></tr>", page)
    assert rows == [(str(seq), f"id-{seq}") for seq in range(3)]
    assert re.findall(r"<details( open)?>", page) == [" open"]
    assert "<b>3</b> without store_id: dead-lettered</summary>" in page


def test_a_thousand_dead_letters_are_folded_and_most_of_them_left_out_and_counted() -> None:
    shown = report(sent=4000, bad=1000)
    (group,) = group_letters(shown)
    assert (group.count, len(group.rows), group.is_open) == (1000, MOST_ROWS, False)
    page = render_page(shown)
    assert page.count("<code>id-") == MOST_ROWS
    assert f"and {1000 - MOST_ROWS} more, left out here" in page
    assert len(page) < 60_000


def test_what_does_not_belong_in_the_dead_letter_queue_comes_first_and_open() -> None:
    good = [
        DeadLetter(message_id=f"good-{seq}", identity=("run-0", seq), has_store_id=True)
        for seq in range(100, 130)
    ]
    strangers = [
        DeadLetter(message_id="nobody's", identity=None, has_store_id=False),
        DeadLetter(message_id="other's", identity=("another", 5), has_store_id=False),
    ]
    shown = with_letters(report(sent=100, bad=30), *strangers, *good)
    groups = group_letters(shown)
    assert [(group.reason, group.count, group.is_open) for group in groups] == [
        ("good (with store_id), yet dead-lettered", 30, True),
        ("sent by somebody else", 2, True),
        ("without store_id: dead-lettered", 30, False),
    ]
    assert "<td>none</td><td><code>other&#39;s</code>" in render_page(shown)


def test_redriven_message_is_said_to_be_processed_only_when_it_is() -> None:
    redrive = RedriveReport(
        redriven=3,
        deliveries=[Processing(identity=("run-0", seq), at_ms=START_MS) for seq in (0, 2)],
        left=0,
        was_read_whole=True,
        alarm=RANG,
        problem=None,
    )
    groups = group_letters(dataclasses.replace(report(), redrive=redrive))
    assert [(group.reason, [row[1] for row in group.rows]) for group in groups] == [
        ("without store_id: dead-lettered, repaired, not processed", [1]),
        ("without store_id: dead-lettered, repaired, processed", [0, 2]),
    ]


def test_several_producers_are_shown_each_with_its_counts() -> None:
    shown = report(runs=3)
    page = render_page(shown)
    rows = re.findall(
        r'<tr><td class="name" colspan="5">(\d) <code>(run-\d)</code></td></tr>\n'
        r"<tr>((?:<td[^>]*>-?\d+</td>)+)",
        page,
    )
    assert [(number, run_id) for number, run_id, _ in rows] == [
        (str(number + 1), f"run-{number}") for number in range(3)
    ]
    assert [re.findall(r">(-?\d+)<", counts) for _, _, counts in rows] == [
        ["12", "3", "9", "3", "0"]
    ] * 3
    assert "<tr><td>3</td><td>2</td><td><code>id-2</code></td></tr>" in page
    assert "By producer" not in render_page(report())


def test_picture_has_both_queues_round_numbers_and_the_moment_of_the_alarm() -> None:
    rang = dataclasses.replace(RANG, rang_at_ms=START_MS + 3500)
    chart = draw(dataclasses.replace(report(), alarm=rang))
    assert [curve.name for curve in chart.curves] == ["waiting", "processed", "dead"]
    assert [tick.text for tick in chart.messages_ticks] == ["0", "2", "4", "6", "8", "10", "12"]
    assert [tick.text for tick in chart.seconds_ticks] == ["0", "2", "4", "6"]
    assert chart.alarm
    assert chart.alarm.text == "3.5"
    two, four = (tick.at for tick in chart.seconds_ticks[1:3])
    assert chart.alarm.at == pytest.approx(two + 0.75 * (four - two))
    page = render_page(dataclasses.replace(report(), alarm=rang))
    assert "alarm rang at 3.5 s</text>" in page
    words = re.search(r'<desc id="chart-words">(.*?)</desc>', page)
    assert words
    assert words[1] == (
        "In 7.0 seconds up to 12 messages waited or were in flight, 9 were processed, and up to 3 "
        "lay in the dead-letter queue. The alarm rang after 3.5 seconds."
    )


def test_run_without_an_alarm_has_none_in_its_picture() -> None:
    page = render_page(report())
    assert "alarm rang at" not in page
    assert "No alarm rang." in page


def test_picture_of_very_many_messages_is_no_larger_than_can_be_seen() -> None:
    shown = report(sent=50_000, bad=0)
    assert len(render_page(shown)) < 200_000
    processed = next(curve for curve in draw(shown).curves if curve.name == "processed")
    assert processed.most == 50_000


def test_broken_verdict_says_why_and_is_escaped() -> None:
    broken = dataclasses.replace(report(), verdict="broken", reason="2 < 3 & so on")
    assert "Broken: 2 &lt; 3 &amp; so on" in render_page(broken)


def test_what_turns_or_hides_text_is_shown_by_its_code() -> None:
    broken = dataclasses.replace(report(), verdict="broken", reason="\u202egpj\u200b\x9b")
    page = render_page(broken)
    assert "Broken: \\u202egpj\\u200b\\u009b" in page


def test_run_without_any_message_has_a_page() -> None:
    assert "Nothing." in render_page(report(sent=0, bad=0))


def test_run_whose_depths_could_not_be_sampled_has_a_page() -> None:
    nothing = dataclasses.replace(report(sent=0, bad=0), depths=[])
    assert "Nothing." in render_page(nothing)


def test_page_loads_nothing() -> None:
    page = render_page(report())
    assert re.findall(r"(?:src|href)=|url\(|@import|<script", page) == []


def browser() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome", "chrome"):
        if found := shutil.which(name):
            return found
    pytest.skip("no Chromium on PATH")


def measured(page: str, tmp_path: Path, *, width: int, dark: bool) -> dict[str, str]:
    """Lay the page out in a frame as wide as a phone, and measure it there."""
    script = """
      const page = document.querySelector("iframe").contentDocument;
      const style = (of) => getComputedStyle(page.querySelector(of));
      Object.assign(document.body.dataset, {
        needs: page.documentElement.scrollWidth,
        ground: style("body").backgroundColor, ink: style("body").color,
        text: parseFloat(style("td").fontSize),
        chart: page.querySelector("svg").getBoundingClientRect().width,
      });
    """
    wrapper = tmp_path / "wrapper.html"
    wrapper.write_text(
        f'<body><iframe style="width:{width}px;height:800px;border:0" '
        f'srcdoc="{html.escape(page)}"></iframe>'
        f"<script>addEventListener('load', () => {{{script}}})</script></body>"
    )
    shown = subprocess.run(
        [
            browser(),
            *ALONE_AND_HEADLESS,
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--blink-settings=preferredColorScheme={0 if dark else 1}",
            "--dump-dom",
            wrapper.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    body = re.search(r"<body ([^>]*)>", shown.stdout)
    assert body, shown.stdout + shown.stderr
    return dict(re.findall(r'data-(\w+)="([^"]*)"', body[1]))


def brightness(colour: str) -> float:
    return sum(int(part) for part in re.findall(r"\d+", colour)[:3]) / 3


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_page_can_be_read_on_a_phone(tmp_path: Path, dark: bool) -> None:
    page = render_page(report(sent=200, bad=19, runs=1 + 2 * dark))
    seen = measured(page, tmp_path, width=360, dark=dark)
    assert int(seen["needs"]) <= 360, "nothing is cut off or needs scrolling sideways"
    assert float(seen["text"]) >= 14
    assert float(seen["chart"]) > 300
    ground, ink = brightness(seen["ground"]), brightness(seen["ink"])
    assert (ground < ink) == dark
    assert abs(ground - ink) > 150
