"""The ambient account: who it is, what is said when it can't be used, and the question before."""

import dataclasses
import importlib.util
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID

from automation import opening
from automation.aws.clients import USER_AGENT, Clients
from automation.commands.throwaway import run_shown
from automation.engine.command import EngineCommand
from automation.engine.finding import Engine
from automation.errors import AutomationError
from automation.opening import opened_target
from automation.progress import Progress
from automation.proof.report import Options
from automation.stacks import keeping_commands, removal_command
from automation.target import AWS_PACE, ENDPOINT_PACE, Target, TargetName


@pytest.fixture(autouse=True)
def no_user_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    engine = Engine(binary=Path("/engine/bin/pulumi"), version="3.250.0", source="a test's")
    monkeypatch.setattr(opening, "find_engine", lambda **_: engine)


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    with mock_aws():
        yield


def ignore(_: str) -> None:
    pass


def test_aws_is_given_the_time_that_its_documents_say() -> None:
    """Sources: docs/fidelity.md."""
    minute = 60
    # Metrics of an idle queue, then the minute that is published and the one that is evaluated.
    assert AWS_PACE.alarm_timeout_seconds >= (15 + 2) * minute
    assert AWS_PACE.quiet_seconds >= minute
    assert AWS_PACE.log_delay_seconds >= 2 * minute
    assert AWS_PACE.receive_wait_seconds >= 1


@pytest.mark.usefixtures("credentials")
def test_aws_is_the_account_and_region_of_the_ambient_credentials(tmp_path: Path) -> None:
    with opened_target("aws", home=tmp_path, report=ignore) as target:
        assert (target.account_id, target.region) == (DEFAULT_ACCOUNT_ID, "eu-central-1")
        assert target.pace is AWS_PACE
        assert target.clients.sqs.list_queues()["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.usefixtures("credentials")
def test_requests_name_this_tool(tmp_path: Path) -> None:
    named: list[bytes] = []

    def note(request: AWSPreparedRequest, **_: object) -> None:
        named.append(request.headers["User-Agent"])

    with opened_target("aws", home=tmp_path, report=ignore) as target:
        for client in (target.clients.sqs, target.clients.sender):
            client.meta.events.register("before-send.sqs.ListQueues", note)
            client.list_queues()
    assert [name.startswith(USER_AGENT.encode()) for name in named] == [True, True]


@pytest.mark.usefixtures("credentials")
def test_aws_uses_the_official_provider_and_state_of_its_own(tmp_path: Path) -> None:
    with opened_target("aws", home=tmp_path, report=ignore) as target:
        environment = target.environment
    assert "PULUMI_DEBUG_PROVIDERS" not in environment
    assert "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION" not in environment
    assert environment["PULUMI_BACKEND_URL"] == (tmp_path / "stacks").as_uri()
    assert environment["PULUMI_CONFIG_PASSPHRASE"] == (tmp_path / "passphrase").read_text()
    assert (tmp_path / "passphrase").stat().st_mode & 0o077 == 0


@pytest.mark.usefixtures("credentials")
def test_operations_read_stacks_of_the_user_s_own_backend(tmp_path: Path) -> None:
    with opened_target("aws", home=tmp_path, report=ignore, own_state=False) as target:
        assert target.environment.keys() == {"PATH", "AWS_REGION"}


@pytest.mark.usefixtures("credentials")
def test_another_endpoint_is_named_and_answers_sooner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = "https://sts.eu-central-1.amazonaws.com"  # moto plays any of AWS's addresses
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    with opened_target("aws", home=tmp_path, report=ignore) as target:
        assert target.pace is ENDPOINT_PACE
        assert target.clients.sqs.meta.endpoint_url == endpoint
        assert str(target).startswith(f"{endpoint} (AWS_ENDPOINT_URL), no AWS; AWS account ")


@pytest.mark.usefixtures("credentials")
def test_an_endpoint_that_is_to_be_ignored_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "True")
    with opened_target("aws", home=tmp_path, report=ignore) as target:
        assert target.pace is AWS_PACE
        assert str(target).startswith("AWS account ")
        assert target.clients.sqs.meta.endpoint_url == "https://sqs.eu-central-1.amazonaws.com"


