"""The load of a queue as CloudWatch has counted it; what it hasn't is asked for."""

import datetime
import io
import zipfile
from collections.abc import Callable

import pytest

from automation.aws.clients import Clients
from automation.errors import AutomationError
from automation.operations.measured_load import MeasuredLoad, measure_load, require_measured
from automation.target import LOCAL_PACE, Account

NOW = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)
QUEUE, FUNCTION = ("QueueName", "orders"), ("FunctionName", "work")
Put = Callable[..., None]


@pytest.fixture
def account(clients: Clients) -> Account:
    """Queues, functions and metrics of moto."""
    clients.sqs.create_queue(QueueName="orders")
    return Account(
        name="aws", account_id="123456789012", region="us-east-1", clients=clients, pace=LOCAL_PACE
    )


@pytest.fixture
def put(account: Account) -> Put:
    """Put values of a metric, `minutes` ago each."""

    def put(metric: str, dimension: tuple[str, str], values: dict[int, float]) -> None:
        name, value = dimension
        account.clients.cloudwatch.put_metric_data(
            Namespace="AWS/SQS" if name == "QueueName" else "AWS/Lambda",
            MetricData=[
                {
                    "MetricName": metric,
                    "Dimensions": [{"Name": name, "Value": value}],
                    "Timestamp": NOW - datetime.timedelta(minutes=minutes),
                    "Value": amount,
                }
                for minutes, amount in values.items()
            ],
        )

    return put


def feed(account: Account, function_name: str, batch_size: int) -> None:
    """A Lambda function that is fed from the queue."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("consumer.py", "def handler(event, context): pass")
    role = account.clients.session.client("iam").create_role(
        RoleName=f"{function_name}-role", AssumeRolePolicyDocument="{}"
    )
    account.clients.functions.create_function(
        FunctionName=function_name,
        Role=role["Role"]["Arn"],
        Runtime="python3.13",
        Handler="consumer.handler",
        Code={"ZipFile": code.getvalue()},
    )
    account.clients.functions.create_event_source_mapping(
        EventSourceArn="arn:aws:sqs:us-east-1:123456789012:orders",
        FunctionName=function_name,
        BatchSize=batch_size,
        Enabled=False,
    )


def measure(account: Account, *, days: int = 1) -> MeasuredLoad:
    return measure_load(account, "orders", days=days, now=NOW)


def test_rate_is_that_of_the_busiest_five_minutes(account: Account, put: Put) -> None:
    put("NumberOfMessagesSent", QUEUE, {63: 3_000.0, 62: 6_000.0, 300: 600.0, 2_000: 10**6})
    put("SentMessageSize", QUEUE, {63: 3_000.0, 300: 1_000.0})
    measured = measure(account)
    assert measured.rate_per_second == pytest.approx(9_000 / 300)
    assert measured.mean_rate_per_second == pytest.approx(9_600 / 86_400)
    assert measured.message_bytes == 2_000
    assert (measured.function_name, measured.duration_seconds) == (None, None)
    longer = measure(account, days=2)
    assert longer.rate_per_second == pytest.approx(10**6 / 300)


def test_queue_younger_than_the_days_has_its_mean_since_it_was_made(account: Account) -> None:
    made = datetime.datetime.now(datetime.UTC)
    account.clients.cloudwatch.put_metric_data(
        Namespace="AWS/SQS",
        MetricData=[
            {
                "MetricName": "NumberOfMessagesSent",
                "Dimensions": [{"Name": "QueueName", "Value": "orders"}],
                "Timestamp": made + datetime.timedelta(hours=1),
                "Value": 36_000.0,
            }
        ],
    )
    later = made + datetime.timedelta(hours=10)
    measured = measure_load(account, "orders", days=7, now=later)
    assert measured.mean_rate_per_second == pytest.approx(1, rel=0.01)


def test_time_of_a_message_is_that_of_an_invocation_by_its_messages(
    account: Account, put: Put
) -> None:
    feed(account, "work", batch_size=10)
    put("NumberOfMessagesReceived", QUEUE, {63: 8.0})
    put("Duration", FUNCTION, {63: 300.0, 62: 500.0})
    measured = measure(account)
    # Two invocations of 400 ms on average, four messages in each.
    assert measured.duration_seconds == pytest.approx(0.1)
    assert any("work, by 4.0 messages in each" in words for words in measured.assumptions)


def test_batch_is_never_more_than_the_mapping_gives(account: Account, put: Put) -> None:
    """Another consumer may receive too."""
    feed(account, "work", batch_size=5)
    put("NumberOfMessagesReceived", QUEUE, {63: 800.0})
    put("Duration", FUNCTION, {63: 300.0})
    assert measure(account).duration_seconds == pytest.approx(0.06)


def test_nothing_measured_is_told_with_what_to_give_by_hand(account: Account) -> None:
    measured = measure(account)
    with pytest.raises(AutomationError) as nothing:
        require_measured(measured, lacks_rate=True, lacks_duration=True)
    assert "NumberOfMessagesSent): give --rate" in str(nothing.value)
    assert "no Lambda function is fed from it: give --duration-ms" in str(nothing.value)
    require_measured(measured, lacks_rate=False, lacks_duration=False)
    feed(account, "work", batch_size=5)
    with pytest.raises(AutomationError, match=r"work was not invoked .*give --duration-ms"):
        require_measured(measure(account), lacks_rate=False, lacks_duration=True)


def test_queue_that_is_not_there_is_refused(account: Account) -> None:
    with pytest.raises(AutomationError, match="there is no such queue"):
        measure_load(account, "missing", days=1, now=NOW)
