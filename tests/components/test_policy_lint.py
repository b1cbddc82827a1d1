"""Every policy document that the component can make, through the linter of AWS's CloudFormation.

It knows each service's actions, the resources that they take, and the language of conditions.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pulumi_aws as aws
import pytest
from cfnlint.api import ManualArgs, lint

from components import ReliableQueue, policies
from tests.components.conftest import REGION
from tests.components.test_least_privilege import KEY_POLICY, POLICIES
from tests.components.test_switches import SWITCHES

QUEUE = f"arn:aws:sqs:{REGION}:123456789012:q"
KEY = f"arn:aws:kms:{REGION}:123456789012:key/k"
# Where CloudFormation has what a resource of ours holds as text.
PLACES: Mapping[tuple[str, str], tuple[str, str]] = {
    ("aws:iam/policy:Policy", "policy"): ("AWS::IAM::ManagedPolicy", "PolicyDocument"),
    ("aws:iam/role:Role", "assumeRolePolicy"): ("AWS::IAM::Role", "AssumeRolePolicyDocument"),
    ("aws:iam/rolePolicy:RolePolicy", "policy"): ("AWS::IAM::ManagedPolicy", "PolicyDocument"),
    ("aws:kms/key:Key", "policy"): ("AWS::KMS::Key", "KeyPolicy"),
    ("aws:sns/topicPolicy:TopicPolicy", "policy"): ("AWS::SNS::TopicPolicy", "PolicyDocument"),
    ("aws:sqs/queuePolicy:QueuePolicy", "policy"): ("AWS::SQS::QueuePolicy", "PolicyDocument"),
}
ATTACHED = {"AWS::SNS::TopicPolicy": {"Topics": ["t"]}, "AWS::SQS::QueuePolicy": {"Queues": ["q"]}}
# CloudFormation's own advice about keys, not about their policies.
NOT_OF_POLICIES = {"I3011", "W3011"}

Document = tuple[str, str, str]
"""Type of a resource, the input, and its text."""


def documents(resources: list[Any]) -> Iterator[Document]:
    for resource in resources:
        for key, value in resource.inputs.items():
            if isinstance(value, str) and '"Statement"' in value and "Body" not in key:
                yield resource.type, key, value


def complaints(documents: set[Document]) -> list[str]:
    resources: dict[str, Any] = {}
    for number, (type_, key, text) in enumerate(sorted(documents)):
        kind, property_ = PLACES[type_, key]
        properties = {property_: json.loads(text), **ATTACHED.get(kind, {})}
        resources[f"P{number}"] = {"Type": kind, "Properties": properties}
    template = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}
    found = lint(
        json.dumps(template), config=ManualArgs(regions=[REGION], include_checks=["I", "W", "E"])
    )
    return [
        f"{match.rule.id} {match.message}: {match.path}"
        for match in found
        if match.rule.id not in NOT_OF_POLICIES
    ]


def all_documents(deploy: Callable[..., Any], queue_args: Callable[..., Any]) -> set[Document]:
    def program(args: Any) -> None:
        queue = ReliableQueue("events", args)
        role = aws.iam.Role("r", assume_role_policy="{}")
        queue.grant_send(role, name="r-sends")
        queue.grant_operate(role, name="r-operates")
        queue.grant_consume(role, name="r-consumes")

    found: set[Document] = set()
    for switch in ({}, *SWITCHES.values()):
        args = queue_args(**switch)
        found.update(documents(deploy(lambda args=args: program(args)).resources))
    return found


def test_no_policy_document_has_a_fault() -> None:
    texts = [json.dumps(document) for document, _ in POLICIES.values()]
    found = {("aws:iam/policy:Policy", "policy", text) for text in texts}
    found.add(("aws:iam/role:Role", "assumeRolePolicy", policies.LAMBDA_TRUST))
    found.add(("aws:kms/key:Key", "policy", json.dumps(KEY_POLICY)))
    over_tls = policies.queue_policy(queue_arn=QUEUE, requires_tls=True)
    found.add(("aws:sqs/queuePolicy:QueuePolicy", "policy", json.dumps(over_tls)))
    assert complaints(found) == []


@pytest.mark.slow
def test_no_policy_of_any_shape_of_the_component_has_a_fault(
    deploy: Callable[..., Any], queue_args: Callable[..., Any]
) -> None:
    found = all_documents(deploy, queue_args)
    assert {(type_, key) for type_, key, _ in found} <= PLACES.keys(), "nobody looks at it"
    # With and without a key, FIFO, an own consumer, TLS, statements, X-Ray, a VPC, a memory.
    assert len(found) >= 15
    assert complaints(found) == []


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("sqs:SendMessage", "sqs:SendMessages", "W3037"),
        (":sqs:", ":sns:", "I3510"),
        ("StringEquals", "StringEqual", "E3510"),
        ('"Allow"', '"allow"', "E3510"),
    ],
)
def test_linter_finds_a_fault(right: str, wrong: str, said: str) -> None:
    key = policies.EncryptionKey(arn=KEY, sqs_endpoint=f"sqs.{REGION}.amazonaws.com")
    text = json.dumps(policies.send(queue_arn=QUEUE, key=key))
    place = ("aws:iam/policy:Policy", "policy")
    assert complaints({(*place, text)}) == []
    assert any(line.startswith(said) for line in complaints({(*place, text.replace(right, wrong))}))
