"""Every resource type: made, read back the same, imported, changed or replaced, deleted."""

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from automation.local.resources.catalogue import RESOURCE_TYPES
from automation.local.resources.values import Archive, Asset

NAMES = ("name", "statementId")
NO_CHANGE = provider_pb2.DiffResponse.DIFF_NONE


def policy(*actions: str, resource: str = "*", **extra: Any) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource, **extra}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def code(text: str) -> Archive:
    asset = Asset({"text": text, "hash": f"asset-{text}"})
    return Archive({"assets": {"handler.py": asset}, "hash": f"archive-{text}"})


TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": "lambda.amazonaws.com"},
            }
        ],
    }
)


class World:
    """What the resources of the cases lean on, each made when a case first asks for it."""

    def __init__(self, provider: Any) -> None:
        self._provider = provider

    @functools.cached_property
    def account_id(self) -> str:
        """Makes names that nobody else has: those of buckets are the world's."""
        answer, _ = self._provider.invoke("aws:index/getCallerIdentity:getCallerIdentity")
        return str(answer["accountId"])

    @functools.cached_property
    def queue(self) -> Any:
        return self._provider.create("aws:sqs/queue:Queue", {}, name="queue")

    @functools.cached_property
    def dlq(self) -> Any:
        return self._provider.create("aws:sqs/queue:Queue", {}, name="dlq")

    @functools.cached_property
    def topic_arn(self) -> str:
        return self._provider.create("aws:sns/topic:Topic", {}, name="topic").id

    @functools.cached_property
    def role(self) -> Any:
        """A role that may consume any queue and send traces."""
        inputs = {"assumeRolePolicy": TRUST}
        role = self._provider.create("aws:iam/role:Role", inputs, name="role")
        inputs = {"role": role.id, "policy": policy("sqs:*", "xray:PutTraceSegments")}
        self._provider.create("aws:iam/rolePolicy:RolePolicy", inputs, name="consume")
        return role

    @functools.cached_property
    def policy_arn(self) -> str:
        inputs = {"policy": policy("sqs:*")}
        return self._provider.create("aws:iam/policy:Policy", inputs, name="managed").id

    @functools.cached_property
    def function_name(self) -> str:
        return self._function("function")

    @functools.cached_property
    def other_function_name(self) -> str:
        return self._function("other")

    @functools.cached_property
    def versioned_function_name(self) -> str:
        """A function of two versions."""
        inputs = function_inputs(self.role.outputs["arn"]) | {"publish": True}
        made = self._provider.create("aws:lambda/function:Function", inputs, name="versioned")
        second = inputs | {"code": code("def handler(event, context): return 2")}
        self._provider.update("aws:lambda/function:Function", made, second)
        return str(made.id)

    @functools.cached_property
    def rule_name(self) -> str:
        inputs = {"eventPattern": '{"source": ["shop"]}'}
        return self._provider.create("aws:cloudwatch/eventRule:EventRule", inputs, name="rule").id

    @functools.cached_property
    def key(self) -> Any:
        return self._provider.create("aws:kms/key:Key", {}, name="key")

    @functools.cached_property
    def other_key(self) -> Any:
        return self._provider.create("aws:kms/key:Key", {}, name="other-key")

    def _function(self, name: str) -> str:
        inputs = function_inputs(self.role.outputs["arn"])
        return self._provider.create("aws:lambda/function:Function", inputs, name=name).id


@pytest.fixture
def world(provider: Any) -> World:
    return World(provider)


def function_inputs(role_arn: Any) -> dict[str, Any]:
    return {
        "role": role_arn,
        "runtime": "python3.12",
        "handler": "handler.handler",
        "code": code("def handler(event, context): return 1"),
    }


@dataclass(frozen=True)
class Ref:
    """A value that is known once the resource is there."""

    get: Callable[[World], str]


QUEUE_URL = Ref(lambda world: world.queue.id)
QUEUE_ARN = Ref(lambda world: world.queue.outputs["arn"])
DLQ_URL = Ref(lambda world: world.dlq.id)
DLQ_ARN = Ref(lambda world: world.dlq.outputs["arn"])
TOPIC_ARN = Ref(lambda world: world.topic_arn)
ROLE = Ref(lambda world: world.role.id)
ROLE_ARN = Ref(lambda world: world.role.outputs["arn"])
POLICY_ARN = Ref(lambda world: world.policy_arn)
FUNCTION = Ref(lambda world: world.function_name)
OTHER_FUNCTION = Ref(lambda world: world.other_function_name)
RULE = Ref(lambda world: world.rule_name)
BUCKET_NAME = Ref(lambda world: f"bucket-{world.account_id}")
VERSIONED_FUNCTION = Ref(lambda world: world.versioned_function_name)
KEY_ARN = Ref(lambda world: world.key.outputs["arn"])
OTHER_KEY_ID = Ref(lambda world: world.other_key.id)


