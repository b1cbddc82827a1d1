"""The AWS clients of one target: credentials, endpoint, retries, time-outs in one place."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

import functools
from typing import TYPE_CHECKING

import boto3

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient


# What CloudTrail shows of a request. Left to itself botocore puts its own text together twice for
# each request, which is a tenth of the processor time that a redrive takes.
USER_AGENT = f"reliable-queue Boto3/{boto3.__version__}"


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
        return self.session.client("sqs", endpoint_url=self.endpoint_url, config=self._config)

    @functools.cached_property
    def sns(self) -> "SNSClient":
        return self.session.client("sns", endpoint_url=self.endpoint_url, config=self._config)

    @functools.cached_property
    def logs(self) -> "CloudWatchLogsClient":
        return self.session.client("logs", endpoint_url=self.endpoint_url, config=self._config)

    @functools.cached_property
    def cloudwatch(self) -> "CloudWatchClient":
        return self.session.client(
            "cloudwatch", endpoint_url=self.endpoint_url, config=self._config
        )

    @functools.cached_property
    def functions(self) -> "LambdaClient":
        # An invocation may take Lambda's limit of 15 minutes before its answer comes; a second
        # one because the first was slow would send everything twice.
        return self.session.client(
            "lambda",
            endpoint_url=self.endpoint_url,
            config=Config(
                read_timeout=900,
                retries={"total_max_attempts": 1},
                user_agent=USER_AGENT,
                proxies=self._proxies,
            ),
        )

    @property
    def _config(self) -> Config:
        return Config(
            max_pool_connections=self.max_connections,
            retries={"mode": "standard", "total_max_attempts": 5},
            user_agent=USER_AGENT,
            proxies=self._proxies,
        )

    @property
    def _proxies(self) -> dict[str, str] | None:
        # An endpoint of our own is on this machine, whatever HTTP_PROXY says.
        return {} if self.endpoint_url else None


def single_attempt_client(clients: Clients) -> "SQSClient":
    """A client that never repeats a request by itself.

    A sending that is repeated because its answer got lost makes a duplicate; who sends has to
    know of it.
    """
    return clients.session.client(
        "sqs",
        endpoint_url=clients.endpoint_url,
        config=Config(
            max_pool_connections=clients.max_connections,
            retries={"total_max_attempts": 1},
            user_agent=USER_AGENT,
            # What is sent was received from SQS, or is checked; a tenth of the time goes into it.
            parameter_validation=False,
            # An endpoint of our own is on this machine, whatever HTTP_PROXY says.
            proxies={} if clients.endpoint_url else None,
        ),
    )
