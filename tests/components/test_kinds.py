"""Every argument is held against its kind: what is something else is refused by its name."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, ForwardRef, get_args

import pulumi
import pulumi_aws as aws
import pytest

from components import (
    AlarmArgs,
    ConsumerArgs,
    CustomerKeyArgs,
    ExistingFunctionArgs,
    ExistingQueueArgs,
    FifoArgs,
    IdempotencyArgs,
    LimitError,
    PollersArgs,
    PythonFunction,
    PythonFunctionArgs,
    ReliableQueue,
    ReliableQueueArgs,
    SubscriptionArgs,
    VpcArgs,
)

PLACE = "eu-north-1:123456789012"
KEY = f"arn:aws:kms:{PLACE}:key/ours"
FUNCTION = f"arn:aws:lambda:{PLACE}:function:ours"
EXISTING: dict[str, Any] = {"function_arn": FUNCTION, "role_name": "r", "timeout_seconds": 5}
# What each kind of arguments needs.
NEEDED: dict[type, dict[str, Any]] = {
    AlarmArgs: {},
    ConsumerArgs: {"function": ExistingFunctionArgs(**EXISTING)},
    CustomerKeyArgs: {},
    ExistingFunctionArgs: EXISTING,
    ExistingQueueArgs: {"queue_arn": f"arn:aws:sqs:{PLACE}:orders"},
    FifoArgs: {},
    IdempotencyArgs: {},
    PollersArgs: {},
    PythonFunctionArgs: {"source": "", "handler": "work.handler"},
    ReliableQueueArgs: {"consumer": None},
    SubscriptionArgs: {"protocol": "email", "endpoint": "a@example.com"},
    VpcArgs: {"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]},
}
EVERY = [
    pytest.param(kind, field, id=f"{kind.__name__}.{field.name}")
    for kind in NEEDED
    for field in dataclasses.fields(kind)
]


class Stranger:
    """What no argument takes."""


def make(kind: type, code: Path, /, **given: Any) -> Any:
    needed = dict(NEEDED[kind])
    if kind is PythonFunctionArgs:
        needed["source"] = code
    return kind(**{**needed, **given})


@pytest.mark.parametrize(("kind", "field"), EVERY)
def test_every_argument_refuses_a_stranger_by_its_name(
    source: Path, kind: type, field: Any
) -> None:
    make(kind, source)
    with pytest.raises(LimitError, match=rf"\b{field.name} = .*Stranger"):
        make(kind, source, **{field.name: Stranger()})


@pytest.mark.parametrize(("kind", "field"), EVERY)
def test_every_argument_takes_an_output_or_refuses_it_by_its_name(
    deploy: Callable[..., Any], source: Path, kind: type, field: Any
) -> None:
    # The SDK's own input type names the output by a text.
    is_taken = any(isinstance(choice, ForwardRef) for choice in get_args(field.type))

    def program() -> None:
        output = pulumi.Output.from_input("x")
        if is_taken:
            make(kind, source, **{field.name: output})
            return
        with pytest.raises(LimitError, match=rf"\b{field.name} is known only once something else"):
            make(kind, source, **{field.name: output})

    deploy(program)


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        ({"fifo": True}, r"fifo = True is not FifoArgs or None; give FifoArgs\(...\)"),
        (
            {"key": KEY},
            r"key = 'arn.*' is not CustomerKeyArgs or None; give CustomerKeyArgs",
        ),
        ({"alarms": True}, r"alarms = True is not AlarmArgs or None; give AlarmArgs\(...\)"),
        ({"statements": {"Sid": "A"}}, "statements = .* is not a list"),
        ({"statements": ["A"]}, r"statements\[0\] = 'A' is not a map"),
        ({"tags": ["a"]}, r"tags = \['a'\] is not a map"),
        ({"tags": {"cost": None}}, r"tags\['cost'\] = None is not text or an output"),
        ({"queue_name": 5}, "queue_name = 5 is not text or None"),
        ({"requires_tls": "yes"}, "requires_tls = 'yes' is not True or False"),
        ({"consumer": {"filters": {"body": ["a"]}}}, "filters = .* is not a list"),
        ({"consumer": {"filters": [None]}}, r"filters\[0\] = None is not a map or an output"),
        ({"consumer": {"pollers": 5}}, r"pollers = 5 is not PollersArgs or None; give PollersArgs"),
        ({"consumer": {"is_enabled": 1}}, "is_enabled = 1 is not True or False"),
        ({"alarms_": {"subscriptions": {"us": "a@b.c"}}}, r"ns\['us'\] = 'a@b.c' is not Subscript"),
        (
            {"alarms_": {"message_age_seconds": "5"}},
            "message_age_seconds = '5' is not a whole",
        ),
        ({"retention_seconds": "5"}, "retention_seconds = '5' is not a whole number; allowed: 60"),
    ],
)
def test_what_users_write_by_mistake_is_refused_with_what_is_right(
    queue_args: Callable[..., Any], args: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(LimitError, match=complaint):
        if "alarms_" in args:
            args = {"alarms": AlarmArgs(**args["alarms_"])}
        queue_args(**args)


def test_a_map_in_place_of_arguments_is_refused(deploy: Callable[..., Any]) -> None:
    wrong: Any = {"consumer": None}
    with pytest.raises(LimitError, match=r"args = .* is not ReliableQueueArgs; give Reliable"):
        deploy(lambda: ReliableQueue("events", wrong))


def test_outputs_are_taken_where_users_have_them(
    deploy: Callable[..., Any], queue_args: Callable[..., Any]
) -> None:
    def program() -> None:
        late = pulumi.Output.from_input
        role = aws.iam.Role("theirs", assume_role_policy="{}")
        queue = ReliableQueue(
            "events",
            queue_args(
                function=ExistingFunctionArgs(
                    function_arn=late("ours"), role_name=role.name, timeout_seconds=late(5.0)
                ),
                consumer={"filters": [{"body": {"kind": [late("a")]}}, late({"body": ["x"]})]},
                statements=[
                    {
                        "Effect": "Allow",
                        "Principal": {"AWS": [role.arn]},
                        "Action": [late("sqs:SendMessage")],
                        "Condition": late({"Bool": {"aws:SecureTransport": "true"}}),
                    }
                ],
                key=CustomerKeyArgs(key_arn=late(KEY)),
                tags={"team": late("a")},
            ),
        )
        queue.grant_send(role.name)
        queue.grant_send(late("other"), name="other")

    deployed = deploy(program)
    mapping = deployed.only("aws:lambda/eventSourceMapping:EventSourceMapping").inputs
    assert mapping["functionName"] == FUNCTION
    patterns = [each["pattern"] for each in mapping["filterCriteria"]["filters"]]
    assert patterns == ['{"body": {"kind": ["a"]}}', '{"body": ["x"]}']
    queue = deployed.only("aws:sqs/queue:Queue", "events-queue").inputs
    assert (queue["kmsMasterKeyId"], queue["tags"]) == (KEY, {"team": "a"})
    policy = deployed.only("aws:sqs/queuePolicy:QueuePolicy", "events-queue-policy")
    [_, theirs] = policy.document("policy")["Statement"]
    assert theirs["Principal"] == {"AWS": ["arn:aws:iam::123456789012:role/theirs-1a2b3c4"]}
    granted = {
        r.name: r.inputs["role"] for r in deployed.resources if r.name.endswith("may-send")
        and r.type == "aws:iam/rolePolicy:RolePolicy"
    }  # fmt: skip
    assert granted == {"events-role-may-send": "theirs-1a2b3c4", "events-other-may-send": "other"}


def late_everybody(late: Callable[..., Any]) -> list[dict[str, Any]]:
    return [{"Effect": "Allow", "Principal": {"AWS": [late("*")]}, "Action": "sqs:*"}]


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        ({"key": lambda late: CustomerKeyArgs(key_arn=late("ours"))}, "key.key_arn = 'ours' is no"),
        ({"alarms": lambda late: AlarmArgs(topic_arn=late("ours"))}, "alarms.topic_arn = 'ours'"),
        ({"statements": late_everybody}, r"statements\[0\]: allows everybody in the world"),
        (
            {"consumer": lambda late: {"filters": [{"body": {"a": [{"prefix": late(5)}]}}]}},
            r"filters\[0\].body.a\[0\], prefix = 5; allowed: text",
        ),
        (
            {"function": lambda late: ExistingFunctionArgs(
                function_arn=late("a function"), role_name="r", timeout_seconds=5
            )},
            "function_arn = 'a function' names no function",
        ),
        (
            {"function": lambda late: ExistingFunctionArgs(
                function_arn="ours", role_name=late("a/role"), timeout_seconds=5
            )},
            "role_name = 'a/role' is no name of a role",
        ),
        (
            {"function": lambda late: ExistingFunctionArgs(
                function_arn="ours", role_name="r", timeout_seconds=5, log_group_name=late("*")
            )},
            r"log_group_name = '\*' is no name of a log group",
        ),
        (
            {"alarms": lambda late: AlarmArgs(
                subscriptions={"us": SubscriptionArgs(protocol="https", endpoint=late("x"))}
            )},
            r"alarms.subscriptions\['us'\].endpoint = 'x' is nothing for https",
        ),
        (
            {"function": lambda late: {"layers": [late("theirs")]}},
            r"layers\[0\] = 'theirs' is no ARN of a layer's version",
        ),
    ],
)  # fmt: skip
def test_what_is_known_late_is_checked_then(
    deploy: Callable[..., Any],
    queue_args: Callable[..., Any],
    args: dict[str, Callable[..., Any]],
    complaint: str,
) -> None:
    def program() -> None:
        given = {name: of(pulumi.Output.from_input) for name, of in args.items()}
        ReliableQueue("events", queue_args(**given))

    with pytest.raises(pulumi.RunError, match=complaint):
        deploy(program)


@pytest.mark.parametrize(
    ("grant", "complaint"),
    [
        (
            lambda queue: queue.grant_send("arn:aws:iam::1:role/web"),
            "is an ARN; give the role's",
        ),
        (lambda queue: queue.grant_send(5), "grant_send, to = 5; give an aws.iam.Role"),
        (
            lambda queue: [queue.grant_send(pulumi.Output.from_input(name)) for name in "ab"],
            "grant_send, to: a second role whose name is an output; give name=",
        ),
    ],
)
def test_a_grant_to_what_is_no_role_is_refused(
    deploy: Callable[..., Any],
    queue_args: Callable[..., Any],
    grant: Callable[[ReliableQueue], Any],
    complaint: str,
) -> None:
    with pytest.raises(LimitError, match=complaint):
        deploy(lambda: grant(ReliableQueue("events", queue_args(consumer=None))))


def test_a_function_is_granted_under_a_name_too(
    deploy: Callable[..., Any], queue_args: Callable[..., Any], source: Path
) -> None:
    def program() -> None:
        function = PythonFunction("f", PythonFunctionArgs(source=source, handler="work.handler"))
        ReliableQueue("events", queue_args(consumer=None)).grant_send(function, name="orders")

    assert deploy(program).only("aws:iam/rolePolicy:RolePolicy", "f-may-send-orders")
