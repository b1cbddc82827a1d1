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
from automation.proof.report_page import render_page
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


def report(*, sent: int = 12, bad: int = 3) -> RunReport:
    good = [Processing(identity=("run", seq), at_ms=START_MS + seq) for seq in range(bad, sent)]
    dead = [
        DeadLetter(message_id=f"id-{seq}", identity=("run", seq), has_store_id=False)
        for seq in range(bad)
    ]
    account = account_for(
        [Sent(run_id="run", messages=sent, bad=bad)], [each.identity for each in good], dead
    )
    return RunReport(
        verdict="held",
        target="local",
        stack="e2e-abc",
        run_ids=["run"],
        evidence=Evidence(account=account, processed=good, dead_letters=dead),
        dlq_count=bad,
        alarm=RANG,
        redrive=None,
        timings_seconds={"up": 2.0, "produce": 5.0, "total": 7.0},
        depths=[
            DepthSample(
                at_ms=START_MS + 1000 * second,
                queue=Depth(visible=sent - second, in_flight=0, delayed=0),
                dlq=Depth(visible=second, in_flight=0, delayed=0),
            )
            for second in range(bad + 1)
        ],
        destroyed=True,
        reason=None,
    )


def test_each_bad_message_has_a_line_with_what_became_of_it() -> None:
    page = render_page(report())
    rows = re.findall(r"<tr><td>(\d+)</td><td><code>(id-\d)</code></td><td>(.*?)</td>", page)
    assert rows == [(str(seq), f"id-{seq}", "dead-lettered") for seq in range(3)]


def test_redriven_message_is_said_to_be_processed_only_when_it_is() -> None:
    redrive = RedriveReport(
        redriven=3,
        deliveries=[Processing(identity=("run", seq), at_ms=START_MS) for seq in (0, 2)],
        left=0,
        was_read_whole=True,
        alarm=RANG,
        problem=None,
    )
    page = render_page(dataclasses.replace(report(), redrive=redrive))
    fates = re.findall(r"<td>dead-lettered, repaired, (.*?)</td>", page)
    assert fates == ["processed", "not processed", "processed"]


def test_broken_verdict_says_why_and_is_escaped() -> None:
    broken = dataclasses.replace(report(), verdict="broken", reason="2 < 3 & so on")
    assert "Broken: 2 &lt; 3 &amp; so on" in render_page(broken)


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
    seen = measured(render_page(report(sent=200, bad=40)), tmp_path, width=360, dark=dark)
    assert int(seen["needs"]) <= 360, "nothing is cut off or needs scrolling sideways"
    assert float(seen["text"]) >= 14
    assert float(seen["chart"]) > 300
    ground, ink = brightness(seen["ground"]), brightness(seen["ink"])
    assert (ground < ink) == dark
    assert abs(ground - ink) > 150
