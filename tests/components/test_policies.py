"""Least privilege, spelled out: what each document allows, on what, and nothing else."""

import json

import pytest

from components import policies

QUEUE, DLQ = "arn:aws:sqs:eu-north-1:123456789012:q", "arn:aws:sqs:eu-north-1:123456789012:dlq"
STREAMS = "arn:aws:logs:eu-north-1:123456789012:log-group:g:*"
ALARMS = "arn:aws:cloudwatch:eu-north-1:123456789012:alarm:*"
MAPPING = "arn:aws:lambda:eu-north-1:123456789012:event-source-mapping:m"
OPERATE = policies.operate(
    queue_arn=QUEUE, dlq_arn=DLQ, log_streams_arn=STREAMS, alarms_arn=ALARMS, mapping_arn=MAPPING
)


def allowed(document: policies.PolicyDocument[str]) -> dict[str, set[str]]:
    by_resource: dict[str, set[str]] = {}
    for statement in document["Statement"]:
        by_resource.setdefault(statement["Resource"], set()).update(statement["Action"])
    return by_resource


def test_a_consumer_may_do_four_things_with_its_queue() -> None:
    assert allowed(policies.consume(queue_arn=QUEUE)) == {
        QUEUE: {
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:ChangeMessageVisibility",
        }
    }


def test_a_function_may_write_to_its_own_log_group_and_create_none() -> None:
    assert allowed(policies.write_logs(log_streams_arn=STREAMS)) == {
        STREAMS: {"logs:CreateLogStream", "logs:PutLogEvents"}
    }


def test_a_sender_may_send() -> None:
    assert allowed(policies.send(queue_arn=QUEUE)) == {QUEUE: {"sqs:SendMessage"}}


def test_an_operator_may_move_dead_letters_and_look() -> None:
    assert allowed(OPERATE) == {
        DLQ: {
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:ChangeMessageVisibility",
            "sqs:GetQueueAttributes",
            "sqs:PurgeQueue",
            "sqs:StartMessageMoveTask",
            "sqs:ListMessageMoveTasks",
            "sqs:CancelMessageMoveTask",
        },
        QUEUE: {"sqs:SendMessage", "sqs:GetQueueAttributes"},
        STREAMS: {"logs:FilterLogEvents"},
        ALARMS: {"cloudwatch:DescribeAlarms"},
        MAPPING: {"lambda:GetEventSourceMapping"},
        "*": {"lambda:ListEventSourceMappings"},
    }


@pytest.mark.parametrize(
    "document",
    [
        policies.consume(queue_arn=QUEUE),
        policies.write_logs(log_streams_arn=STREAMS),
        policies.send(queue_arn=QUEUE),
        OPERATE,
    ],
)
def test_no_action_is_a_pattern_and_statements_have_names_of_their_own(
    document: policies.PolicyDocument[str],
) -> None:
    assert "*" not in "".join(a for s in document["Statement"] for a in s["Action"])
    names = [statement["Sid"] for statement in document["Statement"]]
    assert len(set(names)) == len(names)


def test_only_lambda_may_take_on_a_function_s_role() -> None:
    [statement] = json.loads(policies.LAMBDA_TRUST)["Statement"]
    assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert statement["Action"] == "sts:AssumeRole"


def test_all_alarms_are_those_of_the_same_account_and_region() -> None:
    assert policies.all_alarms_arn(ALARMS.replace("*", "dead-letters")) == ALARMS
