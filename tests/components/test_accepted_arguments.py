"""No combination of arguments that the rules accept is refused by AWS's own model, or locally."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automation.local.resources.catalogue import RESOURCE_TYPES
from automation.local.resources.checking import CheckRequest, check
from automation.local.resources.cloud import Cloud, Connections
from automation.local.resources.values import Archive
from components import (
    AlarmArgs,
    ConsumerArgs,
    CustomerKeyArgs,
    ExistingFunctionArgs,
    FifoArgs,
    LimitError,
    PollersArgs,
    PythonFunctionArgs,
    ReliableQueue,
    ReliableQueueArgs,
    SubscriptionArgs,
    limits,
)

ARN = "arn:aws:lambda:eu-north-1:123456789012:function:f"
TOPIC_ARN = "arn:aws:sns:eu-north-1:123456789012:t"
KEY_ARN = "arn:aws:kms:eu-north-1:123456789012:key/12345678-1234-1234-1234-123456789012"
TAG_LETTERS = "aZ0 _.:/=+-@é"


def within(limit: limits.Limit) -> st.SearchStrategy[int]:
    """A limit's range, its ends and one beyond them more often than the rest."""
    ends = (limit.minimum - 1, limit.minimum, limit.maximum, limit.maximum + 1)
    return st.integers(limit.minimum, limit.maximum) | st.sampled_from(ends)


tags = st.dictionaries(
    st.text(TAG_LETTERS, min_size=1, max_size=128), st.text(TAG_LETTERS, max_size=256), max_size=4
)
names = st.none() | st.text("aZ0-_", min_size=1, max_size=77)


@st.composite
def functions(draw: st.DrawFn, source: Path) -> PythonFunctionArgs | ExistingFunctionArgs:
    reserved = draw(st.none() | within(limits.RESERVED_CONCURRENCY))
    timeout = draw(within(limits.FUNCTION_TIMEOUT))
    if draw(st.booleans()):
        return ExistingFunctionArgs(
            function_arn=ARN,
            role_name="role",
            timeout_seconds=timeout,
            reserved_concurrency=reserved,
        )
    return PythonFunctionArgs(
        source=source,
        handler="work.handler",
        layers=[f"{ARN.replace('function', 'layer')}:1"] * draw(st.integers(0, 6)),
        environment=draw(st.dictionaries(st.sampled_from(["MODE", "A_1"]), st.text(max_size=9))),
        timeout_seconds=timeout,
        memory_mb=draw(within(limits.FUNCTION_MEMORY)),
        reserved_concurrency=reserved,
        log_retention_days=draw(st.sampled_from([*limits.LOG_RETENTION_DAYS, 2])),
        traces=draw(st.booleans()),
        runtime=draw(st.sampled_from(["python3.12", "python3.13", "python3.14"])),
        architecture=draw(st.sampled_from(["arm64", "x86_64"])),
        tags=draw(tags),
    )


@st.composite
def consumers(draw: st.DrawFn, source: Path) -> ConsumerArgs:
    poller_args = st.builds(
        PollersArgs,
        minimum=within(limits.MINIMUM_POLLERS),
        maximum=within(limits.MAXIMUM_POLLERS),
    )
    patterns = st.dictionaries(st.sampled_from(["body", "eventSource"]), st.just(["a"]))
    return ConsumerArgs(
        function=draw(functions(source)),
        batch_size=draw(st.sampled_from([1, 10]) | within(limits.BATCH_SIZE)),
        batching_window_seconds=draw(st.just(0) | within(limits.BATCHING_WINDOW)),
        maximum_concurrency=draw(st.none() | within(limits.MAXIMUM_CONCURRENCY)),
        pollers=draw(st.none() | poller_args),
        filters=draw(st.lists(patterns, max_size=11)),
    )


@st.composite
def alarms(draw: st.DrawFn) -> AlarmArgs:
    people = SubscriptionArgs(protocol="email", endpoint="a@example.com")
    counts = st.none() | within(limits.COUNT_THRESHOLD)
    return AlarmArgs(
        dead_letters_above=draw(counts),
        dead_letter_age_percent=draw(st.none() | within(limits.AGE_PERCENT)),
        message_age_seconds=draw(st.none() | within(limits.MESSAGE_RETENTION)),
        consumer_errors_above=draw(counts),
        consumer_throttles_above=draw(counts),
        topic_arn=draw(st.none() | st.just(TOPIC_ARN)),
        is_topic_encrypted=draw(st.booleans()),
        subscriptions=draw(st.dictionaries(st.sampled_from(["a", "b"]), st.just(people))),
    )


@st.composite
def queues(draw: st.DrawFn, source: Path) -> ReliableQueueArgs:
    key = st.builds(
        CustomerKeyArgs,
        key_arn=st.none() | st.just(KEY_ARN),
        data_key_reuse_seconds=within(limits.DATA_KEY_REUSE),
        deletion_window_days=within(limits.KEY_DELETION_WINDOW),
    )
    fifo = st.builds(
        FifoArgs, content_based_deduplication=st.booleans(), high_throughput=st.booleans()
    )
    return ReliableQueueArgs(
        consumer=draw(st.none() | consumers(source)),
        fifo=draw(st.none() | fifo),
        max_receive_count=draw(within(limits.MAX_RECEIVE_COUNT)),
        retention_seconds=draw(within(limits.MESSAGE_RETENTION)),
        dlq_retention_seconds=draw(st.just(1_209_600) | within(limits.MESSAGE_RETENTION)),
        visibility_timeout_seconds=draw(st.none() | within(limits.VISIBILITY_TIMEOUT)),
        delay_seconds=draw(within(limits.DELAY)),
        max_message_bytes=draw(within(limits.MESSAGE_BYTES)),
        receive_wait_seconds=draw(within(limits.RECEIVE_WAIT)),
        key=draw(st.none() | key),
        requires_tls=draw(st.booleans()),
        queue_name=draw(names),
        queue_name_prefix=draw(names),
        alarms=draw(st.none() | alarms()),
        has_dashboard=draw(st.booleans()),
        tags=draw(tags),
    )


@st.composite
def accepted(draw: st.DrawFn, source: Path) -> ReliableQueueArgs:
    """Arguments that no rule refuses: others are drawn until then."""
    while True:
        try:
            return draw(queues(source))
        except LimitError:
            continue


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    """Nothing answers there: checking asks the service for nothing."""
    connections = Connections(
        endpoint_url="http://127.0.0.1:9", account_id="123456789012", program_directory=tmp_path
    )
    return Cloud(connections=connections, region="eu-north-1")


def as_sent(value: Any) -> Any:
    """What the provider is given: whole numbers, archives as it knows them."""
    if isinstance(value, pulumi.Archive):
        return Archive({"assets": {}, "hash": "x"})
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {name: as_sent(item) for name, item in value.items()}
    return [as_sent(item) for item in value] if isinstance(value, list) else value


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_what_the_rules_accept_no_service_refuses(
    deploy: Callable[..., Any], cloud: Cloud, source: Path, data: st.DataObject
) -> None:
    args = data.draw(accepted(source))
    deployed = deploy(lambda: ReliableQueue("events", args))
    for resource in deployed.resources:
        if resource.type.startswith("reliable-queue:"):
            continue
        request = CheckRequest(
            logical_name=resource.name,
            old={},
            new=as_sent(resource.inputs),
            seed=b"1",
            default_tags={},
        )
        checked = check(RESOURCE_TYPES[resource.type], request, cloud)
        assert checked.failures == (), resource.name
