"""A stack for the operator's commands: queues of moto, and nobody who can be asked."""

import dataclasses
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from automation import cli
from automation.aws.clients import Clients
from automation.aws.errors import explained_aws_errors
from automation.operations.deployed import Operated
from automation.target import LOCAL_PACE, Target
from components.outputs import FIELDS, StackOutputs

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def clients() -> Iterator[Clients]:
    with mock_aws():
        yield Clients(session=boto3.Session("test", "test", region_name="us-east-1"))


@pytest.fixture
def operated(clients: Clients, tmp_path: Path) -> Operated:
    dlq = clients.sqs.create_queue(QueueName="the-dlq")["QueueUrl"]
    queue = clients.sqs.create_queue(QueueName="the-queue")["QueueUrl"]
    clients.logs.create_log_group(logGroupName="consumer")
    values: dict[str, Any] = dict.fromkeys(FIELDS, "x") | {
        "alarm_names": (),
        "dlq_url": dlq,
        "dlq_name": "the-dlq",
        "dlq_arn": "arn:aws:sqs:us-east-1:123456789012:the-dlq",
        "queue_url": queue,
        "consumer_log_group_name": "consumer",
        "operator_policy_arn": "arn:policy",
    }

    class FakeTarget:
        name = "local"
        region = "us-east-1"
        __str__ = Target.__str__
        pace = dataclasses.replace(LOCAL_PACE, quiet_seconds=0)

    return Operated(
        stack="s",
        outputs=StackOutputs(**values),
        target=FakeTarget(),  # type: ignore[arg-type]
        clients=clients,
        connections=1,
        home=tmp_path,
    )


@pytest.fixture
def run(
    operated: Operated, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run a command on the stack `operated`, as somebody who can't be asked."""

    @contextmanager
    def opened(*_: object, **__: object) -> Generator[Operated]:
        with explained_aws_errors("s", operated.outputs.operator_policy_arn):
            yield operated

    for command in ("dlq", "logs", "redrive", "send", "status"):
        monkeypatch.setattr(f"automation.commands.{command}.operated_stack", opened)

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main(list(arguments))
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return int(ended.value.code or 0), captured.out, captured.err

    monkeypatch.setenv("PULUMI_STACK", "s")
    return run


@pytest.fixture
def fill(operated: Operated) -> Callable[[int], None]:
    def fill(count: int) -> None:
        for number in range(count):
            operated.clients.sqs.send_message(
                QueueUrl=operated.outputs.dlq_url, MessageBody=f"secret {number}"
            )

    return fill
