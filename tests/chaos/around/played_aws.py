"""The embedded AWS in AWS's place: another process than the run's, with a plugin for the engine.

The plugin is a process that the engine starts and ends, as the official one is.
"""

import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from automation.aws.clients import Clients
from automation.engine.finding import find_engine
from automation.local.emulator import Emulator
from tests.chaos.around.broken_run import ROOT

REGION = "us-east-1"
_PLUGIN = """#!{python}
import os, sys, threading, time
sys.path.insert(0, {root!r})
from pathlib import Path
from automation.local.provider import ProviderSettings, serve_provider
settings = ProviderSettings(
    endpoint_url=os.environ["AWS_ENDPOINT_URL"],
    region=os.environ["AWS_REGION"],
    account_id=os.environ["AWS_ACCESS_KEY_ID"],
    program_directory=Path({root!r}),
)
engine = os.getppid()
with serve_provider(settings) as port:
    print(port, flush=True)
    while os.getppid() == engine:
        time.sleep(0.1)
"""


@dataclass(frozen=True, kw_only=True)
class PlayedAccount:
    """An account, and how a command gets there.

    Attributes:
        clients: for it.
        environment: the ambient credentials, and a PATH on which the engine and its plugin are.
    """

    clients: Clients
    environment: Mapping[str, str]

    def left(self) -> dict[str, Any]:
        """Everything that is in it, by kind."""
        iam, clients = self.clients.session.client("iam", **self._where()), self.clients
        functions, logs, watch = clients.functions, clients.logs, clients.cloudwatch
        found: dict[str, Any] = {
            "queues": clients.sqs.list_queues().get("QueueUrls", []),
            "functions": functions.list_functions()["Functions"],
            "mappings": functions.list_event_source_mappings()["EventSourceMappings"],
            "layers": functions.list_layers()["Layers"],
            "log groups": logs.describe_log_groups()["logGroups"],
            "topics": clients.sns.list_topics()["Topics"],
            "alarms": watch.describe_alarms()["MetricAlarms"],
            "dashboards": watch.list_dashboards()["DashboardEntries"],
            "roles": iam.list_roles()["Roles"],
            "policies": iam.list_policies(Scope="Local")["Policies"],
        }
        return {kind: names for kind, names in found.items() if names}

    def _where(self) -> dict[str, str]:
        return {"endpoint_url": str(self.clients.endpoint_url), "region_name": REGION}


def played_account(emulator: Emulator, folder: Path) -> PlayedAccount:
    """An account in an emulator that nobody else uses."""
    account_id = str(10**11 + secrets.randbelow(9 * 10**11))
    plugins = folder / "plugins"
    plugins.mkdir()
    plugin = plugins / "pulumi-resource-aws"
    plugin.write_text(_PLUGIN.format(python=sys.executable, root=str(ROOT)))
    plugin.chmod(0o755)
    path = (str(plugins), str(find_engine().binary.parent), os.environ.get("PATH", os.defpath))
    session = boto3.Session(
        aws_access_key_id=account_id, aws_secret_access_key="any", region_name=REGION
    )
    return PlayedAccount(
        clients=Clients(session=session, endpoint_url=emulator.endpoint_url),
        environment={
            "PATH": os.pathsep.join(path),
            "PULUMI_HOME": str(folder / "pulumi"),
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "AWS_ENDPOINT_URL": emulator.endpoint_url,
            "AWS_ACCESS_KEY_ID": account_id,
            "AWS_SECRET_ACCESS_KEY": "any",
            "AWS_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        },
    )
