"""The four actions of Powertools' idempotency, by enforcement: each is needed, no more is."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

from automation.target import Target
from components import (
    ConsumerArgs,
    IdempotencyArgs,
    PythonFunctionArgs,
    ReliableQueue,
    ReliableQueueArgs,
    dependency_layer,
)

pytestmark = pytest.mark.engine

ROOT = Path(__file__).resolve().parents[3]
# Answers whether the work was done by this call, or how it failed.
_CONSUMER = """
import os

from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer, IdempotencyConfig, idempotent_function,
)

memory = DynamoDBPersistenceLayer(table_name=os.environ["IDEMPOTENCY_TABLE"])
# As with a boto3 older than 1.26.194, which asks for what it could not put.
memory.return_value_on_condition = {}
config = IdempotencyConfig(expires_after_seconds=int(os.environ["IDEMPOTENCY_SECONDS"]))
done = []

@idempotent_function(data_keyword_argument="work", persistence_store=memory, config=config)
def do(*, work):
    if work["fails"]:
        raise ValueError("as asked")
    done.append(work)

def handler(event, context):
    config.register_lambda_context(context)
    done.clear()
    try:
        do(work=event)
    except Exception as error:
        return f"{type(error).__name__}: {error}, {error.__cause__}"
    return bool(done)
"""
_ACTIONS = ("GetItem", "PutItem", "UpdateItem", "DeleteItem")


@pytest.fixture
def program(tmp_path: Path) -> Callable[[], None]:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "work.py").write_text(_CONSUMER)
    powertools = dependency_layer(
        ROOT / "functions" / "requirements.txt", build_folder=ROOT / ".build"
    )

    def run() -> None:
        function = PythonFunctionArgs(
            source=tmp_path / "code", handler="work.handler", dependencies=powertools
        )
        consumer = ConsumerArgs(function=function, idempotency=IdempotencyArgs())
        # Functions speak plain HTTP to the embedded AWS.
        args = ReliableQueueArgs(consumer=consumer, requires_tls=False, alarms=None)
        queue = ReliableQueue("events", args)
        pulumi.export("function", queue.consumer_function_name)
        pulumi.export("table", queue.idempotency_table_name)

    return run


@pytest.mark.slow
def test_each_action_on_the_table_is_needed_and_no_other_is(
    strict_aws: Target, deployed: Callable[..., Any], program: Callable[[], None]
) -> None:
    session: Any = strict_aws.clients.session
    iam = session.client("iam", endpoint_url=strict_aws.clients.endpoint_url)

    with deployed(strict_aws, program) as stack:
        function = stack.outputs["function"]

        def ask(number: int, *, fails: bool = False) -> Any:
            answer = strict_aws.clients.functions.invoke(
                FunctionName=function,
                Payload=json.dumps({"number": number, "fails": fails}).encode(),
            )
            return json.loads(answer["Payload"].read())

        def allow(document: dict[str, Any]) -> None:
            iam.put_role_policy(
                RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(document)
            )

        configuration = strict_aws.clients.functions.get_function_configuration(
            FunctionName=function
        )
        role = configuration["Role"].rpartition("/")[2]
        names = iam.list_role_policies(RoleName=role)["PolicyNames"]
        [policy] = [name for name in names if "may-remember" in name]
        granted = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
        [statement] = granted["Statement"]
        assert statement["Action"] == [f"dynamodb:{action}" for action in _ACTIONS]
        assert statement["Resource"].endswith(f":table/{stack.outputs['table']}")

        # With what is granted: done once, not again; what fails may be tried again.
        assert [ask(1), ask(1)] == [True, False]
        assert [ask(2, fails=True)[:10], ask(2, fails=True)[:10]] == ["ValueError"] * 2

        # Without one of them: asked for what needs it.
        asked = {
            "PutItem": lambda: ask(3),
            "GetItem": lambda: ask(1),
            "UpdateItem": lambda: ask(4),
            "DeleteItem": lambda: ask(5, fails=True),
        }
        for action, call in asked.items():
            others = [name for name in statement["Action"] if name != f"dynamodb:{action}"]
            allow({**granted, "Statement": [{**statement, "Action": others}]})
            refused = str(call())
            assert "AccessDenied" in refused, (action, refused)
            assert f"dynamodb:{action}" in refused
        allow(granted)
        assert ask(6) is True
