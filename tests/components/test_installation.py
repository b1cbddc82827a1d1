"""What other programs install: the component, as the package `reliable_queue`."""

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
import asyncio, runpy, sys
import pulumi

class Cloud(pulumi.runtime.Mocks):
    def new_resource(self, args):
        # One write: each resource comes on a thread of its own.
        sys.stdout.write(args.name + "\\n")
        return args.name, {"arn": "arn:aws:x:y:1:z", "name": args.name, "url": "u", **args.inputs}
    def call(self, args):
        return {}

# From Python 3.14 on there is none until somebody makes it.
asyncio.set_event_loop(asyncio.new_event_loop())
pulumi.runtime.set_mocks(Cloud())
pulumi.runtime.test(lambda: runpy.run_path("program.py") and None)()
assert not {"automation", "boto3", "components"} & set(sys.modules)
"""


@pytest.fixture
def installed(tmp_path: Path, wheel: Path) -> Path:
    """A folder with the built package in it, as an installation would leave it."""
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


def test_nobody_else_s_names_are_in_it(installed: Path) -> None:
    """Above all no `automation` and no `components`, which other packages may be called too."""
    assert sorted(path.name for path in installed.iterdir()) == [
        "reliable_queue",
        "reliable_queue-0.1.0.dist-info",
        "reliable_queue_operations",
    ]
    assert (installed / "reliable_queue" / "py.typed").is_file()
    assert (installed / "reliable_queue" / "outputs.schema.json").is_file()


@pytest.mark.parametrize("folder", ["automation", "components", "functions", "tools"])
def test_the_command_s_copy_of_the_program_is_whole(installed: Path, folder: str) -> None:
    copy = installed / "reliable_queue_operations" / "repository" / folder
    original = files_in(ROOT / folder)
    # They make this repository's environments, and the package's entry; the last is for examples.
    original -= {Path("environment.py"), Path("installed.py"), Path("build_hook.py")}
    left_out = {"audit", "pulumi-language-yaml"}
    original = {path for path in original if path.parts[0] not in left_out}
    assert files_in(copy) == original
    for file in original:
        written, text = (copy / file).read_bytes(), (ROOT / folder / file).read_bytes()
        # Only what is imported has another name.
        assert written.replace(b"from reliable_queue_operations.repository.", b"from ") == text
        assert not re.search(rb"^\s*(from|import) (automation|components)\b", written, re.MULTILINE)


def files_in(folder: Path) -> set[Path]:
    return {
        path.relative_to(folder)
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
