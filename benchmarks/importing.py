"""What a worker of the consumer has to import before its first record."""

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.embedded import OUR_FUNCTIONS
from benchmarks.figures import OURS, Figure, Target

BOTO3 = "import boto3"
# Lambda gives a function 1 vCPU for 1,769 MB: Lambda Developer Guide, "Configure Lambda function
# memory". While it imports, it has a whole one.
SHARE_OF_256_MB = 256 / 1769


def importing(rounds: int) -> Figure:
    """Processor seconds of the imports; they are what a cold start waits for."""
    values: dict[str, list[float]] = {OURS: [], BOTO3: []}
    for _ in range(rounds):
        for name, statement in ((OURS, "import consumer"), (BOTO3, "import boto3")):
            values[name].append(1000 * processor_seconds(statement))
    return Figure(
        name="import of the consumer",
        unit="ms of processor",
        meaning="What a cold start takes beside Lambda's own part of it.",
        values=values,
        targets=[Target(against=BOTO3, at_most=1.2)],
    )


def first_failure(rounds: int) -> Figure:
    """Processor seconds of what is left for the first record that fails, at the share of 256 MB."""
    values: dict[str, list[float]] = {OURS: [], "a client made while importing": []}
    for _ in range(rounds):
        client = processor_seconds("back_off.sqs_client()", before="import back_off")
        values[OURS].append(client / SHARE_OF_256_MB)
        values["a client made while importing"].append(client)
    return Figure(
        name="the SQS client: at the first failure, or at every cold start",
        unit="s",
        meaning="The client is made when the first record fails, and that record's batch waits so "
        "long for it, once in a worker's life; made while importing, each cold start would.",
        values=values,
        targets=[],
    )


def processor_seconds(statement: str, before: str = "") -> float:
    """Of a statement in a Python of its own that has nothing imported but what is said."""
    program = (
        f"import time\n{before}\nbegan = time.process_time()\n{statement}\n"
        "print(time.process_time() - began)\n"
    )
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(OUR_FUNCTIONS / "consumer"),
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        cwd=Path(__file__).parent,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return float(ended.stdout)
