"""Two commands may use the embedded AWS of one folder; the second waits for nothing half done."""

import fcntl
from pathlib import Path
from typing import Any

import pytest

from automation.local.world import WorldInUseError, embedded_aws


@pytest.mark.parametrize("written", [None, "", '{"provider_po'])
def test_world_that_is_just_starting_is_said_to_be(tmp_path: Path, written: str | None) -> None:
    engine: Any = None
    if written is not None:
        (tmp_path / "running.json").write_text(written)
    with (tmp_path / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with (
            pytest.raises(WorldInUseError, match="just starting or ending"),
            embedded_aws(tmp_path, engine=lambda: engine, keeps_state=True),
        ):
            pytest.fail("it joined")
