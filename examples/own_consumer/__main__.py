"""A FIFO queue of orders with a consumer of one's own, watched by a mailbox."""

import sys
from pathlib import Path

import pulumi

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parents[1]))  # where `components` lies

from components import (  # noqa: E402
    AlarmArgs,
    ConsumerArgs,
    FifoArgs,
    PythonFunctionArgs,
    ReliableQueue,
    ReliableQueueArgs,
    SubscriptionArgs,
)

config = pulumi.Config()
function = PythonFunctionArgs(
    source=HERE / "consumer",
    handler="orders.handler",
    timeout_seconds=config.require_int("timeoutSeconds"),
    memory_mb=512,
)
people = SubscriptionArgs(protocol="email", endpoint="on-call@example.com")
orders = ReliableQueue(
    "orders",
    ReliableQueueArgs(
        consumer=ConsumerArgs(function=function, maximum_concurrency=5),
        fifo=FifoArgs(),
        max_receive_count=config.require_int("maxReceiveCount"),
        alarms=AlarmArgs(subscriptions={"people": people}, message_age_seconds=600),
    ),
)
pulumi.export("queueUrl", orders.queue_url)
pulumi.export("dlqUrl", orders.dlq_url)
