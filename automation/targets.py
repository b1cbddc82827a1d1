"""Where a command works: the account of the ambient credentials, or the embedded AWS."""

import contextlib
import functools
import os
import secrets
import sys
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from semver import VersionInfo

from automation.engine.finding import find_engine
from automation.errors import AutomationError
from automation.interrupts import EngineCommand

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

TargetName = Literal["local", "aws"]

# What CloudTrail shows of a request. Left to itself botocore puts its own text together twice for
# each request, which is a tenth of the processor time that a redrive takes.
USER_AGENT = f"reliable-queue Boto3/{boto3.__version__}"


@dataclass(frozen=True, kw_only=True)
class Clients:
    """The AWS clients of one target, each made when it is first used.

    Attributes:
        session: credentials and region.
        endpoint_url: base URL for every service; None (default) for AWS's own.
        max_connections: connections that one client may hold open at once, default 10.
    """

    session: boto3.Session = field(repr=False)
    endpoint_url: str | None = None
    max_connections: int = 10

    @functools.cached_property
    def sqs(self) -> "SQSClient":
        return self.session.client("sqs", endpoint_url=self.endpoint_url, config=self._config)

    @functools.cached_property
    def sns(self) -> "SNSClient":
        return self.session.client("sns", endpoint_url=self.endpoint_url, config=self._config)

    @functools.cached_property
    def logs(self) -> "CloudWatchLogsClient":
        return self.session.client("logs", endpoint_url=self.endpoint_url, config=self._config)

    @functools.cached_property
    def cloudwatch(self) -> "CloudWatchClient":
        return self.session.client(
            "cloudwatch", endpoint_url=self.endpoint_url, config=self._config
        )

    @functools.cached_property
    def functions(self) -> "LambdaClient":
        # An invocation may take Lambda's limit of 15 minutes before its answer comes; a second
        # one because the first was slow would send everything twice.
        return self.session.client(
            "lambda",
            endpoint_url=self.endpoint_url,
            config=Config(
                read_timeout=900,
                retries={"total_max_attempts": 1},
                user_agent=USER_AGENT,
                proxies=self._proxies,
            ),
        )

    @property
    def _config(self) -> Config:
        return Config(
            max_pool_connections=self.max_connections,
            retries={"mode": "standard", "total_max_attempts": 5},
            user_agent=USER_AGENT,
            proxies=self._proxies,
        )

    @property
    def _proxies(self) -> dict[str, str] | None:
        # An endpoint of our own is on this machine, whatever HTTP_PROXY says.
        return {} if self.endpoint_url else None


@dataclass(frozen=True, kw_only=True)
class Target:
    """An account and region, and what the engine needs to work there.

    Attributes:
        name: `local` or `aws`.
        account_id: 12 digits.
        region: for example `eu-west-1`.
        clients: boto3 clients for it.
        engine: the Pulumi command.
        environment: variables for the engine and for any command that runs against the target.
        pace: how patient a caller has to be here.
    """

    name: TargetName
    account_id: str
    region: str
    clients: Clients
    engine: EngineCommand = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)
    pace: "Pace"


@dataclass(frozen=True, kw_only=True)
class Pace:
    """The times that differ between AWS and its stand-in, in seconds.

    Attributes:
        settle_timeout_seconds: default limit for a queue to settle.
        poll_interval_seconds: pause between two looks.
        quiet_seconds: how long a queue must look empty before it counts as settled.
            AWS's counts are eventually consistent, most of the time within a minute
            (SQS Developer Guide, "Available CloudWatch metrics").
        receive_wait_seconds: long polling of one receive; from 1 on SQS asks all its servers
            (SQS Developer Guide, "Short and long polling").
        log_delay_seconds: how late log records may arrive.
        alarm_timeout_seconds: limit for an alarm to follow its metric.
    """

    settle_timeout_seconds: float
    poll_interval_seconds: float
    quiet_seconds: float
    receive_wait_seconds: int
    log_delay_seconds: float
    alarm_timeout_seconds: float


LOCAL_PACE = Pace(
    settle_timeout_seconds=120,
    poll_interval_seconds=0.1,
    quiet_seconds=0.3,
    receive_wait_seconds=0,
    log_delay_seconds=3,
    alarm_timeout_seconds=15,
)
AWS_PACE = Pace(
    settle_timeout_seconds=900,
    poll_interval_seconds=5,
    quiet_seconds=60,
    receive_wait_seconds=2,
    log_delay_seconds=120,
    alarm_timeout_seconds=600,
)


@contextlib.contextmanager
def opened_target(
    name: TargetName,
    *,
    home: Path,
    report: Callable[[str], None],
    keeps_state: bool = False,
    enforces_policies: bool = False,
    own_state: bool = True,
) -> Generator[Target]:
    """Open a target: find the engine, learn the account, and for `local` start everything.

    Args:
        name: `local` or `aws`.
        home: existing folder for the stacks' state and, locally, the emulator's.
        report: is given one line for each thing that takes time.
        keeps_state: locally, keep resources when the block ends. Default False.
        enforces_policies: locally, refuse what IAM and queue policies don't allow, as AWS does
            everywhere. Default False.
        own_state: for `aws`, keep the stacks' state in `home` (default); False for the stacks
            of the user's own Pulumi backend.

    Raises:
        AutomationError: no engine, no credentials, no region, or the embedded AWS did not start.
    """
    home = home.resolve()
    found = find_engine(report=report)
    engine = EngineCommand(str(found.binary), VersionInfo.parse(found.version))
    if name == "aws":
        state = engine_environment(engine, home) if own_state else engine_path(engine)
        yield _ambient_aws(engine, state)
        return
    # The one place that knows of the embedded AWS.
    from automation.local.world import embedded_aws

    with embedded_aws(
        home, engine=engine, keeps_state=keeps_state, enforces_policies=enforces_policies
    ) as target:
        yield target


def _ambient_aws(engine: EngineCommand, state: Mapping[str, str]) -> Target:
    try:
        # The AWS client for Python reads AWS_DEFAULT_REGION only; everything else AWS_REGION too.
        session = boto3.Session(region_name=os.environ.get("AWS_REGION") or None)
        region = session.region_name
        if not region:
            raise AutomationError(
                "no AWS region is set: export AWS_REGION, or set one in the AWS profile"
            )
        account_id = session.client("sts").get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        raise AutomationError(
            f"the ambient AWS credentials can't be used: {error}. Sign in, or set AWS_PROFILE"
        ) from error
    return Target(
        name="aws",
        account_id=account_id,
        region=region,
        clients=Clients(session=session),
        engine=engine,
        environment={**state, "AWS_REGION": region},
        pace=AWS_PACE,
    )


def engine_path(engine: EngineCommand) -> dict[str, str]:
    """A PATH that begins with the engine's folder and with this interpreter's.

    The first holds the engine's language host, the second has what the program imports.
    """
    folders = [str(Path(engine.command).parent), str(Path(sys.executable).parent)]
    return {"PATH": os.pathsep.join([*folders, os.environ.get("PATH", os.defpath)])}


def engine_environment(engine: EngineCommand, home: Path) -> dict[str, str]:
    """What makes the engine keep its state in `home`, apart from any login of the user."""
    states = home / "stacks"
    states.mkdir(exist_ok=True)
    return {
        **engine_path(engine),
        "PULUMI_BACKEND_URL": states.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": _passphrase(home),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }


def _passphrase(home: Path) -> str:
    path = home / "passphrase"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(32))
    return path.read_text()
