"""The provider's functions (`aws.get_…`): what each takes, and its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from automation.local.resources import policy_document
from automation.local.resources.cloud import PARTITION, Cloud, ignoring
from automation.local.resources.schema import Failure, Property
from automation.local.resources.sqs import MISSING_QUEUE
from automation.local.resources.value_checks import coerced, value_failures
from automation.local.resources.values import Properties, Value


@dataclass(frozen=True, kw_only=True)
class Function:
    """One function: its arguments and how the answer is found."""

    answer: Callable[[Cloud, Properties], Properties]
    arguments: Mapping[str, Property] = field(default_factory=dict[str, Property])


def invoke(
    token: str, function: Function, cloud: Cloud, given: Mapping[str, Value]
) -> tuple[Properties, tuple[Failure, ...]]:
    """The answer, or what is wrong with the arguments."""
    arguments: Properties = {
        name: coerced(function.arguments[name], value)
        for name, value in given.items()
        if name in function.arguments and value is not None
    }
    for name, prop in function.arguments.items():
        if prop.default is not None:
            arguments.setdefault(name, prop.default)
    failures = tuple(_failures(token, function, given, arguments))
    return ({} if failures else function.answer(cloud, arguments)), failures


def _failures(
    token: str, function: Function, given: Mapping[str, Value], arguments: Properties
) -> Iterator[Failure]:
    for name, value in given.items():
        if name not in function.arguments and value is not None:
            yield Failure(name, f"argument {name!r} of {token} is unknown to the local provider")
    for name, prop in function.arguments.items():
        if prop.required and name not in arguments:
            yield Failure(name, f"argument {name!r} of {token} is required")
        yield from value_failures(prop, arguments.get(name), name)


def _caller_identity(cloud: Cloud, _arguments: Properties) -> Properties:
    identity = cloud.sts.get_caller_identity()
    return {
        "accountId": identity["Account"],
        "arn": identity["Arn"],
        "id": identity["Account"],
        "userId": identity["UserId"],
    }


def _region(cloud: Cloud, arguments: Properties) -> Properties:
    selected = {arguments[name] for name in ("region", "name") if name in arguments}
    if len(selected) > 1:
        raise ValueError(f"region and name select different regions: {sorted(selected)}")
    region = selected.pop() if selected else cloud.region
    known = cloud.connections.region_descriptions()
    if region not in known:
        raise ValueError(f"there is no region {region!r}")
    return {
        "description": known[region],
        "endpoint": f"ec2.{region}.amazonaws.com",
        "id": region,
        "name": region,
        "region": region,
    }


def _partition(_cloud: Cloud, _arguments: Properties) -> Properties:
    return {
        "dnsSuffix": "amazonaws.com",
        "id": PARTITION,
        "partition": PARTITION,
        "reverseDnsPrefix": "com.amazonaws",
    }


def _policy_document(_cloud: Cloud, arguments: Properties) -> Properties:
    return policy_document.policy_document(arguments)


def _queue(cloud: Cloud, arguments: Properties) -> Properties:
    """A queue of the provider's account; its id is its URL, as that of the resource is."""
    there = cloud.in_region(arguments.get("region") or cloud.region)
    with ignoring(*MISSING_QUEUE):
        url = there.sqs.get_queue_url(QueueName=arguments["name"])["QueueUrl"]
        found = there.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return {
            "arn": found.get("Attributes", {})["QueueArn"],
            "id": url,
            "name": arguments["name"],
            "region": there.region,
            "tags": there.sqs.list_queue_tags(QueueUrl=url).get("Tags", {}),
            "url": url,
        }
    raise LookupError(
        f"there is no queue {arguments['name']!r} in {there.region} of account {there.account_id}"
    )


FUNCTIONS: Final[Mapping[str, Function]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": Function(answer=_caller_identity),
    "aws:index/getRegion:getRegion": Function(
        answer=_region,
        arguments={"name": Property(kind="string"), "region": Property(kind="string")},
    ),
    "aws:index/getPartition:getPartition": Function(answer=_partition),
    "aws:sqs/getQueue:getQueue": Function(
        answer=_queue,
        arguments={
            "name": Property(kind="string", required=True, min_length=1, max_length=80),
            "region": Property(kind="string", min_length=1),
        },
    ),
    "aws:iam/getPolicyDocument:getPolicyDocument": Function(
        answer=_policy_document, arguments=policy_document.ARGUMENTS
    ),
}
