"""The operator policy allows what the operator's commands do, and each of its actions is needed."""

import contextlib
import copy
import dataclasses
import io
import itertools
import json
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from automation.aws.clients import Clients
from automation.aws.consumer_log import LogReader
from automation.deadletters.file_to_queue import post_messages
from automation.deadletters.journal import Journal
from automation.deadletters.message import Message
from automation.deadletters.move_plan import Plan
from automation.deadletters.queue_to_file import drain_to_file, purge_queue
from automation.deadletters.queue_to_queue import move_messages
from automation.deadletters.survey import survey_dead_letters
from automation.local.emulator import running_emulator
from automation.local.resources.batch_actions import for_emulator
from automation.local.resources.cloud import error_code
from automation.operations.discovery import discovered_wiring
from automation.operations.status import read_status
from automation.operations.wiring import Consumer, Queue, Wiring
from automation.target import LOCAL_PACE, Account
from components import policies

REGION, ACCOUNT = "eu-west-1", "123456789012"
ALARM = "depth"
ALARMS = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:*"
LOG_GROUP = "consumer"
_NUMBERS = itertools.count()
# The emulator has no move tasks, so nothing can be refused there; by simulation they are proven in
# tests/components/test_least_privilege.py.
NATIVE = {"sqs:StartMessageMoveTask", "sqs:ListMessageMoveTasks", "sqs:CancelMessageMoveTask"}


def as_the_emulator_sees_it(document: policies.PolicyDocument[str]) -> str:
    """On AWS alarms are resources of DescribeAlarms, and a log group's ARN ends in `:*`.

    Source: Service Authorization Reference, Amazon CloudWatch; CloudWatch Logs API Reference,
    LogGroup, arn.
    """
    text = for_emulator(json.dumps(document))
    return text.replace(ALARMS, "*").replace(f"log-group:{LOG_GROUP}:*", f"log-group:{LOG_GROUP}")


def code() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("consumer.py", "def handler(event, context): pass")
    return written.getvalue()


@dataclass(frozen=True)
class World:
    """An emulator that enforces policies, with a queue, dead letters, a log and an alarm."""

    endpoint_url: str
    root: Clients
    wiring: Wiring
    document: policies.PolicyDocument[str]
    folder: Path

    @property
    def queue(self) -> Queue:
        return self.wiring.require_queue()

    @property
    def dlq(self) -> Queue:
        return self.wiring.require_dlq()

    def operator(self, document: policies.PolicyDocument[str], name: str) -> Clients:
        """Clients of a role that has this policy and nothing else."""
        iam = self.root.session.client("iam", endpoint_url=self.endpoint_url)
        principal = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        role = iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )["Role"]
        iam.put_role_policy(
            RoleName=name,
            PolicyName="operate",
            PolicyDocument=as_the_emulator_sees_it(document),
        )
        sts = self.root.session.client("sts", endpoint_url=self.endpoint_url)
        issued = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="operator")["Credentials"]
        session = boto3.Session(
            aws_access_key_id=issued["AccessKeyId"],
            aws_secret_access_key=issued["SecretAccessKey"],
            aws_session_token=issued["SessionToken"],
            region_name=REGION,
        )
        return Clients(session=session, endpoint_url=self.endpoint_url)

    def journal(self, purpose: str, source: str) -> Journal:
        # One of its own: going on with a refused run's would wait for what that one had hidden.
        path = self.folder / f"{purpose}-{next(_NUMBERS)}.jsonl"
        return Journal(path, purpose=purpose, source=source)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("emulator")
    session = boto3.Session(
        aws_access_key_id=ACCOUNT, aws_secret_access_key="local", region_name=REGION
    )
    with running_emulator(folder, region=REGION, enforces_policies=True) as emulator:
        root = Clients(session=session, endpoint_url=emulator.endpoint_url)
        dlq_url = root.sqs.create_queue(QueueName="dlq")["QueueUrl"]
        queue_url = root.sqs.create_queue(QueueName="queue")["QueueUrl"]
        root.logs.create_log_group(logGroupName=LOG_GROUP)
        root.cloudwatch.put_metric_alarm(
            AlarmName=ALARM,
            Namespace="AWS/SQS",
            MetricName="ApproximateNumberOfMessagesVisible",
            Statistic="Maximum",
            ComparisonOperator="GreaterThanThreshold",
            Threshold=0,
            Period=60,
            EvaluationPeriods=1,
            Dimensions=[{"Name": "QueueName", "Value": "dlq"}],
        )
        role = root.session.client("iam", endpoint_url=emulator.endpoint_url).create_role(
            RoleName="consumer", AssumeRolePolicyDocument="{}"
        )["Role"]
        root.functions.create_function(
            FunctionName="consumer",
            Role=role["Arn"],
            Runtime="python3.13",
            Handler="consumer.handler",
            Code={"ZipFile": code()},
            LoggingConfig={"LogGroup": LOG_GROUP},
        )
        root.functions.create_event_source_mapping(
            EventSourceArn=f"arn:aws:sqs:{REGION}:{ACCOUNT}:queue",
            FunctionName="consumer",
            Enabled=False,
        )
        queue = Queue(url=queue_url, arn=f"arn:aws:sqs:{REGION}:{ACCOUNT}:queue", name="queue")
        dlq = Queue(url=dlq_url, arn=f"arn:aws:sqs:{REGION}:{ACCOUNT}:dlq", name="dlq")
        wiring = Wiring(
            selected="queue queue",
            queue=queue,
            dlq=dlq,
            sources=(queue,),
            consumers=(Consumer(function_name="consumer", log_group=LOG_GROUP),),
            alarm_names=(ALARM,),
        )
        document = policies.operate(
            queue_arn=queue.arn,
            dlq_arn=dlq.arn,
            log_streams_arn=f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{LOG_GROUP}:*",
            alarms_arn=ALARMS,
            function_arn=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:consumer",
        )
        yield World(emulator.endpoint_url, root, wiring, document, folder)


