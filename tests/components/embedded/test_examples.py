"""The examples, run whole."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi import automation

from automation.interrupts import Interrupts
from automation.progress import Progress
from automation.stacks import throwaway_stack
from automation.target import Target
from automation.waiting import wait_until

pytestmark = pytest.mark.engine

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


@contextmanager
def example(
    target: Target, name: str, folder: Path, settings: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """Deploys an example as it stands until the block ends; gives its outputs."""
    folder.mkdir()
    project = yaml.safe_load((EXAMPLES / name / "Pulumi.yaml").read_text())
    project["main"] = str(EXAMPLES / name)
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump(project))
    options = automation.LocalWorkspaceOptions(
        pulumi_command=target.engine, env_vars=dict(target.environment)
    )
    stack = automation.create_stack("test", work_dir=str(folder), opts=options)
    stack.set_config("aws:region", automation.ConfigValue(target.region))
    for key, value in settings.items():
        stack.set_config(key, automation.ConfigValue(value))
    try:
        outputs = stack.up().outputs
        yield {key: output.value for key, output in outputs.items()}
    finally:
        stack.destroy(remove=True)


def log_of(target: Target, group: str) -> str:
    events = target.clients.logs.filter_log_events(logGroupName=group).get("events", [])
    return "\n".join(event.get("message", "") for event in events)


def send_as_downstream(target: Target, outputs: Mapping[str, Any], run_id: str) -> None:
    answer = target.clients.functions.invoke(
        FunctionName=outputs["senderFunctionName"],
        Payload=json.dumps({"store": 3, "run_id": run_id}).encode(),
    )
    assert "FunctionError" not in answer, answer["Payload"].read()


@pytest.mark.slow
def test_another_team_sends_with_nothing_but_the_send_policy(
    strict_aws: Target, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with throwaway_stack(
        strict_aws,
        name="upstream",
        home=home,
        # The functions speak plain HTTP to the embedded AWS.
        settings={"requiresTls": False},
        interrupts=Interrupts(lambda _: None),
        progress=Progress(),
    ) as queue:
        by_stack = {"queueStack": "organization/reliable-queue/upstream"}
        by_outputs = {"queueUrl": queue.queue_url, "sendPolicyArn": queue.send_policy_arn}
        for number, settings in enumerate((by_stack, by_outputs)):
            with example(strict_aws, "downstream", tmp_path / str(number), settings) as outputs:
                send_as_downstream(strict_aws, outputs, f"downstream-{number}")
                wait_until(
                    "the message is processed",
                    lambda run=f"downstream-{number}": (
                        f'"{run}":[0]' in log_of(strict_aws, queue.consumer_log_group_name),
                        "not yet",
                    ),
                    timeout_seconds=20,
                )


@pytest.mark.slow
def test_a_consumer_of_one_s_own_takes_under_forty_lines(aws: Target, tmp_path: Path) -> None:
    lines = (EXAMPLES / "own_consumer" / "__main__.py").read_text().splitlines()
    assert len(lines) < 40
    with example(aws, "own_consumer", tmp_path / "own", {}) as outputs:
        for group, body in (("order-7", '{"order": 7}'), ("none", "{}")):
            aws.clients.sqs.send_message(
                QueueUrl=outputs["queueUrl"], MessageBody=body, MessageGroupId=group
            )
        [function] = [
            item["FunctionName"]
            for item in aws.clients.functions.list_functions()["Functions"]
            if item["FunctionName"].startswith("orders-consumer-function")
        ]
        configuration = aws.clients.functions.get_function_configuration(FunctionName=function)
        log_group = configuration["LoggingConfig"]["LogGroup"]
        wait_until(
            "one order is done and the other message has failed",
            lambda: (
                "order 7 done" in (text := log_of(aws, log_group)) and "failed: KeyError" in text,
                text,
            ),
            timeout_seconds=20,
        )


def payment(number: int, amount: int) -> str:
    return json.dumps({"id": f"p-{number}", "amount": amount})


def left_in(target: Target, queue_url: str) -> int:
    """How many messages a queue holds, hidden ones too."""
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    answer = target.clients.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)
    return sum(int(answer["Attributes"][name]) for name in names)


@pytest.mark.slow
def test_a_payment_that_is_delivered_twice_is_taken_once(aws: Target, tmp_path: Path) -> None:
    with example(aws, "idempotent_consumer", tmp_path / "payments", {}) as outputs:
        queue, log_group = outputs["queueUrl"], outputs["logGroupName"]

        def send(body: str) -> None:
            aws.clients.sqs.send_message(QueueUrl=queue, MessageBody=body)

        def deliver(message_id: str, body: str) -> Any:
            """Without the queue, so that it can come again as when its answer got lost."""
            event = {"Records": [{"messageId": message_id, "body": body}]}
            answer = aws.clients.functions.invoke(
                FunctionName=outputs["functionName"], Payload=json.dumps(event).encode()
            )
            return json.loads(answer["Payload"].read())

        # Sent twice: two messages, one payment.
        for _ in range(2):
            send(payment(1, 10))
            wait_until(
                "the message is processed",
                lambda: ((count := left_in(aws, queue)) == 0, count),
                timeout_seconds=20,
            )
        # Delivered twice: one message, one payment. What failed is not taken for done.
        for _ in range(2):
            assert deliver("a", payment(2, 5)) == {"batchItemFailures": []}
            assert deliver("b", payment(3, 0)) == {"batchItemFailures": [{"itemIdentifier": "b"}]}
        # With the id of another payment, and with none.
        send(payment(1, 99))
        send("{}")
        wait_until(
            "both are refused",
            lambda: (
                "failed: IdempotencyValidationError" in (text := log_of(aws, log_group))
                and "failed: IdempotencyKeyError" in text,
                text,
            ),
            timeout_seconds=20,
        )
        lines = [line.strip() for line in log_of(aws, log_group).splitlines()]
        taken = [line for line in lines if line.startswith("payment")]
        assert sorted(taken) == ["payment p-1 taken: 10", "payment p-2 taken: 5"]
        assert lines.count("message b failed: ValueError") == 2