@pytest.mark.usefixtures("credentials")
def test_an_endpoint_of_sqs_alone_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened_target("aws", home=tmp_path, report=ignore) as target:
        assert "SQS at" not in str(target)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:9")
    with opened_target("aws", home=tmp_path, report=ignore) as target:
        assert str(target).endswith(", SQS at http://127.0.0.1:9")


@pytest.mark.usefixtures("credentials")
def test_an_endpoint_that_does_not_answer_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with (
        pytest.raises(
            AutomationError,
            match=r"nothing answers at http://127\.0\.0\.1:9 \(AWS_ENDPOINT_URL\).* Start it",
        ),
        opened_target("aws", home=tmp_path, report=ignore),
    ):
        pytest.fail("it opened")


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize("url", ["localhost:4566", "127.0.0.1", " ", "http://", "ftp://x"])
def test_an_endpoint_that_is_no_url_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    with (
        pytest.raises(AutomationError, match=f"AWS_ENDPOINT_URL = '{url}' is no URL: give one as"),
        opened_target("aws", home=tmp_path, report=ignore),
    ):
        pytest.fail("it opened")


def test_missing_region_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with (
        pytest.raises(AutomationError, match="no AWS region is set: export AWS_REGION"),
        opened_target("aws", home=tmp_path, report=ignore),
    ):
        pytest.fail("it opened")


def test_missing_credentials_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    with (
        pytest.raises(AutomationError, match=r"credentials can't be used: .* set AWS_PROFILE"),
        opened_target("aws", home=tmp_path, report=ignore),
    ):
        pytest.fail("it opened")


def aws_target() -> Target:
    return Target(
        name="aws",
        account_id="123456789012",
        region="eu-central-1",
        clients=Clients(session=boto3.Session(region_name="eu-central-1")),
        engine=EngineCommand("/engine/bin/pulumi", None),  # type: ignore[arg-type]
        environment={"PULUMI_BACKEND_URL": "file:///state/stacks"},
        pace=AWS_PACE,
    )


def confirm(*, yes: bool) -> None:
    """Have a job ask whether it may touch an account."""

    def job(_: Options, *, confirm: Callable[[Target], None], **__: object) -> None:
        confirm(aws_target())

    run_shown(job, Options(target="aws"), yes=yes, progress=Progress())


def test_real_account_is_not_touched_where_nobody_can_be_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    account = r"AWS account 123456789012, region eu-central-1\? Nothing was done: say --yes"
    with pytest.raises(AutomationError, match=account):
        confirm(yes=False)


def test_no_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.confirm", lambda *_, **__: False)
    with pytest.raises(AutomationError, match="nothing was done"):
        confirm(yes=False)


def test_yes_needs_no_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("click.confirm", lambda *_, **__: pytest.fail("it asked"))
    confirm(yes=True)


def test_left_stack_is_removed_by_a_command_that_names_its_state() -> None:
    assert removal_command(aws_target(), Path("/state"), "e2e-1") == (
        "PULUMI_BACKEND_URL=file:///state/stacks PULUMI_CONFIG_PASSPHRASE_FILE=/state/passphrase "
        "/engine/bin/pulumi --cwd /state/project destroy --yes --remove --stack e2e-1"
    )


def test_without_the_embedded_aws_is_told_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with (
        pytest.raises(AutomationError, match=r"ministack, .* is not installed; run: make setup"),
        opened_target("local", home=tmp_path, report=ignore),
    ):
        pytest.fail("it opened")


@pytest.mark.parametrize("name", ["aws", "local"])
def test_printed_commands_can_be_pasted_where_folders_have_spaces(name: TargetName) -> None:
    target = dataclasses.replace(aws_target(), name=name)
    commands = keeping_commands(target, Path("/my state/e2e-1"), "e2e-1")[1:]
    for command in commands:
        words = shlex.split(command)
        assert words[words.index("--cwd") + 1] == "/my state/e2e-1/project"
    assert shlex.split(commands[-1])[-3:] == ["rm", "-r", "/my state/e2e-1"]
