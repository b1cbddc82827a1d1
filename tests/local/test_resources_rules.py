"""Rules of AWS that the emulator does not know: refused as AWS refuses them."""

import json
from typing import Any

import grpc
import pytest

from automation.local.resources.values import Archive, Asset

QUEUE = "aws:sqs/queue:Queue"
REDRIVE = "aws:sqs/redrivePolicy:RedrivePolicy"
REDRIVE_ALLOW = "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy"
FUNCTION = "aws:lambda/function:Function"
MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping"
ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
POLICY = "aws:iam/policy:Policy"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
KEY = "aws:kms/key:Key"
ALIAS = "aws:kms/alias:Alias"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
TOPIC_ARN = "arn:aws:sns:eu-west-1:123456789012:news"
QUEUE_ARN = "arn:aws:sqs:eu-west-1:123456789012:orders"
BY_LAMBDA = {"protocol": "lambda", "endpoint": "arn:aws:lambda:eu-west-1:123456789012:function:f"}
NEEDED = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")


def trust(service: str = "lambda.amazonaws.com") -> str:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def allow(*actions: str, resource: str = "*", effect: str = "Allow") -> str:
    statement = {"Effect": effect, "Action": list(actions), "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def make_role(provider: Any, *actions: str, resource: str = "*", name: str = "role") -> str:
    role = provider.create(ROLE, {"assumeRolePolicy": trust()}, name=name)
    if actions:
        inputs = {"role": role.id, "policy": allow(*actions, resource=resource)}
        provider.create(ROLE_POLICY, inputs, name="policy")
    return role.outputs["arn"]


def make_function(provider: Any, role_arn: str, **more: Any) -> Any:
    handler = Asset({"text": "def handler(event, context): return 1", "hash": "1"})
    inputs = {
        "role": role_arn,
        "runtime": "python3.12",
        "handler": "handler.handler",
        "code": Archive({"assets": {"handler.py": handler}, "hash": "2"}),
        **more,
    }
    return provider.create(FUNCTION, inputs, name="function")


def refused(provider: Any, token: str, inputs: dict[str, Any]) -> str:
    """The words of AWS's refusal of a creation."""
    with pytest.raises(grpc.RpcError) as error:
        provider.create(token, inputs)
    return str(error.value.details())


def failures(provider: Any, token: str, inputs: dict[str, Any]) -> str:
    """What the check finds, before anything is created."""
    return "\n".join(provider.check(token, inputs)[1])


def test_a_mapping_needs_a_visibility_timeout_of_the_functions_timeout(provider: Any) -> None:
    queue = provider.create(QUEUE, {"visibilityTimeoutSeconds": 9})
    function = make_function(provider, make_role(provider, "sqs:*"), timeout=10)
    inputs = {"eventSourceArn": queue.outputs["arn"], "functionName": function.id}
    words = refused(provider, MAPPING, inputs)
    assert "InvalidParameterValueException" in words
    assert "9 seconds is less than Function timeout: 10 seconds" in words


def test_a_mapping_needs_a_queue(provider: Any) -> None:
    function = make_function(provider, make_role(provider, "sqs:*"))
    arn = "arn:aws:sqs:eu-west-1:123456789012:nowhere"
    words = refused(provider, MAPPING, {"eventSourceArn": arn, "functionName": function.id})
    assert "NonExistentQueue" in words


@pytest.mark.parametrize("missing", NEEDED)
def test_a_mapping_needs_a_role_that_may_consume(provider: Any, missing: str) -> None:
    queue = provider.create(QUEUE, {})
    allowed = [f"sqs:{action}" for action in NEEDED if action != missing]
    role = make_role(provider, *allowed, resource=queue.outputs["arn"])
    function = make_function(provider, role)
    inputs = {"eventSourceArn": queue.outputs["arn"], "functionName": function.id}
    assert f"does not have permissions to call {missing} on SQS" in refused(
        provider, MAPPING, inputs
    )


def test_a_role_that_may_consume_this_queue_is_enough(provider: Any) -> None:
    queue = provider.create(QUEUE, {})
    actions = [f"sqs:{action}" for action in NEEDED]
    function = make_function(provider, make_role(provider, *actions, resource=queue.outputs["arn"]))
    inputs = {"eventSourceArn": queue.outputs["arn"], "functionName": function.id}
    assert provider.create(MAPPING, inputs).outputs["state"] == "Enabled"


def test_a_policy_that_is_attached_to_the_role_counts_too(provider: Any) -> None:
    queue = provider.create(QUEUE, {})
    role = provider.create(ROLE, {"assumeRolePolicy": trust()})
    policy = provider.create(POLICY, {"policy": allow(*[f"sqs:{action}" for action in NEEDED])})
    function = make_function(provider, role.outputs["arn"])
    inputs = {"eventSourceArn": queue.outputs["arn"], "functionName": function.id}
    assert "ReceiveMessage on SQS" in refused(provider, MAPPING, inputs)
    provider.create(ATTACHMENT, {"role": role.id, "policyArn": policy.id})
    assert provider.create(MAPPING, inputs).outputs["state"] == "Enabled"


def encrypted_source(provider: Any, given: str) -> tuple[str, str]:
    """The ARNs of a queue and of its key, which the queue knows by its `arn`, `id` or `alias`."""
    key = provider.create(KEY, {})
    names = {"arn": key.outputs["arn"], "id": key.id, "alias": "alias/messages"}
    provider.create(ALIAS, {"name": names["alias"], "targetKeyId": key.id})
    queue = provider.create(QUEUE, {"kmsMasterKeyId": names[given]})
    return queue.outputs["arn"], key.outputs["arn"]


def decrypt(resource: str, **condition: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": resource}
    return statement | ({"Condition": {"StringEquals": condition}} if condition else {})


def make_consumer(provider: Any, *statements: dict[str, Any]) -> str:
    """A function whose role may do the statements beside consuming any queue."""
    consume = {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [consume, *statements]}
    role = provider.create(ROLE, {"assumeRolePolicy": trust()})
    provider.create(ROLE_POLICY, {"role": role.id, "policy": json.dumps(document)})
    return str(make_function(provider, role.outputs["arn"]).id)


@pytest.mark.parametrize("given", ["arn", "id", "alias"])
def test_a_mapping_from_an_encrypted_queue_needs_a_role_that_may_decrypt_through_sqs(
    provider: Any, given: str
) -> None:
    queue_arn, key_arn = encrypted_source(provider, given)
    through_sqs = decrypt(key_arn, **{"kms:ViaService": "sqs.eu-west-1.amazonaws.com"})
    function = make_consumer(provider, through_sqs)
    inputs = {"eventSourceArn": queue_arn, "functionName": function}
    assert provider.create(MAPPING, inputs).outputs["state"] == "Enabled"


@pytest.mark.parametrize(
    "statements",
    [
        [],
        [decrypt("arn:aws:kms:eu-west-1:123456789012:key/another")],
        [decrypt("*", **{"kms:ViaService": "sns.eu-west-1.amazonaws.com"})],
        [decrypt("*"), decrypt("*") | {"Effect": "Deny"}],
    ],
)
def test_a_mapping_that_would_be_silent_on_aws_is_refused(
    provider: Any, statements: list[dict[str, Any]]
) -> None:
    queue_arn, key_arn = encrypted_source(provider, "arn")
    function = make_consumer(provider, *statements)
    words = refused(provider, MAPPING, {"eventSourceArn": queue_arn, "functionName": function})
    assert f"may not call kms:Decrypt on {key_arn}" in words
    assert "Lambda then receives nothing" in words


def test_the_key_that_sqs_has_in_each_account_needs_no_leave(provider: Any) -> None:
    queue = provider.create(QUEUE, {"kmsMasterKeyId": "alias/aws/sqs"})
    inputs = {"eventSourceArn": queue.outputs["arn"], "functionName": make_consumer(provider)}
    assert provider.create(MAPPING, inputs).outputs["state"] == "Enabled"


def test_a_function_that_is_traced_needs_a_role_that_may_write_traces(provider: Any) -> None:
    active = {"tracingConfig": {"mode": "Active"}}
    role = make_role(provider, "xray:PutTelemetryRecords")
    with pytest.raises(grpc.RpcError, match="permissions to call PutTraceSegments on XRAY"):
        make_function(provider, role, **active)
    function = make_function(provider, role)
    with pytest.raises(grpc.RpcError, match="permissions to call PutTraceSegments on XRAY"):
        provider.update(FUNCTION, function, function.inputs | active)
    traced = make_role(provider, "xray:PutTraceSegments", name="traced")
    changed = provider.update(FUNCTION, function, function.inputs | active | {"role": traced})
    assert changed.outputs["tracingConfig"] == {"mode": "Active"}
    with pytest.raises(grpc.RpcError, match="permissions to call PutTraceSegments on XRAY"):
        provider.update(FUNCTION, changed, changed.inputs | {"role": role})


def test_a_second_mapping_of_the_same_queue_and_function_is_a_conflict(provider: Any) -> None:
    queue = provider.create(QUEUE, {})
    function = make_function(provider, make_role(provider, "sqs:*"))
    inputs = {"eventSourceArn": queue.outputs["arn"], "functionName": function.id}
    first = provider.create(MAPPING, inputs)
    words = refused(provider, MAPPING, inputs | {"functionName": function.outputs["arn"]})
    assert "ResourceConflictException" in words
    assert first.id in words


def test_an_update_of_a_mapping_is_checked_as_its_creation_is(provider: Any) -> None:
    queue = provider.create(QUEUE, {"visibilityTimeoutSeconds": 30})
    function = make_function(provider, make_role(provider, "sqs:*"), timeout=10)
    inputs = {"eventSourceArn": queue.outputs["arn"], "functionName": function.id}
    mapping = provider.create(MAPPING, inputs)
    provider.update(QUEUE, queue, {"visibilityTimeoutSeconds": 5})
    with pytest.raises(grpc.RpcError) as error:
        provider.update(MAPPING, mapping, inputs | {"batchSize": 5})
    assert "is less than Function timeout" in str(error.value.details())


@pytest.mark.parametrize(
    ("inputs", "named"),
    [
        ({"batchSize": 11}, "batching"),
        ({"batchSize": 10001, "maximumBatchingWindowInSeconds": 1}, "1 to 10000"),
        ({"maximumBatchingWindowInSeconds": 301}, "0 to 300"),
        ({"scalingConfig": {"maximumConcurrency": 1}}, "2 to 1000"),
        ({"scalingConfig": {"maximumConcurrency": 1001}}, "2 to 1000"),
        ({"functionResponseTypes": ["ReportAll"]}, "ReportBatchItemFailures"),
        ({"startingPosition": "LATEST"}, "'startingPosition'"),
        ({"filterCriteria": {"filters": [{"pattern": "{"}]}}, "JSON"),
        (
            {
                "scalingConfig": {"maximumConcurrency": 2},
                "provisionedPollerConfig": {"minimumPollers": 2},
            },
            "exclude each other",
        ),
    ],
)
def test_a_mapping_is_checked_before_it_is_made(
    provider: Any, inputs: dict[str, Any], named: str
) -> None:
    source = {"eventSourceArn": "arn:aws:sqs:eu-west-1:123456789012:q", "functionName": "f"}
    assert named in failures(provider, MAPPING, source | inputs)


@pytest.mark.parametrize(
    ("inputs", "named"),
    [
        ({"batchSize": 11}, "allowed with a FIFO queue: 1 to 10"),
        ({"batchSize": 10, "maximumBatchingWindowInSeconds": 1}, "no batching window"),
    ],
)
def test_a_fifo_queue_takes_small_batches_and_no_window(
    provider: Any, inputs: dict[str, Any], named: str
) -> None:
    source = {"eventSourceArn": "arn:aws:sqs:eu-west-1:123456789012:q.fifo", "functionName": "f"}
    assert failures(provider, MAPPING, source | {"batchSize": 10}) == ""
    assert named in failures(provider, MAPPING, source | inputs)


def redrive(target_arn: str, count: Any = 2) -> dict[str, Any]:
    return {"deadLetterTargetArn": target_arn, "maxReceiveCount": count}


def test_a_redrive_policy_needs_a_target_that_exists(provider: Any) -> None:
    queue = provider.create(QUEUE, {})
    nowhere = queue.outputs["arn"].replace(queue.outputs["name"], "nowhere")
    words = refused(provider, REDRIVE, {"queueUrl": queue.id, "redrivePolicy": redrive(nowhere)})
    assert "Dead letter target does not exist" in words


def test_a_redrive_policy_needs_a_target_of_the_same_type(provider: Any) -> None:
    queue = provider.create(QUEUE, {}, name="queue")
    dlq = provider.create(QUEUE, {"fifoQueue": True}, name="dlq")
    inputs = {"queueUrl": queue.id, "redrivePolicy": redrive(dlq.outputs["arn"])}
    assert "must be same type of queue" in refused(provider, REDRIVE, inputs)


def test_a_redrive_policy_needs_the_targets_consent(provider: Any) -> None:
    queue = provider.create(QUEUE, {}, name="queue")
    dlq = provider.create(QUEUE, {}, name="dlq")
    inputs = {"queueUrl": queue.id, "redrivePolicy": redrive(dlq.outputs["arn"])}
    others = {"redrivePermission": "byQueue", "sourceQueueArns": [dlq.outputs["arn"]]}
    consent = provider.create(REDRIVE_ALLOW, {"queueUrl": dlq.id, "redriveAllowPolicy": others})
    assert "does not permit" in refused(provider, REDRIVE, inputs)
    this = {"redrivePermission": "byQueue", "sourceQueueArns": [queue.outputs["arn"]]}
    provider.update(REDRIVE_ALLOW, consent, {"queueUrl": dlq.id, "redriveAllowPolicy": this})
    assert provider.create(REDRIVE, inputs).id == queue.id


@pytest.mark.parametrize(
    ("policy", "named"),
    [
        (redrive("arn:aws:sqs:eu-west-1:123456789012:dlq", 0), "1 to 1000"),
        (redrive("arn:aws:sqs:eu-west-1:123456789012:dlq", 1001), "1 to 1000"),
        (redrive("arn:aws:sqs:eu-west-1:123456789012:dlq", "2"), "JSON integer"),
        (redrive("dlq"), "deadLetterTargetArn"),
        (redrive("arn:aws:sqs:eu-west-1:123456789012:dlq") | {"more": 1}, "more"),
        ("{", "not valid JSON"),
        ("[]", "JSON object"),
    ],
)
def test_a_redrive_policy_is_checked_before_it_is_made(
    provider: Any, policy: Any, named: str
) -> None:
    inputs = {"queueUrl": "http://localhost/q", "redrivePolicy": policy}
    assert named in failures(provider, REDRIVE, inputs)


@pytest.mark.parametrize(
    ("policy", "named"),
    [
        ({"redrivePermission": "some"}, "allowAll, denyAll, byQueue"),
        ({"redrivePermission": "byQueue"}, "1 to 10 sourceQueueArns"),
        ({"redrivePermission": "byQueue", "sourceQueueArns": ["a"] * 11}, "it has 11"),
        ({"redrivePermission": "allowAll", "sourceQueueArns": ["a"]}, "only with"),
    ],
)
def test_a_redrive_allow_policy_is_checked_before_it_is_made(
    provider: Any, policy: Any, named: str
) -> None:
    inputs = {"queueUrl": "http://localhost/q", "redriveAllowPolicy": policy}
    assert named in failures(provider, REDRIVE_ALLOW, inputs)


@pytest.mark.parametrize(
    ("inputs", "named"),
    [
        ({"visibilityTimeoutSeconds": 43201}, "0 to 43200"),
        ({"messageRetentionSeconds": 59}, "60 to 1209600"),
        ({"maxMessageSize": 1048577}, "1024 to 1048576"),
        ({"delaySeconds": "5"}, "must be a whole number"),
        ({"delaySeconds": 1.5}, "must be a whole number"),
        ({"receiveWaitTimeSeconds": 21}, "0 to 20"),
        ({"name": "orders.fifo"}, "standard queue"),
        ({"name": "orders", "fifoQueue": True}, "FIFO queue"),
        ({"name": "a b"}, "must match"),
        ({"contentBasedDeduplication": True}, "only when fifoQueue is true"),
        ({"kmsMasterKeyId": "k", "sqsManagedSseEnabled": True}, "exclude each other"),
        ({"tags": {"a": 1}}, "must be a string"),
        ({"policy": '{"Statement": []}'}, "no Statement"),
    ],
)
def test_a_queue_is_checked_before_it_is_made(
    provider: Any, inputs: dict[str, Any], named: str
) -> None:
    assert named in failures(provider, QUEUE, inputs)


@pytest.mark.parametrize("service", [None, "events.amazonaws.com"])
def test_a_function_needs_a_role_that_lambda_may_assume(provider: Any, service: str | None) -> None:
    arn = "arn:aws:iam::123456789012:role/nobody"
    if service:
        arn = provider.create(ROLE, {"assumeRolePolicy": trust(service)}).outputs["arn"]
    with pytest.raises(grpc.RpcError) as error:
        make_function(provider, arn)
    assert "cannot be assumed by Lambda" in str(error.value.details())


@pytest.mark.parametrize(
    ("inputs", "named"),
    [
        ({"timeout": 901}, "1 to 900"),
        ({"memorySize": 127}, "128 to"),
        ({"runtime": "python2.7"}, "runtime is 'python2.7'"),
        ({"role": "consumer"}, "must be an ARN"),
        ({"handler": "a handler"}, "handler"),
        ({"architectures": ["arm64", "x86_64"]}, "at most 1"),
        ({"environment": {"variables": {"AWS_REGION": "x"}}}, "AWS_REGION"),
        ({"environment": {"variables": {"AB": "x" * 4096}}}, "allowed: 0 to 4096"),
        ({"environment": {"variables": {"1": "x"}}}, "environment"),
        ({"environment": {"values": {}}}, "environment.values"),
        ({"loggingConfig": {"logGroup": "g"}}, "loggingConfig.logFormat is required"),
        ({"layers": ["layer"]}, "layers"),
        ({"imageUri": "x"}, "'imageUri'"),
    ],
)
def test_a_function_is_checked_before_it_is_made(
    provider: Any, inputs: dict[str, Any], named: str
) -> None:
    good = {
        "role": "arn:aws:iam::123456789012:role/r",
        "runtime": "python3.12",
        "handler": "handler.handler",
        "code": Archive({"assets": {}, "hash": "1"}),
    }
    assert failures(provider, FUNCTION, good) == ""
    assert named in failures(provider, FUNCTION, good | inputs)


@pytest.mark.parametrize(
    ("inputs", "named"),
    [
        ({"period": 45}, "multiple of 60"),
        ({"evaluationPeriods": 1_441}, "up to 86400"),
        ({"statistic": "Max"}, "SampleCount"),
        ({"evaluationPeriods": 0}, "1 or more"),
        ({"datapointsToAlarm": 2}, "1 to evaluationPeriods, 1"),
        ({"treatMissingData": "ok"}, "notBreaching"),
        ({"comparisonOperator": ">"}, "GreaterThanThreshold"),
        ({"alarmActions": ["topic"]}, "must be an ARN"),
        ({"unit": "Messages"}, "unit is 'Messages'"),
        ({"namespace": ":x"}, "must match"),
        ({"metricQueries": []}, "'metricQueries'"),
        ({"statistic": None, "extendedStatistic": "p101"}, "p0 to p100 only"),
        ({"statistic": None, "extendedStatistic": "tm90"}, "p0 to p100 only"),
    ],
)
def test_an_alarm_is_checked_before_it_is_made(
    provider: Any, inputs: dict[str, Any], named: str
) -> None:
    good = {
        "comparisonOperator": "GreaterThanThreshold",
        "evaluationPeriods": 1,
        "metricName": "ApproximateNumberOfMessagesVisible",
        "namespace": "AWS/SQS",
        "period": 60,
        "statistic": "Maximum",
        "threshold": 0,
    }
    assert failures(provider, ALARM, good) == ""
    percentile = {"statistic": None, "extendedStatistic": "p99.9"}
    assert failures(provider, ALARM, good | percentile) == ""
    assert named in failures(provider, ALARM, good | inputs)


def test_retention_days_are_those_that_logs_has(provider: Any) -> None:
    assert "365" in failures(provider, "aws:cloudwatch/logGroup:LogGroup", {"retentionInDays": 15})


def test_a_role_of_an_inline_policy_is_named_not_given_by_its_arn(provider: Any) -> None:
    inputs = {"role": "arn:aws:iam::123456789012:role/r", "policy": allow("sqs:SendMessage")}
    assert "role is" in failures(provider, ROLE_POLICY, inputs)


def test_an_attached_role_goes_only_when_it_is_told_to_let_go(provider: Any) -> None:
    role = provider.create(ROLE, {"assumeRolePolicy": trust(), "forceDetachPolicies": True})
    inputs = {"role": role.id, "policy": allow("sqs:SendMessage")}
    provider.create(ROLE_POLICY, inputs, name="policy")
    provider.delete(ROLE, role)
    assert provider.read(ROLE, role.id, role) is None


def test_a_standard_topic_takes_nothing_of_a_fifo_topic(provider: Any) -> None:
    words = failures(provider, "aws:sns/topic:Topic", {"contentBasedDeduplication": True})
    assert "only when fifoTopic is true" in words


@pytest.mark.parametrize(
    ("protocol", "endpoint"), [("sqs", "queue"), ("https", "http://x"), ("email", "nobody")]
)
def test_an_endpoint_fits_its_protocol(provider: Any, protocol: str, endpoint: str) -> None:
    inputs = {
        "topic": "arn:aws:sns:eu-west-1:123456789012:t",
        "protocol": protocol,
        "endpoint": endpoint,
    }
    words = failures(provider, "aws:sns/topicSubscription:TopicSubscription", inputs)
    assert "endpoint" in words or "address" in words


@pytest.mark.parametrize(
    ("inputs", "named"),
    [
        ({"endpoint": f"{QUEUE_ARN}.fifo"}, "a standard topic feeds no FIFO queue"),
        ({"topic": f"{TOPIC_ARN}.fifo", **BY_LAMBDA}, "a FIFO topic feeds queues (sqs) only"),
        ({"replayPolicy": "{}"}, "replayPolicy is for FIFO topics"),
        ({"rawMessageDelivery": True, **BY_LAMBDA}, "firehose, http, https, sqs; protocol is"),
        ({"deliveryPolicy": '{"a": 1}'}, "deliveryPolicy is for http and https"),
        ({"subscriptionRoleArn": "arn:aws:iam::123456789012:role/r"}, "goes with firehose"),
        ({"protocol": "firehose"}, "goes with firehose, which needs it"),
        ({"redrivePolicy": {"deadLetterTargetArn": "dlq"}}, "the ARN of a queue"),
        (
            {"redrivePolicy": {"deadLetterTargetArn": QUEUE_ARN, "maxReceiveCount": 2}},
            "and nothing else",
        ),
        ({"rawMessageDelivery": "yes"}, "must be a boolean"),
        ({"filterPolicyScope": "Body"}, "MessageAttributes, MessageBody"),
        ({"queue": QUEUE_ARN}, "it does not exist"),
    ],
)
def test_a_subscription_is_checked_before_it_is_made(
    provider: Any, inputs: dict[str, Any], named: str
) -> None:
    good = {"topic": TOPIC_ARN, "protocol": "sqs", "endpoint": QUEUE_ARN}
    assert failures(provider, SUBSCRIPTION, good) == ""
    fifo = {"topic": f"{TOPIC_ARN}.fifo", "endpoint": f"{QUEUE_ARN}.fifo"}
    assert failures(provider, SUBSCRIPTION, good | fifo) == ""
    assert named in failures(provider, SUBSCRIPTION, good | inputs)
