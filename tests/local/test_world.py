"""Two commands may use the embedded AWS of one folder; the second waits for nothing half done."""

import fcntl
from pathlib import Path
from typing import Any

import boto3
import pytest
from semver import VersionInfo

from automation.engine.command import EngineCommand
from automation.local.world import (
    WorldInUseError,
    _Identity,
    _Running,
    _target,
    embedded_aws,
)


@pytest.mark.parametrize("written", [None, "", '{"provider_po'])
def test_world_that_is_just_starting_is_said_to_be(tmp_path: Path, written: str | None) -> None:
    engine: Any = None
    if written is not None:
        (tmp_path / "running.json").write_text(written)
    with (tmp_path / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with (
            pytest.raises(WorldInUseError, match="just starting or ending"),
            embedded_aws(tmp_path, engine=lambda: engine, keeps_state=True),
        ):
            pytest.fail("it joined")


@pytest.mark.parametrize(
    "setting",
    [
        {"AWS_ENDPOINT_URL_SQS": "http://sqs.example:1"},
        {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
        {"AWS_CONFIG_FILE": "config"},
    ],
)
def test_commands_inside_reach_the_embedded_aws_whatever_the_user_has_set(
    setting: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config").write_text("[default]\nignore_configured_endpoint_urls = true\n")
    engine = EngineCommand("/bin/pulumi", VersionInfo(3))
    identity = _Identity(account_id="123456789012", port=4566, region="us-east-1")
    for name, value in setting.items():
        monkeypatch.setenv(name, value)
    target = _target(tmp_path, engine, _Running(identity=identity, provider_port=1))
    for name, value in target.environment.items():
        monkeypatch.setenv(name, value)
    assert boto3.Session().client("sqs").meta.endpoint_url == "http://127.0.0.1:4566"
