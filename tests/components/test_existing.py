"""The component around a queue that exists: what is made, what is left alone, what is refused."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from components import (
    AlarmArgs,
    CustomerKeyArgs,
    ExistingFunctionArgs,
    ExistingQueueArgs,
    FifoArgs,
    LimitError,
    ReliableQueue,
    ReliableQueueArgs,
)

PLACE = "arn:aws:sqs:eu-north-1:123456789012"
ORDERS, DEAD = f"{PLACE}:orders", f"{PLACE}:orders-dlq"
KEY = "arn:aws:kms:eu-north-1:123456789012:key/ours"
QUEUE, REDRIVE = "aws:sqs/queue:Queue", "aws:sqs/redrivePolicy:RedrivePolicy"
ALLOW = "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy"
MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping"
FUNCTION = "aws:lambda/function:Function"

Make = Callable[..., Any]


def to(dlq_arn: str, receives: Any = 7) -> dict[str, str]:
    """What a queue has that leads to a dead-letter queue."""
    return {
        "redrivePolicy": json.dumps({"deadLetterTargetArn": dlq_arn, "maxReceiveCount": receives})
    }


@pytest.fixture
def wrap(deploy: Make, queue_args: Make) -> Make:
    """Puts the component `events` around `orders`; `queue` and `dlq` are what is said of them."""

    def run(
        existing: ExistingQueueArgs | Callable[[], ExistingQueueArgs],
        queue: dict[str, Any] | None = None,
        dlq: dict[str, Any] | None = None,
        **args: Any,
    ) -> Any:
        there = {
            "orders": queue or {},
            "orders.fifo": queue or {},
            "orders-dlq": {"messageRetentionSeconds": 1_209_600, **(dlq or {})},
        }

        def program() -> None:
            # Outputs belong to a program that runs.
            given = {name: value() if callable(value) else value for name, value in args.items()}
            wrapped = existing() if callable(existing) else existing
            ReliableQueue("events", queue_args(existing=wrapped, **given))

        return deploy(program, existing=there)

    return run


def test_a_dead_letter_queue_is_made_and_attached_and_the_queue_only_looked_at(wrap: Make) -> None:
    deployed = wrap(ExistingQueueArgs(queue_arn=ORDERS), max_receive_count=4)
    assert deployed.looked_at == ["events-queue"]
    assert [r.name for r in deployed.resources if r.type == QUEUE] == ["events-dlq"]
    assert "events-queue-policy" not in deployed.names()
    dead = f"{PLACE}:events-dlq-1a2b3c4"
    redrive = deployed.only(REDRIVE)
    assert redrive.inputs["queueUrl"] == "https://sqs/orders"
    assert redrive.document("redrivePolicy") == {"deadLetterTargetArn": dead, "maxReceiveCount": 4}
    allowed = deployed.only(ALLOW)
    assert allowed.document("redriveAllowPolicy")["sourceQueueArns"] == [ORDERS]
    mapping = deployed.only(MAPPING)
    assert mapping.inputs["eventSourceArn"] == ORDERS
    assert "events-redrive" in mapping.dependencies
    variables = deployed.only(FUNCTION).inputs["environment"]["variables"]
    assert variables["QUEUE_URL"] == "https://sqs/orders"
    assert variables["MAX_RECEIVE_COUNT"] == "4"


def test_everything_but_the_queue_is_as_around_a_queue_of_ours(
    wrap: Make, deploy: Make, queue_args: Make
) -> None:
    made = queue_args()
    own = set(deploy(lambda: ReliableQueue("events", made)).names())
    around = set(wrap(ExistingQueueArgs(queue_arn=ORDERS)).names())
    assert own - around == {"events-queue", "events-queue-policy"}
    assert around - own == set()


def test_the_outputs_are_those_of_the_queue(deploy: Make, queue_args: Make) -> None:
    made = queue_args(existing=ExistingQueueArgs(queue_arn=ORDERS))

    def program() -> None:
        queue = ReliableQueue("events", made)
        for name in ReliableQueue.__annotations__:
            pulumi.export(name, getattr(queue, name))
        queue.grant_send("web")

    deployed = deploy(program)
    told = deployed.exports
    assert told["queue_url"] == "https://sqs/orders"
    assert (told["queue_arn"], told["queue_name"]) == (ORDERS, "orders")
    assert told["dlq_name"] == "events-dlq-1a2b3c4"
    assert told["region"] == "eu-north-1"
    missing = {"key_arn", "idempotency_table_name"}
    assert ReliableQueue.__annotations__.keys() - told.keys() == missing
    grant = deployed.only("aws:iam/rolePolicy:RolePolicy", "events-web-may-send")
    assert grant.document("policy")["Statement"][0]["Resource"] == ORDERS


def test_two_queues_that_belong_together_are_left_alone(wrap: Make) -> None:
    deployed = wrap(ExistingQueueArgs(queue_arn=ORDERS, dlq_arn=DEAD), queue=to(DEAD, "7"))
    assert sorted(deployed.looked_at) == ["events-dlq", "events-queue"]
    assert not [r for r in deployed.resources if r.type.startswith("aws:sqs/")]
    variables = deployed.only(FUNCTION).inputs["environment"]["variables"]
    # SQS gives the number back as it was written, as text too.
    assert variables["MAX_RECEIVE_COUNT"] == "7"


def test_a_dead_letter_queue_that_exists_is_attached_when_asked(wrap: Make) -> None:
    existing = ExistingQueueArgs(queue_arn=ORDERS, dlq_arn=DEAD, attaches_dlq=True)
    deployed = wrap(existing, max_receive_count=3)
    assert [r.type for r in deployed.resources if r.type.startswith("aws:sqs/")] == [REDRIVE]
    redrive = deployed.only(REDRIVE).document("redrivePolicy")
    assert redrive == {"deadLetterTargetArn": DEAD, "maxReceiveCount": 3}


@pytest.mark.parametrize("late", [False, True])
def test_a_fifo_queue_gets_a_fifo_dead_letter_queue(wrap: Make, late: bool) -> None:
    arn = f"{ORDERS}.fifo"
    deployed = wrap(
        lambda: ExistingQueueArgs(queue_arn=pulumi.Output.from_input(arn) if late else arn)
    )
    dlq = deployed.only(QUEUE, "events-dlq").inputs
    assert dlq["fifoQueue"] is True
    assert dlq["deduplicationScope"] == "messageGroup"
    # In a FIFO queue a dead letter's time starts anew.
    alarm = deployed.only("aws:cloudwatch/metricAlarm:MetricAlarm", "events-dead-letter-age")
    assert alarm.inputs["threshold"] == 1_209_600 // 2


def test_a_standard_queue_that_is_known_late_gets_a_standard_dead_letter_queue(wrap: Make) -> None:
    deployed = wrap(lambda: ExistingQueueArgs(queue_arn=pulumi.Output.from_input(ORDERS)))
    dlq = deployed.only(QUEUE, "events-dlq").inputs
    assert not {name for name, value in dlq.items() if value is not None} & {
        "fifoQueue",
        "contentBasedDeduplication",
        "deduplicationScope",
        "fifoThroughputLimit",
    }


def test_alarms_reckon_with_the_retention_that_both_queues_have(wrap: Make) -> None:
    deployed = wrap(
        ExistingQueueArgs(queue_arn=ORDERS, dlq_arn=DEAD),
        queue={**to(DEAD), "messageRetentionSeconds": 100_000},
        dlq={"messageRetentionSeconds": 300_000},
    )
    alarm = deployed.only("aws:cloudwatch/metricAlarm:MetricAlarm", "events-dead-letter-age").inputs
    assert alarm["threshold"] == 100_000
    first = deployed.only("aws:cloudwatch/metricAlarm:MetricAlarm", "events-dead-letters").inputs
    assert "They expire 3.47 days after they were first sent" in first["alarmDescription"]


def test_who_uses_the_queue_is_let_use_its_key(wrap: Make) -> None:
    deployed = wrap(
        ExistingQueueArgs(queue_arn=ORDERS, key_arn=KEY),
        queue={"kmsMasterKeyId": "ours"},
        alarms=AlarmArgs(is_topic_encrypted=True),
    )
    dlq = deployed.only(QUEUE, "events-dlq").inputs
    assert (dlq["kmsMasterKeyId"], dlq["kmsDataKeyReusePeriodSeconds"]) == (KEY, 300)
    assert "sqsManagedSseEnabled" not in dlq
    assert deployed.only("aws:sns/topic:Topic").inputs["kmsMasterKeyId"] == KEY
    assert "aws:kms/key:Key" not in {r.type for r in deployed.resources}
    for purpose in ("send", "consume", "operate"):
        policy = deployed.only("aws:iam/policy:Policy", f"events-may-{purpose}").document("policy")
        assert KEY in [statement["Resource"] for statement in policy["Statement"]], purpose


@pytest.mark.parametrize("name", [KEY, "alias/ours", KEY.replace("key/ours", "alias/ours")])
def test_a_key_may_be_named_as_sqs_takes_it(wrap: Make, name: str) -> None:
    wrap(ExistingQueueArgs(queue_arn=ORDERS, key_arn=KEY), queue={"kmsMasterKeyId": name})


def test_a_queue_with_the_key_of_aws_needs_none(wrap: Make) -> None:
    wrap(ExistingQueueArgs(queue_arn=ORDERS), queue={"kmsMasterKeyId": "alias/aws/sqs"})


# Of the arguments, those that are about what is added.
ABOUT_WHAT_IS_ADDED = {"consumer", "existing", "alarms", "has_dashboard", "tags"}
REFUSED: dict[str, Any] = {
    "fifo": FifoArgs(),
    "retention_seconds": 60,
    "visibility_timeout_seconds": 60,
    "delay_seconds": 1,
    "max_message_bytes": 1_024,
    "receive_wait_seconds": 0,
    "key": CustomerKeyArgs(),
    "statements": [
        {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "sqs:SendMessage"}
    ],
    "queue_name": "orders",
    "queue_name_prefix": "orders",
}
REFUSED_WITH_BOTH = {
    "dlq_retention_seconds": 1_000_000,
    "requires_tls": False,
    "max_receive_count": 3,
}


@pytest.mark.parametrize("argument", REFUSED)
def test_what_is_about_the_queue_itself_is_refused_by_name(queue_args: Make, argument: str) -> None:
    existing = ExistingQueueArgs(queue_arn=ORDERS)
    with pytest.raises(LimitError, match=rf"^{argument} = .* is about what is there already"):
        queue_args(existing=existing, **{argument: REFUSED[argument]})


@pytest.mark.parametrize("argument", REFUSED_WITH_BOTH)
def test_what_is_about_the_dead_letter_queue_is_refused_where_that_exists(
    queue_args: Make, argument: str
) -> None:
    given = {argument: REFUSED_WITH_BOTH[argument]}
    queue_args(existing=ExistingQueueArgs(queue_arn=ORDERS), **given)
    with pytest.raises(LimitError, match=rf"^{argument} = .* is about what is there already"):
        queue_args(existing=ExistingQueueArgs(queue_arn=ORDERS, dlq_arn=DEAD), **given)


def test_every_argument_is_about_what_is_added_or_refused() -> None:
    names = {field.name for field in dataclasses.fields(ReliableQueueArgs)}
    assert names == ABOUT_WHAT_IS_ADDED | REFUSED.keys() | REFUSED_WITH_BOTH.keys()


def test_the_receives_are_told_where_a_dead_letter_queue_is_attached(queue_args: Make) -> None:
    existing = ExistingQueueArgs(queue_arn=ORDERS, dlq_arn=DEAD, attaches_dlq=True)
    queue_args(existing=existing, max_receive_count=3, statements=[])


ELSEWHERE = "arn:aws:sqs:eu-west-1:123456789012:orders-dlq"


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"queue_arn": "orders"}, "existing.queue_arn = 'orders' is no ARN of a queue; give"),
        ({"queue_arn": f"{PLACE}:{'q' * 81}"}, "is no ARN of a queue"),
        ({"queue_arn": ORDERS, "dlq_arn": "https://sqs/x"}, "existing.dlq_arn = 'https://sqs/x'"),
        ({"queue_arn": ORDERS, "key_arn": "alias/ours"}, "existing.key_arn = 'alias/ours' is an"),
        ({"queue_arn": ORDERS, "dlq_arn": ORDERS}, "is existing.queue_arn itself"),
        (
            {"queue_arn": ORDERS, "dlq_arn": ELSEWHERE},
            f"; allowed: {PLACE}:",
        ),
        (
            {"queue_arn": ORDERS, "dlq_arn": ELSEWHERE.replace("123456789012", "111122223333")},
            "is not in the account and region",
        ),
        ({"queue_arn": ORDERS, "dlq_arn": f"{DEAD}.fifo"}, "of another type .* standard queue too"),
        ({"queue_arn": f"{ORDERS}.fifo", "dlq_arn": DEAD}, "of another type .* a FIFO queue too"),
    ],
)
def test_arns_that_can_not_be_are_refused(given: dict[str, Any], complaint: str) -> None:
    with pytest.raises(LimitError, match=complaint):
        ExistingQueueArgs(**given)


def test_the_same_is_refused_where_an_arn_is_known_late(wrap: Make) -> None:
    late = pulumi.Output.from_input
    with pytest.raises(pulumi.RunError, match="is no ARN of a queue"):
        wrap(lambda: ExistingQueueArgs(queue_arn=late("orders")))
    with pytest.raises(pulumi.RunError, match="queue_arn itself"):
        wrap(lambda: ExistingQueueArgs(queue_arn=ORDERS, dlq_arn=late(ORDERS)), queue=to(ORDERS))


def test_a_batch_that_a_fifo_queue_does_not_give_is_refused(wrap: Make, queue_args: Make) -> None:
    arn, consumer = f"{ORDERS}.fifo", {"batching_window_seconds": 1}
    with pytest.raises(LimitError, match="a FIFO queue has no batching window"):
        queue_args(existing=ExistingQueueArgs(queue_arn=arn), consumer=consumer)
    with pytest.raises(pulumi.RunError, match="a FIFO queue has no batching window"):
        wrap(lambda: ExistingQueueArgs(queue_arn=pulumi.Output.from_input(arn)), consumer=consumer)


BOTH = ExistingQueueArgs(queue_arn=ORDERS, dlq_arn=DEAD)
ATTACHED = ExistingQueueArgs(queue_arn=ORDERS, dlq_arn=DEAD, attaches_dlq=True)
CLOSED = json.dumps({"redrivePermission": "byQueue", "sourceQueueArns": [f"{PLACE}:others"]})


@pytest.mark.parametrize(
    ("existing", "there", "args", "complaint"),
    [
        (
            ExistingQueueArgs(queue_arn=ORDERS.replace("123456789012", "111122223333")),
            {},
            {},
            f"is not where the program's AWS provider is, which has {ORDERS} by that name; give",
        ),
        (BOTH, {}, {}, "has no redrive policy: .* give existing.attaches_dlq = True"),
        (BOTH, {"queue": to(f"{PLACE}:other")}, {}, f"to {PLACE}:other; give that one"),
        (
            ATTACHED,
            {"dlq": {"redriveAllowPolicy": '{"redrivePermission":"denyAll"}'}},
            {},
            "takes no dead letters of",
        ),
        (ATTACHED, {"dlq": {"redriveAllowPolicy": CLOSED}}, {}, "add the queue to it"),
        (
            ExistingQueueArgs(queue_arn=ORDERS),
            {"queue": {"visibilityTimeoutSeconds": 9}},
            {},
            "visibility timeout of 9 seconds, below the function's timeout_seconds = 10: .* best "
            "to 60, or lower",
        ),
        (
            ExistingQueueArgs(queue_arn=ORDERS),
            {},
            {"dlq_retention_seconds": 345_600},
            "dlq_retention_seconds = 345600 is not above retention_seconds = 345600",
        ),
        (
            ExistingQueueArgs(queue_arn=ORDERS),
            {"queue": {"messageRetentionSeconds": 3_600}},
            {},
            "alarms.message_age_seconds = 3600 is out of range; allowed: 1 to 3599 seconds",
        ),
        (
            ExistingQueueArgs(queue_arn=ORDERS),
            {"queue": {"kmsMasterKeyId": "alias/ours"}},
            {},
            "is encrypted with the key alias/ours, .* give existing.key_arn",
        ),
        (ExistingQueueArgs(queue_arn=ORDERS, key_arn=KEY), {}, {}, "not encrypted with a customer"),
        (
            ExistingQueueArgs(queue_arn=ORDERS, key_arn=KEY),
            {"queue": {"kmsMasterKeyId": KEY.replace("ours", "theirs")}},
            {},
            "is encrypted with .*theirs; give the ARN of that key",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_queue_as_it_is_is_refused(
    wrap: Make,
    existing: ExistingQueueArgs,
    there: dict[str, Any],
    args: dict[str, Any],
    complaint: str,
) -> None:
    with pytest.raises(pulumi.RunError, match=complaint):
        wrap(existing, **there, **args)


def test_a_timeout_that_is_known_late_is_held_against_the_queue(wrap: Make) -> None:
    def function(seconds: float) -> ExistingFunctionArgs:
        return ExistingFunctionArgs(
            function_arn="arn:aws:lambda:eu-north-1:123456789012:function:ours",
            role_name="r",
            timeout_seconds=pulumi.Output.from_input(seconds),  # pyright: ignore[reportArgumentType]
        )

    existing = ExistingQueueArgs(queue_arn=ORDERS)
    wrap(existing, function=lambda: function(60.0))
    with pytest.raises(pulumi.RunError, match="below the function's timeout_seconds = 61"):
        wrap(existing, function=lambda: function(61.0))


@pytest.mark.parametrize(
    ("existing", "there", "warning"),
    [
        (ExistingQueueArgs(queue_arn=ORDERS), {}, None),
        (
            ExistingQueueArgs(queue_arn=ORDERS),
            {"queue": {"visibilityTimeoutSeconds": 59}},
            "below the 60 that AWS advises",
        ),
        # No dead-letter queue can keep them for longer.
        (
            ExistingQueueArgs(queue_arn=ORDERS),
            {"queue": {"messageRetentionSeconds": 1_209_600}},
            "could expire on arrival",
        ),
        (
            BOTH,
            {"queue": to(DEAD), "dlq": {"messageRetentionSeconds": 345_600}},
            "could expire on arrival",
        ),
        (BOTH, {"queue": to(DEAD, 5_760)}, "max_receive_count 5760 x visibility_timeout_seconds"),
        (BOTH, {"queue": to(DEAD), "dlq": {"kmsMasterKeyId": "x"}}, "encrypted with another key"),
    ],
)
def test_what_may_lose_messages_is_told(
    wrap: Make,
    caplog: pytest.LogCaptureFixture,
    existing: ExistingQueueArgs,
    there: dict[str, Any],
    warning: str | None,
) -> None:
    wrap(existing, **there)
    assert warning in caplog.text if warning else not caplog.text


def test_a_queue_that_others_read_may_be_wrapped_too(wrap: Make) -> None:
    deployed = wrap(
        ExistingQueueArgs(queue_arn=ORDERS), consumer=None, queue={"visibilityTimeoutSeconds": 0}
    )
    assert MAPPING not in {r.type for r in deployed.resources}
