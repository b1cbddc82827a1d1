"""Runs a program against a stand-in for the engine that remembers every registered resource."""

import asyncio
import contextvars
import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pulumi_aws as aws
import pytest
from pulumi.runtime import mocks, rpc, settings
from pulumi.runtime.config import set_all_config
from pulumi.runtime.stack import run_in_stack

with warnings.catch_warnings():
    # The SDK loads a service's module at its first use and warns of its own old names then.
    warnings.simplefilter("ignore", DeprecationWarning)
    _LOADED = aws.lambda_.Function

from components import (
    ConsumerArgs,
    DependencyLayer,
    ExistingFunctionArgs,
    PythonFunctionArgs,
    ReliableQueueArgs,
)

REGION, ACCOUNT = "eu-north-1", "123456789012"
PROJECT, STACK = "reliable-queue", "test"


@dataclass(frozen=True, kw_only=True)
class Registered:
    """One resource as the program asked for it."""

    type: str
    name: str
    inputs: dict[str, Any]
    parent: str
    dependencies: frozenset[str]
    is_deleted_before_replaced: bool

    def document(self, key: str) -> Any:
        """An input that is JSON text, read."""
        return json.loads(self.inputs[key])


@dataclass
class Deployment:
    """What a program registered, in order, and exported; and what it found and looked at.

    existing: queues that are there already: their attributes, by their names.
    """

    existing: Mapping[str, Mapping[str, Any]] = field(
        default_factory=lambda: {"orders": {}, "orders-dlq": {"messageRetentionSeconds": 1_209_600}}
    )
    looked_at: list[str] = field(default_factory=list)
    resources: list[Registered] = field(default_factory=list)
    exports: dict[str, Any] = field(default_factory=dict)

    def only(self, type_: str, name: str | None = None) -> Registered:
        """The one resource of a type, or of a type and a name."""
        found = [r for r in self.resources if r.type == type_ and name in (None, r.name)]
        assert len(found) == 1, f"{len(found)} of {type_} {name}, of {self.names()}"
        return found[0]

    def names(self) -> list[str]:
        return [resource.name for resource in self.resources]


_ARNS = {
    "aws:cloudwatch/logGroup:LogGroup": "arn:aws:logs:{place}:log-group:{name}",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "arn:aws:cloudwatch:{place}:alarm:{name}",
    "aws:dynamodb/table:Table": "arn:aws:dynamodb:{place}:table/{name}",
    "aws:iam/policy:Policy": f"arn:aws:iam::{ACCOUNT}:policy/{{name}}",
    "aws:iam/role:Role": f"arn:aws:iam::{ACCOUNT}:role/{{name}}",
    "aws:kms/key:Key": "arn:aws:kms:{place}:key/{name}",
    "aws:lambda/eventSourceMapping:EventSourceMapping": (
        "arn:aws:lambda:{place}:event-source-mapping:{name}"
    ),
    "aws:lambda/function:Function": "arn:aws:lambda:{place}:function:{name}",
    "aws:lambda/layerVersion:LayerVersion": "arn:aws:lambda:{place}:layer:{name}:1",
    "aws:sns/topic:Topic": "arn:aws:sns:{place}:{name}",
    "aws:sqs/queue:Queue": "arn:aws:sqs:{place}:{name}",
}


