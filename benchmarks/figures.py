"""What a benchmark finds: each contender's values in the same run, and the ratios that count."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

OURS = "ours"


@dataclass(frozen=True, kw_only=True)
class Target:
    """What our value should be against a baseline's, or by itself.

    Attributes:
        against: the contender that ours is divided by; None (default) for our value itself.
        at_least, at_most: the bounds that are wanted; None (default) for none.
    """

    against: str | None = None
    at_least: float | None = None
    at_most: float | None = None

    def is_met_by(self, value: float) -> bool:
        """Whether a value is within the bounds."""
        return (self.at_least is None or value >= self.at_least) and (
            self.at_most is None or value <= self.at_most
        )

    @property
    def words(self) -> str:
        """The bounds as a reader sees them; nothing without any."""
        bounds = [
            f"{sign} {bound:g}"
            for sign, bound in (("≥", self.at_least), ("≤", self.at_most))
            if bound is not None
        ]
        return " and ".join(bounds)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One thing that was measured, several times, for us and for others in turn.

    Attributes:
        name: what it is.
        unit: of the values, such as "messages/s".
        meaning: what it says to somebody who has a queue.
        values: for each contender one value a round; ours is called "ours".
        targets: what is wanted.
    """

    name: str
    unit: str
    meaning: str
    values: Mapping[str, Sequence[float]]
    targets: Sequence[Target]

    def ratios(self, target: Target) -> list[float]:
        """Of each round, what the target is about: a machine's speed drifts between rounds."""
        ours = self.values[OURS]
        if target.against is None:
            return list(ours)
        return [a / b for a, b in zip(ours, self.values[target.against], strict=True)]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table: a figure against one baseline, or by itself."""

    figure: str
    against: str
    ours: str
    baseline: str
    median: float
    lowest: float
    highest: float
    wanted: str
    is_met: bool


def rows_of(figure: Figure) -> list[Row]:
    """A figure's lines of the table, one a target."""
    rows: list[Row] = []
    for target in figure.targets:
        ratios = figure.ratios(target)
        median = statistics.median(ratios)
        baseline = figure.values[target.against] if target.against else None
        rows.append(
            Row(
                figure=figure.name,
                against=target.against or "",
                ours=f"{median_words(figure.values[OURS])} {figure.unit}",
                baseline=f"{median_words(baseline)} {figure.unit}" if baseline else "",
                median=median,
                lowest=min(ratios),
                highest=max(ratios),
                wanted=target.words,
                is_met=target.is_met_by(median),
            )
        )
    return rows


def median_words(values: Sequence[float]) -> str:
    """The median of values in words."""
    return number_words(statistics.median(values))


def number_words(value: float) -> str:
    """A number to three digits that count, or whole."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
