"""The provider's answers to the engine: what it refuses, plans, replaces and keeps."""

import os
import socket
import threading
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2

from automation.local.provider import ProviderSettings, serve_provider
from automation.local.resources.cloud import Cloud
from automation.local.resources.values import UNKNOWN, encode

QUEUE = "aws:sqs/queue:Queue"


def refusal(error: pytest.ExceptionInfo[grpc.RpcError]) -> str:
    return str(error.value.details())


def test_nothing_is_left_when_the_provider_stops(settings: ProviderSettings) -> None:
    before = set(threading.enumerate())
    with serve_provider(settings) as port, grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        grpc.channel_ready_future(channel).result(timeout=10)
    assert {thread for thread in threading.enumerate() if "aws-provider" in thread.name} <= before


@pytest.mark.skipif(not hasattr(socket, "AF_NETLINK"), reason="this system does not tell")
def test_another_user_s_engine_is_refused(provider: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    with pytest.raises(grpc.RpcError) as error:
        provider.check(QUEUE, {})
    assert error.value.code() == grpc.StatusCode.PERMISSION_DENIED


def test_an_unknown_resource_type_is_refused_by_name(provider: Any) -> None:
    with pytest.raises(grpc.RpcError) as error:
        provider.check("aws:ec2/instance:Instance", {})
    assert "aws:ec2/instance:Instance" in refusal(error)


def test_an_unknown_function_is_refused_by_name(provider: Any) -> None:
    with pytest.raises(grpc.RpcError) as error:
        provider.invoke("aws:ec2/getAmi:getAmi")
    assert "aws:ec2/getAmi:getAmi" in refusal(error)


def test_an_unknown_argument_of_a_function_is_refused_by_name(provider: Any) -> None:
    _, failures = provider.invoke("aws:index/getPartition:getPartition", nothing="x")
    assert "'nothing'" in failures[0]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("endpoints", "always speaks to the embedded AWS"),
        ("accessKey", "always speaks to the embedded AWS"),
        ("assumeRoles", "does not know"),
        ("nonsense", "does not know"),
        ("defaultTags", "must be an object"),
    ],
)
def test_settings_that_the_provider_cannot_honour_are_refused_by_name(
    connect: Callable[..., Any], name: str, reason: str
) -> None:
    with pytest.raises(grpc.RpcError) as error:
        connect(**{name: "x"})
    assert f"aws:{name}" in refusal(error)
    assert reason in refusal(error)


def test_settings_are_checked_before_the_provider_is_configured(provider: Any) -> None:
    answer = provider.stub.CheckConfig(
        provider_pb2.CheckRequest(news=encode({"region": "eu-west-1", "nonsense": "x"}))
    )
    assert [failure.property for failure in answer.failures] == ["nonsense"]


def test_each_connection_has_its_own_region_and_default_tags(connect: Callable[..., Any]) -> None:
    here = connect()
    there = connect(region="eu-north-1", defaultTags='{"tags": {"team": "queues"}}')
    assert here.create(QUEUE, {}, name="here").outputs["region"] == "eu-west-1"
    made = there.create(QUEUE, {"tags": {"own": "1"}}, name="there")
    assert ":eu-north-1:" in made.outputs["arn"]
    assert made.outputs["tagsAll"] == {"team": "queues", "own": "1"}
    assert made.outputs["tags"] == {"own": "1"}


def test_a_property_that_does_not_exist_is_refused_with_a_hint(provider: Any) -> None:
    _, failures = provider.check(QUEUE, {"visibilityTimeout": 30})
    assert "'visibilityTimeout'" in failures[0]
    assert "'visibilityTimeoutSeconds'" in failures[0]


def test_a_property_of_the_official_provider_alone_is_refused_as_such(provider: Any) -> None:
    _, failures = provider.check("aws:lambda/function:Function", {"vpcConfig": {}})
    assert any("'vpcConfig'" in item and "official provider has it" in item for item in failures)


def test_an_output_is_no_input(provider: Any) -> None:
    _, failures = provider.check(QUEUE, {"arn": "arn:aws:sqs:eu-west-1:1:x"})
    assert "'arn'" in failures[0]


def test_a_required_property_is_named_when_it_is_missing(provider: Any) -> None:
    _, failures = provider.check("aws:sqs/redrivePolicy:RedrivePolicy", {"redrivePolicy": "{}"})
    assert any("'queueUrl'" in failure and "required" in failure for failure in failures)