@pytest.fixture(autouse=True)
def dead_letters(world: World) -> None:
    """Three dead letters, and none of another test's, not even one that a refusal left hidden."""
    for url, name in (
        (world.dlq.url, "dlq"),
        (world.queue.url, "queue"),
    ):
        world.root.sqs.delete_queue(QueueUrl=url)
        assert world.root.sqs.create_queue(QueueName=name)["QueueUrl"] == url
    policy = json.dumps({"deadLetterTargetArn": world.dlq.arn, "maxReceiveCount": 2})
    world.root.sqs.set_queue_attributes(
        QueueUrl=world.queue.url, Attributes={"RedrivePolicy": policy}
    )
    for _ in range(3):
        world.root.sqs.send_message(QueueUrl=world.dlq.url, MessageBody="{}")


def status(world: World, operator: Clients) -> None:
    read_status(operator, world.wiring)


def list_letters(world: World, operator: Clients) -> None:
    survey = survey_dead_letters(
        operator.sqs,
        operator.logs,
        dlq_url=world.dlq.url,
        log_groups=[LOG_GROUP],
        wait_seconds=0,
    )
    with contextlib.closing(survey):
        assert survey.seen == 3


def redrive(world: World, operator: Clients) -> None:
    plan = Plan(source_url=world.dlq.url, destination_url=world.queue.url)
    with world.journal("redrive", world.dlq.url) as journal:
        report = move_messages(
            operator.sqs,
            operator.sender,
            plan,
            journal,
            cancel=threading.Event(),
        )
    assert report.counts.moved == 3


def purge(world: World, operator: Clients) -> None:
    report = drain_to_file(
        operator.sqs,
        world.dlq.url,
        world.folder / "backup.jsonl",
        wait_seconds=0,
        cancel=threading.Event(),
    )
    assert report.deleted == 3


def purge_without_backup(world: World, operator: Clients) -> None:
    purge_queue(operator.sqs, world.dlq.url, cancel=threading.Event(), report=lambda _: None)


def restore(world: World, operator: Clients) -> None:
    post(world, operator, world.dlq.url)


def send(world: World, operator: Clients) -> None:
    post(world, operator, world.queue.url)


