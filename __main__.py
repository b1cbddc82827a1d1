"""The program: a reliable queue, and the producer that stands for the stores that send to it."""

import os
import re
from pathlib import Path

import pulumi

from components import (
    ConsumerArgs,
    DependencyLayer,
    FifoArgs,
    LayerError,
    LimitError,
    PythonFunction,
    PythonFunctionArgs,
    ReliableQueue,
    ReliableQueueArgs,
    dependency_layer,
    limits,
    outputs,
)

ROOT = Path(__file__).resolve().parent
# An installed package lies where nothing may be written; the automation says where instead.
BUILD = Path(os.environ.get("RELIABLE_QUEUE_CACHE", ROOT / ".build"))

# Every key of the stack's configuration; its type, meaning and default are in Pulumi.yaml.
RANGES = {
    "maxReceiveCount": limits.MAX_RECEIVE_COUNT,
    "functionTimeoutSeconds": limits.FUNCTION_TIMEOUT,
    "batchSize": limits.BATCH_SIZE,
    "batchingWindowSeconds": limits.BATCHING_WINDOW,
    "maximumConcurrency": limits.MAXIMUM_CONCURRENCY,
    "dlqRetentionSeconds": limits.MESSAGE_RETENTION,
    "visibilityTimeoutSeconds": limits.VISIBILITY_TIMEOUT,
}
# What the component calls it, where that is not the key in snake case.
ARGUMENTS = {"functionTimeoutSeconds": "timeout_seconds"}
KEYS = (*RANGES, "logRetentionDays", "consumerPath", "fifo", "requiresTls")


def in_configured_names(message: str) -> str:
    """The component's refusal in the words of who wrote the configuration, not the program."""
    for key in KEYS:
        argument = re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", key)
        argument = ARGUMENTS.get(key, argument)
        message = re.sub(rf"(?<![\w.]){argument}(?!\w)", key, message)
    return message


def read_numbers(config: pulumi.Config) -> dict[str, int]:
    """The whole numbers of the configuration by key, each within its range."""
    refuse_unknown_keys(config)
    numbers = {key: config.require_int(key) for key in (*RANGES, "logRetentionDays")}
    for key, allowed in RANGES.items():
        allowed.check(f"{config.name}:{key}", numbers[key])
    limits.check_log_retention(f"{config.name}:logRetentionDays", numbers["logRetentionDays"])
    return numbers


def refuse_unknown_keys(config: pulumi.Config) -> None:
    """A misspelt key would be ignored by Pulumi, and its default taken."""
    given = pulumi.runtime.config.CONFIG.get()
    names = {
        key.removeprefix(f"{config.name}:") for key in given if key.startswith(f"{config.name}:")
    }
    unknown = sorted(names - set(KEYS))
    if unknown:
        raise LimitError(
            f"unknown configuration: {', '.join(f'{config.name}:{key}' for key in unknown)}; "
            f"known: {', '.join(KEYS)}"
        )


def queue_args(
    config: pulumi.Config, numbers: dict[str, int], dependencies: DependencyLayer
) -> ReliableQueueArgs:
    """The configuration as the component's arguments, which check how they go together."""
    consumer = PythonFunctionArgs(
        source=ROOT / config.require("consumerPath"),
        handler="consumer.handler",
        dependencies=dependencies,
        timeout_seconds=numbers["functionTimeoutSeconds"],
        log_retention_days=numbers["logRetentionDays"],
    )
    return ReliableQueueArgs(
        consumer=ConsumerArgs(
            function=consumer,
            batch_size=numbers["batchSize"],
            batching_window_seconds=numbers["batchingWindowSeconds"],
            maximum_concurrency=numbers["maximumConcurrency"],
        ),
        fifo=FifoArgs() if config.require_bool("fifo") else None,
        max_receive_count=numbers["maxReceiveCount"],
        dlq_retention_seconds=numbers["dlqRetentionSeconds"],
        # 0 in the configuration, where every key has a value, is the component's None: derived.
        visibility_timeout_seconds=numbers["visibilityTimeoutSeconds"] or None,
        requires_tls=config.require_bool("requiresTls"),
    )


def create_producer(
    queue: ReliableQueue, log_retention_days: int, dependencies: DependencyLayer
) -> PythonFunction:
    """The five stores in one function, which may send to the queue and nothing else."""
    args = PythonFunctionArgs(
        source=ROOT / "functions" / "producer",
        handler="producer.handler",
        dependencies=dependencies,
        environment={"QUEUE_URL": queue.queue_url},
        # It stops by itself when its run is over; Lambda's maximum leaves room for long runs.
        timeout_seconds=limits.FUNCTION_TIMEOUT.maximum,
        # The share of a processor, and with it the rate it can send at, grows with the memory.
        memory_mb=512,
        log_retention_days=log_retention_days,
    )
    producer = PythonFunction("producer", args)
    queue.grant_send(producer)
    return producer


def main() -> None:
    """Check everything, then create everything, then tell what there is."""
    config = pulumi.Config()
    numbers = read_numbers(config)
    dependencies = dependency_layer(ROOT / "functions" / "requirements.txt", build_folder=BUILD)
    args = queue_args(config, numbers, dependencies)
    queue = ReliableQueue("events", args)
    producer = create_producer(queue, numbers["logRetentionDays"], dependencies)
    stack_outputs = outputs.exports(
        queue_url=queue.queue_url,
        queue_arn=queue.queue_arn,
        queue_name=queue.queue_name,
        dlq_url=queue.dlq_url,
        dlq_arn=queue.dlq_arn,
        dlq_name=queue.dlq_name,
        consumer_function_name=queue.consumer_function_name,
        consumer_function_arn=queue.consumer_function_arn,
        consumer_log_group_name=queue.consumer_log_group_name,
        producer_function_name=producer.function_name,
        producer_function_arn=producer.function_arn,
        producer_log_group_name=producer.log_group_name,
        alarm_names=queue.alarm_names,
        alarm_topic_arn=queue.alarm_topic_arn,
        region=queue.region,
        send_policy_arn=queue.send_policy_arn,
        consume_policy_arn=queue.consume_policy_arn,
        operator_policy_arn=queue.operator_policy_arn,
        dashboard_name=queue.dashboard_name,
    )
    for name, value in stack_outputs.items():
        pulumi.export(name, value)


try:
    main()
except (LimitError, LayerError) as error:
    # Pulumi prints a RunError as it is, without a traceback.
    raise pulumi.RunError(in_configured_names(str(error))) from error
