"""The component's resources, as they are asked for, and the combinations that are refused."""

from collections.abc import Callable
from typing import Any

import pytest

from components import LimitError, ReliableQueue

QUEUE_ARN = "arn:aws:sqs:eu-north-1:123456789012:events-queue-1a2b3c4"
DLQ_ARN = "arn:aws:sqs:eu-north-1:123456789012:events-dlq-1a2b3c4"

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
        "events-dashboard",
        "events-may-send",
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
    deployed = deploy_queue(function={"reserved_concurrency": 4})
    mapping = deployed.only("aws:lambda/eventSourceMapping:EventSourceMapping").inputs
    assert mapping["scalingConfig"] == {"maximumConcurrency": 4}


def test_nothing_is_polled_before_the_role_and_the_dead_letters_are_settled(
    deploy_queue: Make,
) -> None:
    mapping = deploy_queue().only("aws:lambda/eventSourceMapping:EventSourceMapping")
    assert mapping.dependencies >= {"events-consumer-may-consume", "events-redrive"}


def test_the_consumer_knows_its_queue_and_may_consume_it_alone(deploy_queue: Make) -> None:
    deployed = deploy_queue(function={"environment": {"MODE": "x"}})
    variables = deployed.only("aws:lambda/function:Function").inputs["environment"]["variables"]
    assert variables["QUEUE_URL"] == "https://sqs/events-queue-1a2b3c4"
    assert variables["MAX_RECEIVE_COUNT"] == "2"
    assert variables["MODE"] == "x"
    may = deployed.only("aws:iam/rolePolicy:RolePolicy", "events-consumer-may-consume")
    assert [s["Resource"] for s in may.document("policy")["Statement"]] == [QUEUE_ARN]


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
    assert resources["ReadMapping"].endswith(":events-mapping-1a2b3c4")


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
    ],
)
def test_wrong_arguments_are_refused(
    queue_args: Make, args: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(LimitError, match=complaint):
        queue_args(**args)


def test_a_name_too_long_for_its_children_is_refused_before_anything_is_created(
    deploy: Make, queue_args: Make
) -> None:
    deploy(lambda: ReliableQueue("e" * 38, queue_args()))
    with pytest.raises(LimitError, match=r"39 characters.*allowed: 1 to 38"):
        deploy(lambda: ReliableQueue("e" * 39, queue_args()))
