"""The results as JSON, as a table and as a picture."""

import dataclasses
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2

from benchmarks.figures import Figure, Row, Target, median_words, number_words, rows_of

_FOLDER = Path(__file__).resolve().parent
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
EMPTY = f"{BEGIN}\n{END}\n"


@dataclass(frozen=True, kw_only=True)
class Results:
    """Everything that one run has measured.

    Attributes:
        date: the day.
        machine: what it was measured on.
        rounds: values of each figure.
        figures: what was measured.
    """

    date: str
    machine: str
    rounds: int
    figures: Sequence[Figure]


def write_results(results: Results, folder: Path) -> None:
    """Write performance.json and performance.svg into a folder, and the table into its
    performance.md, between the two marks where there is one already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(dataclasses.asdict(results), indent=1) + "\n"
    (folder / "performance.json").write_text(text)
    (folder / "performance.svg").write_text(picture_of(results))
    page = folder / "performance.md"
    page.write_text(with_table(page.read_text() if page.exists() else EMPTY, results))


def with_table(page: str, results: Results) -> str:
    """A page with the results' table between its marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page has no place for the table: {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{table_of(results)}{END}{after}"


def read_results(path: Path) -> Results:
    """The results of a figures.json."""
    read = json.loads(path.read_text())
    figures = [
        Figure(**{**figure, "targets": [Target(**target) for target in figure["targets"]]})
        for figure in read.pop("figures")
    ]
    return Results(**read, figures=figures)


def table_of(results: Results) -> str:
    """All figures in Markdown: the ratios that have targets, then every contender's own value."""
    lines = [
        f"{results.date}, {results.rounds} rounds in turn, medians; {results.machine}.",
        "",
        "| figure | against | ours | theirs | ratio | lowest to highest | wanted |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for figure in results.figures:
        lines += [_line(row) for row in rows_of(figure)]
    lines += ["", "| figure | median (lowest to highest) |", "| --- | --- |"]
    for figure in results.figures:
        values = "; ".join(
            f"{name}: {median_words(found)} ({_spread(min(found), max(found))})"
            for name, found in figure.values.items()
        )
        lines.append(f"| {figure.name}, {figure.unit} | {values} |")
    lines += ["", *(f"- **{figure.name}.** {figure.meaning}" for figure in results.figures)]
    return "\n".join(lines) + "\n"


def _line(row: Row) -> str:
    verdict = row.wanted if row.is_met else f"{row.wanted}, **missed**"
    ratio, spread = number_words(row.median), _spread(row.lowest, row.highest)
    cells = (row.figure, row.against, row.ours, row.baseline, ratio, spread, verdict)
    return f"| {' | '.join(cells)} |"


def _spread(lowest: float, highest: float) -> str:
    return f"{number_words(lowest)} to {number_words(highest)}"


@dataclass(frozen=True, kw_only=True)
class _Bar:
    """One ratio in the picture: how many times better than wanted, on a logarithmic axis."""

    label: str
    words: str
    is_met: bool
    begin: float
    middle: float
    end: float


# Left and right end of the picture's axis: so many times worse or better than wanted.
_AXIS = (0.5, 4.0)


def picture_of(results: Results) -> str:
    """An SVG with one bar for each target that is a ratio: where it lies beside what is wanted."""
    bars = [
        _bar(row, target)
        for figure in results.figures
        for row, target in zip(rows_of(figure), figure.targets, strict=True)
        if target.against is not None
    ]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER), autoescape=True, undefined=jinja2.StrictUndefined
    )
    ticks = [(f"{tick:g}", _place(tick)) for tick in (0.5, 1, 2, 4)]
    return environment.get_template("picture.svg.j2").render(
        bars=bars, ticks=ticks, wanted=_place(1), machine=results.machine, date=results.date
    )


def _bar(row: Row, target: Target) -> _Bar:
    if target.at_least is not None:
        times = [value / target.at_least for value in (row.lowest, row.median, row.highest)]
    elif target.at_most is not None:
        times = [target.at_most / value for value in (row.highest, row.median, row.lowest)]
    else:
        raise ValueError(f"{row.figure}: a target without a bound")
    begin, middle, end = (_place(value) for value in times)
    return _Bar(
        label=f"{row.figure} / {row.against}",
        words=f"{number_words(row.median)} (wanted {row.wanted})",
        is_met=row.is_met,
        begin=begin,
        middle=middle,
        end=end,
    )


def _place(times: float) -> float:
    """Where on the axis, 0 to 1."""
    lowest, highest = (math.log(end) for end in _AXIS)
    return min(1.0, max(0.0, (math.log(times) - lowest) / (highest - lowest)))
