"""Rules of EventBridge and their targets: what is refused as EventBridge refuses it."""

from typing import Any

import grpc
import pytest

from automation.local.resources.cloud import Cloud

RULE = "aws:cloudwatch/eventRule:EventRule"
TARGET = "aws:cloudwatch/eventTarget:EventTarget"
PATTERN = '{"source": ["shop"]}'
QUEUE_ARN = "arn:aws:sqs:eu-west-1:123456789012:orders"


def failures(provider: Any, token: str, inputs: dict[str, Any]) -> str:
    return "\n".join(provider.check(token, inputs)[1])


@pytest.fixture
def rule(provider: Any) -> Any:
    return provider.create(RULE, {"eventPattern": PATTERN}, name="rule")


@pytest.mark.parametrize(
    ("inputs", "named"),
    [
        ({"eventPattern": None}, "one of eventPattern and scheduleExpression is needed"),
        ({"eventPattern": "source = shop"}, "not valid JSON"),
        ({"eventPattern": f'{{"source": ["{"x" * 4096}"]}}'}, "at most 4096"),
        ({"scheduleExpression": "rate(1 minutes)"}, "scheduleExpression is 'rate(1 minutes)'"),
        ({"scheduleExpression": "rate(2 minute)"}, "rate(5 minutes)"),
        ({"scheduleExpression": "rate(0 minutes)"}, "rate(5 minutes)"),
        ({"scheduleExpression": "cron(0 12 * * ?)"}, "six fields"),
        ({"scheduleExpression": "rate(1 day)", "eventBusName": "shop"}, "use the default bus"),
        ({"eventBusName": "arn:aws:events:eu-west-1:123456789012:event-bus/b"}, "must match"),
        ({"state": "ON"}, "ENABLED, DISABLED"),
        ({"name": "a rule"}, "must match"),
        ({"name": "x" * 65}, "1 to 64"),
        ({"name": "rule", "namePrefix": "r"}, "exclude each other"),
        ({"description": "x" * 513}, "0 to 512"),
        ({"isEnabled": True}, "the local provider does not support it"),
        ({"roleArn": "arn:aws:iam::123456789012:role/r"}, "the local provider does not support"),
        ({"pattern": PATTERN}, "did you mean 'eventPattern'"),
    ],
)
def test_a_rule_is_checked_before_it_is_made(
    provider: Any, inputs: dict[str, Any], named: str
) -> None:
    good = {"eventPattern": PATTERN}
    assert failures(provider, RULE, good) == ""
    assert named in failures(provider, RULE, good | inputs)


@pytest.mark.parametrize("schedule", ["rate(1 hour)", "rate(10 days)", "cron(0 12 * * ? *)"])
def test_a_schedule_that_eventbridge_has_is_taken(provider: Any, schedule: str) -> None:
    assert failures(provider, RULE, {"scheduleExpression": schedule}) == ""


def test_a_pattern_that_eventbridge_does_not_know_is_refused(provider: Any) -> None:
    with pytest.raises(grpc.RpcError, match="InvalidEventPattern"):
        provider.create(RULE, {"eventPattern": '{"source": "shop"}'})


def test_a_rule_of_an_unknown_bus_is_refused(provider: Any) -> None:
    with pytest.raises(grpc.RpcError, match="Event bus shop does not exist"):
        provider.create(RULE, {"eventPattern": PATTERN, "eventBusName": "shop"})


def test_a_rule_of_another_bus_has_both_in_its_id(provider: Any, cloud: Cloud) -> None:
    cloud.events.create_event_bus(Name="shop")
    made = provider.create(RULE, {"eventPattern": PATTERN, "eventBusName": "shop", "name": "r"})
    assert made.id == "shop/r"
    target = {"rule": "r", "eventBusName": "shop", "arn": QUEUE_ARN, "targetId": "t"}
    assert provider.create(TARGET, target).id == "shop-r-t"
    imported = provider.read(TARGET, "shop/r/t")
    assert (imported.id, imported.inputs["eventBusName"]) == ("shop-r-t", "shop")


