"""A deployment of the program beside a script that makes the same resources by bare calls."""

import contextlib
import pickle
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
from botocore import xform_name
from rich.console import Console

from automation.aws.clients import Clients
from automation.interrupts import Interrupts
from automation.local.emulator import running_emulator
from automation.local.resources.cloud import Connections
from automation.opening import opened_target
from automation.progress import Progress
from automation.stacks import throwaway_stack
from automation.target import Target as Place
from benchmarks.embedded import Cloud
from benchmarks.figures import OURS, Figure, Target

Call = tuple[str, str, dict[str, Any]]

REGION = "us-east-1"
BARE = "a script of bare boto3 calls"
SCRIPT = Path(__file__).with_name("bare_calls.py")
READS = re.compile("Get|List|Describe|Simulate")
# Each kind of thing, its client's name first; what to ask, and where the answer has it.
KINDS: Mapping[str, tuple[str, dict[str, Any], str]] = {
    "sqs": ("list_queues", {}, "QueueUrls"),
    "sns": ("list_topics", {}, "Topics"),
    "logs": ("describe_log_groups", {}, "logGroups"),
    "lambda functions": ("list_functions", {}, "Functions"),
    "lambda layers": ("list_layers", {}, "Layers"),
    "lambda mappings": ("list_event_source_mappings", {}, "EventSourceMappings"),
    "iam roles": ("list_roles", {}, "Roles"),
    "iam policies": ("list_policies", {"Scope": "Local"}, "Policies"),
    "cloudwatch alarms": ("describe_alarms", {}, "MetricAlarms"),
    "cloudwatch dashboards": ("list_dashboards", {}, "DashboardEntries"),
}


def deploying(_: Cloud, rounds: int) -> Figure:
    """Seconds of the main job's step `up`, and of a whole script, each on a fresh emulator."""
    script = _recorded_script()
    values: dict[str, list[float]] = {OURS: [], BARE: []}
    for _ in range(rounds):
        with _deployed() as (seconds, place):
            values[OURS].append(seconds)
            script.require_same(inventory(place.clients))
        values[BARE].append(script.seconds())
    return Figure(
        name="`up`, from nothing to outputs",
        unit="s",
        meaning="The engine, its language host and a Python program with the AWS SDK in it, "
        "beside a script that only makes the calls that they end in.",
        values=values,
        targets=[Target(against=BARE, at_most=3)],
    )


@contextlib.contextmanager
def _deployed() -> "Generator[tuple[float, Place]]":
    """The program in a fresh embedded AWS, and how many seconds its deployment took."""
    progress = Progress(Console(quiet=True))
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as opened:
        home = Path(folder)
        place = opened.enter_context(opened_target("local", home=home, report=print))
        opened.enter_context(
            throwaway_stack(
                place,
                name="benchmark",
                home=home,
                settings={},
                interrupts=Interrupts(print),
                progress=progress,
            )
        )
        yield progress.timings_seconds["up"], place


def _recorded_script() -> "_Script":
    """What a deployment asks AWS to make, in the order in which it was asked."""
    calls: list[Call] = []

    def note(params: dict[str, Any], model: Any, **_: object) -> None:
        if not READS.match(model.name):
            service = model.service_model.service_name
            calls.append((service, xform_name(model.name), dict(params)))

    new_client = Connections._new_client  # noqa: SLF001 no other place sees every call

    def noting(connections: Connections, service: str, region: str) -> Any:
        client = new_client(connections, service, region)
        client.meta.events.register("provide-client-params", note)
        return client

    with mock.patch.object(Connections, "_new_client", noting), _deployed() as (_, place):
        return _Script(
            account=place.account_id,
            endpoint_url=place.clients.endpoint_url or "",
            # A copy: the destruction makes calls too.
            calls=tuple(calls),
            made=inventory(place.clients),
        )


@dataclass(frozen=True, kw_only=True)
class _Script:
    """Calls to make, where they hold, and what is there afterwards."""

    account: str
    endpoint_url: str
    calls: Sequence[Call]
    made: Mapping[str, int]

    def seconds(self) -> float:
        """Of the script as a process, in a fresh emulator at the same address."""
        port = int(self.endpoint_url.rpartition(":")[2])
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "calls"
            path.write_bytes(pickle.dumps((self.account, self.endpoint_url, self.calls)))
            with running_emulator(Path(folder), region=REGION, port=port):
                began = time.monotonic()
                subprocess.run([sys.executable, SCRIPT, path], check=True)
                seconds = time.monotonic() - began
                session = boto3.Session(self.account, "local", region_name=REGION)
                self.require_same(
                    inventory(Clients(session=session, endpoint_url=self.endpoint_url))
                )
        return seconds

    def require_same(self, found: Mapping[str, int]) -> None:
        """Raise when something else is there: the two would not be comparable."""
        if found != self.made:
            raise RuntimeError(f"{found} was made, and not {self.made}")


def inventory(clients: Clients) -> dict[str, int]:
    """How many there are of each kind."""
    found: dict[str, int] = {}
    for kind, (question, arguments, answer) in KINDS.items():
        service = kind.partition(" ")[0]
        client: Any = clients.session.client(service, endpoint_url=clients.endpoint_url)
        found[kind] = len(getattr(client, question)(**arguments).get(answer, []))
    return found
