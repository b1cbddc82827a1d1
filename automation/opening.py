"""Where a command works: the account of the ambient credentials, or the embedded AWS."""

import contextlib
import importlib.util
import os
import re
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from semver import VersionInfo

from automation.aws.clients import Clients
from automation.aws.errors import was_never_connected
from automation.engine.command import EngineCommand
from automation.engine.environment import engine_environment, engine_path
from automation.engine.finding import find_engine
from automation.errors import AutomationError
from automation.installation import how_to_get
from automation.target import AWS_PACE, ENDPOINT_PACE, Account, Target, TargetName


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
        AutomationError: no engine, no credentials, no region, no embedded AWS installed, or it did
            not start.
    """
    if name == "local":
        _require_emulator()
    home = home.resolve()
    if name == "aws":
        engine = _engine(report)
        state = engine_environment(engine, home) if own_state else engine_path(engine)
        account = _ambient_account()
        yield Target.of(account, engine, {**state, "AWS_REGION": account.region})
        return
    # Only here is the embedded AWS known.
    from automation.local.world import embedded_aws

    with embedded_aws(
        home,
        engine=lambda: _engine(report),
        keeps_state=keeps_state,
        enforces_policies=enforces_policies,
    ) as target:
        yield target


@contextlib.contextmanager
def opened_account(name: TargetName, *, home: Path) -> Generator[Account]:
    """Open a target for whoever needs no engine, and so no Pulumi.

    Args:
        name: `local` or `aws`.
        home: existing folder; locally it is the emulator's.

    Raises:
        AutomationError: as `opened_target` does, but for the engine.
    """
    if name == "aws":
        yield _ambient_account()
        return
    _require_emulator()
    from automation.local.world import embedded_account

    with embedded_account(home.resolve()) as account:
        yield account


NewAccount = Callable[[Path], AbstractContextManager[Target]]
"""Gives an account of the embedded AWS that nobody else uses; its stacks' state is in a folder."""


@contextlib.contextmanager
def opened_accounts(*, home: Path, report: Callable[[str], None]) -> Generator[NewAccount]:
    """Run one embedded AWS, in which there can be any number of accounts, until the block ends.

    Args:
        home: existing folder for the emulator.
        report: is given one line for each thing that takes time.

    Raises:
        AutomationError: as `opened_target` does for `local`.
    """
    _require_emulator()
    engine = _engine(report)
    from automation.local.world import account_of_its_own, emulator_of_many

    with emulator_of_many(home.resolve()) as emulator:
        yield lambda folder: account_of_its_own(emulator, folder.resolve(), engine=engine)


def _engine(report: Callable[[str], None]) -> EngineCommand:
    found = find_engine(report=report)
    return EngineCommand(str(found.binary), VersionInfo.parse(found.version))


def _require_emulator() -> None:
    if importlib.util.find_spec("ministack") is None:
        raise AutomationError(
            f"--target local: ministack, the embedded AWS, is not installed; "
            f"{how_to_get('operations', 'local')}; or work in an account: --target aws"
        )


def _ambient_account() -> Account:
    endpoint_url = None
    try:
        # The AWS client for Python reads AWS_DEFAULT_REGION only; everything else AWS_REGION too.
        session = boto3.Session(region_name=os.environ.get("AWS_REGION") or None)
        region = session.region_name
        if not region:
            raise AutomationError(
                "no AWS region is set: export AWS_REGION, or set one in the AWS profile"
            )
        endpoint_url = _endpoint_url()
        clients = Clients(
            session=session, endpoint_url=endpoint_url, max_connections=2 * AWS_PACE.connections
        )
        account_id = clients.sts.get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        if endpoint_url and isinstance(error, BotoCoreError) and was_never_connected(error):
            raise AutomationError(
                f"nothing answers{_where(endpoint_url)}: {error}. Start it, or unset the variable "
                "to work in AWS"
            ) from error
        raise AutomationError(
            f"the ambient AWS credentials can't be used{_where(endpoint_url)}: {error}. "
            "Sign in, or set AWS_PROFILE"
        ) from error
    return Account(
        name="aws",
        account_id=account_id,
        region=region,
        clients=clients,
        pace=ENDPOINT_PACE if endpoint_url else AWS_PACE,
    )


def _endpoint_url() -> str | None:
    """Where requests go instead of AWS, should the environment say so.

    An emulator of somebody else's, for a second opinion; the engine's `aws` provider looks at the
    same variable (AWS SDKs and Tools Reference Guide, Service-specific endpoints).
    """
    if os.environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return None
    url = os.environ.get("AWS_ENDPOINT_URL") or None
    if url and not re.match(r"https?://[^/\s]", url):
        raise AutomationError(
            f"AWS_ENDPOINT_URL = {url!r} is no URL: give one as http://127.0.0.1:4566, or unset it "
            "to work in AWS"
        )
    return url


def _where(endpoint_url: str | None) -> str:
    return f" at {endpoint_url} (AWS_ENDPOINT_URL)" if endpoint_url else ""
