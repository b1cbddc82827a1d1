"""What SECURITY.md promises is held by tests that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_line_names_a_test_that_is_there_or_says_who_else_looks() -> None:
    page = (ROOT / "SECURITY.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    held = [row.rstrip(" |").rpartition(" | ")[2] for row in rows]
    lines = [last for last in held if last != "Test" and not set(last) <= set("-| ")]
    assert len(lines) > 15
    for last in lines:
        names = re.findall(r"`([\w/]+\.py)`", last)
        assert names or last in ("the same", "`make lint`", "CI"), last
        for name in names:
            assert (ROOT / "tests" / name).is_file(), name
