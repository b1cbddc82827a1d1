"""One self-contained HTML page of a run: what happened when, and where each bad message went."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

import jinja2

from automation.aws.consumer_log import Identity
from automation.foreign_text import printable
from automation.proof import report_chart
from automation.proof.account import DeadLetter
from automation.proof.report import RunReport

# More rows than a person reads; a page of all 105,000 that a run may have would be 15 MB.
MOST_ROWS = 200
# So few can stand open, whatever they are.
OPEN_ROWS = 20


@dataclass(frozen=True, kw_only=True)
class Letters:
    """Messages of the dead-letter queue that are there for one reason, and have one fate.

    Attributes:
        reason: why they are there, and what became of them.
        is_expected: they belong there.
        count: how many there are.
        rows: the first of them, in order: which run (1, 2, …), which number in it, SQS's id; None
            for run and number of a message of somebody else.
    """

    reason: str
    is_expected: bool
    count: int
    rows: Sequence[tuple[int | None, int | None, str]]

    @property
    def left_out(self) -> int:
        """How many have no row."""
        return self.count - len(self.rows)

    @property
    def is_open(self) -> bool:
        """Whether they are shown without being asked for."""
        return not self.is_expected or self.count <= OPEN_ROWS


def render_page(report: RunReport) -> str:
    """The page as HTML text; it loads nothing and holds no message's body."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        finalize=_shown,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report_page.html.j2").render(
        report=report,
        account=report.evidence.account,
        chart=report_chart.draw(report),
        frame={
            "width": report_chart.WIDTH,
            "height": report_chart.HEIGHT,
            "left": report_chart.LEFT,
            "right": report_chart.WIDTH - report_chart.RIGHT,
            "top": report_chart.TOP,
            "bottom": report_chart.HEIGHT - report_chart.BOTTOM,
        },
        steps=_shares(report.timings_seconds),
        groups=group_letters(report),
    )


def group_letters(report: RunReport) -> list[Letters]:
    """The dead letters by what there is to say of them; what does not belong there comes first."""
    number_of = {run_id: number for number, run_id in enumerate(report.run_ids, 1)}
    repaired = report.redrive.processed if report.redrive else None
    groups: dict[tuple[bool, str], list[tuple[int | None, int | None, str]]] = {}
    for letter in report.evidence.dead_letters:
        run = number_of.get(letter.identity[0]) if letter.identity else None
        seq = letter.identity[1] if letter.identity and run else None
        words = _words(letter, repaired, is_stranger=run is None)
        groups.setdefault(words, []).append((run, seq, letter.message_id))
    return [
        Letters(
            reason=reason,
            is_expected=is_expected,
            count=len(rows),
            rows=sorted(rows, key=lambda row: (row[0] or 0, row[1] or 0, row[2]))[:MOST_ROWS],
        )
        for (is_expected, reason), rows in sorted(groups.items())
    ]


def _shown(value: object) -> object:
    """A browser turns the direction of writing too, and shows what is invisible not at all."""
    return printable(value) if isinstance(value, str) else value


def _words(
    letter: DeadLetter, repaired: AbstractSet[Identity] | None, *, is_stranger: bool
) -> tuple[bool, str]:
    """Whether a dead letter belongs there and ended well, and the words for it."""
    if is_stranger:
        return False, "sent by somebody else"
    if letter.has_store_id:
        return False, "good (with store_id), yet dead-lettered"
    if repaired is None:
        return True, "without store_id: dead-lettered"
    is_processed = letter.identity in repaired
    end = "processed" if is_processed else "not processed"
    return is_processed, f"without store_id: dead-lettered, repaired, {end}"


def _shares(timings_seconds: Mapping[str, float]) -> list[dict[str, object]]:
    total = timings_seconds["total"] or 1.0
    return [
        {"name": name, "seconds": spent, "percent": 100 * spent / total}
        for name, spent in timings_seconds.items()
        if name != "total"
    ]
