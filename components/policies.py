"""Policy documents, each a pure function of the ARNs that it is about.

An ARN may be a string or a Pulumi output of one: the documents only carry it.
"""

import json
from typing import Generic, Literal, TypedDict, TypeVar

Arn = TypeVar("Arn")


class Statement(TypedDict, Generic[Arn]):
    """One statement, as IAM spells it."""

    Sid: str
    Effect: Literal["Allow"]
    Action: list[str]
    Resource: Arn | Literal["*"]


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


def write_logs(*, log_streams_arn: Arn) -> PolicyDocument[Arn]:
    """What a function needs to log. The log group is there already: it may not create any."""
    return _document(
        _allow("WriteLogs", ["logs:CreateLogStream", "logs:PutLogEvents"], log_streams_arn)
    )


def consume(*, queue_arn: Arn) -> PolicyDocument[Arn]:
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
        )
    )


def send(*, queue_arn: Arn) -> PolicyDocument[Arn]:
    """What a sender needs that knows the queue's URL (a stack output). Covers batches too."""
    return _document(_allow("SendToQueue", ["sqs:SendMessage"], queue_arn))


def operate(
    *,
    queue_arn: Arn,
    dlq_arn: Arn,
    log_streams_arn: Arn,
    alarms_arn: Arn,
    mapping_arn: Arn,
) -> PolicyDocument[Arn]:
    """What the operator's commands need: list, show, redrive, purge, status, logs."""
    return _document(
        _allow(
            "WorkOnDeadLetters",
            [
                "sqs:ReceiveMessage",
                "sqs:DeleteMessage",
                "sqs:ChangeMessageVisibility",
                "sqs:GetQueueAttributes",
                "sqs:PurgeQueue",
                "sqs:StartMessageMoveTask",
                "sqs:ListMessageMoveTasks",
                "sqs:CancelMessageMoveTask",
            ],
            dlq_arn,
        ),
        _allow("RedriveToQueue", ["sqs:SendMessage", "sqs:GetQueueAttributes"], queue_arn),
        _allow("ReadConsumerLogs", ["logs:FilterLogEvents"], log_streams_arn),
        _allow("ReadAlarms", ["cloudwatch:DescribeAlarms"], alarms_arn),
        _allow("ReadMapping", ["lambda:GetEventSourceMapping"], mapping_arn),
        # The mapping's id is known only from the list, and the list has no resource of its own:
        # Service Authorization Reference, AWS Lambda, ListEventSourceMappings.
        _allow("FindMapping", ["lambda:ListEventSourceMappings"], "*"),
    )


def all_alarms_arn(alarm_arn: str) -> str:
    """The ARN of every alarm in the account and region of one of them.

    CloudWatch checks a call that filters by name against this ARN too.
    """
    return f"{alarm_arn.rpartition(':')[0]}:*"


def _document(*statements: Statement[Arn]) -> PolicyDocument[Arn]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _allow(sid: str, actions: list[str], resource: Arn | Literal["*"]) -> Statement[Arn]:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource}
