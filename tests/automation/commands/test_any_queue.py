"""The commands on queues that were made with boto3 alone, and each command of docs/any-queue.md."""

import json
import os
import re
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from automation import cli
from automation.aws.clients import Clients
from automation.target import LOCAL_PACE

from .pages import Run, commands_of, run_command

COMMANDS = commands_of("any-queue.md")
REGION = "eu-west-1"


@dataclass(frozen=True)
class Shop:
    """Queues in an account of the test's own."""

    clients: Clients
    account_id: str

    def create(self, name: str, dlq: str | None = None) -> str:
        attributes: dict[str, Any] = {"VisibilityTimeout": "0"}
        if dlq:
            target = f"arn:aws:sqs:{REGION}:{self.account_id}:{dlq}"
            policy = {"deadLetterTargetArn": target, "maxReceiveCount": 1}
            attributes["RedrivePolicy"] = json.dumps(policy)
        return self.clients.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]

    def url(self, name: str) -> str:
        return self.clients.sqs.get_queue_url(QueueName=name)["QueueUrl"]

    def fail(self, name: str, count: int) -> None:
        """Send to a queue, and receive until SQS has given up on all of it."""
        sqs, url = self.clients.sqs, self.url(name)
        for number in range(count):
            sqs.send_message(QueueUrl=url, MessageBody=f"secret {name} {number}")
        # One receive is allowed; the next one moves.
        while sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            pass
        assert self.count(name) == 0

    def count(self, name: str) -> int:
        answer = self.clients.sqs.get_queue_attributes(
            QueueUrl=self.url(name), AttributeNames=["All"]
        )["Attributes"]
        return int(answer["ApproximateNumberOfMessages"]) + int(
            answer["ApproximateNumberOfMessagesNotVisible"]
        )

    def log(self, group: str, record: object) -> None:
        logs = self.clients.logs
        logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName="s")
        event: Any = {"timestamp": int(time.time() * 1000), "message": json.dumps(record)}
        logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=[event])