def filled(value: Any, world: World) -> Any:
    """The value with what it refers to."""
    if isinstance(value, Ref):
        return value.get(world)
    if isinstance(value, dict):
        return {key: filled(item, world) for key, item in value.items()}
    return [filled(item, world) for item in value] if isinstance(value, list) else value


@dataclass(frozen=True, kw_only=True)
class Case:
    """One type: inputs with everything in them, an in-place change, a change that replaces.

    `import_id` where it is not the id; `unread`: what AWS does not tell, so an import lacks it.
    """

    token: str
    inputs: Mapping[str, Any]
    change: Mapping[str, Any] = field(default_factory=dict[str, Any])
    removed: tuple[str, ...] = ()
    replacement: Mapping[str, Any]
    import_id: Callable[[World, str], str] = lambda _world, resource_id: resource_id
    unread: frozenset[str] = frozenset()


CASES = [
    Case(
        token="aws:sqs/queue:Queue",
        inputs={
            "contentBasedDeduplication": True,
            "deduplicationScope": "messageGroup",
            "delaySeconds": 1,
            "fifoQueue": True,
            "fifoThroughputLimit": "perMessageGroupId",
            "maxMessageSize": 1048576,
            "messageRetentionSeconds": 86400,
            "policy": policy("sqs:SendMessage", Principal="*"),
            "receiveWaitTimeSeconds": 20,
            "redriveAllowPolicy": '{"redrivePermission": "denyAll"}',
            "sqsManagedSseEnabled": False,
            "tags": {"a": "1"},
            "visibilityTimeoutSeconds": 100,
        },
        change={"visibilityTimeoutSeconds": 120, "tags": {"b": "2"}},
        removed=("delaySeconds",),
        replacement={"name": "another.fifo"},
    ),
    Case(
        token="aws:sqs/queuePolicy:QueuePolicy",
        inputs={
            "queueUrl": QUEUE_URL,
            "policy": policy("sqs:SendMessage", Principal="*"),
        },
        change={"policy": policy("sqs:ReceiveMessage", Principal="*")},
        replacement={"queueUrl": DLQ_URL},
    ),
    Case(
        token="aws:sqs/redrivePolicy:RedrivePolicy",
        inputs={
            "queueUrl": QUEUE_URL,
            "redrivePolicy": {"deadLetterTargetArn": DLQ_ARN, "maxReceiveCount": 2},
        },
        change={"redrivePolicy": {"maxReceiveCount": 3, "deadLetterTargetArn": DLQ_ARN}},
        replacement={"queueUrl": DLQ_URL},
    ),
    Case(
        token="aws:sqs/redriveAllowPolicy:RedriveAllowPolicy",
        inputs={
            "queueUrl": DLQ_URL,
            "redriveAllowPolicy": {"redrivePermission": "byQueue", "sourceQueueArns": [QUEUE_ARN]},
        },
        change={"redriveAllowPolicy": '{"redrivePermission":"denyAll"}'},
        replacement={"queueUrl": QUEUE_URL},
    ),
    Case(
        token="aws:lambda/function:Function",
        inputs={
            **function_inputs(ROLE_ARN),
            "architectures": ["arm64"],
            "deadLetterConfig": {"targetArn": DLQ_ARN},
            "description": "consumes",
            "environment": {"variables": {"QUEUE_URL": QUEUE_URL}},
            "ephemeralStorage": {"size": 1024},
            "loggingConfig": {
                "logFormat": "JSON",
                "applicationLogLevel": "INFO",
                "systemLogLevel": "WARN",
                "logGroup": "/consumer",
            },
            "memorySize": 256,
            "reservedConcurrentExecutions": 5,
            "tags": {"a": "1"},
            "timeout": 10,
            "tracingConfig": {"mode": "Active"},
        },
        change={
            "timeout": 12,
            "code": code("def handler(event, context): return 2"),
            "runtime": "python3.13",
            "architectures": ["x86_64"],
            "tags": {"b": "2"},
        },
        removed=("environment", "description", "deadLetterConfig", "reservedConcurrentExecutions"),
        replacement={"name": "another"},
        unread=frozenset({"code"}),
    ),
    Case(
        token="aws:lambda/eventSourceMapping:EventSourceMapping",
        inputs={
            "eventSourceArn": QUEUE_ARN,
            "functionName": FUNCTION,
            "batchSize": 100,
            "maximumBatchingWindowInSeconds": 5,
            "filterCriteria": {"filters": [{"pattern": '{"body": {"a": [1]}}'}]},
            "functionResponseTypes": ["ReportBatchItemFailures"],
            "scalingConfig": {"maximumConcurrency": 5},
            "tags": {"a": "1"},
        },
        change={
            "functionName": OTHER_FUNCTION,
            "batchSize": 10,
            "enabled": False,
            "tags": {},
        },
        removed=("filterCriteria", "scalingConfig", "maximumBatchingWindowInSeconds"),
        replacement={"eventSourceArn": DLQ_ARN},
    ),
    Case(
        token="aws:lambda/layerVersion:LayerVersion",
        inputs={
            "layerName": "dependencies",
            "code": code("x = 1"),
            "compatibleArchitectures": ["x86_64", "arm64"],
            "compatibleRuntimes": ["python3.12", "python3.13"],
            "description": "what the functions import",
            "licenseInfo": "Apache-2.0",
        },
        replacement={"code": code("x = 2")},
        import_id=lambda _world, _id: "dependencies/1",
        unread=frozenset({"code"}),
    ),
    Case(
        token="aws:lambda/permission:Permission",
        inputs={
            "action": "lambda:InvokeFunction",
            "function": FUNCTION,
            "principal": "sns.amazonaws.com",
            "sourceArn": TOPIC_ARN,
        },
        replacement={"principal": "s3.amazonaws.com"},
        import_id=lambda world, statement: f"{world.function_name}/{statement}",
    ),
    Case(
        token="aws:iam/role:Role",
        inputs={
            "assumeRolePolicy": TRUST,
            "description": "of a function",
            "maxSessionDuration": 7200,
            "path": "/functions/",
            "permissionsBoundary": POLICY_ARN,
            "tags": {"a": "1"},
        },
        change={
            "assumeRolePolicy": TRUST.replace("lambda.", "events."),
            "maxSessionDuration": 3600,
            "tags": {"b": "2"},
        },
        removed=("description", "permissionsBoundary"),
        replacement={"path": "/"},
    ),
    Case(
        token="aws:iam/rolePolicy:RolePolicy",
        inputs={"role": ROLE, "policy": policy("sqs:SendMessage")},
        change={"policy": policy("sqs:ReceiveMessage")},
        replacement={"name": "another"},
    ),
    Case(
        token="aws:iam/policy:Policy",
        inputs={
            "policy": policy("sqs:SendMessage"),
            "description": "to send",
            "path": "/teams/",
            "tags": {"a": "1"},
        },
        change={"policy": policy("sqs:ReceiveMessage"), "tags": {"b": "2"}},
        replacement={"description": "to receive"},
    ),
    Case(
        token="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        inputs={"role": ROLE, "policyArn": POLICY_ARN},
        replacement={"role": "another"},
    ),
    Case(
        token="aws:cloudwatch/logGroup:LogGroup",
        inputs={"retentionInDays": 14, "tags": {"a": "1"}},
        change={"tags": {"b": "2"}},
        removed=("retentionInDays",),
        replacement={"logGroupClass": "INFREQUENT_ACCESS"},
    ),
    Case(
        token="aws:cloudwatch/metricAlarm:MetricAlarm",
        inputs={
            "actionsEnabled": False,
            "alarmActions": [TOPIC_ARN],
            "alarmDescription": "dead letters",
            "comparisonOperator": "GreaterThanThreshold",
            "datapointsToAlarm": 1,
            "dimensions": {"QueueName": "dlq"},
            "evaluationPeriods": 2,
            "insufficientDataActions": [TOPIC_ARN],
            "metricName": "ApproximateNumberOfMessagesVisible",
            "namespace": "AWS/SQS",
            "okActions": [TOPIC_ARN],
            "period": 60,
            "statistic": "Maximum",
            "tags": {"a": "1"},
            "threshold": 0.5,
            "treatMissingData": "notBreaching",
            "unit": "Count",
        },
        change={"threshold": 1, "tags": {"b": "2"}},
        removed=("alarmDescription", "okActions", "unit"),
        replacement={"name": "another"},
    ),
    Case(
        token="aws:cloudwatch/dashboard:Dashboard",
        inputs={"dashboardName": "queues", "dashboardBody": '{"widgets": []}'},
        change={"dashboardBody": '{"widgets": [], "periodOverride": "auto"}'},
        replacement={"dashboardName": "others"},
    ),
    Case(
        token="aws:sns/topic:Topic",
        inputs={
            "displayName": "alarms",
            "deliveryPolicy": '{"http": {}}',
            "policy": policy("sns:Publish", Principal="*"),
            "signatureVersion": 2,
            "sqsSuccessFeedbackRoleArn": ROLE_ARN,
            "sqsSuccessFeedbackSampleRate": 50,
            "tags": {"a": "1"},
            "tracingConfig": "Active",
        },
        change={"displayName": "others", "tags": {"b": "2"}},
        replacement={"fifoTopic": True},
    ),
    Case(
        token="aws:sns/topicPolicy:TopicPolicy",
        inputs={
            "arn": TOPIC_ARN,
            "policy": policy("sns:Publish", Principal="*"),
        },
        change={"policy": policy("sns:Subscribe", Principal="*")},
        replacement={"arn": "arn:aws:sns:eu-west-1:123456789012:another"},
    ),
    Case(
        token="aws:sns/topicSubscription:TopicSubscription",
        inputs={
            "topic": TOPIC_ARN,
            "protocol": "sqs",
            "endpoint": QUEUE_ARN,
            "filterPolicy": '{"kind": ["alarm"]}',
            "filterPolicyScope": "MessageBody",
            "rawMessageDelivery": True,
            "redrivePolicy": {"deadLetterTargetArn": DLQ_ARN},
        },
        change={"rawMessageDelivery": False},
        replacement={"endpoint": DLQ_ARN},
    ),
    Case(
        token="aws:kms/key:Key",
        inputs={
            "deletionWindowInDays": 7,
            "description": "messages",
            "enableKeyRotation": True,
            "multiRegion": False,
            "policy": policy("kms:*", Principal={"AWS": "100000000001"}),
            "rotationPeriodInDays": 100,
            "tags": {"a": "1"},
        },
        change={
            "description": "others",
            "isEnabled": False,
            "policy": policy("kms:*", Principal={"AWS": "100000000002"}),
            "rotationPeriodInDays": 200,
            "tags": {"b": "2"},
        },
        replacement={"multiRegion": True},
        unread=frozenset({"deletionWindowInDays"}),
    ),
    Case(
        token="aws:kms/alias:Alias",
        inputs={"name": "alias/messages", "targetKeyId": KEY_ARN},
        change={"targetKeyId": OTHER_KEY_ID},
        replacement={"name": "alias/others"},
    ),
    Case(
        token="aws:dynamodb/table:Table",
        inputs={
            "attributes": [{"name": "id", "type": "S"}, {"name": "at", "type": "N"}],
            "billingMode": "PAY_PER_REQUEST",
            "hashKey": "id",
            "rangeKey": "at",
            "pointInTimeRecovery": {"enabled": True},
            "serverSideEncryption": {"enabled": True, "kmsKeyArn": KEY_ARN},
            "tableClass": "STANDARD_INFREQUENT_ACCESS",
            "tags": {"a": "1"},
            "ttl": {"enabled": True, "attributeName": "expiration"},
        },
        change={
            "billingMode": "PROVISIONED",
            "readCapacity": 2,
            "writeCapacity": 3,
            "pointInTimeRecovery": {"enabled": False},
            "serverSideEncryption": {"enabled": False},
            "tableClass": "STANDARD",
            "tags": {"b": "2"},
            "ttl": {"enabled": False},
        },
        replacement={"hashKey": "at", "rangeKey": "id"},
    ),
    Case(
        token="aws:lambda/alias:Alias",
        inputs={
            "name": "live",
            "description": "what consumes",
            "functionName": VERSIONED_FUNCTION,
            "functionVersion": "1",
            "routingConfig": {"additionalVersionWeights": {"2": 0.25}},
        },
        change={"functionVersion": "2"},
        removed=("routingConfig", "description"),
        replacement={"name": "other"},
        import_id=lambda world, _id: f"{world.versioned_function_name}/live",
    ),
    Case(
        token="aws:s3/bucket:Bucket",
        inputs={
            "bucket": BUCKET_NAME,
            "policy": policy("s3:GetObject", Principal={"AWS": "100000000001"}),
            "tags": {"a": "1"},
            "versioning": {"enabled": True},
        },
        change={
            "policy": policy("s3:PutObject", Principal={"AWS": "100000000001"}),
            "tags": {"b": "2"},
            "versioning": {"enabled": False},
        },
        replacement={"bucket": "another"},
    ),
    Case(
        token="aws:cloudwatch/eventRule:EventRule",
        inputs={
            "description": "orders",
            "eventPattern": '{"source": ["shop"]}',
            "scheduleExpression": "rate(1 day)",
            "state": "DISABLED",
            "tags": {"a": "1"},
        },
        change={"eventPattern": '{"source": ["bank"]}', "state": "ENABLED", "tags": {"b": "2"}},
        removed=("description", "scheduleExpression"),
        replacement={"name": "another"},
    ),
    Case(
        token="aws:cloudwatch/eventTarget:EventTarget",
        inputs={
            "arn": QUEUE_ARN,
            "deadLetterConfig": {"arn": DLQ_ARN},
            "input": '{"a": 1}',
            "retryPolicy": {"maximumEventAgeInSeconds": 60, "maximumRetryAttempts": 0},
            "rule": RULE,
            "sqsTarget": {"messageGroupId": "g"},
            "targetId": "queue",
        },
        change={"arn": DLQ_ARN, "input": '{"a": 2}'},
        removed=("deadLetterConfig", "retryPolicy", "sqsTarget"),
        replacement={"rule": "another"},
        import_id=lambda world, _id: f"{world.rule_name}/queue",
    ),
]

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.token)


