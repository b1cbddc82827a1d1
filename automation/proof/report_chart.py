"""The picture of a run: both queues' depths, what was processed, and when the alarm rang."""

from collections.abc import Sequence
from dataclasses import dataclass

from automation.aws.consumer_log import Identity
from automation.proof.report import RunReport
from automation.ticks import round_ticks

# The picture's own units; it is drawn as wide as the page is.
WIDTH, HEIGHT = 480, 240
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 22, 28

Points = Sequence[tuple[float, int]]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One line of the picture.

    Attributes:
        name: what it shows; also the class that colours it.
        points: SVG coordinates, `x,y x,y …`.
        most: its highest value, in messages.
    """

    name: str
    points: str
    most: int


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A place on an axis and the number there."""

    at: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Chart:
    """What the template draws.

    Attributes:
        curves: the lines.
        seconds_ticks, messages_ticks: the axes.
        alarm: when the alarm rang; None when it did not.
        seconds: how long it all took.
    """

    curves: Sequence[Curve]
    seconds_ticks: Sequence[Tick]
    messages_ticks: Sequence[Tick]
    alarm: Tick | None
    seconds: float

    def most(self, name: str) -> int:
        """The highest value of a curve."""
        return next(curve.most for curve in self.curves if curve.name == name)


def draw(report: RunReport) -> Chart:
    """Place a run's curves; a run of which nothing could be seen has empty ones."""
    deliveries = report.redrive.deliveries if report.redrive else report.evidence.processed
    began_ms = min((happened.at_ms for happened in (*report.depths, *deliveries)), default=0)

    def since(at_ms: int) -> float:
        return (at_ms - began_ms) / 1000

    rang_at_ms = report.alarm.rang_at_ms
    # What CloudWatch says is rounded, and may be a moment before what was seen first.
    rang = None if rang_at_ms is None or not began_ms else max(0.0, since(rang_at_ms))
    first_done = sorted(_first_done_ms(report).values())
    series: dict[str, Points] = {
        "waiting": [(since(sample.at_ms), sample.queue.total) for sample in report.depths],
        "processed": [(since(at_ms), number) for number, at_ms in enumerate(first_done, 1)],
        "dead": [(since(sample.at_ms), sample.dlq.total) for sample in report.depths],
    }
    seconds = max([rang or 0.0, *(at for points in series.values() for at, _ in points)]) or 1.0
    most = max((count for points in series.values() for _, count in points), default=0)
    messages_ticks = round_ticks(most, smallest_step=1)
    top = messages_ticks[-1]
    return Chart(
        curves=[_curve(name, points, seconds, top) for name, points in series.items()],
        seconds_ticks=[
            Tick(at=_x(tick, seconds), text=_words(tick))
            for tick in round_ticks(seconds)
            if tick <= seconds
        ],
        messages_ticks=[Tick(at=_y(tick, top), text=_words(tick)) for tick in messages_ticks],
        alarm=None if rang is None else Tick(at=_x(rang, seconds), text=f"{rang:.1f}"),
        seconds=seconds,
    )


def _first_done_ms(report: RunReport) -> dict[Identity, int]:
    deliveries = report.redrive.deliveries if report.redrive else report.evidence.processed
    own = frozenset(report.run_ids)
    first: dict[Identity, int] = {}
    for done in deliveries:
        if done.identity[0] in own:
            first[done.identity] = min(first.get(done.identity, done.at_ms), done.at_ms)
    return first


def _curve(name: str, points: Points, seconds: float, top: float) -> Curve:
    """A staircase, because a count is what it is until it changes."""
    # A place has one value, the last: there is no more to see of a hundred thousand messages.
    values = {f"{_x(at, seconds):.1f}": count for at, count in [(0.0, 0), *points]}
    last = points[-1][1] if points else 0
    placed: list[str] = []
    y = _y(0, top)
    for x, count in [*values.items(), (f"{_x(seconds, seconds):.1f}", last)]:
        placed.append(f"{x},{y:.1f}")
        y = _y(count, top)
        placed.append(f"{x},{y:.1f}")
    return Curve(
        name=name, points=" ".join(placed), most=max((count for _, count in points), default=0)
    )


def _x(seconds: float, of: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * seconds / of


def _y(messages: float, of: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * messages / of


def _words(tick: float) -> str:
    return f"{tick:,.10g}"
