"""A consumer that raises for its whole batch is known by how its invocations end."""

import io
import json
import time
import zipfile
from collections.abc import Callable

import pytest

from automation.aws.clients import Clients
from automation.aws.whole_batches import whole_batch_advice
from automation.operations.operated import Operated

Run = Callable[..., tuple[int, str, str]]

# As Lambda's Python runtime and Lambda itself write it.
RAISED = '[ERROR] KeyError: "store_id"\nTraceback (most recent call last):\n  File "/var/task/x.py"'
TIMED_OUT = "2026-01-01T00:00:00.000Z 0e1f Task timed out after 3.00 seconds"
CRASHED = "RequestId: 0e1f Error: Runtime exited with error: signal: killed\nRuntime.ExitError"


@pytest.fixture
def consumer(operated: Operated) -> Callable[..., None]:
    """Make the function of the stack `operated`, with lines in its log."""
    clients = operated.clients

    def make(*lines: str, answers: tuple[str, ...] = ("ReportBatchItemFailures",)) -> None:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("x.py", "")
        iam = clients.session.client("iam")
        role = iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        clients.functions.create_function(
            FunctionName=operated.wiring.consumers[0].function_name,
            Runtime="python3.13",
            Role=role,
            Handler="x.handler",
            Code={"ZipFile": archive.getvalue()},
        )
        clients.functions.create_event_source_mapping(
            EventSourceArn="arn:aws:sqs:us-east-1:123456789012:the-queue",
            FunctionName=operated.wiring.consumers[0].function_name,
            FunctionResponseTypes=list(answers),  # type: ignore[arg-type]
        )
        clients.logs.create_log_stream(logGroupName="consumer", logStreamName="s")
        now_ms = int(time.time() * 1000)
        events = [{"timestamp": now_ms, "message": line} for line in lines]
        clients.logs.put_log_events(
            logGroupName="consumer",
            logStreamName="s",
            logEvents=events,  # type: ignore[arg-type]
        )

    return make


def advice(clients: Clients) -> str | None:
    since_ms = int((time.time() - 600) * 1000)
    return whole_batch_advice(clients, function_name="x", log_group="consumer", since_ms=since_ms)


def test_it_is_told_what_to_answer(operated: Operated, consumer: Callable[..., None]) -> None:
    consumer(RAISED, RAISED, TIMED_OUT, '{"level": "INFO", "message": "all is well"}')
    said = advice(operated.clients)
    assert said is not None
    assert said.startswith("2 invocations of the consumer failed as a whole (KeyError)")
    assert '{"batchItemFailures": [{"itemIdentifier": "<its messageId>"}, ...]}' in said


@pytest.mark.parametrize("line", [TIMED_OUT, CRASHED])
def test_time_outs_and_crashes_are_something_else(
    operated: Operated, consumer: Callable[..., None], line: str
) -> None:
    consumer(line)
    assert advice(operated.clients) is None


def test_it_can_t_answer_so_where_its_mapping_takes_no_such_answer(
    operated: Operated, consumer: Callable[..., None]
) -> None:
    consumer(RAISED, answers=())
    assert advice(operated.clients) is None


def test_a_consumer_that_logs_nothing_is_known_by_lambdas_count(
    operated: Operated, consumer: Callable[..., None]
) -> None:
    consumer("anything")
    assert advice(operated.clients) is None
    operated.clients.cloudwatch.put_metric_data(
        Namespace="AWS/Lambda",
        MetricData=[
            {
                "MetricName": "Errors",
                "Dimensions": [{"Name": "FunctionName", "Value": "x"}],
                "Value": 3,
                "Timestamp": time.time() - 120,
            }
        ],
    )
    said = advice(operated.clients)
    assert str(said).startswith("3 invocations of the consumer failed as a whole, and")


def test_the_list_of_its_dead_letters_says_it(
    run: Run, fill: Callable[[int], None], consumer: Callable[..., None]
) -> None:
    fill(1)
    consumer(RAISED)
    code, output, _ = run("dlq", "list")
    assert code == 0
    assert "1 invocations of the consumer failed as a whole (KeyError)" in output
    answer = json.loads(run("dlq", "list", "--json")[1])
    assert "failed as a whole" in answer["advice"]


def test_it_says_so_too_where_the_letters_tell_of_their_batch(
    run: Run, fill: Callable[[int], None], consumer: Callable[..., None]
) -> None:
    fill(1)
    (shown,) = json.loads(run("dlq", "list", "--json")[1])["messages"]
    request_id = "6f2e0c5a-5a3f-4b52-8e1c-0f2f6f2e0c5a"
    consumer(f"START RequestId: {request_id} Version: 1", f"took {shown['id']}", RAISED)
    answer = json.loads(run("dlq", "list", "--json")[1])
    assert answer["messages"][0]["reason"] == "its batch failed: KeyError"
    assert "failed as a whole" in answer["advice"]
