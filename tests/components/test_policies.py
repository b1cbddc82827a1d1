"""The shape of each policy document, and what a queue's own policy may say."""

import json
from typing import Any

import pytest

from components import LimitError, QueueStatement, policies
from components.statements import check_statements

QUEUE, DLQ = "arn:aws:sqs:eu-north-1:123456789012:q", "arn:aws:sqs:eu-north-1:123456789012:dlq"
STREAMS = "arn:aws:logs:eu-north-1:123456789012:log-group:g:*"
FUNCTION = "arn:aws:lambda:eu-north-1:123456789012:function:f"
ALARMS = "arn:aws:cloudwatch:eu-north-1:123456789012:alarm:*"
OPERATE = policies.operate(
    queue_arn=QUEUE, dlq_arn=DLQ, log_streams_arn=STREAMS, alarms_arn=ALARMS, function_arn=FUNCTION
)


@pytest.mark.parametrize(
    "document",
    [
        policies.consume(queue_arn=QUEUE),
        policies.write_logs(log_streams_arn=STREAMS),
        policies.send(queue_arn=QUEUE),
        OPERATE,
        policies.trace(),
        policies.join_vpc(),
    ],
)
def test_no_action_is_a_pattern_and_statements_have_names_of_their_own(
    document: policies.PolicyDocument[str],
) -> None:
    assert "*" not in "".join(a for s in document["Statement"] for a in s["Action"])
    names = [statement["Sid"] for statement in document["Statement"]]
    assert len(set(names)) == len(names)


def test_a_queue_without_anything_to_say_has_no_policy() -> None:
    assert policies.queue_policy(queue_arn=QUEUE, requires_tls=False) is None


def statement(**changes: object) -> QueueStatement:
    whole = {
        "Sid": "S",
        "Effect": "Allow",
        "Principal": {"AWS": "123456789012"},
        "Action": ["sqs:SendMessage"],
    }
    return whole | changes  # type: ignore[return-value]


@pytest.mark.parametrize(
    "accepted",
    [
        [],
        [statement()],
        [statement(), statement(Sid="T", Action="sqs:*")],
        [statement(Principal="*", Effect="Deny")],
        [statement(Principal="*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o"}})],
        [statement(Action="SQS:SendMessage"), statement(Sid="T", Action=("Sqs:Get*",))],
        [{name: value for name, value in statement().items() if name != "Sid"}],
        [statement(Principal={"AWS": ["111122223333"], "Service": "sns.amazonaws.com"})],
    ],
)
def test_statements_that_sqs_takes_are_accepted(accepted: list[QueueStatement]) -> None:
    check_statements(accepted)


@pytest.mark.parametrize(
    ("refused", "complaint"),
    [
        ([statement(), statement()], "statements, Sid: S is there twice"),
        ([statement(Sid="RefusePlainHttp")], "RefusePlainHttp is there twice"),
        ([statement(Action="sns:Publish")], "S: Action = 'sns:Publish' is not SQS's"),
        ([statement(Action=["sqs:SendMessage", "*"])], r"S: Action = '\*' is not SQS's"),
        ([statement(Principal="*")], "S: allows everybody in the world; name a Principal"),
        ([statement(Principal={"AWS": "*"})], "S: allows everybody in the world"),
        ([statement(Principal={"AWS": ["111122223333", "*"]})], "S: allows everybody in the world"),
        ([statement(Principal={"AWS": ["*"]}, Condition={})], "S: allows everybody in the world"),
        ([statement(Principal="*", Condition={"ArnEquals": {}})], "S: allows everybody in the wor"),
        ([statement(Principal="111122223333")], r"Principal = '111122223333'; allowed: {\"AWS\":"),
        ([statement(Principal={"AWS": 111122223333})], "AWS = 111122223333 is no text; give '1234"),
        (
            [statement(Principal={"Aws": "111122223333"})],
            "Principal = 'Aws' is unknown; allowed: AWS",
        ),
        ([statement(Action=[])], r"S: Action = \[\] is no text; give 'sqs:SendMessage'"),
        ([statement(Effect="allow")], "S: Effect = 'allow' is unknown; allowed: Allow, Deny"),
        ([statement(Resource="*")], "S: Resource is the queue and is filled in; leave it out"),
        ([statement(Actions="sqs:*")], "S: has 'Actions'; allowed: Sid, Effect, Principal, Action"),
        ([{"Effect": "Allow", "Principal": "*"}], r"statements\[0\]: has no Action; allowed: Sid"),
        ([statement(Sid=5)], "S.* Sid is not text|5: Sid is not text"),
        ([statement(Condition="always")], "S: Condition = 'always'; allowed: as "),
        ([statement(Condition={"Bool": True})], "S: Condition = .*; allowed: as "),
    ],
)
def test_statements_that_are_wrong_or_open_to_all_are_refused(
    refused: list[QueueStatement], complaint: str
) -> None:
    with pytest.raises(LimitError, match=complaint):
        check_statements(refused)


def test_a_statement_without_a_sid_gets_one_that_no_other_has() -> None:
    bare: Any = {name: value for name, value in statement().items() if name != "Sid"}
    document: Any = policies.queue_policy(
        queue_arn=QUEUE, requires_tls=False, statements=[bare, statement(Sid="Statement1"), bare]
    )
    sids = [item["Sid"] for item in document["Statement"]]
    assert sids == ["Statement2", "Statement1", "Statement3"]


def test_only_lambda_may_take_on_a_function_s_role() -> None:
    [statement] = json.loads(policies.LAMBDA_TRUST)["Statement"]
    assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert statement["Action"] == "sts:AssumeRole"


def test_all_alarms_are_those_of_the_same_account_and_region() -> None:
    assert policies.all_alarms_arn(ALARMS.replace("*", "dead-letters")) == ALARMS
