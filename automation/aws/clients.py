"""The AWS clients of one target: credentials, endpoint, retries and time-outs in one place."""

import functools
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from automation.aws.frequent_requests import quicken

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sts import STSClient

# What CloudTrail shows of a request. Left to itself botocore puts its own text together twice for
# each request, which is a tenth of the processor time that a redrive takes.
USER_AGENT = f"reliable-queue Boto3/{boto3.__version__}"

# AWS Lambda Developer Guide, Lambda quotas, Function timeout: 900 s. The answer is on its way a
# moment longer than the function runs.
_LONGEST_INVOCATION_SECONDS = 900 + 60
# Well below the 350 s after which a NAT gateway forgets a silent connection.
_KEEPALIVE_SECONDS = 60
# macOS calls the same TCP_KEEPALIVE, 0x10.
_IDLE_OPTION = int(getattr(socket, "TCP_KEEPIDLE", 0x10))


@dataclass(frozen=True, kw_only=True)
class Clients:
    """The AWS clients of one target, each made when it is first used.

    Attributes:
        session: credentials and region.
        endpoint_url: base URL for every service; None (default) for AWS's own.
        max_connections: connections that one client may hold open at once, default 10.
    """

    session: boto3.Session = field(repr=False)
    endpoint_url: str | None = None
    max_connections: int = 10

    @functools.cached_property
    def sqs(self) -> "SQSClient":
        """Repeats a request that may be repeated: receiving, deleting, asking."""
        return self._sqs(self._config())

    @functools.cached_property
    def configured_sqs_url(self) -> str | None:
        """Where SQS is by the environment or the profile; None for where AWS has it.

        A VPC's own endpoint, or no AWS at all (AWS SDKs and Tools Reference Guide,
        Service-specific endpoints).
        """
        # The stubs lack it.
        ignoring = Config(ignore_configured_endpoint_urls=True)  # pyright: ignore[reportCallIssue]
        usual = self.session.client("sqs", config=ignoring)
        url = self.sqs.meta.endpoint_url
        return None if url == usual.meta.endpoint_url else url

    @functools.cached_property
    def sender(self) -> "SQSClient":
        """Never repeats a request by itself, so that who sends knows of every sending.

        A sending that is repeated because its answer got lost makes a duplicate.
        """
        # What is sent was received from SQS, or is checked; a tenth of the time goes into it.
        config = self._config(attempts=1).merge(Config(parameter_validation=False))
        return self._sqs(config)

    @functools.cached_property
    def sns(self) -> "SNSClient":
        return self.session.client("sns", endpoint_url=self.endpoint_url, config=self._config())

    @functools.cached_property
    def logs(self) -> "CloudWatchLogsClient":
        return self.session.client("logs", endpoint_url=self.endpoint_url, config=self._config())

    @functools.cached_property
    def cloudwatch(self) -> "CloudWatchClient":
        return self.session.client(
            "cloudwatch", endpoint_url=self.endpoint_url, config=self._config()
        )

    @functools.cached_property
    def sts(self) -> "STSClient":
        return self.session.client("sts", endpoint_url=self.endpoint_url, config=self._config())

    @functools.cached_property
    def functions(self) -> "LambdaClient":
        """For everything but invocations."""
        return self.session.client("lambda", endpoint_url=self.endpoint_url, config=self._config())

    @functools.cached_property
    def invoker(self) -> "LambdaClient":
        """Waits for the longest invocation there is, and never makes a second one of it.

        A second one because the first was slow would do everything twice. Without keepalive a NAT
        gateway forgets a connection on which nothing was said for 350 s (Amazon VPC User Guide,
        NAT gateway basics).
        """
        config = self._config(attempts=1).merge(
            Config(read_timeout=_LONGEST_INVOCATION_SECONDS, tcp_keepalive=True)
        )
        client = self.session.client("lambda", endpoint_url=self.endpoint_url, config=config)
        # The kernel's own first probe comes after two hours, and botocore has no setting for it.
        options = client._endpoint.http_session._socket_options  # pyright: ignore # noqa: SLF001
        options.append(  # pyright: ignore[reportUnknownMemberType]
            (socket.IPPROTO_TCP, _IDLE_OPTION, _KEEPALIVE_SECONDS)
        )
        return client

    def _sqs(self, config: Config) -> "SQSClient":
        client: SQSClient = self.session.client(
            "sqs", endpoint_url=self.endpoint_url, config=config
        )
        quicken(client)
        return client

    def _config(self, *, attempts: int = 5) -> Config:
        return Config(
            max_pool_connections=self.max_connections,
            retries={"mode": "standard", "total_max_attempts": attempts},
            user_agent=USER_AGENT,
            proxies={} if self._is_on_this_machine else None,
        )

    @property
    def _is_on_this_machine(self) -> bool:
        # Then no proxy is in between, whatever HTTP_PROXY says.
        host = urlsplit(self.endpoint_url or "").hostname
        return host in ("127.0.0.1", "::1", "localhost")
