"""`python -m automation local`: pulumi from the shell, on resources that survive a stop."""

import json
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .conftest import REPOSITORY

pytestmark = pytest.mark.engine

Local = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def stack() -> Iterator[str]:
    """A stack's name; its settings are written beside Pulumi.yaml, as for any stack."""
    name = f"local-{secrets.token_hex(3)}"
    yield name
    (REPOSITORY / f"Pulumi.{name}.yaml").unlink(missing_ok=True)


@pytest.fixture
def local_in() -> Callable[[Path], Local]:
    def local_in(home: Path) -> Local:
        def run(*command: str) -> "subprocess.CompletedProcess[str]":
            return subprocess.run(
                [sys.executable, "-m", "automation", "local", "--home", str(home), "--", *command],
                cwd=REPOSITORY,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )

        return run

    return local_in


@pytest.fixture
def local(local_in: Callable[[Path], Local], tmp_path: Path) -> Local:
    return local_in(tmp_path)


def summary(ended: "subprocess.CompletedProcess[str]") -> dict[str, int]:
    """What `pulumi … --json` says that it would do or did: {"same": 27}."""
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return dict(json.loads(ended.stdout)["changeSummary"])


@pytest.mark.slow
def test_pulumi_from_the_shell_on_resources_that_survive_a_stop(local: Local, stack: str) -> None:
    def pulumi(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return local("pulumi", *arguments, "--stack", stack, "--non-interactive")

    created = pulumi("up", "--yes", "--skip-preview")
    assert created.returncode == 0, created.stdout + created.stderr
    outputs = json.loads(pulumi("stack", "output", "--json").stdout)
    assert outputs["dlqUrl"].startswith("http://127.0.0.1:")

    unchanged = pulumi("up", "--yes", "--skip-preview")
    assert "unchanged" in unchanged.stdout
    assert "created" not in unchanged.stdout

    assert pulumi("config", "set", "maxReceiveCount", "3").returncode == 0
    assert summary(pulumi("preview", "--json")).keys() == {"same", "update"}

    deleted = local(sys.executable, "-c", DELETE_ALARMS)
    assert deleted.returncode == 0, deleted.stderr
    refreshed = pulumi("refresh", "--yes", "--skip-preview")
    assert "1 deleted" in refreshed.stdout, refreshed.stdout + refreshed.stderr
    assert summary(pulumi("preview", "--json"))["create"] == 1

    destroyed = pulumi("destroy", "--yes", "--skip-preview")
    assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr


DELETE_ALARMS = """
import boto3
cloudwatch = boto3.client("cloudwatch")
names = [alarm["AlarmName"] for alarm in cloudwatch.describe_alarms()["MetricAlarms"]]
cloudwatch.delete_alarms(AlarmNames=[name for name in names if "dead-letters" in name][:1])
"""


@pytest.mark.slow
def test_another_folder_has_a_stack_of_the_same_name(
    local: Local, local_in: Callable[[Path], Local], tmp_path: Path, stack: str
) -> None:
    list_stacks = ("pulumi", "stack", "output", "--stack", stack)
    for run in (local, local_in(tmp_path / "another")):
        ended = run(*list_stacks)
        assert ended.returncode == 0, ended.stdout + ended.stderr


def test_stack_that_can_t_be_opened_is_a_clear_message(local: Local, stack: str) -> None:
    settings = REPOSITORY / f"Pulumi.{stack}.yaml"
    settings.write_text("encryptionsalt: v1:AAAAAAAAAAA=:v1:AAAAAAAAAAAAAAAA:AAAA\n")
    ended = local("pulumi", "stack", "output", "--stack", stack)
    assert ended.returncode == 2
    assert f"error: stack {stack} can't be opened" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_command_s_own_exit_code_is_ours(local: Local) -> None:
    assert local(sys.executable, "-c", "raise SystemExit(7)").returncode == 7


def test_missing_program_is_a_clear_message(local: Local) -> None:
    ended = local("no-such-program")
    assert (ended.returncode, ended.stderr) == (2, "error: no-such-program: no such program\n")


def test_user_s_profile_stays_outside(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    ended = local(sys.executable, "-c", "import os; print(sorted(os.environ))")
    assert "AWS_PROFILE" not in ended.stdout
    assert "AWS_SESSION_TOKEN" not in ended.stdout
    assert "AWS_ENDPOINT_URL" in ended.stdout


def test_alone_it_runs_until_a_signal_and_others_join_it(local: Local, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "automation", "local", "--home", str(tmp_path)],
        cwd=REPOSITORY,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            exported = read_exports(server)
            sees = "import boto3; print(boto3.client('sqs').create_queue(QueueName='q'))"
            assert exported["AWS_ENDPOINT_URL"] in local(sys.executable, "-c", sees).stdout
        finally:
            server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=30) == 0
    assert not (tmp_path / "running.json").exists()


def read_exports(server: "subprocess.Popen[str]") -> dict[str, str]:
    exported: dict[str, str] = {}
    assert server.stderr is not None
    for line in server.stderr:
        if line.startswith("export "):
            key, _, value = line.removeprefix("export ").strip().partition("=")
            exported[key] = value
        if "Ctrl-C ends it" in line:
            return exported
    pytest.fail("it ended before it ran")
