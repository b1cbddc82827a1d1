"""What continuous integration runs has little leave and an end, and is pinned."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / ".github" / "actions").glob("*/action.yml"))


def read(path: Path) -> Any:
    # YAML 1.1 reads the key `on` as true.
    return yaml.safe_load(path.read_text())


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=lambda path: path.stem)
def test_actions_of_others_are_pinned_by_their_commit_s_hash(path: Path) -> None:
    used = re.findall(r"uses: (\S+)(.*)", path.read_text())
    assert used
    for action, comment in used:
        ours = action.startswith("./")
        assert ours or re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", action), action
        assert ours or re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_jobs_may_only_read_and_come_to_an_end(path: Path) -> None:
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert "concurrency" in workflow
    for name, job in workflow["jobs"].items():
        assert "permissions" not in job, name
        assert job["timeout-minutes"] <= 90, name
        checkouts = [step for step in job["steps"] if "checkout" in step.get("uses", "")]
        assert [step["with"]["persist-credentials"] for step in checkouts] == [False], name


def test_every_target_that_is_run_is_one_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    for target in re.findall(r"run: make ([\w-]+)", text):
        assert re.search(rf"^[\w. -]*\b{target}\b[\w. -]*:", makefile, re.MULTILINE), target


def test_every_python_that_the_package_takes_is_tried() -> None:
    tried = read(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]["test"]["strategy"]["matrix"]
    assert tried["python"] == ["3.11", "3.12", "3.13", "3.14"]
    assert {entry["os"] for entry in tried["include"]} == {"macos-latest"}
