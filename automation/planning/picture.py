"""A backlog as an SVG picture, and as columns of a terminal's blocks."""

import itertools
from html import escape

from automation.planning.backlog import Backlog
from automation.ticks import round_ticks

_WIDTH, _HEIGHT = 720, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 40, 40
_BLOCKS = " ▁▂▃▄▅▆▇█"


def backlog_at(found: Backlog, seconds: float) -> float:
    """Messages that wait at a time."""
    for before, after in itertools.pairwise(found.moments):
        if before.seconds <= seconds < after.seconds:
            part = (seconds - before.seconds) / (after.seconds - before.seconds)
            return before.messages + part * (after.messages - before.messages)
    return 0.0


def columns(found: Backlog, *, width: int, height: int) -> list[str]:
    """Lines of blocks, the highest first; each column is the backlog in the middle of its time."""
    until = found.moments[-1].seconds
    values = [backlog_at(found, (column + 0.5) * until / width) for column in range(width)]
    top = max(found.peak, 1.0)
    eighths = [round(value / top * height * 8) for value in values]
    return [
        "".join(_BLOCKS[max(0, min(8, level - 8 * row))] for level in eighths)
        for row in reversed(range(height))
    ]


def backlog_svg(found: Backlog, title: str) -> str:
    """One self-contained picture: what waits, over the seconds since the load began."""
    until, peak = max(found.moments[-1].seconds, 1.0), max(found.peak, 1.0)
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def x(seconds: float) -> str:
        return f"{_LEFT + seconds / until * width:.1f}"

    def y(messages: float) -> str:
        return f"{_TOP + (1 - messages / peak) * height:.1f}"

    points = " ".join(f"{x(at.seconds)},{y(at.messages)}" for at in found.moments)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{_LEFT}" y="20" font-size="14">{escape(title)}</text>',
    ]
    for value in _ticks(peak):
        lines.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(value)}" y2="{y(value)}" '
            'stroke="#dddddd"/>'
        )
        lines.append(
            f'<text x="{_LEFT - 6}" y="{y(value)}" dy="4" text-anchor="end">{value:,.0f}</text>'
        )
    for value in _ticks(until):
        lines.append(
            f'<text x="{x(value)}" y="{_HEIGHT - 20}" text-anchor="middle">{value:,.0f} s</text>'
        )
    lines.append(f'<polyline points="{points}" fill="none" stroke="#1f6feb" stroke-width="2"/>')
    return "\n".join([*lines, "</svg>", ""])


def _ticks(highest: float) -> list[float]:
    """The round numbers that are in the picture, which ends at its highest value."""
    return [tick for tick in round_ticks(highest) if tick <= highest]
