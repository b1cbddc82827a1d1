"""A queue of payments whose consumer remembers which it has taken."""

import sys
from pathlib import Path

import pulumi

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.append(str(ROOT))  # where `components` lies

from components import (  # noqa: E402
    ConsumerArgs,
    IdempotencyArgs,
    PythonFunctionArgs,
    ReliableQueue,
    ReliableQueueArgs,
    dependency_layer,
)

powertools = dependency_layer(ROOT / "functions" / "requirements.txt", build_folder=ROOT / ".build")
function = PythonFunctionArgs(
    source=HERE / "consumer", handler="payments.handler", dependencies=powertools
)
payments = ReliableQueue(
    "payments",
    ReliableQueueArgs(consumer=ConsumerArgs(function=function, idempotency=IdempotencyArgs())),
)
pulumi.export("queueUrl", payments.queue_url)
pulumi.export("dlqUrl", payments.dlq_url)
pulumi.export("functionName", payments.consumer_function_name)
pulumi.export("logGroupName", payments.consumer_log_group_name)
pulumi.export("tableName", payments.idempotency_table_name)
