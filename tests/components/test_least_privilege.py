"""Least privilege by simulation: each policy against the calls that AWS says its holder makes.

What is needed is allowed, elsewhere it is refused; without any one action exactly the calls that
need it are refused, and no action is granted that no call needs.
"""

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from automation.local.resources.authorization import Call, is_allowed
from components import (
    CustomerKeyArgs,
    IdempotencyArgs,
    ReliableQueue,
    ReliableQueueArgs,
    VpcArgs,
    policies,
)

PLACE = "eu-north-1:123456789012"
# As the stand-in for the engine names what the component makes.
QUEUE, DLQ = (f"arn:aws:sqs:{PLACE}:events-{role}-1a2b3c4" for role in ("queue", "dlq"))
KEY = f"arn:aws:kms:{PLACE}:key/events-key-1a2b3c4"
LOG_GROUP = f"arn:aws:logs:{PLACE}:log-group:events-consumer-logs-1a2b3c4"
FUNCTION = f"arn:aws:lambda:{PLACE}:function:events-consumer-function-1a2b3c4"
OTHER_FUNCTION = FUNCTION.replace("events", "orders")
TABLE = f"arn:aws:dynamodb:{PLACE}:table/events-idempotency-1a2b3c4"
ALARMS = f"arn:aws:cloudwatch:{PLACE}:alarm:*"
ENCRYPTED = policies.EncryptionKey(arn=KEY, sqs_endpoint="sqs.eu-north-1.amazonaws.com")

# As CloudWatch Logs names what is written to and read from.
STREAM = f"{LOG_GROUP}:log-stream:2026/11/24/[$LATEST]0"
OTHER_STREAM = STREAM.replace("events", "orders")
OTHER_TABLE = f"{TABLE}/index/by-status"
OTHER_QUEUE, OTHER_KEY = f"{QUEUE}-of-others", KEY.replace("events", "orders")
OTHER_ALARMS = ALARMS.replace("123456789012", "999999999999")
INTERFACE = f"arn:aws:ec2:{PLACE}:network-interface/eni-1"
THROUGH_SQS = {"kms:ViaService": "sqs.eu-north-1.amazonaws.com"}

Document = policies.PolicyDocument[str]


@dataclass(frozen=True, kw_only=True)
class Need:
    """A call that the holder of a policy has to make.

    sid: of the statement that allows it.
    elsewhere: where the same call is refused; None when AWS knows no resource for it, or none that
        can be known beforehand.
    """

    sid: str
    call: Call
    elsewhere: str | None

    def __str__(self) -> str:
        return f"{self.sid}-{self.call.action}"


def needs(
    sid: str,
    *actions: str,
    on: str = "*",
    elsewhere: str | None = None,
    context: Mapping[str, str] | None = None,
) -> list[Need]:
    calls = [Call(action=action, resource=on, context=context or {}) for action in actions]
    return [Need(sid=sid, call=call, elsewhere=elsewhere) for call in calls]


def uses_of_key(sid: str, *actions: str) -> list[Need]:
    return needs(sid, *actions, on=KEY, elsewhere=OTHER_KEY, context=THROUGH_SQS)


