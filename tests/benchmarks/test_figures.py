"""What the benchmarks say of what they have measured."""

from pathlib import Path

import pytest

from benchmarks.figures import Figure, Target, rows_of
from benchmarks.showing import (
    EMPTY,
    Results,
    picture_of,
    read_results,
    table_of,
    with_table,
    write_results,
)

DOCS = Path(__file__).parents[2] / "docs"
FIGURE = Figure(
    name="producer",
    unit="messages/s",
    meaning="Load.",
    values={"ours": [900.0, 1000.0, 1100.0], "loop": [1000.0, 500.0, 1000.0]},
    targets=[Target(against="loop", at_least=1.05), Target(at_most=999)],
)
RESULTS = Results(date="2026-01-02", machine="a machine", rounds=3, figures=[FIGURE])


def test_a_ratio_is_of_values_of_one_round():
    against_loop, by_itself = rows_of(FIGURE)
    # 0.9, 2.0 and 1.1: not the ratio of the medians, which is 1.
    assert (against_loop.median, against_loop.lowest, against_loop.highest) == (1.1, 0.9, 2.0)
    assert (against_loop.is_met, by_itself.is_met) == (True, False)
    assert by_itself.median == 1000


def test_rounds_that_have_no_partner_are_no_ratio():
    uneven = Figure(
        name="x", unit="s", meaning="", values={"ours": [1.0, 2.0], "loop": [1.0]}, targets=[]
    )
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        uneven.ratios(Target(against="loop"))


def test_the_table_says_what_was_missed():
    told = [line for line in table_of(RESULTS).splitlines() if "missed" in line]
    assert told == [
        "| producer |  | 1,000 messages/s |  | 1,000 | 900 to 1,100 | ≤ 999, **missed** |"
    ]


def test_the_picture_says_in_words_what_it_shows():
    assert "producer / loop: 1.1 (wanted ≥ 1.05)" in picture_of(RESULTS)


def test_results_are_read_as_they_were_written_and_only_the_table_of_a_page_changes(tmp_path: Path):
    page = tmp_path / "performance.md"
    page.write_text(f"before\n{EMPTY}after\n")
    write_results(RESULTS, tmp_path)
    write_results(RESULTS, tmp_path)
    assert read_results(tmp_path / "performance.json") == RESULTS
    assert page.read_text().startswith("before\n")
    assert page.read_text().endswith("after\n")
    assert page.read_text().count("| producer |") == 2


def test_a_page_without_a_place_for_the_table_is_refused():
    with pytest.raises(ValueError, match="no place"):
        with_table("nothing", RESULTS)


def test_the_page_shows_the_results_that_lie_beside_it():
    page = (DOCS / "performance.md").read_text()
    results = read_results(DOCS / "performance.json")
    assert with_table(page, results) == page
    assert (DOCS / "performance.svg").read_text() == picture_of(results)
