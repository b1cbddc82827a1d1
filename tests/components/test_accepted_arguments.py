"""No combination of arguments that the rules accept is refused by AWS's own model, or locally."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest
from botocore.model import StructureShape
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from automation.local.resources.catalogue import RESOURCE_TYPES
from automation.local.resources.checking import CheckRequest, check
from automation.local.resources.cloud import Cloud, Connections
from automation.local.resources.service_model import problems
from automation.local.resources.values import Archive
from components import (
    AlarmArgs,
    ConsumerArgs,
    CustomerKeyArgs,
    DependencyLayer,
    ExistingFunctionArgs,
    FifoArgs,
    IdempotencyArgs,
    LimitError,
    PollersArgs,
    PythonFunctionArgs,
    ReliableQueue,
    ReliableQueueArgs,
    SubscriptionArgs,
    VpcArgs,
    limits,
)

ARN = "arn:aws:lambda:eu-north-1:123456789012:function:f"
TOPIC_ARN = "arn:aws:sns:eu-north-1:123456789012:t"
KEY_ARN = "arn:aws:kms:eu-north-1:123456789012:key/12345678-1234-1234-1234-123456789012"


def within(limit: limits.Limit) -> st.SearchStrategy[int]:
    """A limit's range, its ends more often than the rest, and now and then one beyond them."""
    inside = st.integers(limit.minimum, limit.maximum) | st.sampled_from(
        (limit.minimum, limit.maximum)
    )
    beyond = st.sampled_from((limit.minimum - 1, limit.maximum + 1))
    return st.integers(0, 63).flatmap(lambda number: beyond if number == 7 else inside)


@st.composite
def accepted(draw: st.DrawFn, arguments: st.SearchStrategy[Any]) -> Any:
    """Arguments that no rule refuses: others are drawn until then."""
    while True:
        try:
            return draw(arguments)
        except LimitError:
            continue


