"""Policy documents, each a pure function of the ARNs that it is about.

An ARN may be a string or a Pulumi output of one: the documents only carry it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, NotRequired, TypedDict, TypeVar

from .statements import TLS_SID, QueueStatement, with_sids

Arn = TypeVar("Arn")


class Statement(TypedDict, Generic[Arn]):
    """One statement, as IAM spells it."""

    Sid: str
    Effect: Literal["Allow"]
    Action: list[str]
    Resource: Arn | Literal["*"]
    Condition: NotRequired[Mapping[str, Mapping[str, Arn]]]


@dataclass(frozen=True, kw_only=True)
class EncryptionKey(Generic[Arn]):
    """The customer key that a queue's messages are encrypted with.

    arn: of the key.
    sqs_endpoint: `sqs.<region>.amazonaws.com`, through which alone the key may be used.
    """

    arn: Arn
    sqs_endpoint: Arn


class PolicyDocument(TypedDict, Generic[Arn]):
    """A document of the current IAM policy language."""

    Version: Literal["2012-10-17"]
    Statement: list[Statement[Arn]]


# Who may take on a function's role: the Lambda service.
LAMBDA_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)


# From a name to the queue, from a queue to its dead-letter queue, and back.
_FIND_QUEUE = ("sqs:GetQueueUrl", "sqs:GetQueueAttributes", "sqs:ListDeadLetterSourceQueues")


def write_logs(*, log_streams_arn: Arn) -> PolicyDocument[Arn]:
    """What a function needs to log. The log group is there already: it may not create any."""
    return _document(
        _allow("WriteLogs", ["logs:CreateLogStream", "logs:PutLogEvents"], log_streams_arn)
    )


def consume(*, queue_arn: Arn, key: EncryptionKey[Arn] | None = None) -> PolicyDocument[Arn]:
    """What Lambda's pollers need of the queue, and the back-off of a failed message.

    Source: AWS Lambda Developer Guide, Using Lambda with SQS, Execution role permissions;
    `ChangeMessageVisibility` is for the consumer itself.
    """
    return _document(
        _allow(
            "ConsumeQueue",
            [
                "sqs:ReceiveMessage",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:ChangeMessageVisibility",
            ],
            queue_arn,
        ),
        *_use_key("DecryptMessages", ["kms:Decrypt"], key),
    )


def remember(*, table_arn: Arn) -> PolicyDocument[Arn]:
    """What Powertools' idempotency needs of its table.

    Source: Powertools for AWS Lambda (Python), Idempotency, IAM Permissions.
    """
    return _document(
        _allow(
            "RememberProcessed",
            [
                # With a boto3 older than 1.26.194 only: what can't be put comes back since then.
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:UpdateItem",
                "dynamodb:DeleteItem",
            ],
            table_arn,
        )
    )


def send(*, queue_arn: Arn, key: EncryptionKey[Arn] | None = None) -> PolicyDocument[Arn]:
    """What a sender needs that knows the queue's URL (a stack output). Covers batches too.

    Decrypting is for the data key, which SQS has KMS check before it is used: Amazon SQS Developer
    Guide, Key management, Configure KMS permissions for producers.
    """
    return _document(
        _allow("SendToQueue", ["sqs:SendMessage"], queue_arn),
        *_use_key("EncryptMessages", ["kms:GenerateDataKey", "kms:Decrypt"], key),
    )


def operate(
    *,
    queue_arn: Arn,
    dlq_arn: Arn,
    log_streams_arn: Arn | None,
    alarms_arn: Arn | None,
    function_arn: Arn | None,
    key: EncryptionKey[Arn] | None = None,
) -> PolicyDocument[Arn]:
    """What the operator's commands need: list, show, redrive, purge, restore, send, status, logs.

    And what they need to find all that by the name of a queue alone. What is None is not there: a
    queue may have no consumer of its own, or no alarms.
    """
    statements = [
        _allow(
            "WorkOnDeadLetters",
            [
                "sqs:ReceiveMessage",
                "sqs:DeleteMessage",
                "sqs:ChangeMessageVisibility",
                *_FIND_QUEUE,
                # A backup is restored to where it came from.
                "sqs:SendMessage",
                "sqs:PurgeQueue",
                "sqs:StartMessageMoveTask",
                "sqs:ListMessageMoveTasks",
                "sqs:CancelMessageMoveTask",
            ],
            dlq_arn,
        ),
        _allow("RedriveToQueue", ["sqs:SendMessage", *_FIND_QUEUE], queue_arn),
        *_use_key("ReencryptMessages", ["kms:GenerateDataKey", "kms:Decrypt"], key),
    ]
    if log_streams_arn is not None:
        statements.append(_allow("ReadConsumerLogs", ["logs:FilterLogEvents"], log_streams_arn))
    if alarms_arn is not None:
        statements.append(_allow("ReadAlarms", ["cloudwatch:DescribeAlarms"], alarms_arn))
    # Metrics have no resource: Service Authorization Reference, Amazon CloudWatch, GetMetricData.
    statements.append(_allow("ReadMetrics", ["cloudwatch:GetMetricData"], "*"))
    if function_arn is not None:
        # Whether the mapping is on is read from the list, which has no resource of its own:
        # Service Authorization Reference, AWS Lambda, ListEventSourceMappings.
        statements.append(_allow("FindMapping", ["lambda:ListEventSourceMappings"], "*"))
        # It names the log group.
        statements.append(_allow("FindLog", ["lambda:GetFunctionConfiguration"], function_arn))
    return _document(*statements)


def trace() -> PolicyDocument[str]:
    """What a function needs for X-Ray, whose writing actions know no resources.

    Source: Service Authorization Reference, AWS X-Ray.
    """
    return _document(
        _allow("SendTraces", ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "*")
    )


def join_vpc() -> PolicyDocument[str]:
    """What Lambda needs to put a function into a VPC; the interfaces aren't known beforehand.

    Source: AWS Lambda Developer Guide, Giving Lambda functions access to resources in an Amazon
    VPC, Required IAM permissions.
    """
    return _document(
        _allow(
            "JoinVpc",
            [
                "ec2:CreateNetworkInterface",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSubnets",
                "ec2:DeleteNetworkInterface",
                "ec2:AssignPrivateIpAddresses",
                "ec2:UnassignPrivateIpAddresses",
            ],
            "*",
        )
    )


def queue_policy(
    *, queue_arn: object, requires_tls: bool, statements: Sequence[QueueStatement] = ()
) -> dict[str, object] | None:
    """The policy of a queue; None when there is nothing to say.

    Source of the first statement: Amazon SQS Developer Guide, Security best practices, Consider
    encryption of data in transit.
    """
    every: list[dict[str, object]] = []
    if requires_tls:
        every.append(
            {
                "Sid": TLS_SID,
                "Effect": "Deny",
                "Principal": "*",
                "Action": "sqs:*",
                "Resource": queue_arn,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        )
    every += [{**statement, "Resource": queue_arn} for statement in with_sids(statements)]
    return {"Version": "2012-10-17", "Statement": every} if every else None


def customer_key(*, account_id: str) -> dict[str, object]:
    """The policy of a key that encrypts queues and their alarm topic.

    The account's IAM policies decide, as in KMS's own default, and CloudWatch may use it for
    alarms of the account. Source: AWS KMS Developer Guide, Default key policy; Amazon SNS Developer
    Guide, Key management, Enable compatibility between event sources and encrypted topics.
    """
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "LetIamDecide",
                "Effect": "Allow",
                "Principal": {"AWS": account_id},
                "Action": "kms:*",
                # In a key's policy it stands for the key.
                "Resource": "*",
            },
            {
                "Sid": "LetAlarmsPublish",
                "Effect": "Allow",
                "Principal": {"Service": "cloudwatch.amazonaws.com"},
                "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:SourceAccount": account_id}},
            },
        ],
    }


def all_alarms_arn(alarm_arn: str) -> str:
    """The ARN of every alarm in the account and region of one of them.

    CloudWatch checks a call that filters by name against this ARN too.
    """
    return f"{alarm_arn.rpartition(':')[0]}:*"


def _use_key(sid: str, actions: list[str], key: EncryptionKey[Arn] | None) -> list[Statement[Arn]]:
    """The use of a customer key, through SQS alone: the key may protect other things too."""
    if key is None:
        return []
    statement = _allow(sid, actions, key.arn)
    statement["Condition"] = {"StringEquals": {"kms:ViaService": key.sqs_endpoint}}
    return [statement]


def _document(*statements: Statement[Arn]) -> PolicyDocument[Arn]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _allow(sid: str, actions: list[str], resource: Arn | Literal["*"]) -> Statement[Arn]:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource}
