"""The managed policies by enforcement: a role with one of them and nothing else, and one less."""

import copy
import itertools
import json
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import pulumi
import pytest
from botocore.exceptions import ClientError

from automation.aws.clients import Clients
from automation.local.emulator import running_emulator
from automation.local.resources.batch_actions import for_emulator
from automation.local.resources.cloud import error_code
from automation.target import Target
from components import ReliableQueue, ReliableQueueArgs, policies

REGION, ACCOUNT = "eu-north-1", "123456789012"
_NUMBERS = itertools.count()
# Used by nobody; a statement has an action at least.
_UNUSED = "sqs:ListQueueTags"


@dataclass(frozen=True, kw_only=True)
class World:
    """An AWS that enforces policies, as its owner sees it, and a queue in it."""

    root: Clients
    queue_url: str

    @property
    def iam(self) -> Any:
        return self.root.session.client("iam", endpoint_url=self.root.endpoint_url)

    @contextmanager
    def holder(self, policy_arn: str) -> Generator[Any]:
        """A client of SQS of a role that has this policy attached and nothing else."""
        name = f"holder-{next(_NUMBERS)}"
        principal = {"AWS": f"arn:aws:iam::{policy_arn.split(':')[4]}:root"}
        trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        role = self.iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )["Role"]
        self.iam.attach_role_policy(RoleName=name, PolicyArn=policy_arn)
        sts = self.root.session.client("sts", endpoint_url=self.root.endpoint_url)
        issued = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="holder")["Credentials"]
        try:
            yield boto3.client(
                "sqs",
                aws_access_key_id=issued["AccessKeyId"],
                aws_secret_access_key=issued["SecretAccessKey"],
                aws_session_token=issued["SessionToken"],
                region_name=self.root.session.region_name,
                endpoint_url=self.root.endpoint_url,
            )
        finally:
            self.iam.detach_role_policy(RoleName=name, PolicyArn=policy_arn)

    def managed(self, document: policies.PolicyDocument[str]) -> str:
        """The ARN of a policy that is made from a document."""
        policy = self.iam.create_policy(
            PolicyName=f"policy-{next(_NUMBERS)}", PolicyDocument=for_emulator(json.dumps(document))
        )
        return str(policy["Policy"]["Arn"])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    session = boto3.Session(
        aws_access_key_id=ACCOUNT, aws_secret_access_key="local", region_name=REGION
    )
    folder = tmp_path_factory.mktemp("emulator")
    with running_emulator(folder, region=REGION, enforces_policies=True) as emulator:
        root = Clients(session=session, endpoint_url=emulator.endpoint_url)
        yield World(root=root, queue_url=root.sqs.create_queue(QueueName="queue")["QueueUrl"])


def receipt(root: Clients, queue_url: str) -> str:
    """The handle of a message that the owner has received."""
    root.sqs.send_message(QueueUrl=queue_url, MessageBody="x")
    messages = root.sqs.receive_message(QueueUrl=queue_url).get("Messages", [])
    return str(messages[0].get("ReceiptHandle"))


# What each action lets its holder do, alone and in batches: to AWS they are one action.
Use = Callable[[Any, str, str], Any]
CONSUMING: Mapping[str, Use] = {
    "sqs:ReceiveMessage": lambda sqs, url, _: sqs.receive_message(QueueUrl=url, WaitTimeSeconds=0),
    "sqs:DeleteMessage": lambda sqs, url, handle: (
        sqs.delete_message(QueueUrl=url, ReceiptHandle=handle),
        sqs.delete_message_batch(QueueUrl=url, Entries=[{"Id": "0", "ReceiptHandle": handle}]),
    ),
    "sqs:ChangeMessageVisibility": lambda sqs, url, handle: sqs.change_message_visibility(
        QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=60
    ),
    "sqs:GetQueueAttributes": lambda sqs, url, _: sqs.get_queue_attributes(
        QueueUrl=url, AttributeNames=["All"]
    ),
}
SENDING: Mapping[str, Use] = {
    "sqs:SendMessage": lambda sqs, url, _: (
        sqs.send_message(QueueUrl=url, MessageBody="x"),
        sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": "0", "MessageBody": "x"}]),
    ),
}
USES = {**CONSUMING, **SENDING}


def refused(root: Clients, sqs: Any, queue_url: str) -> set[str]:
    """The actions that the holder of a policy tries in vain."""
    in_vain: set[str] = set()
    for action, use in USES.items():
        handle = receipt(root, queue_url)
        try:
            use(sqs, queue_url, handle)
        except ClientError as error:
            if "AccessDenied" not in error_code(error):
                raise
            in_vain.add(action)
    return in_vain


QUEUE_ARN = f"arn:aws:sqs:{REGION}:{ACCOUNT}:queue"
POLICIES = {
    "consume": (policies.consume(queue_arn=QUEUE_ARN), CONSUMING),
    "send": (policies.send(queue_arn=QUEUE_ARN), SENDING),
}


@pytest.mark.parametrize("name", POLICIES)
def test_who_holds_a_policy_may_do_what_it_is_for_and_nothing_else(world: World, name: str) -> None:
    document, uses = POLICIES[name]
    another = world.root.sqs.create_queue(QueueName=f"another-{name}")["QueueUrl"]
    with world.holder(world.managed(document)) as sqs:
        assert refused(world.root, sqs, world.queue_url) == USES.keys() - uses.keys()
        assert refused(world.root, sqs, another) == USES.keys()


@pytest.mark.parametrize(
    ("name", "action"), [(name, action) for name, (_, uses) in POLICIES.items() for action in uses]
)
def test_who_lacks_one_action_is_refused_what_it_is_for(
    world: World, name: str, action: str
) -> None:
    document, uses = POLICIES[name]
    lacking = copy.deepcopy(document)
    [statement] = lacking["Statement"]
    statement["Action"].remove(action)
    statement["Action"] = statement["Action"] or [_UNUSED]
    with world.holder(world.managed(lacking)) as sqs:
        in_vain = refused(world.root, sqs, world.queue_url)
    assert in_vain == (USES.keys() - uses.keys()) | {action}


@pytest.mark.slow
@pytest.mark.engine
def test_the_policies_of_a_stack_are_enough_for_a_role_of_another_team(
    strict_aws: Target, deployed: Callable[..., Any]
) -> None:
    def program() -> None:
        # The clients speak plain HTTP to the embedded AWS.
        args = ReliableQueueArgs(consumer=None, alarms=None, requires_tls=False)
        queue = ReliableQueue("shared", args)
        pulumi.export("queue", queue.queue_url)
        pulumi.export("consume", queue.consume_policy_arn)
        pulumi.export("send", queue.send_policy_arn)

    with deployed(strict_aws, program) as stack:
        queue_url = stack.outputs["queue"]
        world = World(root=strict_aws.clients, queue_url=queue_url)
        for name, (_, uses) in POLICIES.items():
            with world.holder(stack.outputs[name]) as sqs:
                assert refused(world.root, sqs, queue_url) == USES.keys() - uses.keys()