def test_a_rule_goes_after_its_targets(provider: Any, rule: Any) -> None:
    target = provider.create(TARGET, {"rule": rule.id, "arn": QUEUE_ARN})
    with pytest.raises(grpc.RpcError, match="Rule can't be deleted since it has targets"):
        provider.delete(RULE, rule)
    provider.delete(TARGET, target)
    provider.delete(RULE, rule)
    assert provider.read(RULE, rule.id, rule) is None


def test_what_a_changed_rule_no_longer_says_is_taken_away(provider: Any, cloud: Cloud) -> None:
    inputs = {"eventPattern": PATTERN, "description": "orders"}
    made = provider.create(RULE, inputs)
    provider.update(RULE, made, {"scheduleExpression": "rate(1 day)"})
    described = cloud.events.describe_rule(Name=made.id)
    assert described["ScheduleExpression"] == "rate(1 day)"
    assert described.keys().isdisjoint({"EventPattern", "Description"})


@pytest.mark.parametrize(
    ("inputs", "named"),
    [
        ({"arn": None}, "'arn' of aws:cloudwatch/eventTarget:EventTarget is required"),
        ({"rule": None}, "'rule' of aws:cloudwatch/eventTarget:EventTarget is required"),
        ({"arn": "orders"}, "must be an ARN"),
        ({"arn": "arn:aws:states:eu-west-1:123456789012:stateMachine:s"}, "lambda, sns, sqs only"),
        ({"arn": f"{QUEUE_ARN}.fifo"}, "a FIFO queue needs sqsTarget.messageGroupId"),
        (
            {
                "arn": "arn:aws:sns:eu-west-1:123456789012:t",
                "sqsTarget": {"messageGroupId": "g"},
            },
            "sqsTarget is for queues",
        ),
        ({"sqsTarget": {"messageGroupId": "g" * 101}}, "0 to 100"),
        ({"deadLetterConfig": {"arn": f"{QUEUE_ARN}.fifo"}}, "the ARN of a standard queue"),
        ({"retryPolicy": {"maximumRetryAttempts": 186}}, "0 to 185"),
        ({"retryPolicy": {"maximumEventAgeInSeconds": 59}}, "60 to 86400"),
        ({"input": "text"}, "not valid JSON"),
        ({"input": "{}", "inputPath": "$.detail"}, "exclude each other"),
        ({"inputTransformer": {"inputPaths": {}}}, "inputTransformer.inputTemplate is required"),
        ({"rule": "a rule"}, "must match"),
        ({"ecsTarget": {}}, "the local provider does not support it"),
        ({"roleArn": "arn:aws:iam::123456789012:role/r"}, "the local provider does not support"),
    ],
)
def test_a_target_is_checked_before_it_is_made(
    provider: Any, inputs: dict[str, Any], named: str
) -> None:
    good = {"rule": "rule", "arn": QUEUE_ARN}
    assert failures(provider, TARGET, good) == ""
    assert named in failures(provider, TARGET, good | inputs)


def test_a_target_without_an_id_gets_one_that_stays(provider: Any, rule: Any) -> None:
    inputs = {"rule": rule.id, "arn": QUEUE_ARN}
    made = provider.create(TARGET, inputs)
    assert made.id == f"{rule.id}-{made.outputs['targetId']}"
    again, _ = provider.check(TARGET, inputs, old=made.inputs)
    assert list(provider.diff(TARGET, made, again).diffs) == []
    changed = provider.update(TARGET, made, inputs | {"inputPath": "$.detail"})
    assert changed.outputs["targetId"] == made.outputs["targetId"]
    assert provider.read(TARGET, made.id, changed).outputs == changed.outputs


def test_a_target_needs_its_rule(provider: Any) -> None:
    with pytest.raises(grpc.RpcError, match="Rule nothing does not exist"):
        provider.create(TARGET, {"rule": "nothing", "arn": QUEUE_ARN})
    with pytest.raises(grpc.RpcError, match="RULE/TARGET"):
        provider.read(TARGET, "nothing")


def test_a_rule_has_five_targets_at_most(provider: Any, rule: Any) -> None:
    for number in range(5):
        inputs = {"rule": rule.id, "arn": QUEUE_ARN, "targetId": f"t{number}"}
        provider.create(TARGET, inputs)
    with pytest.raises(grpc.RpcError, match="LimitExceededException"):
        provider.create(TARGET, {"rule": rule.id, "arn": QUEUE_ARN, "targetId": "t5"})