def test_defaults_are_written_down_and_listed(provider: Any) -> None:
    inputs, _ = provider.check(QUEUE, {"delaySeconds": 5})
    assert inputs["visibilityTimeoutSeconds"] == 30
    assert inputs["region"] == "eu-west-1"
    assert "visibilityTimeoutSeconds" in inputs["__defaults"]
    assert "delaySeconds" not in inputs["__defaults"]


def test_a_made_up_name_is_the_logical_name_and_seven_hex_digits(provider: Any) -> None:
    inputs, _ = provider.check(QUEUE, {}, name="orders")
    stem, _, suffix = inputs["name"].rpartition("-")
    assert stem == "orders"
    assert len(suffix) == 7
    assert set(suffix) <= set("0123456789abcdef")


def test_a_made_up_name_depends_on_the_seed_alone(provider: Any) -> None:
    names = {seed: provider.check(QUEUE, {}, seed=seed)[0]["name"] for seed in (b"one", b"two")}
    assert names[b"one"] != names[b"two"]
    assert provider.check(QUEUE, {}, seed=b"one")[0]["name"] == names[b"one"]


def test_a_made_up_name_is_kept_by_later_checks(provider: Any) -> None:
    first, _ = provider.check(QUEUE, {}, seed=b"one")
    second, _ = provider.check(QUEUE, {}, old=first, seed=b"two")
    assert second["name"] == first["name"]


def test_a_name_that_the_program_no_longer_gives_is_made_up_anew(provider: Any) -> None:
    first, _ = provider.check(QUEUE, {"name": "mine"})
    second, _ = provider.check(QUEUE, {}, old=first)
    assert second["name"].startswith("thing-")


def test_a_made_up_name_that_is_too_long_is_refused_not_cut(provider: Any) -> None:
    _, failures = provider.check("aws:iam/role:Role", {"assumeRolePolicy": TRUST}, name="r" * 60)
    assert any("68 characters" in failure and "64" in failure for failure in failures)


def test_a_made_up_name_has_a_limit_below_that_of_the_service(provider: Any) -> None:
    _, failures = provider.check("aws:sns/topic:Topic", {}, name="t" * 73)
    assert any("81 characters; at most 80" in failure for failure in failures)
    assert provider.check("aws:sns/topic:Topic", {"name": "t" * 256})[1] == []


def test_a_fifo_name_gets_its_suffix_after_the_length_is_checked(provider: Any) -> None:
    inputs, failures = provider.check(QUEUE, {"fifoQueue": True})
    assert failures == []
    assert inputs["name"].endswith(".fifo")


def test_a_name_is_made_from_a_prefix(provider: Any) -> None:
    inputs, _ = provider.check(QUEUE, {"namePrefix": "orders-"})
    assert inputs["name"].startswith("orders-")
    assert len(inputs["name"]) == len("orders-") + 26


def test_a_name_and_a_prefix_exclude_each_other(provider: Any) -> None:
    _, failures = provider.check(QUEUE, {"name": "a", "namePrefix": "b"})
    assert any("exclude each other" in failure for failure in failures)


def test_an_object_is_taken_for_a_policy_text(provider: Any) -> None:
    given = {"queueUrl": "http://x/q", "redrivePolicy": {"maxReceiveCount": 2}}
    inputs, _ = provider.check("aws:sqs/redrivePolicy:RedrivePolicy", given)
    assert inputs["redrivePolicy"] == '{"maxReceiveCount":2}'


def test_a_queue_that_may_be_a_fifo_queue_has_its_name_judged_at_deployment(provider: Any) -> None:
    given = {"fifoQueue": UNKNOWN, "contentBasedDeduplication": UNKNOWN}
    inputs, failures = provider.check("aws:sqs/queue:Queue", given)
    assert failures == []
    assert inputs["fifoQueue"] is UNKNOWN


def test_what_is_still_unknown_passes_the_check(provider: Any) -> None:
    given = {"queueUrl": UNKNOWN, "redrivePolicy": UNKNOWN}
    inputs, failures = provider.check("aws:sqs/redrivePolicy:RedrivePolicy", given)
    assert failures == []
    assert inputs["queueUrl"] is UNKNOWN


def test_a_preview_creates_nothing(provider: Any, cloud: Cloud) -> None:
    planned = provider.create(QUEUE, {"delaySeconds": 5}, preview=True)
    assert planned.id == ""
    assert planned.outputs["arn"] is UNKNOWN
    assert planned.outputs["url"] is UNKNOWN
    assert planned.outputs["delaySeconds"] == 5
    assert cloud.sqs.list_queues().get("QueueUrls", []) == []


