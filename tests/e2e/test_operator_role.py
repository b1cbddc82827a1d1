"""The operator's commands, run by a role that has the stack's operator policy and nothing else.

The embedded AWS refuses here what policies don't allow, and stands in the place of the ambient
account, whose credentials are those of the role.
"""

import dataclasses
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from semver import VersionInfo

from automation import opening
from automation.cli import main
from automation.engine.command import EngineCommand
from automation.engine.finding import find_engine
from automation.interrupts import Interrupts
from automation.local.world import embedded_aws
from automation.progress import Progress
from automation.proof.producing import produce
from automation.proof.report import Options
from automation.proof.settling import settle
from automation.stacks import throwaway_stack
from automation.target import Target
from components.outputs import StackOutputs

pytestmark = pytest.mark.engine

STACK = "operated"
Run = Callable[..., tuple[int, str, str]]


@dataclass(frozen=True)
class World:
    """An AWS that enforces policies, and a stack with dead letters in it."""

    target: Target
    outputs: StackOutputs
    bad: int

    def client(self, service: str) -> Any:
        """A client of the account's owner."""
        url = self.target.clients.endpoint_url
        return self.target.clients.session.client(service, endpoint_url=url)

    def sign_in(self, name: str, policy: dict[str, Any] | None) -> boto3.Session:
        """A session of a new role that has this policy, and nothing else."""
        principal = {"AWS": f"arn:aws:iam::{self.target.account_id}:root"}
        trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        role = self.client("iam").create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )["Role"]
        if policy:
            self.client("iam").put_role_policy(
                RoleName=name, PolicyName="operate", PolicyDocument=json.dumps(policy)
            )
        issued = self.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="operator")
        return boto3.Session(
            aws_access_key_id=issued["Credentials"]["AccessKeyId"],
            aws_secret_access_key=issued["Credentials"]["SecretAccessKey"],
            aws_session_token=issued["Credentials"]["SessionToken"],
        )

    @property
    def operator_policy(self) -> dict[str, Any]:
        """The document behind the stack's output, as the emulator sees the resources in it.

        On AWS alarms are resources of DescribeAlarms, and a log group's ARN ends in `:*`.
        Source: Service Authorization Reference, Amazon CloudWatch; CloudWatch Logs API Reference,
        LogGroup, arn.
        """
        iam, arn = self.client("iam"), self.outputs.operator_policy_arn
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        answer = iam.get_policy_version(PolicyArn=arn, VersionId=version)
        text = json.dumps(answer["PolicyVersion"]["Document"])
        alarms = f"arn:aws:cloudwatch:{self.target.region}:{self.target.account_id}:alarm:*"
        log_group = f"log-group:{self.outputs.consumer_log_group_name}"
        return dict(json.loads(text.replace(alarms, "*").replace(f"{log_group}:*", log_group)))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    found = find_engine()
    engine = EngineCommand(str(found.binary), VersionInfo.parse(found.version))
    home = tmp_path_factory.mktemp("home")
    progress = Progress()
    with (
        embedded_aws(home, engine=lambda: engine, enforces_policies=True) as target,
        throwaway_stack(
            target,
            name=STACK,
            home=home,
            # The emulator speaks plain http.
            settings={"requiresTls": False},
            interrupts=Interrupts(progress.say),
            progress=progress,
        ) as outputs,
    ):
        options = Options(max_messages=20, messages_per_second=None, bad_ratio=0.5, seed=1)
        (sent,) = produce(options, target, outputs)
        problem = settle(
            target.clients.sqs,
            outputs.queue_url,
            messages=sent.messages,
            pace=target.pace,
            timeout_seconds=target.pace.settle_timeout_seconds,
            progress=progress,
        )
        assert problem is None
        yield World(target, outputs, sent.bad)


@pytest.fixture
def run_as(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Callable[[boto3.Session], Run]:
    """Run commands on the stack with the credentials of a session."""
    monkeypatch.setattr(
        opening,
        "ENDPOINT_PACE",
        dataclasses.replace(
            opening.ENDPOINT_PACE,
            poll_interval_seconds=0.2,
            quiet_seconds=1,
            receive_wait_seconds=0,
        ),
    )
    for key, value in world.target.environment.items():
        monkeypatch.setenv(key, value)
    monkeypatch.setenv("PULUMI_STACK", STACK)
    monkeypatch.setenv("RELIABLE_QUEUE_TARGET", "aws")
    monkeypatch.setenv("RELIABLE_QUEUE_HOME", str(tmp_path / "operator"))

    def run_as(session: boto3.Session) -> Run:
        issued = session.get_credentials()
        assert issued is not None
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", issued.access_key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", issued.secret_key)
        monkeypatch.setenv("AWS_SESSION_TOKEN", issued.token or "")

        def run(*arguments: str) -> tuple[int, str, str]:
            with pytest.raises(SystemExit) as ended:
                main(list(arguments))
            captured = capsys.readouterr()
            return int(ended.value.code or 0), captured.out, captured.err

        return run

    return run_as


@pytest.mark.slow
def test_operator_policy_is_enough_for_every_command(
    world: World, run_as: Callable[[boto3.Session], Run], tmp_path: Path
) -> None:
    run = run_as(world.sign_in("operator", world.operator_policy))
    backup = str(tmp_path / "backup.jsonl")
    message = tmp_path / "message.json"
    message.write_text('{"body": "not for the consumer", "attributes": {"store_id": 3}}')

    def answer(*arguments: str) -> dict[str, Any]:
        code, output, error = run(*arguments, "--json")
        assert code == 0, f"{arguments}\n{output}\n{error}"
        return dict(json.loads(output))

    assert answer("status")["dlq"]["visible"] == world.bad
    listed = answer("dlq", "list")
    assert listed["groups"] == {"the message attribute store_id is missing": world.bad}
    one = listed["messages"][0]["id"]
    assert len(answer("dlq", "show", one)["records"]) == 2
    assert answer("logs", "--failures")["records"]
    assert answer("dlq", "redrive", "--dry-run")["would_move"] == world.bad
    assert answer("dlq", "purge", "--backup", backup, "--yes")["backed_up"] == world.bad
    assert answer("dlq", "restore", backup, "--yes")["sent"] == world.bad
    # The limit keeps SQS's own redrive out, which the emulator lacks; for the rights to that see
    # tests/automation/test_operator_policy.py.
    assert answer("dlq", "redrive", "--limit", "5", "--yes")["moved"] == 5
    assert answer("dlq", "purge", "--without-backup", "--yes")["left"] == 0
    assert answer("send", str(message))["sent"] == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ["status"],
        ["logs"],
        ["dlq", "list"],
        ["dlq", "show", "any"],
        ["dlq", "redrive", "--yes"],
        ["dlq", "purge", "--yes"],
        ["dlq", "restore", "FILE", "--yes"],
        ["send", "FILE"],
    ],
    ids=lambda command: "-".join(command[:2]),
)
def test_command_without_the_policy_names_what_it_lacks(
    world: World, run_as: Callable[[boto3.Session], Run], tmp_path: Path, command: list[str]
) -> None:
    file = tmp_path / "message.jsonl"
    file.write_text('{"body": "{}"}')
    run = run_as(world.sign_in(f"nobody-{'-'.join(command[:2])}", None))
    code, output, error = run(*(str(file) if word == "FILE" else word for word in command))
    assert (code, output) == (2, "")
    assert "error: no permission for " in error
    assert f"The policy {world.outputs.operator_policy_arn} of stack {STACK} allows" in error
    assert "Traceback" not in error
