"""The layer's requirements: pinned with hashes, and the versions that the tests ran with."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PIN = re.compile(r"^([a-z0-9-]+)==(\S+)((?: \\\n    --hash=sha256:[0-9a-f]{64})+)$", re.MULTILINE)


def read_pins(path: Path) -> dict[str, str]:
    return {name: version for name, version, _ in PIN.findall(path.read_text())}


def test_the_layer_holds_what_the_tests_ran_with():
    layer, lock = (
        read_pins(ROOT / "functions/requirements.txt"),
        read_pins(ROOT / "requirements.lock"),
    )
    assert layer
    assert layer == {name: lock.get(name) for name in layer}


def test_every_line_is_a_pin_with_hashes():
    text = (ROOT / "functions/requirements.txt").read_text()
    left = [line for line in PIN.sub("", text).splitlines() if line and not line.startswith("#")]
    assert left == []