@pytest.fixture
def shop(endpoint_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shop:
    account_id = f"{secrets.randbelow(10**12):012}"
    environment = {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": account_id,
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "RELIABLE_QUEUE_TARGET": "aws",
        "RELIABLE_QUEUE_HOME": str(tmp_path / "home"),
        # Exported for another day; nothing may look for it.
        "PULUMI_STACK": "another",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    session = boto3.Session(account_id, "local", region_name=REGION)
    return Shop(Clients(session=session, endpoint_url=endpoint_url), account_id)


@pytest.fixture
def run(shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command, as somebody who has no engine and can't be asked."""

    def no_engine(**_: object) -> None:
        raise AssertionError("an engine was looked for")

    monkeypatch.setattr("automation.opening.find_engine", no_engine)
    # What answers here is the embedded AWS, and not somebody's emulator that may be late.
    monkeypatch.setattr("automation.opening.ENDPOINT_PACE", LOCAL_PACE)
    assert shop

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main(list(arguments))
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        assert "secret" not in captured.err
        return int(ended.value.code or 0), captured.out, captured.err

    return run


def test_every_command_of_the_page(shop: Shop, run: Run, tmp_path: Path) -> None:
    for name in ("orders-dead", "shared-dead"):
        shop.create(name)
    shop.create("orders", "orders-dead")
    for name in ("invoices", "receipts"):
        shop.create(name, "shared-dead")
    shop.fail("orders", 3)
    shop.fail("invoices", 2)
    values = {
        "QUEUE": "orders",
        "DLQ": shop.url("orders-dead"),
        "SHARED_DLQ": f"arn:aws:sqs:{REGION}:{shop.account_id}:shared-dead",
        "BACKUP": str(tmp_path / "backup.jsonl"),
    }
    listed = json.loads(run("dlq", "list", "--json", "--queue", "orders")[1])
    values["ID"] = listed["messages"][0]["id"]
    shop.log("somewhere", {"level": "ERROR", "message_id": values["ID"], "reason": "no stock"})
    # What a redrive has moved can't be looked at or purged any more.
    for command in sorted(COMMANDS, key=lambda command: "redrive" in command):
        # Here no function logs.
        more = ("--log-group", "somewhere") if re.search("queue (logs|dlq) ", command) else ()
        # Nothing takes from the queue here, so that nothing is heard of the canary, however long.
        more += ("--canary-wait", "1") if "--canary" in command else ()
        code, output = run_command(command, values, run, more=more)
        allowed = (1,) if "--canary" in command else (0,)
        assert code in allowed, f"{command}\n{output}"


@pytest.mark.parametrize("name", ["orders", "orders-dead"])
def test_letters_have_their_reasons_and_go_back(shop: Shop, run: Run, name: str) -> None:
    shop.create("orders-dead")
    shop.create("orders", "orders-dead")
    shop.fail("orders", 3)
    _, output, _ = run("dlq", "list", "--json", "--queue", name)
    first = json.loads(output)["messages"][0]
    assert first["source"] == "orders"
    shop.log("worker", {"level": "ERROR", "message_id": first["id"], "reason": "no stock"})
    arguments = ["--queue", name, "--log-group", "worker"]
    code, output, _ = run("dlq", "list", "--json", *arguments)
    answer = json.loads(output)
    assert (code, answer["complete"], answer["groups"]["no stock"]) == (0, True, 1)
    code, output, _ = run(
        "dlq", "redrive", "--where", "reason == 'no stock'", "--yes", "--json", *arguments
    )
    answer = json.loads(output)
    assert (code, answer["moved"], answer["destination"]) == (0, 1, shop.url("orders"))
    assert (shop.count("orders"), shop.count("orders-dead")) == (1, 2)
    assert run("dlq", "redrive", "--yes", "--queue", name)[0] == 0
    assert (shop.count("orders"), shop.count("orders-dead")) == (3, 0)


@pytest.fixture
def shared(shop: Shop) -> Shop:
    """Two queues that share a dead-letter queue with five letters; one was sent there itself."""
    shop.create("dead")
    for name in ("a", "b"):
        shop.create(name, "dead")
    shop.fail("a", 1)
    shop.fail("b", 3)
    shop.clients.sqs.send_message(QueueUrl=shop.url("dead"), MessageBody="secret stray")
    return shop


def test_each_letter_goes_back_where_it_came_from(shared: Shop, run: Run) -> None:
    code, output, _ = run("dlq", "redrive", "--yes", "--json", "--queue", "dead")
    answers = json.loads(output)["redrives"]
    assert {answer["destination"]: answer["moved"] for answer in answers} == {
        shared.url("a"): 1,
        shared.url("b"): 3,
    }
    # What nobody knows the queue of is left, and the answer does not say "done".
    assert (code, answers[-1]["strays"]) == (1, 1)
    assert [shared.count(name) for name in ("a", "b", "dead")] == [1, 3, 1]


def test_one_queue_gets_its_own_letters_only(shared: Shop, run: Run) -> None:
    code, output, _ = run("dlq", "redrive", "--yes", "--queue", "a")
    assert code == 1
    assert "1 messages moved" in output
    assert "1 stay: SQS does not say in which queue they failed" in output
    assert [shared.count(name) for name in ("a", "b", "dead")] == [1, 0, 4]


def test_named_destination_takes_all(shared: Shop, run: Run) -> None:
    code, _, _ = run("dlq", "redrive", "--yes", "--queue", "dead", "--to", "b")
    assert code == 0
    assert [shared.count(name) for name in ("a", "b", "dead")] == [0, 5, 0]


def test_limit_is_for_all_queues_together(shared: Shop, run: Run) -> None:
    run("dlq", "redrive", "--yes", "--limit", "2", "--queue", "dead")
    assert shared.count("a") + shared.count("b") == 2


def test_letters_stay_in_the_shared_queue_when_its_queues_may_not_be_listed(
    shared: Shop, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one queue would get another's."""
    call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]

    def refused(client: Any, name: str, parameters: Any) -> Any:
        if name == "ListDeadLetterSourceQueues":
            error: Any = {"Error": {"Code": "AccessDenied", "Message": "no"}}
            raise ClientError(error, name)
        return call(client, name, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", refused)
    code, _, error = run("dlq", "redrive", "--yes", "--queue", "a")
    assert "can't be looked at: no permission for ListDeadLetterSourceQueues" in error
    assert code == 1
    assert [shared.count(name) for name in ("a", "b", "dead")] == [1, 0, 4]


def test_purge_and_restore(shared: Shop, run: Run, tmp_path: Path) -> None:
    backup = str(tmp_path / "backup.jsonl")
    code, _, asked = run("dlq", "purge", "--backup", backup, "--queue", "a")
    assert (code, shared.count("dead")) == (2, 5)
    assert "Purge about 5 messages of dead (of a, b) into" in asked
    assert run("dlq", "purge", "--yes", "--backup", backup, "--queue", "a")[0] == 0
    assert shared.count("dead") == 0
    assert run("dlq", "restore", backup, "--yes", "--queue", "a")[0] == 0
    assert shared.count("dead") == 5


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["dlq", "list", "--queue", "nothing"], "there is no such queue"),
        (["dlq", "list", "--queue", "alone"], "queue alone has no dead-letter queue"),
        (["send", "-", "--queue", "dead"], "is the dead-letter queue of several queues"),
        (["logs", "--queue", "alone"], "no log of a consumer is known"),
        (["dlq", "redrive", "--yes", "--queue", "a", "--to", "c"], "--to c: there is no such"),
        (["dlq", "redrive", "--yes", "--queue", "a", "--to", "dead"], "that is the dead-letter"),
        (["status", "--stack", "s", "--dlq", "dead"], "--dlq goes with --queue"),
        (["status", "--queue", "a", "--project", "p"], "--project goes with --stack"),
    ],
)
def test_wrong_queue_is_told_in_one_message(
    shared: Shop, run: Run, arguments: list[str], said: str
) -> None:
    shared.create("alone")
    code, output, error = run(*arguments)
    assert (code, output) == (2, "")
    assert said in error


def test_dead_letter_queue_is_known_by_each_of_its_urls(shared: Shop, run: Run) -> None:
    url = f"https://queue.amazonaws.com/{shared.account_id}/dead/"
    code, _, error = run("dlq", "redrive", "--yes", "--queue", "a", "--to", url)
    assert (code, shared.count("dead")) == (2, 5)
    assert "--to: that is the dead-letter queue itself" in error


def test_status_of_a_queue_without_anything(shop: Shop, run: Run) -> None:
    shop.create("alone")
    code, output, _ = run("status", "--json", "--queue", "alone")
    answer = json.loads(output)
    assert (code, answer["dlq"], answer["mappings"], answer["stack"]) == (0, None, {}, None)
    code, output, _ = run("status", "--queue", "alone")
    assert "dead letters     none is known" in output


def test_policy_names_each_queue_and_log(shop: Shop, run: Run) -> None:
    shop.create("dead")
    for name in ("a", "b"):
        shop.create(name, "dead")
    shop.log("worker", {})
    code, output, _ = run("policy", "--queue", "dead", "--log-group", "worker")
    statements = {each["Sid"]: each for each in json.loads(output)["Statement"]}
    place = f"{REGION}:{shop.account_id}"
    assert code == 0
    assert statements["WorkOnDeadLetters"]["Resource"] == f"arn:aws:sqs:{place}:dead"
    assert set(statements["RedriveToQueue"]["Resource"]) == {
        f"arn:aws:sqs:{place}:a",
        f"arn:aws:sqs:{place}:b",
    }
    logs = f"arn:aws:logs:{place}:log-group:worker:*"
    assert statements["ReadConsumerLogs"]["Resource"] == logs
