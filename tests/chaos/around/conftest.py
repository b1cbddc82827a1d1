"""What is broken here runs from a clone of its own."""

from pathlib import Path

import pytest

from tests.chaos.around.broken_run import Clone, new_clone


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return new_clone(tmp_path)
