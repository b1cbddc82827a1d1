"""What is said of the alarm on the dead-letter queue when it can't ring where it should."""

import dataclasses
import secrets
import time
from collections.abc import Iterator

import boto3
import pytest

from automation.aws.clients import Clients
from automation.proof.alarm import Witness, topic_witness, watch_alarm
from automation.proof.verdict import AlarmReport
from automation.target import LOCAL_PACE

# What can't ring is not waited for; what can is given up at once.
PACE = dataclasses.replace(LOCAL_PACE, alarm_timeout_seconds=0)
QUIET = AlarmReport(state="OK", went_to_alarm=False, was_notified=False)


@pytest.fixture
def clients(endpoint_url: str) -> Clients:
    """Of an account of its own: moto has no history of alarms."""
    account_id = f"{secrets.randbelow(10**12):012}"
    session = boto3.Session(account_id, "local", region_name="eu-west-1")
    return Clients(session=session, endpoint_url=endpoint_url)


@pytest.fixture
def witness(clients: Clients) -> Iterator[Witness]:
    topic_arn = clients.sns.create_topic(Name="alarms")["TopicArn"]
    with topic_witness(clients, topic_arn=topic_arn, stack="s") as witness:
        yield witness


def put_alarm(
    clients: Clients, *actions: str, queue: str = "dlq", name: str = "depth", enabled: bool = True
) -> None:
    clients.cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/SQS",
        MetricName="ApproximateNumberOfMessagesVisible",
        Dimensions=[{"Name": "QueueName", "Value": queue}],
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        # It keeps the state that it is given: no queue here has any data.
        TreatMissingData="ignore",
        AlarmActions=list(actions),
        ActionsEnabled=enabled,
    )
    clients.cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="quiet")


def test_alarm_that_is_missing_is_a_finding_and_no_error(
    clients: Clients, witness: Witness
) -> None:
    put_alarm(clients, witness.topic_arn, queue="another")
    report = watch_alarm(clients, witness, dlq_name="dlq", rings=True, pace=PACE)
    assert report == AlarmReport(
        state="MISSING",
        went_to_alarm=False,
        was_notified=False,
        problem="no alarm watches the depth of the dead-letter queue dlq",
    )


@pytest.mark.parametrize("rings", [True, False])
@pytest.mark.parametrize("how", ["elsewhere", "nowhere", "switched off"])
def test_alarm_that_does_not_reach_the_topic_is_a_finding_in_any_state(
    clients: Clients, witness: Witness, how: str, *, rings: bool
) -> None:
    other = clients.sns.create_topic(Name="another")["TopicArn"]
    actions = {"elsewhere": [other], "nowhere": [], "switched off": [witness.topic_arn]}[how]
    put_alarm(clients, *actions, enabled=how != "switched off")
    report = watch_alarm(clients, witness, dlq_name="dlq", rings=rings, pace=PACE)
    assert report == dataclasses.replace(
        QUIET, problem=f"the alarm depth does not publish to the alarm topic {witness.topic_arn}"
    )


def test_one_alarm_of_several_that_reaches_the_topic_is_enough(
    clients: Clients, witness: Witness
) -> None:
    put_alarm(clients, name="another")
    put_alarm(clients, witness.topic_arn)
    report = watch_alarm(clients, witness, dlq_name="dlq", rings=False, pace=PACE)
    assert report == QUIET


def test_alarm_that_rang_before_the_topic_heard_of_it_was_not_notified(
    clients: Clients, witness: Witness
) -> None:
    began_ms = int(time.time() * 1000)
    put_alarm(clients)
    clients.cloudwatch.set_alarm_state(AlarmName="depth", StateValue="ALARM", StateReason="full")
    put_alarm(clients, witness.topic_arn)
    report = watch_alarm(clients, witness, dlq_name="dlq", rings=True, pace=PACE)
    assert (report.went_to_alarm, report.was_notified, report.problem) == (True, False, None)
    assert report.rang_at_ms
    # A time may come without its parts of a second.
    assert began_ms - 1000 <= report.rang_at_ms <= time.time() * 1000


def test_moment_of_the_alarm_is_that_of_the_first_time(clients: Clients, witness: Witness) -> None:
    put_alarm(clients, witness.topic_arn)
    moments: list[int | None] = []
    for state in ("ALARM", "OK", "ALARM"):
        clients.cloudwatch.set_alarm_state(AlarmName="depth", StateValue=state, StateReason="so")
        report = watch_alarm(clients, witness, dlq_name="dlq", rings=True, pace=PACE)
        moments.append(report.rang_at_ms)
    assert moments[0]
    assert len(set(moments)) == 1
