"""The example of docs/testing.md is the file, and short."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_page_shows_the_example_as_it_is() -> None:
    page = (ROOT / "docs" / "testing.md").read_text()
    (shown,) = re.findall(
        r"<!-- example: (\S+) -->\n```python\n(.*?)```\n", page, re.MULTILINE | re.DOTALL
    )
    path, text = shown
    assert text == (ROOT / path).read_text()
    assert len(text.splitlines()) < 30