def post(world: World, operator: Clients, url: str) -> None:
    message = Message(message_id="1", body="{}", attributes={}, system={})
    with world.journal("post", url) as journal:
        report = post_messages(
            operator.sender, url, iter([message]), journal, cancel=threading.Event()
        )
    assert report.sent == 1


def logs(world: World, operator: Clients) -> None:
    reader = LogReader(operator.logs, world.wiring.log_groups[0], since_ms=0)
    assert list(reader.new_events()) == []


def discover(world: World, operator: Clients) -> None:
    """By the name of the queue, and by that of its dead-letter queue."""
    account = Account(
        name="aws", account_id=ACCOUNT, region=REGION, clients=operator, pace=LOCAL_PACE
    )
    for name in ("queue", "dlq"):
        found = discovered_wiring(account, name, None, ())
        assert found == dataclasses.replace(world.wiring, selected=f"queue {name}")


Operation = Callable[[World, Clients], None]
OPERATIONS: tuple[Operation, ...] = (
    status,
    list_letters,
    redrive,
    purge,
    purge_without_backup,
    restore,
    send,
    logs,
    discover,
)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_operator_may(world: World, operation: Operation) -> None:
    operator = world.operator(world.document, f"may-{operation.__name__}")
    operation(world, operator)


NEEDED: list[tuple[str, str, Operation]] = [
    ("WorkOnDeadLetters", "sqs:ReceiveMessage", list_letters),
    ("WorkOnDeadLetters", "sqs:ChangeMessageVisibility", list_letters),
    ("WorkOnDeadLetters", "sqs:GetQueueAttributes", list_letters),
    ("WorkOnDeadLetters", "sqs:DeleteMessage", redrive),
    ("WorkOnDeadLetters", "sqs:PurgeQueue", purge_without_backup),
    ("WorkOnDeadLetters", "sqs:SendMessage", restore),
    ("RedriveToQueue", "sqs:SendMessage", redrive),
    ("RedriveToQueue", "sqs:GetQueueAttributes", status),
    ("ReadConsumerLogs", "logs:FilterLogEvents", logs),
    ("ReadAlarms", "cloudwatch:DescribeAlarms", status),
    ("ReadMetrics", "cloudwatch:GetMetricData", status),
    ("FindMapping", "lambda:ListEventSourceMappings", status),
    ("FindLog", "lambda:GetFunctionConfiguration", discover),
    *(
        (sid, action, discover)
        for sid in ("WorkOnDeadLetters", "RedriveToQueue")
        for action in ("sqs:GetQueueUrl", "sqs:ListDeadLetterSourceQueues")
    ),
]


def granted(document: policies.PolicyDocument[str]) -> set[tuple[str, str]]:
    return {
        (statement["Sid"], action)
        for statement in document["Statement"]
        for action in statement["Action"]
    }


def test_each_action_but_the_native_ones_is_in_the_list_of_needed_ones(world: World) -> None:
    listed = {(sid, action) for sid, action, _ in NEEDED}
    assert {pair for pair in granted(world.document) if pair[1] not in NATIVE} == listed


def without(
    document: policies.PolicyDocument[str], sid: str, action: str
) -> policies.PolicyDocument[str]:
    lacking = copy.deepcopy(document)
    for statement in lacking["Statement"]:
        if statement["Sid"] == sid:
            statement["Action"].remove(action)
            # A statement has an action at least; this one is used by nobody.
            statement["Action"] = statement["Action"] or ["sqs:ListQueueTags"]
    return lacking


@pytest.mark.parametrize(
    ("sid", "action", "operation"),
    NEEDED,
    ids=[f"{sid}-{action}-{operation.__name__}" for sid, action, operation in NEEDED],
)
def test_operator_without_one_action_is_refused(
    world: World, sid: str, action: str, operation: Operation
) -> None:
    name = f"without-{sid}-{action.partition(':')[2]}"
    operator = world.operator(without(world.document, sid, action), name)
    with pytest.raises((ClientError, AssertionError)) as refused:
        operation(world, operator)
    if isinstance(refused.value, ClientError):
        assert "AccessDenied" in error_code(refused.value)
