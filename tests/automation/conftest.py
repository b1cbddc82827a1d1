"""A stack for the operator's commands: queues of moto, and nobody who can be asked."""

import dataclasses
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from automation import cli
from automation.aws.clients import Clients
from automation.aws.errors import explained_aws_errors
from automation.local.emulator import running_emulator
from automation.operations.operated import Operated
from automation.operations.wiring import Consumer, Queue, Wiring
from automation.target import LOCAL_PACE, Account

EMULATOR_REGION = "eu-west-1"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def endpoint_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An embedded AWS for the tests of a file, each of which takes an account of its own."""
    with running_emulator(tmp_path_factory.mktemp("aws"), region=EMULATOR_REGION) as emulator:
        yield emulator.endpoint_url


@pytest.fixture
def clients() -> Iterator[Clients]:
    with mock_aws():
        yield Clients(session=boto3.Session("test", "test", region_name="us-east-1"))


@pytest.fixture
def operated(clients: Clients, tmp_path: Path) -> Operated:
    dlq = clients.sqs.create_queue(QueueName="the-dlq")["QueueUrl"]
    queue = clients.sqs.create_queue(QueueName="the-queue")["QueueUrl"]
    clients.logs.create_log_group(logGroupName="consumer")
    arns = "arn:aws:sqs:us-east-1:123456789012"
    the_queue = Queue(url=queue, arn=f"{arns}:the-queue", name="the-queue")
    wiring = Wiring(
        selected="stack s",
        queue=the_queue,
        dlq=Queue(url=dlq, arn=f"{arns}:the-dlq", name="the-dlq"),
        sources=(the_queue,),
        consumers=(Consumer(function_name="x", log_group="consumer"),),
        operator_policy_arn="arn:policy",
    )
    account = Account(
        name="local",
        account_id="123456789012",
        region="us-east-1",
        clients=clients,
        pace=dataclasses.replace(LOCAL_PACE, quiet_seconds=0),
    )
    return Operated(
        wiring=wiring,
        account=account,
        clients=clients,
        connections=1,
        home=tmp_path,
    )


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Run:
    """Call the command line; returns exit code, standard output and standard error."""

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main(list(arguments))
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return int(ended.value.code or 0), captured.out, captured.err

    return call


@pytest.fixture
def run(operated: Operated, monkeypatch: pytest.MonkeyPatch, call: Run) -> Run:
    """Run a command on the stack `operated`, as somebody who can't be asked."""

    @contextmanager
    def opened(*_: object, **__: object) -> Generator[Operated]:
        with explained_aws_errors("stack s", operated.wiring.operator_policy_arn):
            yield operated

    for command in ("dlq", "logs", "purge", "redrive", "send", "status"):
        monkeypatch.setattr(f"automation.commands.{command}.operated_queue", opened)
    monkeypatch.setenv("PULUMI_STACK", "s")
    return call


@pytest.fixture
def fill(operated: Operated) -> Callable[[int], None]:
    def fill(count: int) -> None:
        for number in range(count):
            operated.clients.sqs.send_message(
                QueueUrl=operated.dlq.url, MessageBody=f"secret {number}"
            )

    return fill


@pytest.fixture
def thorough_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every request goes through botocore; that the frequent ones are refused alike is tested
    beside them.
    """
    monkeypatch.setattr("automation.aws.clients.quicken", lambda *_: None)
