"""`--target aws`, whole, with the embedded AWS in the place of the ambient account.

What is left to AWS is the official provider and AWS itself.
"""

import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from semver import VersionInfo

from automation import opening
from automation.cli import main
from automation.engine.command import EngineCommand
from automation.engine.finding import find_engine
from automation.local.world import embedded_aws
from automation.operations import account_leftovers, leftovers
from automation.programs import PROJECT
from automation.proof import throwaway
from automation.stacks import STACK_TAG
from automation.target import Target

pytestmark = pytest.mark.engine

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "own_consumer"
FEW_MESSAGES = ("--messages", "20", "--rate", "unlimited", "--seed", "1")


@pytest.fixture
def ambient_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    found = find_engine()
    engine = EngineCommand(str(found.binary), VersionInfo.parse(found.version))
    (tmp_path / "home").mkdir()
    with embedded_aws(tmp_path / "home", engine=lambda: engine) as target:
        for key, value in target.environment.items():
            if not key.startswith(("PULUMI_BACKEND", "PULUMI_CONFIG")):
                monkeypatch.setenv(key, value)
        yield target


@pytest.fixture
def states(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where runs keep the state of their stacks."""
    states = tmp_path / "states"
    monkeypatch.setattr(throwaway, "STATES", states)
    monkeypatch.setattr(leftovers, "state_folder", lambda: states)
    return states


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run a command in the ambient account, as patient as where answers come at once."""
    monkeypatch.setattr(
        opening,
        "ENDPOINT_PACE",
        dataclasses.replace(opening.ENDPOINT_PACE, poll_interval_seconds=0.2, quiet_seconds=1),
    )

    def run(command: str, *arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([command, "--target", "aws", *arguments])
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run


def test_aws_target_runs_whole_and_keeps_its_state_until_the_stack_is_gone(
    ambient_account: Target, states: Path, run: Callable[..., tuple[int, str, str]]
) -> None:
    code, output, error = run("e2e", "--yes", "--json", *FEW_MESSAGES)
    assert code == 0, error
    report = json.loads(output)
    assert (report["target"], report["verdict"], report["destroyed"]) == ("aws", "held", True)
    assert report["bad"] > 0
    # The embedded AWS stands here for an emulator that somebody has started by hand.
    where = (
        f"Create and destroy a stack in {ambient_account.clients.endpoint_url} "
        f"(AWS_ENDPOINT_URL), no AWS; AWS account {ambient_account.account_id}, region "
        f"{ambient_account.region}? yes"
    )
    assert where in error
    assert list(states.iterdir()) == []
    assert not ambient_account.clients.sqs.list_queues().get("QueueUrls")


@pytest.mark.slow
def test_proof_of_ones_own_runs_whole_too_and_leaves_neither_state_nor_queue(
    ambient_account: Target,
    states: Path,
    run: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
) -> None:
    messages = tmp_path / "messages.jsonl"
    messages.write_text('{"body": {"order": 1}, "group": "g", "expect": "processed"}')
    file, program = str(messages), str(EXAMPLE)
    code, output, error = run("prove", "--program", program, "--messages", file, "--json", "--yes")
    assert code == 0, error
    report = json.loads(output)
    assert (report["target"], report["verdict"], report["destroyed"]) == ("aws", "held", True)
    assert report["by_absence"] == 1
    assert list(states.iterdir()) == []
    assert not ambient_account.clients.sqs.list_queues().get("QueueUrls")


@pytest.mark.slow
def test_cleanup_destroys_what_runs_have_left_in_the_account_and_nothing_else(
    ambient_account: Target,
    states: Path,
    run: Callable[..., tuple[int, str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code, _, error = run("e2e", "--yes", "--keep", "--stack", "e2e-left", *FEW_MESSAGES)
    assert code == 0, error
    clients = ambient_account.clients
    ours = clients.sqs.list_queues()["QueueUrls"]
    theirs = clients.sqs.create_queue(QueueName="events-queue-of-others")["QueueUrl"]
    # What the run itself has made carries its tag; a run from elsewhere has left a log group.
    tagged = {
        group.get("logGroupName"): clients.logs.list_tags_for_resource(
            resourceArn=group.get("arn", "").removesuffix(":*")
        )["tags"].get(STACK_TAG)
        for group in clients.logs.describe_log_groups()["logGroups"]
    }
    assert set(tagged.values()) == {"e2e-left"}
    clients.logs.create_log_group(
        logGroupName="producer-logs-0a1b2c3", tags={STACK_TAG: "e2e-elsewhere"}
    )
    for name in ("producer-logs-fffffff", "/aws/lambda/of-others"):
        clients.logs.create_log_group(logGroupName=name)
    # Somebody's own stack, and the lock of a run that was killed.
    (states / "dev" / "stacks").mkdir(parents=True)
    lock = states / "e2e-left/stacks/.pulumi/locks/organization" / PROJECT / "e2e-left/1.json"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text(
        '{"pid": 1, "username": "x", "hostname": "x", "timestamp": "2026-01-01T00:00:00Z"}'
    )

    monkeypatch.setattr(account_leftovers, "IDLE_SECONDS", 0)
    code, output, error = run("cleanup")
    assert (code, output) == (2, "")
    shown = [line for line in error.splitlines() if not line.startswith("error: ")]
    assert shown == [
        f"stack: {states / 'e2e-left'}, kept on purpose",
        "log group: producer-logs-0a1b2c3",
    ]
    assert set(clients.sqs.list_queues()["QueueUrls"]) == {*ours, theirs}

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "111111111111")
    code, output, _ = run("cleanup", "--yes", "--json")
    assert code == 1
    words = json.loads(output)["failed"][str(states / "e2e-left")]
    assert words == (
        f"it is in AWS account {ambient_account.account_id}, the credentials are of "
        "111111111111: sign in there"
    )
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ambient_account.account_id)

    code, output, error = run("cleanup", "--yes", "--json")
    assert code == 0, output
    removed = [str(states / "e2e-left"), "producer-logs-0a1b2c3"]
    assert json.loads(output) == {"removed": removed, "failed": {}, "not_looked_for": {}}
    assert clients.sqs.list_queues()["QueueUrls"] == [theirs]
    groups = clients.logs.describe_log_groups()["logGroups"]
    assert [group.get("logGroupName") for group in groups] == [
        "/aws/lambda/of-others",
        "producer-logs-fffffff",
    ]
    assert [path.name for path in states.iterdir()] == ["dev"]
