"""A function's folder is what ships: it imports itself and its layer, and shadows nothing."""

import ast
import sys
from pathlib import Path

import pytest

FUNCTIONS = Path(__file__).parents[2] / "functions"
FOLDERS = ("consumer", "producer")
LAYER = {"aws_lambda_powertools", "boto3", "botocore", "urllib3"}
# For the type checker only: never imported where a function runs.
TYPES = {"mypy_boto3_sqs"}


def list_modules(folder: str) -> set[str]:
    return {path.stem for path in (FUNCTIONS / folder).glob("*.py")}


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_function_imports_only_its_folder_its_layer_and_the_standard_library(folder: str):
    imported: set[str] = set()
    for path in (FUNCTIONS / folder).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, "Lambda imports a handler's module without a package"
                imported.add((node.module or "").partition(".")[0])
    assert imported - LAYER - TYPES - sys.stdlib_module_names <= list_modules(folder)


def test_no_module_has_the_name_of_another():
    consumer, producer = (list_modules(folder) for folder in FOLDERS)
    assert consumer
    assert producer
    assert consumer.isdisjoint(producer)
    assert (consumer | producer).isdisjoint(LAYER | sys.stdlib_module_names)
