"""A running emulator, the provider before it, and a client that speaks to it as the engine does."""

import importlib.util
import io
import itertools
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from automation.local.emulator import running_emulator
from automation.local.provider import ProviderSettings, serve_provider
from automation.local.resources.cloud import Cloud, Connections
from automation.local.resources.values import Value, decode, encode

REGION = "eu-west-1"
_ACCOUNTS = itertools.count(100000000001)


def own_copy(name: str) -> ModuleType:
    """A copy of a module of the emulator's, so that the one of other tests stays as it is."""
    spec = importlib.util.find_spec(name)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def emulator_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_emulator(tmp_path_factory.mktemp("emulator"), region=REGION) as emulator:
        yield emulator.endpoint_url


@pytest.fixture
def account_id() -> str:
    """An account of the test's own: nothing of other tests is in it."""
    return str(next(_ACCOUNTS))


@pytest.fixture
def settings(emulator_url: str, account_id: str, tmp_path: Path) -> ProviderSettings:
    return ProviderSettings(
        endpoint_url=emulator_url,
        region=REGION,
        account_id=account_id,
        program_directory=tmp_path,
    )


@pytest.fixture
def cloud(emulator_url: str, account_id: str, tmp_path: Path) -> Iterator[Cloud]:
    """Clients of the test's account."""
    connections = Connections(
        endpoint_url=emulator_url, account_id=account_id, program_directory=tmp_path
    )
    yield Cloud(connections=connections, region=REGION)
    connections.close()


@dataclass(frozen=True)
class Made:
    """A resource after a creation or a read."""

    id: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]


@dataclass(frozen=True)
class ProviderClient:
    """What the engine calls, with plain values."""

    stub: provider_pb2_grpc.ResourceProviderStub

    def configure(self, **settings: Value) -> None:
        self.stub.Attach(plugin_pb2.PluginAttach(address="127.0.0.1:1"))
        self.stub.Configure(provider_pb2.ConfigureRequest(args=encode(settings)))

    def check(
        self,
        token: str,
        inputs: Mapping[str, Value],
        *,
        name: str = "thing",
        old: Mapping[str, Value] | None = None,
        seed: bytes = b"seed",
    ) -> tuple[dict[str, Any], list[str]]:
        """The completed inputs and what is wrong with them."""
        answer = self.stub.Check(
            provider_pb2.CheckRequest(
                urn=urn(token, name), olds=encode(old or {}), news=encode(inputs), randomSeed=seed
            )
        )
        return decode(answer.inputs), [failure.reason for failure in answer.failures]

    def diff(
        self, token: str, made: Made, inputs: Mapping[str, Value]
    ) -> provider_pb2.DiffResponse:
        return self.stub.Diff(
            provider_pb2.DiffRequest(
                urn=urn(token),
                id=made.id,
                olds=encode(made.outputs),
                news=encode(inputs),
                old_inputs=encode(made.inputs),
            )
        )

    def create(
        self, token: str, inputs: Mapping[str, Value], *, name: str = "thing", preview: bool = False
    ) -> Made:
        """Checks and creates; fails when the check does."""
        checked, failures = self.check(token, inputs, name=name)
        assert failures == []
        answer = self.stub.Create(
            provider_pb2.CreateRequest(
                urn=urn(token, name), properties=encode(checked), preview=preview
            )
        )
        return Made(answer.id, checked, decode(answer.properties))

    def read(self, token: str, resource_id: str, made: Made | None = None) -> Made | None:
        """A refresh of `made`, or an import when there is none."""
        answer = self.stub.Read(
            provider_pb2.ReadRequest(
                urn=urn(token),
                id=resource_id,
                properties=encode(made.outputs if made else {}),
                inputs=encode(made.inputs if made else {}),
            )
        )
        if not answer.id:
            return None
        return Made(answer.id, decode(answer.inputs), decode(answer.properties))

    def update(
        self, token: str, made: Made, inputs: Mapping[str, Value], *, preview: bool = False
    ) -> Made:
        checked, failures = self.check(token, inputs, old=made.inputs)
        assert failures == []
        answer = self.stub.Update(
            provider_pb2.UpdateRequest(
                urn=urn(token),
                id=made.id,
                olds=encode(made.outputs),
                news=encode(checked),
                preview=preview,
            )
        )
        return Made(made.id, checked, decode(answer.properties))

    def delete(self, token: str, made: Made) -> empty_pb2.Empty:
        return self.stub.Delete(
            provider_pb2.DeleteRequest(urn=urn(token), id=made.id, properties=encode(made.outputs))
        )

    def invoke(self, token: str, **arguments: Value) -> tuple[dict[str, Any], list[str]]:
        answer = self.stub.Invoke(provider_pb2.InvokeRequest(tok=token, args=encode(arguments)))
        return decode(getattr(answer, "return")), [item.reason for item in answer.failures]


def urn(token: str, name: str = "thing") -> str:
    return f"urn:pulumi:dev::project::{token}::{name}"


@pytest.fixture
def connect(settings: ProviderSettings) -> Iterator[Callable[..., ProviderClient]]:
    """Connects as one provider resource does: each has a connection and settings of its own."""
    channels: list[grpc.Channel] = []

    def connected(**provider_settings: Value) -> ProviderClient:
        # Else gRPC shares one connection between channels to the same address.
        options = [("grpc.use_local_subchannel_pool", 1)]
        channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=options)
        channels.append(channel)
        client = ProviderClient(provider_pb2_grpc.ResourceProviderStub(channel))
        client.configure(**provider_settings)
        return client

    with serve_provider(settings) as port:
        yield connected
        for channel in channels:
            channel.close()


@pytest.fixture
def provider(connect: Callable[..., ProviderClient]) -> ProviderClient:
    """A configured connection with the default settings."""
    return connect()


def make_function(cloud: Cloud, name: str, source: str) -> str:
    """Make a function whose only file is `source`; returns its name."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        package.writestr("index.py", source)
    cloud.functions.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="index.handler",
        Role=f"arn:aws:iam::{cloud.account_id}:role/any",
        Code={"ZipFile": archive.getvalue()},
    )
    return name