def mostly(right: list[Any], wrong: list[Any]) -> st.SearchStrategy[Any]:
    """One of several, the wrong ones seldom."""
    return st.sampled_from(right * (1 + 8 * len(wrong) // len(right)) + wrong)


tags = st.dictionaries(
    mostly(["team", "Team", "é b", "k" * 128, "_.:/=+-@"], ["k" * 129, "aws:x", ""]),
    mostly(["", "a", "v" * 256], ["v" * 257]),
    max_size=3,
)
names = st.none() | mostly(
    ["q", "a-B_0", "q" * 45, "q" * 50], ["q" * 71, "q" * 76, "q" * 77, "a b"]
)
reserved = st.none() | within(limits.RESERVED_CONCURRENCY)
runtimes = st.sampled_from(["python3.12", "python3.13", "python3.14"])
architectures = st.sampled_from(["arm64", "x86_64"])
variables = st.dictionaries(
    mostly(["MODE", "A_1", "A1"], ["A", "1A", "AWS_REGION"]),
    mostly(["", "é", "x" * 1_000], ["x" * 4_096]),
    max_size=3,
)
vpcs = st.builds(
    VpcArgs,
    subnet_ids=st.lists(st.just("subnet-1"), max_size=17),
    security_group_ids=st.lists(st.just("sg-1"), max_size=6),
)
filters = st.lists(
    mostly(
        [{"body": ["a"]}, {"body": {"a": [{"numeric": [">", 1]}]}}, {"body": ["x" * 4_000]}],
        [{"body": ["x" * 4_100]}, {"body": "a"}, {"eventSource": ["a"]}, {}],
    ),
    max_size=11,
)
statements = st.lists(
    st.fixed_dictionaries(
        {
            "Effect": st.sampled_from(["Allow", "Deny"]),
            "Principal": mostly(
                [{"AWS": ["111122223333"]}, {"Service": "sns.amazonaws.com"}], ["*", {"AWS": ["*"]}]
            ),
            "Action": mostly(["SQS:SendMessage", ["sqs:GetQueueUrl"]], ["sns:Publish"]),
        },
        optional={"Sid": st.sampled_from("abcd")},
    ),
    max_size=2,
)


def own_functions(source: Path) -> st.SearchStrategy[PythonFunctionArgs]:
    built = st.builds(
        DependencyLayer,
        archive=st.just(source / "layer.zip"),
        runtime=runtimes,
        architecture=architectures,
    )
    return st.builds(
        PythonFunctionArgs,
        source=st.just(source),
        handler=st.just("work.handler"),
        dependencies=st.none() | built,
        layers=st.lists(st.just(f"{ARN.replace('function', 'layer')}:1"), max_size=6),
        environment=variables,
        timeout_seconds=within(limits.FUNCTION_TIMEOUT),
        memory_mb=within(limits.FUNCTION_MEMORY),
        reserved_concurrency=reserved,
        log_level=st.sampled_from(["DEBUG", "ERROR"]),
        log_retention_days=st.sampled_from([*limits.LOG_RETENTION_DAYS, 2]),
        traces=st.booleans(),
        vpc=st.none() | accepted(vpcs),
        runtime=runtimes,
        architecture=architectures,
        tags=tags,
    )


EXISTING_FUNCTIONS = st.builds(
    ExistingFunctionArgs,
    function_arn=st.sampled_from([ARN, "f", "123456789012:function:f:live"]),
    role_name=st.just("role"),
    timeout_seconds=within(limits.FUNCTION_TIMEOUT),
    reserved_concurrency=reserved,
    log_group_name=st.none() | st.just("logs"),
)


def consumers(
    function: st.SearchStrategy[Any], *, has_pollers: bool, is_fifo: bool
) -> st.SearchStrategy[ConsumerArgs]:
    pollers = st.builds(
        PollersArgs,
        minimum=st.just(2) | within(limits.MINIMUM_POLLERS),
        maximum=st.just(2) | within(limits.MAXIMUM_POLLERS),
    )
    return st.builds(
        ConsumerArgs,
        function=accepted(function),
        batch_size=mostly([1, 10], [11]) if is_fifo else within(limits.BATCH_SIZE),
        batching_window_seconds=mostly([0], [1]) if is_fifo else within(limits.BATCHING_WINDOW),
        maximum_concurrency=mostly([None], [5])
        if has_pollers
        else st.none() | within(limits.MAXIMUM_CONCURRENCY),
        pollers=accepted(pollers) if has_pollers else st.none(),
        filters=filters,
        is_enabled=st.booleans(),
        idempotency=st.none()
        | st.builds(IdempotencyArgs, expires_after_seconds=st.none() | within(limits.IDEMPOTENCY)),
    )


@st.composite
def alarms(draw: st.DrawFn) -> AlarmArgs:
    people = st.sampled_from(
        [
            SubscriptionArgs(protocol="email", endpoint="a@example.com"),
            SubscriptionArgs(protocol="https", endpoint="https://example.com"),
            SubscriptionArgs(protocol="lambda", endpoint=ARN),
        ]
    )
    counts = st.none() | within(limits.COUNT_THRESHOLD)
    return AlarmArgs(
        dead_letters_above=draw(counts),
        dead_letter_age_percent=draw(st.none() | within(limits.AGE_PERCENT)),
        message_age_seconds=draw(st.none() | within(limits.MESSAGE_RETENTION)),
        consumer_errors_above=draw(counts),
        consumer_throttles_above=draw(counts),
        topic_arn=draw(st.none() | st.just(TOPIC_ARN)),
        is_topic_encrypted=draw(st.booleans()),
        subscriptions=draw(st.dictionaries(st.sampled_from(["a", "b"]), people)),
    )


@st.composite
def queues(
    draw: st.DrawFn, consumer: st.SearchStrategy[ConsumerArgs | None], *, is_fifo: bool
) -> ReliableQueueArgs:
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
        consumer=draw(consumer),
        fifo=draw(fifo if is_fifo else st.none()),
        max_receive_count=draw(within(limits.MAX_RECEIVE_COUNT)),
        retention_seconds=draw(within(limits.MESSAGE_RETENTION)),
        dlq_retention_seconds=draw(st.just(1_209_600) | within(limits.MESSAGE_RETENTION)),
        visibility_timeout_seconds=draw(st.none() | within(limits.VISIBILITY_TIMEOUT)),
        delay_seconds=draw(within(limits.DELAY)),
        max_message_bytes=draw(within(limits.MESSAGE_BYTES)),
        receive_wait_seconds=draw(within(limits.RECEIVE_WAIT)),
        key=draw(st.none() | accepted(key)),
        requires_tls=draw(st.booleans()),
        statements=draw(statements),
        queue_name=draw(names),
        queue_name_prefix=draw(names),
        alarms=draw(st.none() | accepted(alarms())),
        has_dashboard=draw(st.booleans()),
        tags=draw(tags),
    )


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


def failures(resource: Any, cloud: Cloud) -> list[str]:
    """What the local provider or AWS's own model has against a resource."""
    inputs = as_sent(resource.inputs)
    # The embedded AWS has no VPCs, so the local provider refuses them all.
    vpc = inputs.pop("vpcConfig", None)
    request = CheckRequest(
        logical_name=resource.name, old={}, new=inputs, seed=b"1", default_tags={}
    )
    checked = check(RESOURCE_TYPES[resource.type], request, cloud)
    function = cloud.connections.input_shape("lambda", "CreateFunction")
    assert isinstance(function, StructureShape)
    in_vpc = vpc and {"SubnetIds": vpc["subnetIds"], "SecurityGroupIds": vpc["securityGroupIds"]}
    against = problems(function.members["VpcConfig"], in_vpc) if in_vpc else ()
    return [failure.reason for failure in (*checked.failures, *against)]


@pytest.mark.parametrize("is_fifo", [False, True], ids=["standard", "fifo"])
@pytest.mark.parametrize("consumer", ["none", "own", "existing", "pollers"])
@settings(
    max_examples=5,
    deadline=None,
    # Arguments can be read as they were drawn; to make them fewer takes minutes.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(data=st.data())
def test_what_the_rules_accept_no_service_refuses(
    deploy: Callable[..., Any],
    cloud: Cloud,
    source: Path,
    data: st.DataObject,
    consumer: str,
    is_fifo: bool,
) -> None:
    functions = EXISTING_FUNCTIONS if consumer == "existing" else own_functions(source)
    fed = consumers(functions, has_pollers=consumer == "pollers", is_fifo=is_fifo)
    args = data.draw(
        accepted(queues(st.none() if consumer == "none" else accepted(fed), is_fifo=is_fifo))
    )
    deployed = deploy(lambda: ReliableQueue("events", args))
    for resource in deployed.resources:
        if not resource.type.startswith("reliable-queue:"):
            assert failures(resource, cloud) == [], resource.name
