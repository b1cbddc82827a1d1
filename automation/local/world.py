"""The embedded AWS as a whole: emulator and provider for the engine; one folder holds it."""

import contextlib
import fcntl
import functools
import json
import os
import secrets
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path

import boto3

from automation.aws.clients import Clients
from automation.engine.command import EngineCommand
from automation.engine.environment import engine_environment
from automation.errors import AutomationError
from automation.local.emulator import LOOPBACK, Emulator, PortTakenError, running_emulator
from automation.local.resources.cloud import empty_session
from automation.private_files import write_private
from automation.target import LOCAL_PACE, Account, Target

_REGION = "us-east-1"
_ANY_SECRET = "local"  # noqa: S105 the emulator looks at the access key only
# Takes 0.1 s to load, so that is left for the time in which the emulator starts.
_PROVIDER = ".provider"


class WorldInUseError(AutomationError):
    """The folder's embedded AWS runs in another process, which is still starting or ending."""


@dataclass(frozen=True, kw_only=True)
class _Identity:
    """What stays the same between two starts: URLs and ARNs in the state hold all of it."""

    account_id: str
    port: int
    region: str


@dataclass(frozen=True, kw_only=True)
class _Running:
    """An embedded AWS that runs; `provider_port` is where the engine finds the provider."""

    identity: _Identity
    provider_port: int


@contextlib.contextmanager
def embedded_aws(
    home: Path,
    *,
    engine: Callable[[], EngineCommand],
    keeps_state: bool = False,
    enforces_policies: bool = False,
) -> Generator[Target]:
    """Run the embedded AWS until the block ends, or join the one that runs in `home` already.

    One that is joined stays as it is: whoever started it has chosen what it keeps and enforces.

    Args:
        home: existing folder; with `keeps_state` everything is found there again.
        engine: finds the Pulumi command of the target; it is called while the emulator starts.
        keeps_state: keep resources when the block ends. Default False.
        enforces_policies: refuse what IAM and queue policies don't allow. Default False.

    Raises:
        WorldInUseError: another process is just starting or ending it.
        EmulatorError: the emulator did not start, or could not write its state at the end.
        AutomationError: what `engine` raises.
    """
    found = functools.cache(engine)
    with _running(home, keeps_state, enforces_policies, meanwhile=found) as running:
        yield _target(home, found(), running)


@contextlib.contextmanager
def embedded_account(home: Path) -> Generator[Account]:
    """The same for whoever needs no engine; what is in it is kept.

    Raises:
        WorldInUseError, EmulatorError: as `embedded_aws` does.
    """
    with _running(home, True, False) as running:
        yield _account(running.identity)


@contextlib.contextmanager
def emulator_of_many(home: Path) -> Generator[Emulator]:
    """Run an emulator for `account_of_its_own` until the block ends; nothing in it is kept.

    Args:
        home: existing folder.

    Raises:
        EmulatorError: it did not start.
    """
    with running_emulator(home, region=_REGION) as emulator:
        yield emulator


@contextlib.contextmanager
def account_of_its_own(
    emulator: Emulator, home: Path, *, engine: EngineCommand
) -> Generator[Target]:
    """Give an account that nobody else uses in an emulator that runs, until the block ends.

    Args:
        emulator: which.
        home: existing folder for the state of the account's stacks.
        engine: the Pulumi command of the target.
    """
    identity = _Identity(account_id=_new_account_id(), port=emulator.port, region=_REGION)
    with _served_provider(identity, emulator) as running:
        yield _target(home, engine, running)


