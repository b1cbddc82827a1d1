"""`--target aws`, whole, with the embedded AWS in the place of the ambient account.

What is left to AWS is the official provider and AWS itself.
"""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from semver import VersionInfo

from automation import e2e, targets
from automation.cli import main
from automation.engine.finding import find_engine
from automation.interrupts import EngineCommand
from automation.local.world import embedded_aws
from automation.targets import Target

pytestmark = pytest.mark.engine

FEW_MESSAGES = ("--messages", "20", "--rate", "unlimited", "--seed", "1")


@pytest.fixture
def ambient_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    found = find_engine()
    engine = EngineCommand(str(found.binary), VersionInfo.parse(found.version))
    (tmp_path / "home").mkdir()
    with embedded_aws(tmp_path / "home", engine=engine) as target:
        for key, value in target.environment.items():
            if not key.startswith(("PULUMI_BACKEND", "PULUMI_CONFIG")):
                monkeypatch.setenv(key, value)
        yield target


def test_aws_target_runs_whole_and_keeps_its_state_until_the_stack_is_gone(
    ambient_account: Target,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(
        targets,
        "AWS_PACE",
        dataclasses.replace(targets.AWS_PACE, poll_interval_seconds=0.2, quiet_seconds=1),
    )
    monkeypatch.setattr(e2e, "STATES", tmp_path / "states")
    with pytest.raises(SystemExit) as ended:
        main(
            [
                "e2e",
                "--target",
                "aws",
                "--yes",
                "--json",
                "--messages",
                "20",
                "--rate",
                "unlimited",
                "--seed",
                "1",
            ]
        )
    captured = capsys.readouterr()
    assert ended.value.code == 0, captured.err
    report = json.loads(captured.out)
    assert (report["target"], report["verdict"], report["destroyed"]) == ("aws", "held", True)
    assert report["bad"] > 0
    where = f"AWS account {ambient_account.account_id}, region {ambient_account.region}"
    assert where in captured.err
    assert list((tmp_path / "states").iterdir()) == []
    assert not ambient_account.clients.sqs.list_queues().get("QueueUrls")
