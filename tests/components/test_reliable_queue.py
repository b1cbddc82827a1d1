"""The component's resources, as they are asked for, and the combinations that are refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components import (
    AlarmArgs,
    CustomerKeyArgs,
    ExistingFunctionArgs,
    FifoArgs,
    LimitError,
    PollersArgs,
    PythonFunction,
    PythonFunctionArgs,
    ReliableQueue,
)
from components.terms import Terms

QUEUE_ARN = "arn:aws:sqs:eu-north-1:123456789012:events-queue-1a2b3c4"
DLQ_ARN = "arn:aws:sqs:eu-north-1:123456789012:events-dlq-1a2b3c4"
KEY_ARN = "arn:aws:kms:eu-north-1:123456789012:key/events-key-1a2b3c4"
FUNCTION_ARN = "arn:aws:lambda:eu-west-1:111122223333:function:ours"
QUEUE, MAPPING = "aws:sqs/queue:Queue", "aws:lambda/eventSourceMapping:EventSourceMapping"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"

Make = Callable[..., Any]


@pytest.fixture
def deploy_queue(deploy: Make, queue_args: Make) -> Make:
    """Deploys the queue `events` with arguments."""

    def run(**args: Any) -> Any:
        made = queue_args(**args)
        return deploy(lambda: ReliableQueue("events", made))

    return run


def test_every_resource_is_under_the_component(deploy_queue: Make) -> None:
    component, *others = deploy_queue().resources
    assert component.type == "reliable-queue:index:ReliableQueue"
    children = {other.name for other in others if other.parent == "events"}
    assert children == {
        "events-queue",
        "events-dlq",
        "events-redrive",
        "events-redrive-allow",
        "events-consumer",
        "events-mapping",
        "events-alarms",
        "events-dead-letters",
        "events-dead-letter-age",
        "events-message-age",
        "events-consumer-errors",
        "events-consumer-throttles",
        "events-queue-policy",
        "events-dlq-policy",
        "events-dashboard",
        "events-may-send",
        "events-may-consume",
        "events-may-operate",
    }
    of_the_consumer = {other.name for other in others if other.parent == "events-consumer"}
    assert children | of_the_consumer == {other.name for other in others}


def test_the_queue_forgets_before_its_dead_letters_and_both_are_encrypted(
    deploy_queue: Make,
) -> None:
    deployed = deploy_queue()
    queue = deployed.only("aws:sqs/queue:Queue", "events-queue").inputs
    dlq = deployed.only("aws:sqs/queue:Queue", "events-dlq").inputs
    assert queue["messageRetentionSeconds"] == 4 * 86_400
    assert dlq["messageRetentionSeconds"] == 14 * 86_400
    assert queue["sqsManagedSseEnabled"] is dlq["sqsManagedSseEnabled"] is True


def test_messages_and_dead_letters_are_kept_as_long_as_asked(deploy_queue: Make) -> None:
    deployed = deploy_queue(retention_seconds=86_400, dlq_retention_seconds=172_800)
    kept = {
        r.name: r.inputs["messageRetentionSeconds"] for r in deployed.resources if r.type == QUEUE
    }
    assert kept == {"events-queue": 86_400, "events-dlq": 172_800}


@pytest.mark.parametrize("count", [1, 2, 1_000])
def test_a_message_is_dead_lettered_after_the_last_receive(deploy_queue: Make, count: int) -> None:
    redrive = deploy_queue(max_receive_count=count).only("aws:sqs/redrivePolicy:RedrivePolicy")
    assert redrive.document("redrivePolicy") == {
        "deadLetterTargetArn": DLQ_ARN,
        "maxReceiveCount": count,
    }
    # AWS refuses 2.0 and "2".
    assert isinstance(redrive.document("redrivePolicy")["maxReceiveCount"], int)


def test_only_the_queue_may_dead_letter_to_its_dlq(deploy_queue: Make) -> None:
    allow = deploy_queue().only("aws:sqs/redriveAllowPolicy:RedriveAllowPolicy")
    assert allow.inputs["queueUrl"] == "https://sqs/events-dlq-1a2b3c4"
    assert allow.document("redriveAllowPolicy") == {
        "redrivePermission": "byQueue",
        "sourceQueueArns": [QUEUE_ARN],
    }


def test_the_queues_name_each_other_in_resources_of_their_own_alone(deploy_queue: Make) -> None:
    for queue in [r.inputs for r in deploy_queue().resources if r.type == QUEUE]:
        assert not queue.keys() & {"redrivePolicy", "redriveAllowPolicy", "policy"}


def test_dead_letters_come_from_the_queue_never_from_the_function(deploy_queue: Make) -> None:
    # A function's own dead-letter configuration is for asynchronous invocations.
    assert "deadLetterConfig" not in deploy_queue().only("aws:lambda/function:Function").inputs


def test_a_mapping_is_gone_before_another_of_the_same_queue_and_function_comes(
    deploy_queue: Make,
) -> None:
    assert deploy_queue().only(MAPPING).is_deleted_before_replaced


def test_a_batch_always_answers_which_messages_failed(deploy_queue: Make) -> None:
    deployed = deploy_queue(
        consumer={"batch_size": 100, "batching_window_seconds": 5, "maximum_concurrency": 7}
    )
    mapping = deployed.only("aws:lambda/eventSourceMapping:EventSourceMapping").inputs
    assert mapping["functionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["eventSourceArn"] == QUEUE_ARN
    assert mapping["batchSize"] == 100
    assert mapping["maximumBatchingWindowInSeconds"] == 5
    assert mapping["scalingConfig"] == {"maximumConcurrency": 7}


def test_maximum_concurrency_follows_what_the_function_has_reserved(deploy_queue: Make) -> None:
    existing = ExistingFunctionArgs(
        function_arn=FUNCTION_ARN, role_name="our-role", timeout_seconds=20, reserved_concurrency=4
    )
    for function in ({"reserved_concurrency": 4}, existing):
        mapping = deploy_queue(function=function).only(MAPPING)
        assert mapping.inputs["scalingConfig"] == {"maximumConcurrency": 4}


def test_nothing_is_polled_before_the_role_and_the_dead_letters_are_settled(
    deploy_queue: Make,
) -> None:
    mapping = deploy_queue().only("aws:lambda/eventSourceMapping:EventSourceMapping")
    assert mapping.dependencies >= {"events-consumer-may-consume", "events-redrive"}


def test_the_function_waits_for_its_queue_so_that_a_longer_timeout_comes_second(
    deploy_queue: Make,
) -> None:
    function = deploy_queue().only("aws:lambda/function:Function", "events-consumer-function")
    assert "events-queue" in function.dependencies


def test_the_consumer_knows_its_queue_and_may_consume_it_alone(deploy_queue: Make) -> None:
    deployed = deploy_queue(function={"environment": {"MODE": "x"}})
    variables = deployed.only("aws:lambda/function:Function").inputs["environment"]["variables"]
    assert variables["QUEUE_URL"] == "https://sqs/events-queue-1a2b3c4"
    assert variables["MAX_RECEIVE_COUNT"] == "2"
    assert variables["MODE"] == "x"
    may = deployed.only("aws:iam/rolePolicy:RolePolicy", "events-consumer-may-consume")
    assert [s["Resource"] for s in may.document("policy")["Statement"]] == [QUEUE_ARN]


def test_a_function_that_exists_is_fed_like_one_of_ours(deploy_queue: Make) -> None:
    existing = ExistingFunctionArgs(
        function_arn=f"{FUNCTION_ARN}:live", role_name="our-role", timeout_seconds=20
    )
    deployed = deploy_queue(function=existing)
    assert "aws:lambda/function:Function" not in {r.type for r in deployed.resources}
    mapping = deployed.only(MAPPING)
    assert mapping.inputs["functionName"] == f"{FUNCTION_ARN}:live"
    assert mapping.dependencies >= {"events-consumer-may-consume", "events-redrive"}
    may = deployed.only(ROLE_POLICY, "events-consumer-may-consume")
    assert may.inputs["role"] == "our-role"
    assert deployed.only(QUEUE, "events-queue").inputs["visibilityTimeoutSeconds"] == 120
    operate = deployed.only("aws:iam/policy:Policy", "events-may-operate").document("policy")
    assert {s["Sid"]: s["Resource"] for s in operate["Statement"]}["ReadConsumerLogs"] == (
        "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/ours:*"
    )


# A number that another stack tells is a float.
@pytest.mark.parametrize("timeout", [30, 30.0])
def test_the_timeout_of_a_function_may_be_known_later(
    deploy: Make, queue_args: Make, timeout: float
) -> None:
    def program() -> None:
        existing = ExistingFunctionArgs(
            function_arn=FUNCTION_ARN,
            role_name="our-role",
            timeout_seconds=pulumi.Output.from_input(timeout),
            log_group_name="our-logs",
        )
        ReliableQueue("events", queue_args(function=existing))

    deployed = deploy(program)
    assert deployed.only(QUEUE, "events-queue").inputs["visibilityTimeoutSeconds"] == 180
    operate = deployed.only("aws:iam/policy:Policy", "events-may-operate").document("policy")
    assert {s["Sid"]: s["Resource"] for s in operate["Statement"]}["ReadConsumerLogs"] == (
        "arn:aws:logs:eu-west-1:111122223333:log-group:our-logs:*"
    )


@pytest.mark.parametrize(
    ("timeout", "complaint"),
    [
        (30, "visibility_timeout_seconds = 29 is below"),
        (901, "timeout_seconds = 901 is out of"),
        (1.5, "timeout_seconds = 1.5 is not a whole number"),
    ],
)
def test_a_timeout_that_is_known_later_is_checked_then(
    deploy: Make, queue_args: Make, timeout: float, complaint: str
) -> None:
    def program() -> None:
        existing = ExistingFunctionArgs(
            function_arn=FUNCTION_ARN,
            role_name="our-role",
            timeout_seconds=pulumi.Output.from_input(timeout),
        )
        ReliableQueue("events", queue_args(function=existing, visibility_timeout_seconds=29))

    with pytest.raises(pulumi.RunError, match=complaint):
        deploy(program)


def test_without_a_consumer_there_is_a_queue_with_its_dead_letters(
    deploy: Make, queue_args: Make
) -> None:
    def program() -> None:
        queue = ReliableQueue("events", queue_args(consumer=None))
        assert queue.consumer_function_name is None
        assert queue.consumer_log_group_name is None

    deployed = deploy(program)
    assert not [r for r in deployed.resources if r.type.startswith("aws:lambda")]
    assert deployed.only(QUEUE, "events-queue").inputs["visibilityTimeoutSeconds"] == 30
    chosen = deploy(
        lambda: ReliableQueue("own", queue_args(consumer=None, visibility_timeout_seconds=7))
    )
    assert chosen.only(QUEUE, "own-queue").inputs["visibilityTimeoutSeconds"] == 7
    operate = deployed.only("aws:iam/policy:Policy", "events-may-operate").document("policy")
    assert {s["Sid"] for s in operate["Statement"]} == {
        "WorkOnDeadLetters", "RedriveToQueue", "ReadAlarms", "ReadMetrics"
    }  # fmt: skip


def test_what_is_switched_off_is_no_output(deploy: Make, queue_args: Make) -> None:
    def program() -> None:
        queue = ReliableQueue("events", queue_args(alarms=None, has_dashboard=False))
        pulumi.export("alarms", queue.alarm_names)
        assert queue.alarm_topic_arn is None
        assert queue.dashboard_name is None
        assert queue.key_arn is None

    deployed = deploy(program)
    assert deployed.exports["alarms"] == []
    assert "aws:cloudwatch/dashboard:Dashboard" not in {r.type for r in deployed.resources}


def test_provisioned_pollers_take_the_place_of_a_maximum(deploy_queue: Make) -> None:
    mapping = deploy_queue(consumer={"pollers": PollersArgs(minimum=3, maximum=8)}).only(MAPPING)
    assert mapping.inputs["provisionedPollerConfig"] == {"minimumPollers": 3, "maximumPollers": 8}
    assert "scalingConfig" not in mapping.inputs


def test_a_consumer_may_be_paused(deploy_queue: Make) -> None:
    assert deploy_queue(consumer={"is_enabled": False}).only(MAPPING).inputs["enabled"] is False
    assert deploy_queue().only(MAPPING).inputs["enabled"] is True


def test_a_message_must_match_one_of_the_filters(deploy_queue: Make) -> None:
    patterns = [{"body": {"gender": ["F"]}}, {"body": {"a": ["b"]}}]
    mapping = deploy_queue(consumer={"filters": patterns}).only(MAPPING)
    assert mapping.inputs["filterCriteria"] == {
        "filters": [
            {"pattern": '{"body": {"gender": ["F"]}}'},
            {"pattern": '{"body": {"a": ["b"]}}'},
        ]
    }
    assert "filterCriteria" not in deploy_queue().only(MAPPING).inputs


@pytest.mark.parametrize("by_content", [True, False])
@pytest.mark.parametrize(("is_wide", "scope", "limit"), [
    (True, "messageGroup", "perMessageGroupId"), (False, "queue", "perQueue")
])  # fmt: skip
def test_a_fifo_queue_has_a_fifo_dead_letter_queue_and_no_window(
    deploy_queue: Make, is_wide: bool, scope: str, limit: str, by_content: bool
) -> None:
    deployed = deploy_queue(
        fifo=FifoArgs(content_based_deduplication=by_content, high_throughput=is_wide)
    )
    for queue in [r.inputs for r in deployed.resources if r.type == QUEUE]:
        assert queue["fifoQueue"] is True
        assert queue["contentBasedDeduplication"] is by_content
        assert (queue["deduplicationScope"], queue["fifoThroughputLimit"]) == (scope, limit)
    assert deployed.only(MAPPING).inputs["maximumBatchingWindowInSeconds"] == 0


def test_a_standard_queue_says_nothing_of_fifo(deploy_queue: Make) -> None:
    queue = deploy_queue().only(QUEUE, "events-queue").inputs
    assert not queue.keys() & {"fifoQueue", "contentBasedDeduplication", "deduplicationScope"}


def test_a_queue_is_as_patient_and_as_wide_as_asked(deploy_queue: Make) -> None:
    deployed = deploy_queue(delay_seconds=7, max_message_bytes=2_048, receive_wait_seconds=3)
    queue = deployed.only(QUEUE, "events-queue").inputs
    dlq = deployed.only(QUEUE, "events-dlq").inputs
    assert queue["delaySeconds"] == 7
    assert queue["receiveWaitTimeSeconds"] == 3
    assert queue["maxMessageSize"] == dlq["maxMessageSize"] == 2_048
    # A dead letter comes at once, and whoever looks for one that isn't there doesn't wait.
    assert not dlq.keys() & {"delaySeconds", "receiveWaitTimeSeconds"}


@pytest.mark.parametrize(("fifo", "end"), [(None, ""), (FifoArgs(), ".fifo")])
def test_a_fixed_name_is_that_of_both_queues(
    deploy_queue: Make, fifo: FifoArgs | None, end: str
) -> None:
    deployed = deploy_queue(queue_name="orders", fifo=fifo)
    assert deployed.only(QUEUE, "events-queue").inputs["name"] == f"orders{end}"
    assert deployed.only(QUEUE, "events-dlq").inputs["name"] == f"orders-dlq{end}"


def test_a_prefix_begins_the_names_of_both_queues(deploy_queue: Make) -> None:
    deployed = deploy_queue(queue_name_prefix="team-a-")
    assert deployed.only(QUEUE, "events-queue").inputs["namePrefix"] == "team-a-"
    assert deployed.only(QUEUE, "events-dlq").inputs["namePrefix"] == "team-a-dlq-"
    assert "name" not in deployed.only(QUEUE, "events-queue").inputs


def test_a_created_key_encrypts_both_queues_and_everybody_may_use_it_through_sqs(
    deploy_queue: Make,
) -> None:
    deployed = deploy_queue(key=CustomerKeyArgs(data_key_reuse_seconds=600, deletion_window_days=7))
    key = deployed.only("aws:kms/key:Key").inputs
    assert (key["enableKeyRotation"], key["deletionWindowInDays"]) == (True, 7)
    assert deployed.only("aws:kms/alias:Alias").parent == "events"
    for queue in [r.inputs for r in deployed.resources if r.type == QUEUE]:
        assert queue["kmsMasterKeyId"] == KEY_ARN
        assert queue["kmsDataKeyReusePeriodSeconds"] == 600
        assert "sqsManagedSseEnabled" not in queue
    assert key_uses(deployed) == {
        "events-consumer-may-consume": ["kms:Decrypt"],
        "events-may-send": ["kms:GenerateDataKey", "kms:Decrypt"],
        "events-may-consume": ["kms:Decrypt"],
        "events-may-operate": ["kms:GenerateDataKey", "kms:Decrypt"],
    }


def key_uses(deployed: Any, key_arn: str = KEY_ARN) -> dict[str, list[str]]:
    uses: dict[str, list[str]] = {}
    for resource in deployed.resources:
        if resource.type in (ROLE_POLICY, "aws:iam/policy:Policy"):
            for statement in resource.document("policy")["Statement"]:
                if statement["Action"][0].startswith("kms:"):
                    assert statement["Resource"] == key_arn
                    assert statement["Condition"] == {
                        "StringEquals": {"kms:ViaService": "sqs.eu-north-1.amazonaws.com"}
                    }
                    uses[resource.name] = statement["Action"]
    return uses


def test_a_given_key_is_used_and_none_created(deploy_queue: Make) -> None:
    given = "arn:aws:kms:eu-north-1:123456789012:key/k"
    deployed = deploy_queue(key=CustomerKeyArgs(key_arn=given))
    assert not [r for r in deployed.resources if r.type.startswith("aws:kms")]
    assert deployed.only(QUEUE, "events-dlq").inputs["kmsMasterKeyId"] == given
    assert len(key_uses(deployed, given)) == 4


def test_both_queues_refuse_plain_http(deploy_queue: Make) -> None:
    deployed = deploy_queue()
    for role, arn in (("queue", QUEUE_ARN), ("dlq", DLQ_ARN)):
        policy = deployed.only("aws:sqs/queuePolicy:QueuePolicy", f"events-{role}-policy")
        assert policy.inputs["queueUrl"] == f"https://sqs/events-{role}-1a2b3c4"
        assert policy.document("policy")["Statement"] == [
            {
                "Sid": "RefusePlainHttp",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "sqs:*",
                "Resource": arn,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ]


def test_more_statements_are_about_the_queue_alone(deploy_queue: Make) -> None:
    statement = {
        "Sid": "LetTopicIn",
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:sns:eu-north-1:1:t"}},
    }
    deployed = deploy_queue(statements=[statement], requires_tls=False)
    policy = deployed.only("aws:sqs/queuePolicy:QueuePolicy")
    assert policy.name == "events-queue-policy"
    assert policy.document("policy")["Statement"] == [{**statement, "Resource": QUEUE_ARN}]


def test_tags_are_on_everything_that_takes_tags(deploy_queue: Make) -> None:
    deployed = deploy_queue(
        tags={"team": "a", "cost": "1"}, function={"tags": {"cost": "2"}}, key=CustomerKeyArgs()
    )
    tagged = {r.name: r.inputs["tags"] for r in deployed.resources if "tags" in r.inputs}
    of_the_function = {"team": "a", "cost": "2"}
    assert {name for name, tags in tagged.items() if tags == of_the_function} == {
        "events-consumer-function", "events-consumer-role", "events-consumer-logs"
    }  # fmt: skip
    assert all(
        tags == {"team": "a", "cost": "1"}
        for name, tags in tagged.items()
        if not name.startswith("events-consumer-") or name.endswith(("-errors", "-throttles"))
    )
    untaggable = {
        "Queue policies": "aws:sqs/queuePolicy:QueuePolicy",
        "redrive": "aws:sqs/redrivePolicy:RedrivePolicy",
        "allow": "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy",
        "role policies": ROLE_POLICY,
        "dashboards": "aws:cloudwatch/dashboard:Dashboard",
        "aliases": "aws:kms/alias:Alias",
    }
    untagged = {r.type for r in deployed.resources if r.name not in tagged}
    assert untagged == {
        *untaggable.values(),
        "reliable-queue:index:ReliableQueue",
        "reliable-queue:index:PythonFunction",
    }


@pytest.mark.parametrize(("purpose", "actions"), [
    ("send", {"sqs:SendMessage"}),
    ("consume", {
        "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes",
        "sqs:ChangeMessageVisibility",
    }),
])  # fmt: skip
def test_a_role_is_granted_what_the_managed_policy_of_that_name_allows(
    deploy: Make, queue_args: Make, source: Path, purpose: str, actions: set[str]
) -> None:
    def program() -> None:
        queue = ReliableQueue("events", queue_args())
        grant = getattr(queue, f"grant_{purpose}")
        grant(aws.iam.Role("theirs", assume_role_policy="{}"))
        grant("known-by-name")
        grant(PythonFunction("f", PythonFunctionArgs(source=source, handler="work.handler")))

    deployed = deploy(program)
    managed = deployed.only("aws:iam/policy:Policy", f"events-may-{purpose}").document("policy")
    granted = {
        r.name: r for r in deployed.resources
        if r.type == ROLE_POLICY and r.document("policy") == managed
    }  # fmt: skip
    granted.pop("events-consumer-may-consume", None)
    assert {name: r.inputs["role"] for name, r in granted.items()} == {
        f"events-theirs-may-{purpose}": "theirs-1a2b3c4",
        f"events-known-by-name-may-{purpose}": "known-by-name",
        f"f-may-{purpose}-events": "f-role-1a2b3c4",
    }
    assert {a for s in managed["Statement"] for a in s["Action"]} == actions


def test_an_operator_may_be_a_role_too(deploy: Make, queue_args: Make) -> None:
    deployed = deploy(lambda: ReliableQueue("events", queue_args()).grant_operate("ops"))
    managed = deployed.only("aws:iam/policy:Policy", "events-may-operate").document("policy")
    assert deployed.only(ROLE_POLICY, "events-ops-may-operate").document("policy") == managed


def test_visibility_timeout_is_six_times_the_function_timeout_plus_the_window(
    deploy_queue: Make,
) -> None:
    deployed = deploy_queue(
        function={"timeout_seconds": 20}, consumer={"batching_window_seconds": 5}
    )
    queue = deployed.only("aws:sqs/queue:Queue", "events-queue").inputs
    assert queue["visibilityTimeoutSeconds"] == 125


@pytest.mark.parametrize(("chosen", "warned"), [(60, False), (59, True), (10, True)])
def test_a_low_visibility_timeout_is_taken_with_a_warning(
    deploy_queue: Make, caplog: pytest.LogCaptureFixture, chosen: int, warned: bool
) -> None:
    deployed = deploy_queue(visibility_timeout_seconds=chosen)
    queue = deployed.only("aws:sqs/queue:Queue", "events-queue").inputs
    assert queue["visibilityTimeoutSeconds"] == chosen
    assert ("below the 60 seconds that AWS advises" in caplog.text) == warned


def test_senders_and_operators_have_policies_of_their_own(deploy_queue: Make) -> None:
    deployed = deploy_queue()
    send = deployed.only("aws:iam/policy:Policy", "events-may-send").document("policy")
    assert [(s["Action"], s["Resource"]) for s in send["Statement"]] == [
        (["sqs:SendMessage"], QUEUE_ARN)
    ]
    operate = deployed.only("aws:iam/policy:Policy", "events-may-operate").document("policy")
    resources = {s["Sid"]: s["Resource"] for s in operate["Statement"]}
    assert resources["WorkOnDeadLetters"] == DLQ_ARN
    assert resources["RedriveToQueue"] == QUEUE_ARN
    assert resources["ReadConsumerLogs"].endswith(":events-consumer-logs-1a2b3c4:*")
    assert resources["ReadAlarms"] == "arn:aws:cloudwatch:eu-north-1:123456789012:alarm:*"
    assert resources["FindMapping"] == resources["ReadMetrics"] == "*"


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        ({"max_receive_count": 0}, "max_receive_count = 0 is out of range; allowed: 1 to 1000"),
        ({"max_receive_count": 1_001}, "max_receive_count = 1001 is out of range"),
        ({"max_receive_count": 2.0}, "max_receive_count = 2.0 is not a whole number"),
        ({"retention_seconds": 1_209_600}, "dlq_retention_seconds = 1209600 is not above"),
        ({"dlq_retention_seconds": 345_600}, "dlq_retention_seconds = 345600 is not above"),
        ({"visibility_timeout_seconds": 9}, "visibility_timeout_seconds = 9 is below"),
        ({"visibility_timeout_seconds": 43_201}, "visibility_timeout_seconds = 43201"),
        ({"consumer": {"batch_size": 11}}, "batch_size = 11 needs a batching window"),
        ({"consumer": {"maximum_concurrency": 1}}, "maximum_concurrency = 1 is out of range"),
        (
            {"consumer": {"maximum_concurrency": 5}, "function": {"reserved_concurrency": 4}},
            "maximum_concurrency = 5 is above reserved_concurrency = 4",
        ),
        ({"delay_seconds": 901}, "delay_seconds = 901 is out of range; allowed: 0 to 900"),
        ({"max_message_bytes": 1_023}, "max_message_bytes = 1023 is out of range"),
        ({"receive_wait_seconds": 21}, "receive_wait_seconds = 21 is out of range"),
        ({"consumer": None, "visibility_timeout_seconds": -1}, "visibility_timeout_seconds = -1"),
        ({"fifo": FifoArgs(), "consumer": {"batching_window_seconds": 1}}, "FIFO queue has no"),
        (
            {"fifo": FifoArgs(), "consumer": {"batch_size": 11, "batching_window_seconds": 1}},
            "batching_window_seconds = 1: a FIFO queue has no batching window",
        ),
        ({"queue_name": "a", "queue_name_prefix": "b"}, "exclude each other"),
        ({"queue_name": "a.fifo"}, "queue_name = 'a.fifo'"),
        ({"tags": {"aws:x": "1"}}, "tags has the key 'aws:x'"),
        ({"consumer": {"filters": [{}]}}, r"filters\[0\] looks at nothing"),
        (
            {"tags": {str(n): "" for n in range(50)}, "function": {"tags": {"a": ""}}},
            "tags has 51 entries; allowed: 0 to 50",
        ),
        (
            {"consumer": {"pollers": PollersArgs(), "maximum_concurrency": 5}},
            "maximum_concurrency = 5 and pollers exclude each other",
        ),
    ],
)
def test_wrong_arguments_are_refused(
    queue_args: Make, args: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(LimitError, match=complaint):
        queue_args(**args)


def test_a_fifo_queue_may_keep_messages_as_long_as_its_dead_letters(queue_args: Make) -> None:
    queue_args(fifo=FifoArgs(), retention_seconds=1_209_600)
    terms = Terms(
        is_fifo=True,
        retention_seconds=1_209_600,
        dlq_retention_seconds=1_209_600,
        max_receive_count=2,
    )
    assert terms.dead_letter_life_seconds == 1_209_600


@pytest.mark.parametrize(("retention", "warned"), [(120, True), (121, False)])
def test_a_retention_that_ends_before_the_receives_is_taken_with_a_warning(
    deploy_queue: Make, caplog: pytest.LogCaptureFixture, retention: int, warned: bool
) -> None:
    deploy_queue(retention_seconds=retention, alarms=AlarmArgs(message_age_seconds=60))
    assert ("would expire, and be lost, before it is dead-lettered" in caplog.text) == warned


def test_a_name_too_long_for_its_children_is_refused_before_anything_is_created(
    deploy: Make, queue_args: Make
) -> None:
    deploy(lambda: ReliableQueue("e" * 38, queue_args()))
    with pytest.raises(LimitError, match=r"39 characters.*allowed: 1 to 38"):
        deploy(lambda: ReliableQueue("e" * 39, queue_args()))
