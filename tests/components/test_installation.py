"""What other programs install: the component alone, as the package `reliable_queue`."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# The README's program, with a stand-in for the engine that names what is registered.
PROGRAM = """
import runpy, sys
import pulumi

class Cloud(pulumi.runtime.Mocks):
    def new_resource(self, args):
        # One write: each resource comes on a thread of its own.
        sys.stdout.write(args.name + "\\n")
        return args.name, {"arn": "arn:aws:x:y:1:z", "name": args.name, "url": "u", **args.inputs}
    def call(self, args):
        return {}

pulumi.runtime.set_mocks(Cloud())
pulumi.runtime.test(lambda: runpy.run_path("program.py") and None)()
assert not {"automation", "boto3", "components"} & set(sys.modules)
"""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with the built package in it, as an installation would leave it."""
    build = ("wheel", str(ROOT), "--no-deps", "--no-build-isolation", "--quiet")
    subprocess.run(
        [sys.executable, "-m", "pip", *build, "--wheel-dir", str(tmp_path)],
        check=True,
        timeout=120,
    )
    (wheel,) = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    return tmp_path / "installed"


def test_the_program_in_the_readme_runs_elsewhere(installed: Path) -> None:
    elsewhere = installed.parent
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (elsewhere / "program.py").write_text(program)
    (elsewhere / "consumer").mkdir()
    (elsewhere / "consumer" / "orders.py").write_text("def handler(event, context): ...\n")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=elsewhere,
        env={**os.environ, "PYTHONPATH": str(installed)},
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert {"orders-queue", "orders-dlq", "orders-mapping"} <= set(done.stdout.split())


def test_nothing_else_is_in_it(installed: Path) -> None:
    package, about = sorted(path.name for path in installed.iterdir())
    assert (package, about) == ("reliable_queue", "reliable_queue-0.1.0.dist-info")
    assert (installed / "reliable_queue" / "py.typed").is_file()
    assert (installed / "reliable_queue" / "outputs.schema.json").is_file()