class _Cloud(mocks.Mocks):
    """Gives each resource the attributes that AWS would, with names that tell their origin."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        if args.resource_id:
            self._deployment.looked_at.append(args.name)
            return args.resource_id, self._queue(args.resource_id.rpartition("/")[2])
        name = args.inputs.get("name", f"{args.name}-1a2b3c4")
        place = f"{REGION}:{ACCOUNT}"
        arn = _ARNS[args.typ].format(place=place, name=name) if args.typ in _ARNS else None
        computed = {"name": name, "arn": arn, "region": REGION, "url": f"https://sqs/{name}"}
        if args.typ == "aws:kms/key:Key":
            computed["keyId"] = name
        return f"{args.name}-id", {**computed, **args.inputs}

    def call(self, args: mocks.MockCallArgs) -> dict[str, Any]:
        if args.token == "aws:index/getCallerIdentity:getCallerIdentity":
            # Only a key's policy needs it: it names the account before anything else exists.
            return {"accountId": ACCOUNT}
        if args.token == "aws:sqs/getQueue:getQueue":
            return self._queue(args.args["name"])
        raise AssertionError(f"a call costs start-up time; an attribute will do: {args.token}")

    def _queue(self, name: str) -> dict[str, Any]:
        """A queue that is there, as SQS makes it unless its owner says otherwise."""
        return {
            "arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}",
            "name": name,
            "url": f"https://sqs/{name}",
            "region": REGION,
            "messageRetentionSeconds": 345_600,
            "visibilityTimeoutSeconds": 60,
            "redrivePolicy": "",
            "redriveAllowPolicy": "",
            "kmsMasterKeyId": "",
            **self._deployment.existing[name],
        }


class _Monitor(mocks.MockMonitor):
    def __init__(self, deployment: Deployment) -> None:
        super().__init__(_Cloud(deployment))
        self.deployment = deployment

    # Each call comes on a thread of its own, for which Pulumi would open a loop and leave it open.
    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        with _event_loop():
            self._remember(request)
            return super().RegisterResource(request)

    def ReadResource(self, request: Any) -> Any:  # noqa: N802
        with _event_loop():
            return super().ReadResource(request)

    def Invoke(self, request: Any) -> Any:  # noqa: N802
        with _event_loop():
            return super().Invoke(request)

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        with _event_loop():
            if request.urn.split("::")[2] == "pulumi:pulumi:Stack":
                self.deployment.exports.update(rpc.deserialize_properties(request.outputs))
            return super().RegisterResourceOutputs(request)

    def _remember(self, request: Any) -> None:
        if request.type != "pulumi:pulumi:Stack":
            self.deployment.resources.append(
                Registered(
                    type=request.type,
                    name=request.name,
                    inputs=rpc.deserialize_properties(request.object),
                    parent=request.parent.split("::")[-1],
                    is_deleted_before_replaced=request.deleteBeforeReplace,
                    dependencies=frozenset(urn.split("::")[-1] for urn in request.dependencies),
                )
            )


@contextmanager
def _event_loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    try:
        asyncio.set_event_loop(loop)
        yield loop
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))


def _run(program: Callable[[], object], config: dict[str, str], deployment: Deployment) -> None:
    def as_stack() -> None:
        program()

    with _event_loop() as loop:
        monitor = _Monitor(deployment)
        mocks.set_mocks(monitor.mocks, project=PROJECT, stack=STACK, monitor=monitor)
        settings.ROOT.set(None)  # set_mocks made a stack that takes no exports any more
        set_all_config({f"{PROJECT}:{key}": value for key, value in config.items()})
        # What a failed program left, and a closed loop can't finish.
        settings.SETTINGS.outputs.clear()
        settings.SETTINGS.rpc_manager.clear()
        try:
            loop.run_until_complete(run_in_stack(as_stack))
        except BaseException:
            # It is raised here. Futures that nobody asks any more would log it once more, in
            # whatever test the garbage collector comes to them.
            loop.set_exception_handler(lambda _loop, _context: None)
            raise
        finally:
            _cancel_all(loop)


@pytest.fixture
def deploy() -> Callable[..., Deployment]:
    """Runs a program, with configuration by key, and gives what it registered and exported.

    `existing` says of queues that are there already what differs from a new one's attributes.
    """

    def run(
        program: Callable[[], object],
        config: dict[str, str] | None = None,
        deployment: Deployment | None = None,
        existing: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    ) -> Deployment:
        deployment = deployment or Deployment()
        deployment.existing = {**deployment.existing, **existing}
        # Pulumi keeps its settings in context variables: a copy leaves no trace of this run.
        contextvars.copy_context().run(_run, program, config or {}, deployment)
        return deployment

    return run


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with a function in it."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "work.py").write_text("def handler(event, context): ...\n")
    return folder


@pytest.fixture
def dependencies(tmp_path: Path) -> DependencyLayer:
    """A layer that is there already."""
    archive = tmp_path / "layer.zip"
    archive.write_bytes(b"")
    return DependencyLayer(archive=archive, runtime="python3.13", architecture="arm64")


@pytest.fixture
def queue_args(source: Path) -> Callable[..., ReliableQueueArgs]:
    """Arguments of a queue; `function` and `consumer` go to the parts of that name.

    `function` may be one that exists, `consumer` None for none.
    """

    def make(
        *,
        function: Mapping[str, Any] | ExistingFunctionArgs = MappingProxyType({}),
        consumer: Mapping[str, Any] | None = MappingProxyType({}),
        **queue: Any,
    ) -> ReliableQueueArgs:
        if consumer is None:
            return ReliableQueueArgs(consumer=None, **queue)
        if not isinstance(function, ExistingFunctionArgs):
            function = PythonFunctionArgs(source=source, handler="work.handler", **function)
        return ReliableQueueArgs(consumer=ConsumerArgs(function=function, **consumer), **queue)

    return make


@pytest.fixture
def new_deployment() -> Deployment:
    """One to look into after a program that failed."""
    return Deployment()