@contextlib.contextmanager
def _running(
    home: Path,
    keeps_state: bool,
    enforces_policies: bool,
    meanwhile: Callable[[], object] = lambda: None,
) -> Generator[_Running]:
    with (home / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield _joined(home)
            return
        with _started(home, keeps_state, enforces_policies, meanwhile) as running:
            yield running


@contextlib.contextmanager
def _started(
    home: Path, keeps_state: bool, enforces_policies: bool, meanwhile: Callable[[], object]
) -> Generator[_Running]:
    known = _load_identity(home) if keeps_state else None
    with _emulator(home, known, keeps_state, enforces_policies, meanwhile) as emulator:
        identity = known or _Identity(
            account_id=_new_account_id(), port=emulator.port, region=_REGION
        )
        if keeps_state:
            _save_identity(home, identity)
        with _served_provider(identity, emulator) as running, _joinable(home, running):
            yield running


@contextlib.contextmanager
def _served_provider(identity: _Identity, emulator: Emulator) -> Generator[_Running]:
    # Loaded while the emulator started, which takes as long.
    from automation.local.provider import ProviderSettings, serve_provider

    settings = ProviderSettings(
        endpoint_url=emulator.endpoint_url,
        region=identity.region,
        account_id=identity.account_id,
    )
    with serve_provider(settings) as provider_port:
        yield _Running(identity=identity, provider_port=provider_port)


@contextlib.contextmanager
def _joinable(home: Path, running: _Running) -> Generator[None]:
    path = home / "running.json"
    write_private(
        path, json.dumps({"provider_port": running.provider_port, **asdict(running.identity)})
    )
    try:
        yield
    finally:
        path.unlink()


def _joined(home: Path) -> _Running:
    try:
        running = json.loads((home / "running.json").read_text())
    except (FileNotFoundError, ValueError) as error:
        # Not there yet, written in this moment, or gone already.
        raise WorldInUseError(
            f"the embedded AWS in {home} is just starting or ending in another process: "
            "try again in a moment"
        ) from error
    provider_port = running.pop("provider_port")
    return _Running(identity=_Identity(**running), provider_port=provider_port)


def _target(home: Path, engine: EngineCommand, running: _Running) -> Target:
    account = _account(running.identity)
    environment = {
        # The same for every folder, since what the engine makes of it is written beside the program
        # (Pulumi.<stack>.yaml), where another folder's stack of that name finds it.
        **engine_environment(engine, home, passphrase=_ANY_SECRET),
        # Plugins and the CLI's own settings of the user stay out of it.
        "PULUMI_HOME": str(home / "pulumi"),
        "PULUMI_DEBUG_PROVIDERS": f"aws:{running.provider_port}",
        # An attached provider is looked for on the download site all the same
        # (pulumi issue 10572, in v3.250.0).
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        **_endpoints(account.clients.endpoint_url or ""),
        # Python programs reach the engine and the emulator on this machine, past any proxy.
        "NO_PROXY": LOOPBACK,
        "no_proxy": LOOPBACK,
        # The emulator takes a 12-digit access key for the account.
        "AWS_ACCESS_KEY_ID": account.account_id,
        "AWS_SECRET_ACCESS_KEY": _ANY_SECRET,
        "AWS_REGION": account.region,
        "AWS_DEFAULT_REGION": account.region,
    }
    return Target.of(account, engine, environment)


def _endpoints(url: str) -> dict[str, str]:
    """What leads every AWS SDK to the embedded AWS, whatever the user's settings are.

    A service's own variable would win over the one for all, and a switch would leave out both (AWS
    SDKs and Tools Reference Guide, Service-specific endpoints).
    """
    own = [name for name in os.environ if name.startswith("AWS_ENDPOINT_URL_")]
    return {
        **dict.fromkeys(["AWS_ENDPOINT_URL", *own], url),
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
    }


def _account(identity: _Identity) -> Account:
    session = boto3.Session(
        aws_access_key_id=identity.account_id,
        aws_secret_access_key=_ANY_SECRET,
        region_name=identity.region,
        botocore_session=empty_session(),
    )
    return Account(
        name="local",
        account_id=identity.account_id,
        region=identity.region,
        clients=Clients(session=session, endpoint_url=f"http://{LOOPBACK}:{identity.port}"),
        pace=LOCAL_PACE,
    )


@contextlib.contextmanager
def _emulator(
    home: Path,
    identity: _Identity | None,
    keeps_state: bool,
    enforces_policies: bool,
    meanwhile: Callable[[], object],
) -> Generator[Emulator]:
    def prepare() -> None:
        meanwhile()
        import_module(_PROVIDER, __package__)

    try:
        with running_emulator(
            home,
            region=identity.region if identity else _REGION,
            port=identity.port if identity else None,
            keeps_state=keeps_state,
            enforces_policies=enforces_policies,
            meanwhile=prepare,
        ) as emulator:
            yield emulator
    except PortTakenError as error:
        raise PortTakenError(
            f"{error}. The resources in {home} are bound to this port by their URLs; to begin "
            "anew on another one, remove that folder"
        ) from error


def _load_identity(home: Path) -> _Identity | None:
    path = home / "identity.json"
    return _Identity(**json.loads(path.read_text())) if path.exists() else None


def _save_identity(home: Path, identity: _Identity) -> None:
    write_private(home / "identity.json", json.dumps(asdict(identity)))


def _new_account_id() -> str:
    return str(10**11 + secrets.randbelow(9 * 10**11))
