"""Dead letters of consumers that log as they like have their reasons: each runs on the emulator."""

import io
import json
import shutil
import textwrap
import zipfile
from collections.abc import Sequence
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import pytest

from automation.aws.queue_depth import queue_depth
from automation.deadletters.attempts import attempt_events
from automation.deadletters.reason_expression import ReasonExpression
from automation.deadletters.shown_records import shown_record
from automation.deadletters.survey import NO_RECORD, Survey, survey_dead_letters
from automation.deadletters.where import Where
from automation.operations.discovery import discovered_wiring
from automation.operations.wiring import Wiring
from automation.target import Account
from automation.waiting import wait_until

REGION = "eu-west-1"
SECRET = "Shifter-396144610"

WORK = """
import json

def work(record):
    body = json.loads(record["body"])
    if body["kind"] == "colour":
        return record["messageAttributes"]["colour"]
    raise ValueError(f"{body['name']} is no customer")

def each(event, failed):
    failures = []
    for record in event["Records"]:
        try:
            work(record)
        except Exception as error:
            failed(record["messageId"], error)
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}
"""
PRINTS = """
def handler(event, context):
    return each(event, lambda message_id, error: print(message_id, "failed:", repr(error)))
"""
LOGS = """
import logging

def handler(event, context):
    return each(event, lambda message_id, _: logging.exception("can't process %s", message_id))
"""
POWERTOOLS = """
from aws_lambda_powertools import Logger
logger = Logger(service="orders")

@logger.inject_lambda_context
def handler(event, context):
    return each(event, lambda message_id, _: logger.exception("bad", extra={"order": message_id}))
"""
OWN_SHAPE = """
def handler(event, context):
    def failed(message_id, error):
        print(json.dumps({"what": {"id": message_id, "why": "no stock"}}))
    return each(event, failed)
"""
NAMES_AND_RAISES = """
def handler(event, context):
    for record in event["Records"]:
        print("processing", record["messageId"])
        work(record)
"""
SHOWS_ITS_EVENT = """
def handler(event, context):
    print(event)
    for record in event["Records"]:
        work(record)
"""
SILENT = """
def handler(event, context):
    return each(event, lambda message_id, error: None)
"""
NODE = """
exports.handler = async (event) => {
  const batchItemFailures = [];
  for (const record of event.Records) {
    try {
      const body = JSON.parse(record.body);
      if (body.kind === "colour") record.messageAttributes.colour.stringValue.length;
      throw new RangeError(`${body.name} is no customer`);
    } catch (error) {
      console.error(`can't process ${record.messageId}`, error);
      batchItemFailures.push({ itemIdentifier: record.messageId });
    }
  }
  return { batchItemFailures };
};
"""
NODE_RAISES = """
exports.handler = async (event) => {
  console.log(JSON.stringify(event));
  for (const record of event.Records) throw new RangeError(record.body);
};
"""


