"""A strict `aws` provider for the real Pulumi engine, over the embedded AWS.

It keeps the official provider's contract for the resource types that it knows and refuses
everything else by name. The engine reaches it through `PULUMI_DEBUG_PROVIDERS=aws:PORT`.
"""

# gRPC ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NoReturn, Protocol

import grpc
from botocore.exceptions import BotoCoreError, ClientError
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from automation.local.provider_admission import OwnUserOnly
from automation.local.resources import answers, checking, diffing, lifecycle
from automation.local.resources.catalogue import RESOURCE_TYPES
from automation.local.resources.cloud import AwsError, Cloud, Connections
from automation.local.resources.configuration import (
    Configuration,
    configuration_failures,
    read_configuration,
)
from automation.local.resources.invokes import FUNCTIONS, invoke
from automation.local.resources.package_schema import package_schema
from automation.local.resources.schema import ResourceType
from automation.local.resources.values import decode, encode, has_unknown

# The engine runs up to 4 operations a processor in parallel, and each holds a thread here.
_THREADS: Final = 32
# The engine's own limit is 400 MiB; an inline archive can be large.
_MAX_MESSAGE_BYTES: Final = 400 * 1024 * 1024
_STOP_GRACE_SECONDS: Final = 2.0


@dataclass(frozen=True, kw_only=True)
class ProviderSettings:
    """Which embedded AWS the provider speaks to.

    `endpoint_url`: the emulator's address. `region`: used where the program configures none.
    `account_id`: 12 digits. `program_directory`: what relative paths of archives start from.
    """

    endpoint_url: str
    region: str
    account_id: str
    program_directory: Path = field(default_factory=Path.cwd)


class RefusalError(Exception):
    """A request that the provider does not carry out; the text is for the person who made it."""


class _Context(Protocol):
    """What is used of gRPC's context of a call."""

    def peer(self) -> str: ...
    def abort(self, code: Any, details: str) -> NoReturn: ...
    def abort_with_status(self, status: Any) -> NoReturn: ...


class _Request(Protocol):
    @property
    def urn(self) -> str: ...