def test_a_change_in_place_replaces_nothing(provider: Any) -> None:
    made = provider.create(QUEUE, {})
    inputs, _ = provider.check(QUEUE, {"delaySeconds": 5}, old=made.inputs)
    difference = provider.diff(QUEUE, made, inputs)
    assert dict.fromkeys(difference.detailedDiff) == {"delaySeconds": None}
    assert list(difference.replaces) == []
    assert "name" in difference.stables


@pytest.mark.parametrize("more", [{}, {"namePrefix": "orders-"}], ids=["auto-name", "prefix"])
@pytest.mark.parametrize("was_fifo", [False, True])
def test_a_changed_type_of_queue_replaces_it_under_a_new_name(
    provider: Any, more: dict[str, Any], was_fifo: bool
) -> None:
    made = provider.create(QUEUE, {**more, "fifoQueue": was_fifo})
    inputs, failures = provider.check(QUEUE, {**more, "fifoQueue": not was_fifo}, old=made.inputs)
    assert failures == []
    assert inputs["name"].endswith(".fifo") is not was_fifo
    difference = provider.diff(QUEUE, made, inputs)
    assert {"fifoQueue", "name"} <= set(difference.replaces)
    assert not difference.deleteBeforeReplace


@pytest.mark.parametrize("fifo", [False, True])
def test_a_queue_named_by_a_prefix_is_left_alone(provider: Any, fifo: bool) -> None:
    prefixed = {"namePrefix": "orders-", "fifoQueue": fifo}
    made = provider.create(QUEUE, prefixed)
    inputs, _ = provider.check(QUEUE, prefixed, old=made.inputs)
    assert provider.diff(QUEUE, made, inputs).changes == provider_pb2.DiffResponse.DIFF_NONE


def test_a_resource_with_a_name_of_its_own_is_deleted_before_it_is_replaced(provider: Any) -> None:
    trust = {"assumeRolePolicy": TRUST, "name": "mine"}
    made = provider.create("aws:iam/role:Role", trust)
    inputs, _ = provider.check("aws:iam/role:Role", trust | {"path": "/x/"}, old=made.inputs)
    difference = provider.diff("aws:iam/role:Role", made, inputs)
    assert list(difference.replaces) == ["path"]
    assert difference.deleteBeforeReplace


def test_a_computed_property_that_is_left_out_is_no_difference(provider: Any, cloud: Cloud) -> None:
    made = provider.create(QUEUE, {})
    policy = '{"redrivePermission":"denyAll"}'
    cloud.sqs.set_queue_attributes(QueueUrl=made.id, Attributes={"RedriveAllowPolicy": policy})
    refreshed = provider.read(QUEUE, made.id, made)
    assert refreshed.outputs["redriveAllowPolicy"] == policy
    assert (
        provider.diff(QUEUE, refreshed, made.inputs).changes == provider_pb2.DiffResponse.DIFF_NONE
    )


def test_drift_is_found_by_a_refresh_and_put_right_by_an_update(
    provider: Any, cloud: Cloud
) -> None:
    made = provider.create(QUEUE, {"tags": {"a": "1"}})
    cloud.sqs.set_queue_attributes(QueueUrl=made.id, Attributes={"DelaySeconds": "7"})
    cloud.sqs.tag_queue(QueueUrl=made.id, Tags={"b": "2"})
    refreshed = provider.read(QUEUE, made.id, made)
    assert refreshed.inputs["delaySeconds"] == 7
    difference = provider.diff(QUEUE, refreshed, made.inputs)
    assert {"delaySeconds", "tags.b"} <= set(difference.detailedDiff)
    repaired = provider.update(QUEUE, refreshed, {"tags": {"a": "1"}})
    assert repaired.outputs["delaySeconds"] == 0
    assert cloud.sqs.list_queue_tags(QueueUrl=made.id)["Tags"] == {"a": "1"}


def test_a_resource_that_exists_but_is_not_finished_is_told_with_its_id(
    provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = "aws:sns/topic:Topic"
    # Set in a call of its own once the topic is there.
    inputs, _ = provider.check(topic, {"displayName": "alarms"})
    monkeypatch.setattr("automation.local.resources.sns._set_attribute", _refuse)
    with pytest.raises(grpc.RpcError) as error:
        provider.stub.Create(
            provider_pb2.CreateRequest(
                urn=f"urn:pulumi:dev::project::{topic}::thing", properties=encode(inputs)
            )
        )
    assert "refused for the test" in refusal(error)
    details = dict(error.value.trailing_metadata())["grpc-status-details-bin"]
    assert b"ErrorResourceInitFailed" in details
    assert inputs["name"].encode() in details


def _refuse(*_arguments: object) -> None:
    raise ValueError("refused for the test")


TRUST = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",'
    '"Principal":{"Service":"lambda.amazonaws.com"}}]}'
)