def code(source: str, *packages: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        name = "consumer.js" if "exports." in source else "consumer.py"
        archive.writestr(name, source if name.endswith(".js") else WORK + textwrap.dedent(source))
        for package in packages:
            spec = find_spec(package)
            assert spec
            assert spec.origin
            path = Path(spec.origin)
            files = path.parent.rglob("*.py") if path.name == "__init__.py" else [path]
            root = path.parent.parent if path.name == "__init__.py" else path.parent
            for file in files:
                archive.write(file, file.relative_to(root))
    return packed.getvalue()


def dead_letters(account: Account, source: str, *bodies: str, batch: int = 10) -> Wiring:
    """Have a queue, a consumer that was not written here, and what it could not process."""
    sqs, functions = account.clients.sqs, account.clients.functions
    dlq_url = sqs.create_queue(QueueName="dead")["QueueUrl"]
    policy = {
        "deadLetterTargetArn": f"arn:aws:sqs:{REGION}:{account.account_id}:dead",
        "maxReceiveCount": 2,
    }
    url = sqs.create_queue(
        QueueName="orders",
        Attributes={"RedrivePolicy": json.dumps(policy), "VisibilityTimeout": "1"},
    )["QueueUrl"]
    role_arn = account.clients.session.client(
        "iam", endpoint_url=account.clients.endpoint_url
    ).create_role(RoleName="role", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    packages = ("aws_lambda_powertools", "jmespath", "typing_extensions")
    functions.create_function(
        FunctionName="consumer",
        Role=role_arn,
        Runtime="nodejs22.x" if "exports." in source else "python3.13",
        Handler="consumer.handler",
        Timeout=30,
        Code={"ZipFile": code(source, *(packages if "powertools" in source else ()))},
    )
    ids = [sqs.send_message(QueueUrl=url, MessageBody=body)["MessageId"] for body in bodies]
    functions.create_event_source_mapping(
        EventSourceArn=f"arn:aws:sqs:{REGION}:{account.account_id}:orders",
        FunctionName="consumer",
        BatchSize=batch,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )

    def probe() -> tuple[bool, int]:
        count = queue_depth(sqs, dlq_url).visible
        return count == len(bodies), count

    wait_until("all are dead letters", probe, timeout_seconds=60, interval_seconds=0.2)
    if source != SILENT:
        wait_for_log(account, ids)
    return discovered_wiring(account, "orders", None, [])


def wait_for_log(account: Account, ids: Sequence[str]) -> None:
    """What an invocation has logged comes behind its answer; each message was tried twice."""

    def probe() -> tuple[bool, str]:
        pages = account.clients.logs.get_paginator("filter_log_events").paginate(
            logGroupName="/aws/lambda/consumer"
        )
        text = "\n".join(event["message"] for page in pages for event in page["events"])
        return all(text.count(key) >= 2 for key in ids), text

    wait_until("each try is in the log", probe, timeout_seconds=30, interval_seconds=0.1)


def surveyed(account: Account, wiring: Wiring, expression: str | None = None) -> Survey:
    return survey_dead_letters(
        account.clients.sqs,
        account.clients.logs,
        dlq_url=wiring.require_dlq().url,
        log_groups=wiring.log_groups,
        wait_seconds=0,
        expression=ReasonExpression(expression) if expression else None,
    )


COLOUR = json.dumps({"kind": "colour", "name": SECRET})
CUSTOMER = json.dumps({"kind": "customer", "name": SECRET})
UNKNOWN_CUSTOMER = "ValueError"
NO_COLOUR = "KeyError: 'colour'"
has_node = pytest.mark.skipif(shutil.which("node") is None, reason="no node on this machine")


@pytest.mark.parametrize(
    ("source", "colour", "customer", "attempts"),
    [
        # What it prints has no traceback: the key may be the message's.
        pytest.param(PRINTS, "KeyError", UNKNOWN_CUSTOMER, 2, id="print"),
        pytest.param(LOGS, NO_COLOUR, UNKNOWN_CUSTOMER, 2, id="logging"),
        pytest.param(POWERTOOLS, NO_COLOUR, UNKNOWN_CUSTOMER, 2, id="powertools"),
        pytest.param(SILENT, NO_RECORD, NO_RECORD, None, id="silent"),
        pytest.param(
            NODE,
            "TypeError: Cannot read properties of undefined",
            "RangeError",
            2,
            id="node",
            marks=has_node,
        ),
    ],
)
def test_each_letter_has_its_own_reason(
    account: Account, source: str, colour: str, customer: str, attempts: int | None
) -> None:
    wiring = dead_letters(account, source, COLOUR, CUSTOMER)
    with closing(surveyed(account, wiring)) as survey:
        letters = {letter.message.body: letter for letter in survey.letters()}
        assert {body: letter.reason for body, letter in letters.items()} == {
            COLOUR: colour,
            CUSTOMER: customer,
        }
        for letter in letters.values():
            assert (letter.failure and letter.failure.attempts) == attempts
        if attempts:
            meant = survey.letters(Where(f"starts_with(reason, '{customer}')"))
            assert [letter.message.body for letter in meant] == [CUSTOMER]
        for letter in letters.values():
            events = attempt_events(account.clients.logs, wiring.log_groups, letter.message)
            shown = [shown_record(event) for event in events]
            assert len(shown) == (attempts or 0)
            assert SECRET not in json.dumps(shown)


@pytest.mark.parametrize(
    ("source", "batch", "reason"),
    [
        # Whether others were in its batch, behind it, is not in the log.
        pytest.param(NAMES_AND_RAISES, 1, "its batch failed: ValueError", id="names it"),
        pytest.param(SHOWS_ITS_EVENT, 1, "ValueError", id="shows a batch of one"),
        pytest.param(SHOWS_ITS_EVENT, 10, "its batch failed: ValueError", id="shows a batch"),
        pytest.param(NODE_RAISES, 1, "RangeError", id="node", marks=has_node),
    ],
)
def test_batch_that_failed_as_a_whole_is_the_reason_of_each(
    account: Account, source: str, batch: int, reason: str
) -> None:
    wiring = dead_letters(account, source, CUSTOMER, CUSTOMER, batch=batch)
    with closing(surveyed(account, wiring)) as survey:
        assert [letter.reason for letter in survey.letters()] == [reason, reason]
        assert survey.not_looked_up == 0


def test_record_of_another_shape_is_read_by_an_expression(account: Account) -> None:
    wiring = dead_letters(account, OWN_SHAPE, CUSTOMER)
    with closing(surveyed(account, wiring)) as survey:
        assert [letter.reason for letter in survey.letters()] == [NO_RECORD]
    with closing(surveyed(account, wiring, "what.why")) as survey:
        assert [letter.reason for letter in survey.letters()] == ["no stock"]
        (letter,) = survey.letters()
        assert letter.failure
        assert letter.failure.attempts == 2
