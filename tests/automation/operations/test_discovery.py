"""What belongs to a queue is found from AWS alone; what can't be found is said, once."""

import io
import json
import zipfile
from collections.abc import Sequence
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from automation.errors import AutomationError
from automation.operations.discovery import _dimensions, discovered_wiring
from automation.operations.named_queue import find_queue, named_queue
from automation.operations.wiring import Consumer, Wiring
from automation.target import Account

REGION = "eu-west-1"
QUEUE_METRIC = "ApproximateNumberOfMessagesVisible"


def arn(account: Account, name: str) -> str:
    return f"arn:aws:sqs:{REGION}:{account.account_id}:{name}"


def create(account: Account, name: str, dlq: str | None = None) -> str:
    attributes = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
    if dlq:
        policy = {"deadLetterTargetArn": arn(account, dlq), "maxReceiveCount": 2}
        attributes["RedrivePolicy"] = json.dumps(policy)
    return account.clients.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]  # type: ignore[arg-type]


def feed(account: Account, queue: str, function_name: str, log_group: str | None = None) -> None:
    """A Lambda function that is fed from a queue."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("consumer.py", "def handler(event, context): pass")
    role_arn = account.clients.session.client(
        "iam", endpoint_url=account.clients.endpoint_url
    ).create_role(RoleName=f"{function_name}-role", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    logging: Any = {"LoggingConfig": {"LogGroup": log_group}} if log_group else {}
    account.clients.functions.create_function(
        FunctionName=function_name,
        Role=role_arn,
        Runtime="python3.13",
        Handler="consumer.handler",
        Code={"ZipFile": code.getvalue()},
        **logging,
    )
    account.clients.functions.create_event_source_mapping(
        EventSourceArn=arn(account, queue), FunctionName=function_name, Enabled=False
    )


def create_log_group(account: Account, name: str) -> None:
    account.clients.logs.create_log_group(logGroupName=name)


def put_alarm(account: Account, name: str, dimension: str, value: str) -> None:
    account.clients.cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/SQS",
        MetricName=QUEUE_METRIC,
        Dimensions=[{"Name": dimension, "Value": value}],
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
    )


def discover(
    account: Account,
    queue: str | None = None,
    dlq: str | None = None,
    log_groups: Sequence[str] = (),
) -> Wiring:
    return discovered_wiring(account, queue, dlq, log_groups)


@pytest.mark.parametrize("how", ["name", "arn", "url"])
@pytest.mark.parametrize("given", ["orders", "orders-dead"])
def test_all_of_it_is_found_from_the_queue_and_from_its_dead_letter_queue(
    account: Account, given: str, how: str
) -> None:
    urls = {"orders-dead": create(account, "orders-dead")}
    urls["orders"] = create(account, "orders", "orders-dead")
    feed(account, "orders", "work", "/shop/work")
    create_log_group(account, "/shop/work")
    put_alarm(account, "deep", "QueueName", "orders-dead")
    put_alarm(account, "failing", "FunctionName", "work")
    put_alarm(account, "another", "QueueName", "work")
    text = {"name": given, "arn": arn(account, given), "url": urls[given]}[how]
    found = discover(account, text)
    assert found.queue
    assert found.dlq
    assert (found.queue.url, found.queue.arn) == (urls["orders"], arn(account, "orders"))
    assert (found.dlq.url, found.dlq.arn) == (urls["orders-dead"], arn(account, "orders-dead"))
    assert found.sources == (found.queue,)
    assert found.consumers == (Consumer(function_name="work", log_group="/shop/work"),)
    assert found.log_groups == ("/shop/work",)
    assert set(found.alarm_names) == {"deep", "failing"}
    assert found.notes == ()


def test_alarm_that_calculates_with_metrics_looks_at_those() -> None:
    """The embedded AWS has no such alarms."""
    metric: Any = {"Dimensions": [{"Name": "QueueName", "Value": "orders"}]}
    alarm: Any = {
        "Metrics": [{"Id": "m", "MetricStat": {"Metric": metric}}, {"Id": "e", "Expression": "m*2"}]
    }
    assert list(_dimensions(alarm)) == [("QueueName", "orders")]


def test_dead_letter_queue_of_two_has_no_queue_of_its_own(account: Account) -> None:
    create(account, "dead")
    for name in ("a", "b"):
        create(account, name, "dead")
    found = discover(account, "dead")
    assert found.queue is None
    assert {source.name for source in found.sources} == {"a", "b"}
    with pytest.raises(AutomationError, match=r"queue dead is .* \(a, b\): say .*: --to"):
        found.require_queue()
    of_one = discover(account, "b")
    assert of_one.queue
    assert of_one.queue.name == "b"
    assert {source.name for source in of_one.sources} == {"a", "b"}


def test_queue_without_a_dead_letter_queue(account: Account) -> None:
    create(account, "orders")
    found = discover(account, "orders")
    assert found.dlq is None
    assert found.queue
    with pytest.raises(AutomationError, match=r"queue orders has no dead-letter queue.*--dlq"):
        found.require_dlq()


def test_dead_letter_queue_can_be_named(account: Account) -> None:
    create(account, "orders")
    create(account, "elsewhere")
    found = discover(account, "orders", "elsewhere")
    assert found.queue
    assert found.dlq
    assert (found.queue.name, found.dlq.name) == ("orders", "elsewhere")
    alone = discover(account, None, "elsewhere")
    assert alone.queue is None
    assert alone.dlq == found.dlq


def test_dead_letter_queue_that_has_one_itself_is_said(account: Account) -> None:
    create(account, "last")
    create(account, "dead", "last")
    create(account, "orders", "dead")
    found = discover(account, "dead")
    assert found.dlq
    assert found.dlq.name == "last"
    assert any("say --dlq dead" in note for note in found.notes)
    meant = discover(account, None, "dead")
    assert meant.queue
    assert meant.queue.name == "orders"


def test_redrive_policy_that_names_no_queue(account: Account) -> None:
    url = create(account, "dead")
    create(account, "orders", "dead")
    account.clients.sqs.delete_queue(QueueUrl=url)
    with pytest.raises(AutomationError, match=r"orders's redrive policy names .*no such queue"):
        discover(account, "orders")


def test_consumer_that_has_logged_nothing_yet_has_no_log(account: Account) -> None:
    create(account, "dead")
    create(account, "orders", "dead")
    feed(account, "orders", "work")
    assert discover(account, "orders").consumers == (
        Consumer(function_name="work", log_group=None),
    )
    create_log_group(account, "/aws/lambda/work")
    assert discover(account, "orders").log_groups == ("/aws/lambda/work",)


def test_consumer_that_is_no_function_is_named_by_its_log(account: Account) -> None:
    create(account, "dead")
    create(account, "orders", "dead")
    assert any("--log-group" in note for note in discover(account, "orders").notes)
    named = discover(account, "orders", log_groups=["/ecs/worker"])
    assert (named.log_groups, named.notes) == (("/ecs/worker",), ())


@pytest.mark.usefixtures("thorough_requests")
def test_all_queues_of_a_dead_letter_queue_are_found_however_many(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(account, "dead")
    names = {"a", "b", "c"}
    for name in names:
        create(account, name, "dead")
    call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]

    def at_most_two(client: Any, name: str, parameters: Any) -> Any:
        """Two in the place of SQS's 1,000, behind which there is a token only for who asks."""
        if name != "ListDeadLetterSourceQueues":
            return call(client, name, parameters)
        if "MaxResults" in parameters:
            return call(client, name, parameters | {"MaxResults": 2})
        return {"queueUrls": call(client, name, parameters)["queueUrls"][:2]}

    monkeypatch.setattr(BaseClient, "_make_api_call", at_most_two)
    assert {source.name for source in discover(account, "dead").sources} == names