# AWS Lambda Developer Guide, Sending function logs to CloudWatch Logs; the group is there already.
LOGS = needs(
    "WriteLogs", "logs:CreateLogStream", "logs:PutLogEvents", on=STREAM, elsewhere=OTHER_STREAM
)
CONSUME = [
    # AWS Lambda Developer Guide, Using Lambda with SQS, Execution role permissions.
    *needs(
        "ConsumeQueue",
        "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes",
        on=QUEUE, elsewhere=DLQ,
    ),
    # The consumer's own back-off.
    *needs("ConsumeQueue", "sqs:ChangeMessageVisibility", on=QUEUE, elsewhere=DLQ),
]  # fmt: skip
# Amazon SQS Developer Guide, Key management, Configure KMS permissions for consumers.
CONSUME_ENCRYPTED = [*CONSUME, *uses_of_key("DecryptMessages", "kms:Decrypt")]
# Powertools for AWS Lambda (Python), Idempotency, IAM Permissions. By enforcement too, with
# Powertools itself: tests/components/embedded/test_idempotency.py.
REMEMBER = needs(
    "RememberProcessed",
    "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem",
    on=TABLE, elsewhere=OTHER_TABLE,
)  # fmt: skip
SEND = needs("SendToQueue", "sqs:SendMessage", on=QUEUE, elsewhere=OTHER_QUEUE)
# Amazon SQS Developer Guide, Key management, Configure KMS permissions for producers.
SEND_ENCRYPTED = [*SEND, *uses_of_key("EncryptMessages", "kms:GenerateDataKey", "kms:Decrypt")]
OPERATE = [
    # By enforcement too, with the commands themselves: tests/automation/test_operator_policy.py.
    *needs(
        "WorkOnDeadLetters",
        "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:PurgeQueue",
        on=DLQ, elsewhere=QUEUE,
    ),
    *needs(
        "WorkOnDeadLetters",
        "sqs:GetQueueAttributes", "sqs:SendMessage", "sqs:GetQueueUrl",
        "sqs:ListDeadLetterSourceQueues",
        on=DLQ, elsewhere=OTHER_QUEUE,
    ),
    # Amazon SQS API Reference, StartMessageMoveTask, ListMessageMoveTasks, CancelMessageMoveTask;
    # SQS moves with the rights of who starts it, which are above and below.
    *needs(
        "WorkOnDeadLetters",
        "sqs:StartMessageMoveTask", "sqs:ListMessageMoveTasks", "sqs:CancelMessageMoveTask",
        on=DLQ, elsewhere=QUEUE,
    ),
    *needs(
        "RedriveToQueue", "sqs:SendMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl",
        "sqs:ListDeadLetterSourceQueues",
        on=QUEUE, elsewhere=OTHER_QUEUE,
    ),
    *needs("ReadConsumerLogs", "logs:FilterLogEvents", on=STREAM, elsewhere=OTHER_STREAM),
    *needs("ReadAlarms", "cloudwatch:DescribeAlarms", on=ALARMS, elsewhere=OTHER_ALARMS),
    *needs("ReadMetrics", "cloudwatch:GetMetricData"),
    *needs("FindMapping", "lambda:ListEventSourceMappings"),
    *needs("FindLog", "lambda:GetFunctionConfiguration", on=FUNCTION, elsewhere=OTHER_FUNCTION),
]  # fmt: skip
# Received from the one queue, and sent to the other.
OPERATE_ENCRYPTED = [
    *OPERATE,
    *uses_of_key("ReencryptMessages", "kms:GenerateDataKey", "kms:Decrypt"),
]
# AWS Lambda Developer Guide, Visualize Lambda function invocations using AWS X-Ray, Execution role
# permissions.
TRACE = needs("SendTraces", "xray:PutTraceSegments", "xray:PutTelemetryRecords")
JOIN_VPC = [
    # AWS Lambda Developer Guide, Giving Lambda functions access to resources in an Amazon VPC,
    # Required IAM permissions.
    *needs(
        "JoinVpc",
        "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface",
        "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses",
        on=INTERFACE,
    ),
    # Service Authorization Reference, Amazon EC2: these know no resource.
    *needs("JoinVpc", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"),
]  # fmt: skip


def operate(key: policies.EncryptionKey[str] | None = None) -> Document:
    return policies.operate(
        queue_arn=QUEUE,
        dlq_arn=DLQ,
        log_streams_arn=f"{LOG_GROUP}:*",
        alarms_arn=ALARMS,
        function_arn=FUNCTION,
        key=key,
    )


POLICIES: dict[str, tuple[Document, Sequence[Need]]] = {
    "write-logs": (policies.write_logs(log_streams_arn=f"{LOG_GROUP}:*"), LOGS),
    "consume": (policies.consume(queue_arn=QUEUE), CONSUME),
    "consume-encrypted": (policies.consume(queue_arn=QUEUE, key=ENCRYPTED), CONSUME_ENCRYPTED),
    "remember": (policies.remember(table_arn=TABLE), REMEMBER),
    "send": (policies.send(queue_arn=QUEUE), SEND),
    "send-encrypted": (policies.send(queue_arn=QUEUE, key=ENCRYPTED), SEND_ENCRYPTED),
    "operate": (operate(), OPERATE),
    "operate-encrypted": (operate(ENCRYPTED), OPERATE_ENCRYPTED),
    "trace": (policies.trace(), TRACE),
    "join-vpc": (policies.join_vpc(), JOIN_VPC),
}
each_policy = pytest.mark.parametrize("policy", POLICIES)
each_need = pytest.mark.parametrize(
    ("policy", "need"),
    [
        pytest.param(policy, need, id=f"{policy}-{need}")
        for policy, (_, wanted) in POLICIES.items()
        for need in wanted
    ],
)


def without(document: Document, sid: str, action: str) -> Document:
    lacking = copy.deepcopy(document)
    for statement in lacking["Statement"]:
        if statement["Sid"] == sid:
            statement["Action"].remove(action)
    return lacking


@each_need
def test_what_is_needed_is_allowed_there_and_nowhere_else(policy: str, need: Need) -> None:
    document, _ = POLICIES[policy]
    assert is_allowed(need.call, [document])
    if need.elsewhere is not None:
        moved = Call(action=need.call.action, resource=need.elsewhere, context=need.call.context)
        assert not is_allowed(moved, [document])


@each_need
def test_without_one_action_exactly_the_calls_that_need_it_are_refused(
    policy: str, need: Need
) -> None:
    document, wanted = POLICIES[policy]
    lacking = without(document, need.sid, need.call.action)
    assert [other for other in wanted if not is_allowed(other.call, [lacking])] == [need]


@each_policy
def test_nothing_is_granted_that_nobody_needs(policy: str) -> None:
    document, wanted = POLICIES[policy]
    granted = [(item["Sid"], action) for item in document["Statement"] for action in item["Action"]]
    assert sorted(granted) == sorted((need.sid, need.call.action) for need in wanted)
    anywhere = {item["Sid"] for item in document["Statement"] if item["Resource"] == "*"}
    assert anywhere == {need.sid for need in wanted if need.elsewhere is None}


@each_policy
@pytest.mark.parametrize("context", [{}, {"kms:ViaService": "sns.eu-north-1.amazonaws.com"}])
def test_the_key_is_for_what_goes_through_sqs(policy: str, context: dict[str, str]) -> None:
    document, wanted = POLICIES[policy]
    for need in wanted:
        if need.call.action.startswith("kms:"):
            around = Call(action=need.call.action, resource=KEY, context=context)
            assert not is_allowed(around, [document])


def for_principal(document: Mapping[str, Any], **principal: str) -> dict[str, Any]:
    """The statements of a key's policy that are about this principal and nobody else."""
    return {"Statement": [s for s in document["Statement"] if s["Principal"] == principal]}


KEY_POLICY: Any = policies.customer_key(account_id="123456789012")
# Amazon SNS Developer Guide, Key management, Enable compatibility between event sources and
# encrypted topics.
CLOUDWATCH_NEEDS = {"kms:Decrypt": "kms:Decrypt", "kms:GenerateDataKey": "kms:GenerateDataKey*"}


@pytest.mark.parametrize("action", CLOUDWATCH_NEEDS)
def test_cloudwatch_may_encrypt_what_the_account_s_alarms_tell(action: str) -> None:
    document = for_principal(KEY_POLICY, Service="cloudwatch.amazonaws.com")
    [statement] = document["Statement"]
    ours, theirs = (
        Call(action=action, resource=KEY, context={"aws:SourceAccount": account})
        for account in ("123456789012", "999999999999")
    )
    assert is_allowed(ours, [document])
    assert not is_allowed(theirs, [document])
    assert set(statement["Action"]) == set(CLOUDWATCH_NEEDS.values())
    others = [name for name in statement["Action"] if name != CLOUDWATCH_NEEDS[action]]
    assert not is_allowed(ours, [{"Statement": [{**statement, "Action": others}]}])


# What the account can't give to its own any more when the key's policy doesn't let it decide:
# AWS KMS Developer Guide, Default key policy, Allows access to the AWS account.
@pytest.mark.parametrize(
    "action", ["kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:GenerateDataKey", "kms:Decrypt"]
)
def test_the_account_decides_who_manages_and_who_uses_its_key(action: str) -> None:
    call = Call(action=action, resource=KEY)
    assert is_allowed(call, [for_principal(KEY_POLICY, AWS="123456789012")])
    assert not is_allowed(call, [for_principal(KEY_POLICY, AWS="999999999999")])
    assert len(KEY_POLICY["Statement"]) == 2


def test_the_component_makes_these_policies_and_no_others(
    deploy: Callable[..., Any], queue_args: Callable[..., ReliableQueueArgs]
) -> None:
    vpc = VpcArgs(subnet_ids=["subnet-1"], security_group_ids=["sg-1"])
    args = queue_args(
        key=CustomerKeyArgs(),
        function={"traces": True, "vpc": vpc},
        consumer={"idempotency": IdempotencyArgs()},
    )
    deployed = deploy(lambda: ReliableQueue("events", args))
    made = {
        item.name: item.document("policy")
        for item in deployed.resources
        if item.type.startswith("aws:iam/") and item.type != "aws:iam/role:Role"
    }
    assert made == {
        name: POLICIES[policy][0]
        for name, policy in {
            "events-consumer-may-logs": "write-logs",
            "events-consumer-may-trace": "trace",
            "events-consumer-may-join-vpc": "join-vpc",
            "events-consumer-may-consume": "consume-encrypted",
            "events-consumer-may-remember": "remember",
            "events-may-send": "send-encrypted",
            "events-may-consume": "consume-encrypted",
            "events-may-operate": "operate-encrypted",
        }.items()
    }
    [role] = [item for item in deployed.resources if item.type == "aws:iam/role:Role"]
    assert role.inputs.keys() == {"assumeRolePolicy"}
    assert role.document("assumeRolePolicy") == json.loads(policies.LAMBDA_TRUST)
    assert deployed.only("aws:kms/key:Key").document("policy") == KEY_POLICY
