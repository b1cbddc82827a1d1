"""What Lambda gives a function: its environment and a context."""

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from hypothesis import settings
from moto import mock_aws

# The functions make their clients when they are imported, as Lambda does, so this comes before.
os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "tests")
# Lambda puts a function's folder on the path; here both are there, so no two modules in them may
# have one name.
FUNCTIONS = Path(__file__).parents[2] / "functions"
sys.path[:0] = [str(FUNCTIONS / "consumer"), str(FUNCTIONS / "producer")]

# How long an example takes says something about the machine's load, not about the code.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@dataclass
class FakeContext:
    """The parts of Lambda's context that the functions and Powertools read."""

    remaining_milliseconds: int = 60_000
    function_name: str = "function"
    memory_limit_in_mb: int = 128
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:123456789012:function:function"
    aws_request_id: str = "11111111-2222-3333-4444-555555555555"
    tenant_id: str | None = None

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_milliseconds


@pytest.fixture
def lambda_context() -> FakeContext:
    return FakeContext()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An SQS client of an AWS that moto plays."""
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        yield boto3.client("sqs", region_name="eu-central-1")


@pytest.fixture
def start_worker(monkeypatch: pytest.MonkeyPatch) -> Callable[[ModuleType], Any]:
    """Import a function's modules once more, as a new worker with the present environment does."""

    def start(function: ModuleType) -> Any:
        for path in Path(function.__file__ or "").parent.glob("*.py"):
            monkeypatch.delitem(sys.modules, path.stem, raising=False)
        return importlib.import_module(function.__name__)

    return start
