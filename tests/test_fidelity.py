"""docs/fidelity.md names a source, modules and tests for every rule, and they exist."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
TESTS = REPOSITORY / "tests"
HEADER = ["Rule", "Source", "Who relies on it", "Held by", "Embedded AWS"]
SERVICES = [
    *("SQS", "Lambda and its SQS mapping", "CloudWatch Logs", "CloudWatch alarms"),
    *("SNS", "DynamoDB", "KMS", "IAM", "Clients and network"),
]

_TEXT = (REPOSITORY / "docs" / "fidelity.md").read_text()
_RULES, _, _REST = _TEXT.partition("\n## What the embedded AWS corrects\n")
_LINES = [line for line in _RULES.splitlines() if line.startswith("|")]

# No rules of AWS, but how the model works.
OF_THE_MODEL_ITSELF = [
    "unkind/test_faults.py::test_drawn_faults_meet_some_requests",
    "unkind/test_faults.py::test_every_passing_fault_can_be_raised",
    "unkind/test_faults.py::test_killed_process_has_no_effect_any_more",
    "unkind/test_logs.py::test_reading_begins_at_a_time",
    "unkind/test_mapping.py::test_consumer_logs_what_the_projects_own_does",
    "unkind/test_mapping.py::test_message_sent_later_is_processed",
    "unkind/test_mapping.py::test_silent_consumer_processes_and_says_nothing",
    "unkind/test_sqs.py::test_deep_queue_costs_no_more_for_each_receive",
    "unkind/test_sqs.py::test_unkind_world_loses_nothing_by_itself",
]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split(" | ")]


def named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@cache
def functions_in(file: Path) -> set[str]:
    tree = ast.parse(file.read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


ROWS = [row for row in map(cells, _LINES) if row != HEADER and set(row[0]) != {"-"}]


def test_every_service_has_its_table() -> None:
    assert re.findall(r"^## (.+)$", _RULES, re.MULTILINE) == SERVICES
    assert len(ROWS) > 100
    assert "\n### What remains different\n" in _REST


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:60])
def test_rule_has_a_source_and_what_it_names_exists(row: list[str]) -> None:
    assert len(row) == len(HEADER)
    _, source, modules, tests, embedded = row
    assert re.search(
        r"(Guide|API|Reference|reference|re:Post|botocore)\b|^(aws-recorded|reported|measured): "
        r"|^aws-recorded \(|^no source found; assumed",
        source,
    )
    assert embedded
    assert named(modules)
    assert [name for name in named(modules) if not (REPOSITORY / name).is_file()] == []
    assert named(tests)
    for name in named(tests):
        file, _, test = name.partition("::")
        assert test.startswith("test_")
        assert test in functions_in(TESTS / file), name


def test_every_module_of_limits_is_relied_on_in_some_row() -> None:
    modules = {path.name for path in (REPOSITORY / "components" / "limits").glob("[!_]*.py")}
    used = {Path(name).name for row in ROWS for name in named(row[2]) if "/limits/" in name}
    # It knows ranges, and nothing of AWS.
    assert modules - used == {"ranges.py"}


def test_every_rule_of_the_unkind_world_has_a_row() -> None:
    used = {name for row in ROWS for name in named(row[3])}
    missing = [
        f"unkind/{file.name}::{test}"
        for file in sorted((TESTS / "unkind").glob("test_*.py"))
        if file.stem in ("test_sqs", "test_mapping", "test_move_tasks", "test_logs", "test_faults")
        for test in functions_in(file)
        if test.startswith("test_") and f"unkind/{file.name}::{test}" not in used
    ]
    assert sorted(missing) == OF_THE_MODEL_ITSELF