def test_there_is_a_case_for_every_type() -> None:
    assert {case.token for case in CASES} == RESOURCE_TYPES.keys()


@every_case
def test_a_made_resource_reads_back_the_same(provider: Any, world: World, case: Case) -> None:
    inputs = filled(case.inputs, world)
    made = provider.create(case.token, inputs)
    again, _ = provider.check(case.token, inputs, old=made.inputs)
    assert dict(provider.diff(case.token, made, again).detailedDiff) == {}
    refreshed = provider.read(case.token, made.id, made)
    assert refreshed.outputs == made.outputs
    assert refreshed.inputs == made.inputs
    assert provider.diff(case.token, refreshed, again).changes == NO_CHANGE


@every_case
def test_an_imported_resource_needs_no_change(provider: Any, world: World, case: Case) -> None:
    made = provider.create(case.token, filled(case.inputs, world))
    import_id = case.import_id(world, made.id)
    imported = provider.read(case.token, import_id)
    assert imported.id == made.id
    assert made.outputs.keys() - imported.outputs.keys() <= case.unread | {"sourceCodeHash"}
    given = {**imported.inputs, **{name: made.inputs[name] for name in case.unread}}
    # As the program that it was made by says it, and as `pulumi import` writes it.
    for program in (own_inputs(made, filled(case.inputs, world)), given):
        checked, failures = provider.check(case.token, program, old=imported.inputs)
        assert failures == []
        difference = provider.diff(case.token, imported, checked)
        # Code can't be read back: the official provider uploads it once more, too.
        assert set(difference.detailedDiff) <= case.unread
        assert list(difference.replaces) == []