@pytest.mark.usefixtures("thorough_requests")
@pytest.mark.parametrize(
    ("operation", "what"),
    [
        ("ListDeadLetterSourceQueues", "the queues whose dead letters go to dead"),
        ("ListEventSourceMappings", "consumers of orders"),
        ("GetFunctionConfiguration", "the log group of work"),
        ("FilterLogEvents", "the log of work"),
        ("DescribeAlarms", "alarms"),
    ],
)
def test_what_may_not_be_looked_at_is_said_and_left_out(
    account: Account, monkeypatch: pytest.MonkeyPatch, operation: str, what: str
) -> None:
    create(account, "dead")
    create(account, "orders", "dead")
    feed(account, "orders", "work", "/shop/work")
    create_log_group(account, "/shop/work")
    call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]

    def refused(client: Any, name: str, parameters: Any) -> Any:
        if name == operation:
            error: Any = {"Error": {"Code": "AccessDenied", "Message": "no"}}
            raise ClientError(error, name)
        return call(client, name, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", refused)
    found = discover(account, "orders")
    assert f"{what} can't be looked at: no permission for {operation}" in found.notes
    assert found.queue
    assert found.dlq
    assert found.are_sources_known == (operation != "ListDeadLetterSourceQueues")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("order", "there is no such queue in .*AWS account"),
        ("orders!", "is no queue: give its name"),
        ("", "is no queue"),
        ("events", r"no such queue .*; there is one called events\.fifo"),
        ("arn:aws:sqs:us-east-1:123456789012:orders", "in region us-east-1, .*set AWS_REGION"),
        ("arn:aws:sqs:eu-west-1:123456789012:orders", "in account 123456789012, .*sign in there"),
        ("https://sqs.us-east-1.amazonaws.com/123456789012/orders", "in region us-east-1"),
        ("https://us-west-2.queue.amazonaws.com/123456789012/orders", "in region us-west-2"),
        ("https://sqs.eu-west-1.amazonaws.com/123456789012/orders", "in account 123456789012"),
        ("arn:aws:sns:eu-west-1:123456789012:orders", "is no queue"),
    ],
)
def test_what_names_no_queue_of_ours_is_refused(account: Account, text: str, said: str) -> None:
    create(account, "orders")
    create(account, "events.fifo")
    with pytest.raises(AutomationError, match=said):
        find_queue(account, named_queue("--queue", text))
