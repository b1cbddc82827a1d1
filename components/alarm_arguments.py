"""When alarms may ring, and who may be told.

Wrong arguments raise `LimitError` as those in `arguments` do.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import pulumi

from . import limits
from .kinds import check_kinds, check_known

Protocol = Literal["email", "email-json", "https", "lambda", "sms", "sqs"]


@dataclass(frozen=True, kw_only=True)
class SubscriptionArgs:
    """Somebody who is told when an alarm rings and when it is over.

    protocol, endpoint: an e-mail address, an HTTPS URL, or the ARN of a queue or function, which
        must let the topic in. An e-mail subscription works once its receiver has confirmed it.
    """

    protocol: Protocol
    endpoint: pulumi.Input[str]

    def __post_init__(self) -> None:
        check_kinds(self, "subscriptions, ")
        limits.check_one_of("subscriptions, protocol", self.protocol, get_args(Protocol))
        if isinstance(self.endpoint, str):
            limits.check_endpoint("subscriptions, endpoint", self.protocol, self.endpoint)


@dataclass(frozen=True, kw_only=True)
class AlarmArgs:
    """When to tell people, and whom. Each alarm is switched off by None.

    dead_letters_above: messages in the dead-letter queue; rings above that, 0 and up.
    dead_letter_age_percent: how much of the time that a dead letter may be left has passed for the
        oldest one, 1 to 99.
    message_age_seconds: age of the oldest message in the queue, below its retention.
    consumer_errors_above: failed invocations in a minute, 0 and up.
    consumer_throttles_above: throttled invocations in a minute, 0 and up.
    topic_arn: ARN of an SNS topic that exists; by default one is created.
    is_topic_encrypted: encrypt the created topic with the queue's customer key.
    subscriptions: who is told, each under a name of its own.
    """

    dead_letters_above: int | None = 0
    dead_letter_age_percent: int | None = 50
    message_age_seconds: int | None = 3_600
    consumer_errors_above: int | None = 0
    consumer_throttles_above: int | None = 0
    topic_arn: pulumi.Input[str] | None = None
    is_topic_encrypted: bool = False
    subscriptions: Mapping[str, SubscriptionArgs] = field(
        default_factory=dict[str, SubscriptionArgs]
    )

    def __post_init__(self) -> None:
        check_kinds(self, "alarms.")
        check_known("alarms.topic_arn", self.topic_arn, limits.check_topic_arn)
        for name in ("dead_letters_above", "consumer_errors_above", "consumer_throttles_above"):
            value = getattr(self, name)
            if value is not None:
                limits.COUNT_THRESHOLD.check(f"alarms.{name}", value)
        if self.dead_letter_age_percent is not None:
            limits.AGE_PERCENT.check("alarms.dead_letter_age_percent", self.dead_letter_age_percent)
        if self.message_age_seconds is not None:
            # How long its queue keeps messages is known later.
            longest = limits.MESSAGE_RETENTION.maximum
            limits.check_message_age_alarm(self.message_age_seconds, longest)
        if self.is_topic_encrypted and self.topic_arn is not None:
            raise limits.LimitError(
                "alarms.is_topic_encrypted = True is about a topic that is created, but "
                "alarms.topic_arn gives one; leave one of them out"
            )
