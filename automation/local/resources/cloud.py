"""Clients of the embedded AWS, one for each service and region, made once and shared."""

from __future__ import annotations

import os
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import botocore.loaders
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from botocore.model import Shape
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sts import STSClient

PARTITION: Final = "aws"
# More than the engine's default number of parallel operations (4 times the processors).
_CONNECTIONS: Final = 32
# Unpacking the largest layer takes the emulator a few seconds.
_READ_TIMEOUT_SECONDS: Final = 30


class AwsError(Exception):
    """A refusal in AWS's manner, for a rule that the emulator does not know."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


def error_code(error: ClientError) -> str:
    """AWS's code of an error answer."""
    return error.response.get("Error", {}).get("Code", "")


@contextmanager
def ignoring(*codes: str) -> Generator[None]:
    """Takes an error answer with one of these codes as success: what is gone needs no deleting."""
    try:
        yield
    except ClientError as error:
        if error_code(error) not in codes:
            raise


# Reading the models of AWS's services is most of the time that a client takes.
_MODELS: Final = botocore.loaders.create_loader()
# The services that nearly every program needs, and a harmless call to each.
_WARM_UP_CALLS: Final = {
    "sqs": "list_queues",
    "iam": "list_roles",
    "lambda": "list_functions",
    "logs": "describe_log_groups",
    "sns": "list_topics",
    "cloudwatch": "list_dashboards",
}


def empty_session() -> botocore.session.Session:
    """A session that reads neither the user's AWS files nor a profile from the environment."""
    nothing = (None, None, None, None)
    no_file = (None, None, os.devnull, None)
    session = botocore.session.Session(
        session_vars={"profile": nothing, "config_file": no_file, "credentials_file": no_file}
    )
    session.register_component("data_loader", _MODELS)
    return session


@dataclass(frozen=True, kw_only=True)
class Connections:
    """What all regions share: the endpoint, the credentials, the loaded models, the clients."""

    endpoint_url: str
    account_id: str
    program_directory: Path
    _session: botocore.session.Session = field(default_factory=empty_session)
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict[tuple[str, str], Any])
    # A session is not thread-safe while it makes a client; a made client is.
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def client(self, service: str, region: str) -> Any:
        """The service's client, made at the first call."""
        with self._lock:
            key = (service, region)
            if key not in self._clients:
                self._clients[key] = self._new_client(service, region)
            return self._clients[key]

    def warm_up(self, region: str) -> None:
        """Makes clients and their first calls, 0.4 s in all, while the engine still starts."""
        for service, call in _WARM_UP_CALLS.items():
            getattr(self.client(service, region), call)()

    def _new_client(self, service: str, region: str) -> Any:
        # botocore's own clients: boto3 would add its S3 helpers once for each session made of one
        # of botocore's, and fail at the second.
        # No proxy: the emulator is on this machine, whatever HTTP_PROXY says.
        config = Config(
            proxies={},
            max_pool_connections=_CONNECTIONS,
            read_timeout=_READ_TIMEOUT_SECONDS,
            retries={"mode": "standard", "total_max_attempts": 5},
            # Left to itself botocore puts its own text together twice for each request.
            user_agent="reliable-queue-provider",
        )
        return cast("Any", self._session).create_client(
            service,
            region_name=region,
            endpoint_url=self.endpoint_url,
            # The emulator takes a 12-digit access key as the account; any secret will do.
            aws_access_key_id=self.account_id,
            aws_secret_access_key="local",  # noqa: S106 - not a secret: the emulator checks none
            config=config,
        )

    def input_shape(self, service: str, operation: str) -> Shape | None:
        """AWS's model of an operation's request."""
        with self._lock:
            model = self._session.get_service_model(service)
        return model.operation_model(operation).input_shape

    def region_descriptions(self) -> dict[str, str]:
        """The partition's regions with what AWS calls them, as botocore's own data lists them."""
        with self._lock:
            data: Any = self._session.get_data("endpoints")
        partition = next(item for item in data["partitions"] if item["partition"] == PARTITION)
        return {name: item["description"] for name, item in partition["regions"].items()}

    def close(self) -> None:
        """Closes every client's connections."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """The embedded AWS as seen by the resources of one region."""

    connections: Connections
    region: str

    @property
    def account_id(self) -> str:
        """The account that everything is in: 12 digits."""
        return self.connections.account_id

    def in_region(self, region: str) -> Cloud:
        """The same account in another region."""
        return Cloud(connections=self.connections, region=region)

    @property
    def sqs(self) -> SQSClient:
        return self.connections.client("sqs", self.region)

    @property
    def functions(self) -> LambdaClient:
        return self.connections.client("lambda", self.region)

    @property
    def iam(self) -> IAMClient:
        return self.connections.client("iam", self.region)

    @property
    def logs(self) -> CloudWatchLogsClient:
        return self.connections.client("logs", self.region)

    @property
    def cloudwatch(self) -> CloudWatchClient:
        return self.connections.client("cloudwatch", self.region)

    @property
    def sns(self) -> SNSClient:
        return self.connections.client("sns", self.region)

    # Any: no types are installed for what few programs need.
    @property
    def kms(self) -> Any:
        return self.connections.client("kms", self.region)

    @property
    def dynamodb(self) -> Any:
        return self.connections.client("dynamodb", self.region)

    @property
    def s3(self) -> Any:
        return self.connections.client("s3", self.region)

    @property
    def events(self) -> Any:
        return self.connections.client("events", self.region)

    @property
    def sts(self) -> STSClient:
        return self.connections.client("sts", self.region)
