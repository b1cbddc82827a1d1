"""An account and region to work in, and how patient one has to be there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Self

from automation.aws.clients import Clients
from automation.engine.command import EngineCommand

TargetName = Literal["local", "aws"]


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account and region.

    Attributes:
        name: `local` or `aws`.
        account_id: 12 digits.
        region: for example `eu-west-1`.
        clients: boto3 clients for it.
        pace: how patient a caller has to be here.
    """

    name: TargetName
    account_id: str
    region: str
    clients: Clients
    pace: "Pace"

    def __str__(self) -> str:
        """Where this is, for somebody with several terminals open."""
        if self.name == "local":
            return f"embedded AWS, {self.region}"
        account = f"AWS account {self.account_id}, region {self.region}"
        if endpoint_url := self.clients.endpoint_url:
            return f"{endpoint_url} (AWS_ENDPOINT_URL), no AWS; {account}"
        sqs_url = self.clients.configured_sqs_url
        return f"{account}, SQS at {sqs_url}" if sqs_url else account


@dataclass(frozen=True, kw_only=True)
class Target(Account):
    """An account and region, and what the engine needs to work there.

    Attributes:
        engine: the Pulumi command.
        environment: variables for the engine and for any command that runs against the target.
    """

    engine: EngineCommand = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, account: Account, engine: EngineCommand, environment: Mapping[str, str]) -> Self:
        """The same account, with what the engine needs there."""
        return cls(
            name=account.name,
            account_id=account.account_id,
            region=account.region,
            clients=account.clients,
            pace=account.pace,
            engine=engine,
            environment=environment,
        )


@dataclass(frozen=True, kw_only=True)
class Pace:
    """The times that differ between AWS and its stand-in, in seconds.

    Attributes:
        settle_timeout_seconds: default limit for a queue to settle.
        poll_interval_seconds: pause between two looks.
        quiet_seconds: how long a queue must look empty before it counts as settled.
            AWS's counts are eventually consistent, which takes a minute at least
            (SQS API Reference, GetQueueAttributes).
        receive_wait_seconds: long polling of one receive; from 1 on SQS asks all its servers
            (SQS Developer Guide, "Short and long polling").
        log_delay_seconds: how late log records may arrive.
        late_log_seconds: how long after a queue has settled a record may still come that
            contradicts an account in which nothing is missing; 0 where a record is there before
            its message is deleted.
        alarm_timeout_seconds: limit for an alarm to follow its metric.
        connections: how many requests to make at once where many messages are read or moved.
    """

    settle_timeout_seconds: float
    poll_interval_seconds: float
    quiet_seconds: float
    receive_wait_seconds: int
    log_delay_seconds: float
    late_log_seconds: float
    alarm_timeout_seconds: float
    connections: int


# The connections are measured by `make bench`; on AWS each request takes some 20 ms,
# most of it waiting.
LOCAL_PACE = Pace(
    settle_timeout_seconds=120,
    poll_interval_seconds=0.1,
    # The embedded SQS counts all of a queue in one pass, and at once: a second look is enough.
    quiet_seconds=0.1,
    receive_wait_seconds=0,
    log_delay_seconds=3,
    late_log_seconds=0,
    alarm_timeout_seconds=15,
    connections=8,
)


# Somebody's emulator: it answers at once, as far as its makers say, but it may count late.
ENDPOINT_PACE = Pace(
    settle_timeout_seconds=300,
    poll_interval_seconds=0.5,
    quiet_seconds=5,
    receive_wait_seconds=1,
    log_delay_seconds=15,
    late_log_seconds=5,
    alarm_timeout_seconds=120,
    connections=8,
)
AWS_PACE = Pace(
    settle_timeout_seconds=900,
    poll_interval_seconds=5,
    quiet_seconds=60,
    receive_wait_seconds=2,
    log_delay_seconds=120,
    # The queue has looked empty for 60 s by then.
    late_log_seconds=60,
    # The metrics of a queue that was idle come up to 15 minutes late (SQS Developer Guide,
    # "Monitoring Amazon SQS queues using CloudWatch"), and once a minute; then the alarm's own
    # period, its evaluation and the way of its notification.
    alarm_timeout_seconds=15 * 60 + 300,
    connections=16,
)
