"""The provider's functions answer as the official ones do."""

import json
from typing import Any

import grpc
import pytest

DOCUMENT = "aws:iam/getPolicyDocument:getPolicyDocument"
REGION = "aws:index/getRegion:getRegion"


def document(provider: Any, **arguments: Any) -> Any:
    answer, failures = provider.invoke(DOCUMENT, **arguments)
    assert failures == []
    assert json.loads(answer["minifiedJson"]) == json.loads(answer["json"])
    return json.loads(answer["json"])


def test_the_caller_is_the_account_of_the_embedded_aws(provider: Any, account_id: str) -> None:
    answer, _ = provider.invoke("aws:index/getCallerIdentity:getCallerIdentity")
    assert answer["accountId"] == answer["id"] == account_id
    assert account_id in answer["arn"]


def test_the_region_is_the_providers_unless_another_is_named(provider: Any) -> None:
    own, _ = provider.invoke(REGION)
    assert (own["region"], own["description"]) == ("eu-west-1", "Europe (Ireland)")
    other, _ = provider.invoke(REGION, region="us-east-1")
    assert other["endpoint"] == "ec2.us-east-1.amazonaws.com"


def test_a_region_that_does_not_exist_is_refused(provider: Any) -> None:
    with pytest.raises(grpc.RpcError) as error:
        provider.invoke(REGION, region="moon-1")
    assert "moon-1" in str(error.value.details())


def test_the_partition_is_that_of_the_commercial_regions(provider: Any) -> None:
    answer, _ = provider.invoke("aws:index/getPartition:getPartition")
    assert (answer["partition"], answer["dnsSuffix"]) == ("aws", "amazonaws.com")


def test_a_document_has_one_string_for_one_item_and_descending_lists(provider: Any) -> None:
    statement = {
        "sid": "Send",
        "actions": ["sqs:A", "sqs:B"],
        "resources": ["arn:aws:sqs:::q"],
        "principals": [{"type": "Service", "identifiers": ["sns.amazonaws.com"]}],
        "conditions": [
            {"test": "StringEquals", "variable": "aws:x", "values": ["2", "1"]},
            {"test": "Bool", "variable": "aws:y", "values": ["true"]},
        ],
    }
    assert document(provider, statements=[statement]) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Send",
                "Effect": "Allow",
                "Action": ["sqs:B", "sqs:A"],
                "Resource": "arn:aws:sqs:::q",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Condition": {"Bool": {"aws:y": "true"}, "StringEquals": {"aws:x": ["2", "1"]}},
            }
        ],
    }


def test_everybody_is_a_star(provider: Any) -> None:
    everybody = {"type": "*", "identifiers": ["*"]}
    found = document(provider, statements=[{"actions": ["sqs:*"], "principals": [everybody]}])
    assert found["Statement"][0]["Principal"] == "*"


def test_policy_variables_are_written_with_an_ampersand(provider: Any) -> None:
    statement = {"actions": ["s3:*"], "resources": ["arn:aws:s3:::b/&{aws:username}"]}
    found = document(provider, statements=[statement])
    assert found["Statement"][0]["Resource"] == "arn:aws:s3:::b/${aws:username}"


def test_a_known_sid_is_replaced_and_others_follow(provider: Any) -> None:
    source = {"Version": "2008-10-17", "Statement": [{"Sid": "A", "Effect": "Deny"}]}
    override = {"Version": "2012-10-17", "Statement": {"Sid": "B", "Effect": "Deny"}}
    found = document(
        provider,
        sourcePolicyDocuments=[json.dumps(source)],
        statements=[{"sid": "A", "actions": ["sqs:A"]}, {"sid": "B", "actions": ["sqs:B"]}],
        overridePolicyDocuments=[json.dumps(override)],
    )
    assert found["Version"] == "2012-10-17"
    assert [(item["Sid"], item["Effect"]) for item in found["Statement"]] == [
        ("A", "Allow"),
        ("B", "Deny"),
    ]


def test_a_sid_that_is_there_twice_is_refused(provider: Any) -> None:
    twice = [{"sid": "A", "actions": ["sqs:A"]}] * 2
    with pytest.raises(grpc.RpcError) as error:
        provider.invoke(DOCUMENT, statements=twice)
    assert "duplicate Sid (A)" in str(error.value.details())


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ({"effect": "allow"}, "allowed: Allow, Deny"),
        ({"sid": "a-b"}, "sid"),
        ({"action": ["sqs:*"]}, "statements[0].action"),
        ({"principals": [{"type": "AWS"}]}, "identifiers is required"),
    ],
)
def test_a_wrong_statement_is_refused_by_its_place(
    provider: Any, statement: dict[str, Any], named: str
) -> None:
    _, failures = provider.invoke(DOCUMENT, statements=[statement])
    assert any(named in failure for failure in failures)


QUEUE = "aws:sqs/getQueue:getQueue"


def test_a_queue_is_found_by_its_name_with_what_leads_to_it(provider: Any, account_id: str) -> None:
    made = provider.create("aws:sqs/queue:Queue", {"name": "found.fifo", "fifoQueue": True})
    answer, failures = provider.invoke(QUEUE, name="found.fifo")
    assert failures == []
    assert answer == {
        "arn": f"arn:aws:sqs:eu-west-1:{account_id}:found.fifo",
        "id": made.id,
        "name": "found.fifo",
        "region": "eu-west-1",
        "tags": {},
        "url": made.id,
    }


def test_a_queue_is_looked_for_in_the_region_that_is_named(provider: Any) -> None:
    provider.create("aws:sqs/queue:Queue", {"name": "elsewhere", "region": "us-east-1"})
    answer, _ = provider.invoke(QUEUE, name="elsewhere", region="us-east-1")
    assert answer["arn"].startswith("arn:aws:sqs:us-east-1:")
    with pytest.raises(grpc.RpcError) as error:
        provider.invoke(QUEUE, name="elsewhere")
    assert "there is no queue 'elsewhere' in eu-west-1" in str(error.value.details())


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({}, "argument 'name' of aws:sqs/getQueue:getQueue is required"),
        ({"name": "a" * 81}, "name has 81 characters"),
        # The official function takes them and looks at nothing of them.
        ({"name": "a", "tags": {"team": "a"}}, "argument 'tags'"),
    ],
)
def test_what_finds_no_queue_is_refused_by_name(
    provider: Any, arguments: dict[str, Any], named: str
) -> None:
    _, failures = provider.invoke(QUEUE, **arguments)
    assert any(named in failure for failure in failures), failures