class _Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """Answers the engine; each call runs in a thread of the server's pool."""

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings
        self.connections = Connections(
            endpoint_url=settings.endpoint_url,
            account_id=settings.account_id,
            program_directory=settings.program_directory,
        )
        # The engine opens one connection for each provider resource (another region, other
        # default tags) and says which one it means by nothing else.
        self._configurations: dict[str, Configuration] = {}

    def Handshake(self, request: Any, context: _Context) -> Any:  # noqa: N802, ARG002
        return provider_pb2.ProviderHandshakeResponse()

    def Attach(self, request: Any, context: _Context) -> Any:  # noqa: N802, ARG002
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: _Context) -> Any:  # noqa: N802, ARG002
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: _Context) -> Any:  # noqa: N802, ARG002
        # The engine warns when a plugin is older than the SDK that the program uses.
        return plugin_pb2.PluginInfo(version=version("pulumi_aws"))

    def GetSchema(self, request: Any, context: _Context) -> Any:  # noqa: N802, ARG002
        return provider_pb2.GetSchemaResponse(schema=package_schema())

    def CheckConfig(self, request: Any, context: _Context) -> Any:  # noqa: N802, ARG002
        failures = configuration_failures(decode(request.news))
        return provider_pb2.CheckResponse(inputs=request.news, failures=answers.failures(failures))

    def DiffConfig(self, request: Any, context: _Context) -> Any:  # noqa: N802, ARG002
        old = read_configuration(decode(request.olds), self._settings.region)
        new = read_configuration(decode(request.news), self._settings.region)
        # Another region is another place: everything in it would have to be made anew.
        replaces = ["region"] if old.region != new.region else []
        changes = provider_pb2.DiffResponse
        kind = changes.DIFF_NONE if old == new else changes.DIFF_SOME
        return provider_pb2.DiffResponse(changes=kind, replaces=replaces)

    def Configure(self, request: Any, context: _Context) -> Any:  # noqa: N802
        with _explained(context, "the aws provider"):
            settings = decode(request.args)
            failures = [failure.reason for failure in configuration_failures(settings)]
            if failures:
                raise RefusalError("; ".join(failures))
            configuration = read_configuration(settings, self._settings.region)
            self._configurations[context.peer()] = configuration
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def Check(self, request: Any, context: _Context) -> Any:  # noqa: N802
        with _explained(context, request.urn):
            configuration = self._configuration(context)
            checked = checking.check(
                _resource_type(request),
                checking.CheckRequest(
                    logical_name=request.urn.rsplit("::", 1)[-1],
                    old=decode(request.olds),
                    new=decode(request.news),
                    seed=request.randomSeed,
                    default_tags=configuration.default_tags,
                ),
                Cloud(connections=self.connections, region=configuration.region),
            )
        return provider_pb2.CheckResponse(
            inputs=encode(checked.inputs), failures=answers.failures(checked.failures)
        )

    def Diff(self, request: Any, context: _Context) -> Any:  # noqa: N802
        with _explained(context, request.urn):
            difference = diffing.diff(
                _resource_type(request),
                decode(request.olds),
                decode(request.news),
                frozenset(request.ignoreChanges),
            )
        return answers.difference(difference)

    def Create(self, request: Any, context: _Context) -> Any:  # noqa: N802
        with _explained(context, request.urn):
            resource_type, inputs = _resource_type(request), decode(request.properties)
            if request.preview:
                outputs = lifecycle.planned(resource_type, inputs)
                return provider_pb2.CreateResponse(properties=encode(outputs))
            made = lifecycle.create(resource_type, self._cloud(context, inputs), inputs)
        return provider_pb2.CreateResponse(id=made.id, properties=encode(made.outputs))

    def Read(self, request: Any, context: _Context) -> Any:  # noqa: N802
        with _explained(context, request.urn):
            state, inputs = decode(request.properties), decode(request.inputs)
            cloud = self._cloud(context, state)
            found = lifecycle.read(_resource_type(request), cloud, request.id, state, inputs)
        if found is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=found.id, properties=encode(found.outputs), inputs=encode(found.inputs)
        )

    def Update(self, request: Any, context: _Context) -> Any:  # noqa: N802
        with _explained(context, request.urn):
            resource_type = _resource_type(request)
            state, inputs = decode(request.olds), decode(request.news)
            if request.preview or has_unknown(inputs):
                outputs = lifecycle.update_outputs(resource_type, state, inputs)
                return provider_pb2.UpdateResponse(properties=encode(outputs))
            cloud = self._cloud(context, state)
            made = lifecycle.update(resource_type, cloud, request.id, state, inputs)
        return provider_pb2.UpdateResponse(properties=encode(made.outputs))

    def Delete(self, request: Any, context: _Context) -> Any:  # noqa: N802
        with _explained(context, request.urn):
            state = decode(request.properties)
            _resource_type(request).delete(self._cloud(context, state), request.id, state)
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: _Context) -> Any:  # noqa: N802
        with _explained(context, request.tok):
            function = FUNCTIONS.get(request.tok)
            if function is None:
                known = ", ".join(sorted(FUNCTIONS))
                raise RefusalError(
                    f"function {request.tok} is unknown to the local provider; {known}"
                )
            configuration = self._configuration(context)
            cloud = Cloud(connections=self.connections, region=configuration.region)
            answer, failures = invoke(request.tok, function, cloud, decode(request.args))
        return provider_pb2.InvokeResponse(
            **{"return": encode(answer)}, failures=answers.failures(failures)
        )

    def _configuration(self, context: _Context) -> Configuration:
        configuration = self._configurations.get(context.peer())
        if configuration is None:
            raise RefusalError("the provider was asked before it was configured")
        return configuration

    def _cloud(self, context: _Context, properties: Mapping[str, Any]) -> Cloud:
        """The region that the resource is in: its own property, else the provider's."""
        region = properties.get("region") or self._configuration(context).region
        return Cloud(connections=self.connections, region=region)


def _resource_type(request: _Request) -> ResourceType:
    """The type of an URN: `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME`."""
    token = request.urn.split("::")[2].rsplit("$", 1)[-1]
    if token not in RESOURCE_TYPES:
        raise RefusalError(
            f"resource type {token} is unknown to the local provider; it knows "
            + ", ".join(sorted(RESOURCE_TYPES))
            + "; docs/local-provider.md says how a type is added"
        )
    return RESOURCE_TYPES[token]


@contextmanager
def _explained(context: _Context, subject: str) -> Generator[None]:
    """Turns what went wrong into an answer that the engine shows beside the resource."""
    try:
        yield
    except lifecycle.HalfMadeError as error:
        context.abort_with_status(answers.half_made(error))
    except (
        RefusalError,
        AwsError,
        LookupError,
        ValueError,
        OSError,
        ClientError,
        BotoCoreError,
    ) as error:
        context.abort(grpc.StatusCode.UNKNOWN, f"{subject.rsplit('::', 1)[-1]}: {error}")


@contextmanager
def serve_provider(settings: ProviderSettings) -> Generator[int]:
    """Serves the provider on a free port of 127.0.0.1 and yields that port.

    At the end running operations get 2 seconds, then the threads and connections are gone.
    """
    servicer = _Servicer(settings)
    pool = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="aws-provider")
    sizes = ("grpc.max_receive_message_length", "grpc.max_send_message_length")
    # Without reuseport nobody else can listen on our port as well.
    options = [("grpc.so_reuseport", 0), *((name, _MAX_MESSAGE_BYTES) for name in sizes)]
    own_user_only = OwnUserOnly()
    server = grpc.server(pool, options=options, interceptors=[own_user_only])
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    own_user_only.port = port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    pool.submit(servicer.connections.warm_up, settings.region)
    try:
        yield port
    finally:
        server.stop(_STOP_GRACE_SECONDS).wait()
        pool.shutdown()
        servicer.connections.close()
