"""One self-contained HTML page of a run: what happened when, and where each bad message went."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2

from automation.aws.consumer_log import Identity
from automation.proof.account import DeadLetter
from automation.proof.redrive import RedriveReport
from automation.proof.report import RunReport

# The chart's own units; it is drawn as wide as the page is.
_WIDTH, _HEIGHT = 480, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 12, 28


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One line of the chart.

    Attributes:
        name: what it shows; also the class that colours it.
        points: SVG coordinates, `x,y x,y …`.
        last: its last value, in messages.
    """

    name: str
    points: str
    last: int


@dataclass(frozen=True, kw_only=True)
class BadMessage:
    """Where one message of the dead-letter queue came from, and went.

    Attributes:
        seq: its number in the producer's run; None for a message of somebody else.
        message_id: SQS's id.
        fate: in words.
    """

    seq: int | None
    message_id: str
    fate: str


def render_page(report: RunReport) -> str:
    """The page as HTML text; it loads nothing and holds no message's body."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    series = _series(report)
    seconds = max((at for points in series.values() for at, _ in points), default=1.0) or 1.0
    messages = max((count for points in series.values() for _, count in points), default=1) or 1
    return environment.get_template("report_page.html.j2").render(
        report=report,
        account=report.evidence.account,
        curves=[_curve(name, points, seconds, messages) for name, points in series.items()],
        ticks=_ticks(seconds, messages),
        frame={"width": _WIDTH, "height": _HEIGHT, "left": _LEFT, "bottom": _HEIGHT - _BOTTOM},
        steps=_shares(report.timings_seconds),
        bad_messages=_bad_messages(report),
    )


def _series(report: RunReport) -> dict[str, list[tuple[float, int]]]:
    """Each curve's (seconds since the first sample, messages)."""
    deliveries = report.redrive.deliveries if report.redrive else report.evidence.processed
    # There is nothing at all when no sample could be taken and nothing was processed.
    began_ms = min((happened.at_ms for happened in (*report.depths, *deliveries)), default=0)
    first_done: dict[Identity, int] = {}
    for processing in deliveries:
        if processing.identity[0] in report.run_ids:
            known = first_done.get(processing.identity, processing.at_ms)
            first_done[processing.identity] = min(known, processing.at_ms)

    def since(at_ms: int) -> float:
        return (at_ms - began_ms) / 1000

    return {
        "waiting": [(since(sample.at_ms), sample.queue.total) for sample in report.depths],
        "processed": [
            (since(at_ms), number) for number, at_ms in enumerate(sorted(first_done.values()), 1)
        ],
        "dead": [(since(sample.at_ms), sample.dlq.total) for sample in report.depths],
    }


def _curve(name: str, points: Sequence[tuple[float, int]], seconds: float, messages: int) -> Curve:
    """A staircase, because a count is what it is until it changes."""
    placed: list[str] = []
    last_y = _y(0, messages)
    for at, count in [(0.0, 0), *points, (seconds, points[-1][1] if points else 0)]:
        x, y = _x(at, seconds), _y(count, messages)
        placed += [f"{x:.1f},{last_y:.1f}", f"{x:.1f},{y:.1f}"]
        last_y = y
    return Curve(name=name, points=" ".join(placed), last=points[-1][1] if points else 0)


def _x(seconds: float, of: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * seconds / of


def _y(messages: int, of: int) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * messages / of


def _ticks(seconds: float, messages: int) -> dict[str, list[dict[str, object]]]:
    parts = (0.0, 0.25, 0.5, 0.75, 1.0)
    return {
        "x": [
            {"at": _x(seconds * part, seconds), "text": f"{seconds * part:.1f}"} for part in parts
        ],
        "y": [
            {"at": _y(round(messages * part), messages), "text": str(round(messages * part))}
            for part in (0.0, 0.5, 1.0)
        ],
    }


def _shares(timings_seconds: Mapping[str, float]) -> list[dict[str, object]]:
    total = timings_seconds["total"] or 1.0
    return [
        {"name": name, "seconds": spent, "percent": 100 * spent / total}
        for name, spent in timings_seconds.items()
        if name != "total"
    ]


def _bad_messages(report: RunReport) -> list[BadMessage]:
    found = [
        BadMessage(
            seq=letter.identity[1] if letter.identity else None,
            message_id=letter.message_id,
            fate=_fate(letter, report.redrive),
        )
        for letter in report.evidence.dead_letters
    ]
    return sorted(found, key=lambda message: (message.seq is None, message.seq or 0))


def _fate(letter: DeadLetter, redrive: RedriveReport | None) -> str:
    if letter.has_store_id:
        return "good, yet dead-lettered"
    if redrive is None:
        return "dead-lettered"
    is_processed = letter.identity in redrive.processed
    return f"dead-lettered, repaired, {'processed' if is_processed else 'not processed'}"
