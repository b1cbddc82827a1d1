"""The clock of this machine is set: the verdict is the same."""

import dataclasses
import json
from pathlib import Path

import pytest

from tests.chaos.around.broken_run import Clone

pytestmark = [pytest.mark.chaos, pytest.mark.engine]

# Python imports it in every process that is started; the emulator's is isolated from that. gRPC
# waits by this clock for what it compares with the machine's own, which is not set here.
_SET_CLOCK = """
import sys, time
_time, _began = time.time, time.monotonic()
def set_time():
    is_ours = sys._getframe(1).f_globals.get("__name__", "").startswith(("automation", "botocore"))
    if not is_ours or time.monotonic() - _began <= {after}:
        return _time()
    open({asked!r}, "a").close()
    return _time() + {seconds}
time.time = set_time
"""


@pytest.mark.parametrize("seconds", [-86_400, 86_400])
@pytest.mark.parametrize("after", [0, 4])
def test_verdict_does_not_depend_on_the_clock(
    clone: Clone, tmp_path: Path, seconds: int, after: int
) -> None:
    asked = tmp_path / "asked"
    (tmp_path / "sitecustomize.py").write_text(
        _SET_CLOCK.format(seconds=seconds, after=after, asked=str(asked))
    )
    environment = {**clone.environment, "PYTHONPATH": str(tmp_path)}
    set_clock = dataclasses.replace(clone, environment=environment)
    with set_clock.started("--json", "--messages", "20", "--rate", "unlimited") as run:
        ended = run.end()
    assert asked.exists(), "nobody has looked at the clock that was set"
    assert ended.code == 0, ended
    assert json.loads(ended.output)["verdict"] == "held"
