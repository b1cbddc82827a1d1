"""The import directions of the repository, and that a wrong import is found."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
PACKAGES = ("automation", "components", "functions")


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    linter = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [linter, "--no-cache", "--no-logo", "--config", "pyproject.toml"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_imports_point_one_way() -> None:
    result = lint_imports(REPOSITORY)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        (
            "functions/consumer/consumer.py",
            "import components.limits",
            "functions.consumer.consumer -> components.limits",
        ),
        (
            "functions/producer/producer.py",
            "import pulumi",
            "functions.producer.producer -> pulumi",
        ),
        (
            "components/outputs.py",
            "import automation.errors",
            "components.outputs -> automation.errors",
        ),
        ("components/limits.py", "import pulumi", "components.limits -> pulumi"),
        (
            "automation/proof/account.py",
            "import components.reliable_queue",
            "automation.proof.account -> components.reliable_queue",
        ),
        (
            "automation/proof/account.py",
            "from components import ReliableQueue",
            "automation.proof.account -> components",
        ),
        (
            "automation/stacks.py",
            "import automation.local.emulator",
            "automation.stacks -> automation.local.emulator",
        ),
        (
            "automation/local/world.py",
            "import functions.consumer.consumer",
            "automation.local.world -> functions.consumer.consumer",
        ),
    ],
)
def test_wrong_import_is_found(tmp_path: Path, module: str, line: str, broken: str) -> None:
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    for package in PACKAGES:
        shutil.copytree(
            REPOSITORY / package,
            tmp_path / package,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    with (tmp_path / module).open("a") as source:
        source.write(f"\n{line}\n")
    result = lint_imports(tmp_path)
    assert result.returncode == 1
    assert broken in " ".join(result.stdout.split())
