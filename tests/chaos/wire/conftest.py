"""One emulator behind the proxy for all tests: our code and the functions in it go through it."""

import contextlib
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from botocore.retries.standard import ExponentialBackoff
from semver import VersionInfo

from automation.engine.command import EngineCommand
from automation.engine.finding import find_engine
from automation.local import emulator as emulators
from automation.local.emulator import Emulator
from automation.local.world import account_of_its_own, emulator_of_many
from automation.target import Target
from tests.chaos.wire.fault_proxy import FaultProxy, running_proxy


@dataclass(frozen=True, kw_only=True)
class Wire:
    """The emulator as it is seen through the proxy."""

    proxy: FaultProxy
    emulator: Emulator
    engine: EngineCommand

    @contextlib.contextmanager
    def account(self, home: Path) -> Iterator[Target]:
        """An account that nobody else uses."""
        home.mkdir(exist_ok=True)
        with account_of_its_own(self.emulator, home, engine=self.engine) as target:
            yield target


@pytest.fixture(scope="session")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    found = find_engine(report=print)
    with running_proxy() as proxy, contextlib.ExitStack() as opened:
        # Until it has started: other files' emulators come after it in the same process.
        with pytest.MonkeyPatch.context() as patched:
            environment = emulators._environment

            def leading_here(*arguments: object) -> dict[str, str]:
                # What functions are given, who would else find the emulator by themselves.
                own = environment(*arguments)  # type: ignore[arg-type]
                return {**own, "AWS_ENDPOINT_URL": proxy.endpoint_url}

            patched.setattr(emulators, "_environment", leading_here)
            emulator = opened.enter_context(emulator_of_many(tmp_path_factory.mktemp("emulator")))
        proxy.upstream = emulator.port
        yield Wire(
            proxy=proxy,
            emulator=dataclasses.replace(
                emulator, endpoint_url=proxy.endpoint_url, port=proxy.port
            ),
            engine=EngineCommand(str(found.binary), VersionInfo.parse(found.version)),
        )


@pytest.fixture(autouse=True)
def repeated_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is repeated is the matter here, not that it waits for up to a second before."""
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0.02)