def own_inputs(made: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the program gave, and the name that was made up for it."""
    return {**given, **{key: made.inputs[key] for key in NAMES if key in made.inputs}}


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.change], ids=lambda case: case.token
)
def test_a_resource_changes_in_place(provider: Any, world: World, case: Case) -> None:
    made = provider.create(case.token, filled(case.inputs, world))
    inputs = {**filled(case.inputs, world), **filled(case.change, world)}
    for name in case.removed:
        del inputs[name]
    checked, failures = provider.check(case.token, inputs, old=made.inputs)
    assert failures == []
    difference = provider.diff(case.token, made, checked)
    assert {*filled(case.change, world), *case.removed} <= set(difference.diffs)
    assert list(difference.replaces) == []
    changed = provider.update(case.token, made, inputs)
    assert provider.diff(case.token, changed, checked).changes == NO_CHANGE
    refreshed = provider.read(case.token, made.id, changed)
    assert dict(provider.diff(case.token, refreshed, checked).detailedDiff) == {}
    assert refreshed.outputs == changed.outputs


@every_case
def test_a_change_that_replaces_is_announced(provider: Any, world: World, case: Case) -> None:
    made = provider.create(case.token, filled(case.inputs, world))
    changed = filled(case.replacement, world)
    inputs = {**made.inputs, **changed}
    difference = provider.diff(case.token, made, inputs)
    assert list(difference.replaces) == sorted(changed)


@every_case
def test_a_deleted_resource_is_gone_and_deleting_it_again_is_fine(
    provider: Any, world: World, case: Case
) -> None:
    made = provider.create(case.token, filled(case.inputs, world))
    provider.delete(case.token, made)
    # A topic without a policy does not exist: deleting its policy brings the first one back.
    if case.token != "aws:sns/topicPolicy:TopicPolicy":
        assert provider.read(case.token, made.id, made) is None
    provider.delete(case.token, made)
