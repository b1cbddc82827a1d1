"""The page of the local provider lists every resource type that it knows, and no other."""

import re
from pathlib import Path

from automation.local.resources.catalogue import RESOURCE_TYPES

PAGE = Path(__file__).parents[2] / "docs" / "local-provider.md"


def test_the_page_lists_every_type() -> None:
    table = PAGE.read_text().partition("## What it knows")[2].partition("\n## ")[0]
    cells = [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| `")]
    listed = [token for cell in cells for token in re.findall(r"`(aws:[^`]+)`", cell)]
    assert sorted(listed) == sorted(RESOURCE_TYPES)
