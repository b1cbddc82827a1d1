"""The embedded AWS as a whole: emulator, provider for the engine, alarms; one folder holds it."""

import contextlib
import fcntl
import json
import secrets
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path

import boto3

from automation.errors import AutomationError
from automation.interrupts import EngineCommand
from automation.local.alarms import AlarmEvaluator, evaluated_alarms
from automation.local.emulator import Emulator, PortTakenError, running_emulator
from automation.local.provider import ProviderSettings, serve_provider
from automation.targets import LOCAL_PACE, Clients, Target, engine_environment

DEFAULT_REGION = "us-east-1"
_ANY_SECRET = "local"  # noqa: S105 the emulator looks at the access key only


class WorldInUseError(AutomationError):
    """The folder's embedded AWS already runs in another process."""


@dataclass(frozen=True, kw_only=True)
class _Identity:
    """What has to stay the same between two starts: queue URLs hold the port and the account."""

    account_id: str
    port: int


@contextlib.contextmanager
def embedded_aws(
    home: Path,
    *,
    engine: EngineCommand,
    region: str = DEFAULT_REGION,
    keeps_state: bool = False,
    enforces_policies: bool = False,
) -> Generator[Target]:
    """Run the embedded AWS until the block ends.

    Args:
        home: existing folder; with `keeps_state` everything is found there again.
        engine: the Pulumi command of the target.
        region: the region that it plays, default us-east-1.
        keeps_state: keep resources when the block ends. Default False.
        enforces_policies: refuse what IAM and queue policies don't allow. Default False.

    Raises:
        WorldInUseError: another process runs the embedded AWS of this folder.
        EmulatorError: the emulator did not start.
    """
    with _locked(home):
        identity = _load_identity(home) if keeps_state else None
        account_id = identity.account_id if identity else _new_account_id()
        with (
            _emulator(home, identity, region, keeps_state, enforces_policies) as emulator,
            serve_provider(
                ProviderSettings(
                    endpoint_url=emulator.endpoint_url, region=region, account_id=account_id
                )
            ) as provider_port,
        ):
            if keeps_state:
                _save_identity(home, _Identity(account_id=account_id, port=emulator.port))
            target = _target(home, engine, emulator.endpoint_url, provider_port, account_id, region)
            evaluator = AlarmEvaluator(target.clients.cloudwatch, target.clients.sqs)
            with evaluated_alarms(evaluator):
                yield target


def _target(
    home: Path,
    engine: EngineCommand,
    endpoint_url: str,
    provider_port: int,
    account_id: str,
    region: str,
) -> Target:
    environment = {
        **engine_environment(engine, home),
        # Plugins and the CLI's own settings of the user stay out of it.
        "PULUMI_HOME": str(home / "pulumi"),
        "PULUMI_DEBUG_PROVIDERS": f"aws:{provider_port}",
        # An attached provider is looked for on the download site all the same
        # (pulumi issue 10572, in v3.250.0).
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "AWS_ENDPOINT_URL": endpoint_url,
        # The emulator takes a 12-digit access key for the account.
        "AWS_ACCESS_KEY_ID": account_id,
        "AWS_SECRET_ACCESS_KEY": _ANY_SECRET,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
    }
    session = boto3.Session(
        aws_access_key_id=account_id, aws_secret_access_key=_ANY_SECRET, region_name=region
    )
    return Target(
        name="local",
        account_id=account_id,
        region=region,
        clients=Clients(session=session, endpoint_url=endpoint_url),
        engine=engine,
        environment=environment,
        pace=LOCAL_PACE,
    )


@contextlib.contextmanager
def _locked(home: Path) -> Generator[None]:
    with (home / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise WorldInUseError(
                f"the embedded AWS in {home} already runs in another process: use what that one "
                "printed to export, or end it first"
            ) from error
        yield


@contextlib.contextmanager
def _emulator(
    home: Path,
    identity: _Identity | None,
    region: str,
    keeps_state: bool,
    enforces_policies: bool,
) -> Generator[Emulator]:
    try:
        with running_emulator(
            home,
            region=region,
            port=identity.port if identity else None,
            keeps_state=keeps_state,
            enforces_policies=enforces_policies,
        ) as emulator:
            yield emulator
    except PortTakenError as error:
        raise PortTakenError(
            f"{error}. The resources in {home} are bound to this port by their URLs; to begin "
            "anew, remove that folder"
        ) from error


def _load_identity(home: Path) -> _Identity | None:
    path = home / "identity.json"
    return _Identity(**json.loads(path.read_text())) if path.exists() else None


def _save_identity(home: Path, identity: _Identity) -> None:
    (home / "identity.json").write_text(json.dumps(asdict(identity)))


def _new_account_id() -> str:
    return str(10**11 + secrets.randbelow(9 * 10**11))
