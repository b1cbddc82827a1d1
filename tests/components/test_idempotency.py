"""The table in which a consumer remembers what it has processed: there when asked for, whole."""

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from components import ExistingFunctionArgs, FifoArgs, IdempotencyArgs, LimitError, ReliableQueue
from components.limits import derived_idempotency_seconds, idempotency_advice

TABLE = "aws:dynamodb/table:Table"
FUNCTION = "aws:lambda/function:Function"
MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping"

Make = Callable[..., Any]


@pytest.fixture
def deploy_with(deploy: Make, queue_args: Make) -> Make:
    """Deploys a queue whose consumer has a memory, or none."""

    def run(idempotency: IdempotencyArgs | None, **args: Any) -> Any:
        made = queue_args(consumer={"idempotency": idempotency}, **args)

        def program() -> None:
            pulumi.export("table", ReliableQueue("events", made).idempotency_table_name)

        return deploy(program)

    return run


def test_the_table_is_as_powertools_wants_it_and_as_it_is_safe(deploy_with: Make) -> None:
    deployed = deploy_with(IdempotencyArgs(), tags={"team": "a"})
    table = deployed.only(TABLE, "events-idempotency")
    assert table.parent == "events"
    assert table.inputs == {
        "attributes": [{"name": "id", "type": "S"}],
        "billingMode": "PAY_PER_REQUEST",
        "hashKey": "id",
        "pointInTimeRecovery": {"enabled": True},
        "serverSideEncryption": {"enabled": True},
        "tags": {"team": "a"},
        "ttl": {"attributeName": "expiration", "enabled": True},
    }
    assert deployed.exports["table"] == "events-idempotency-1a2b3c4"


@pytest.mark.parametrize("fifo", [None, FifoArgs()])
def test_the_function_is_told_the_table_and_how_long_a_message_can_come_back(
    deploy_with: Make, fifo: FifoArgs | None
) -> None:
    args = {"retention_seconds": 100_000, "dlq_retention_seconds": 200_000, "fifo": fifo}
    function = deploy_with(IdempotencyArgs(), **args).only(FUNCTION)
    variables = function.inputs["environment"]["variables"]
    assert variables["IDEMPOTENCY_TABLE"] == "events-idempotency-1a2b3c4"
    assert variables["IDEMPOTENCY_SECONDS"] == "300000"


def test_how_long_it_is_remembered_may_be_chosen(deploy_with: Make) -> None:
    function = deploy_with(IdempotencyArgs(expires_after_seconds=600_000)).only(FUNCTION)
    assert function.inputs["environment"]["variables"]["IDEMPOTENCY_SECONDS"] == "600000"


def test_no_message_is_tried_before_the_function_may_remember_it(deploy_with: Make) -> None:
    mapping = deploy_with(IdempotencyArgs()).only(MAPPING)
    assert "events-consumer-may-remember" in mapping.dependencies


def test_off_means_that_nothing_is_there(deploy_with: Make) -> None:
    deployed = deploy_with(None)
    assert [name for name in deployed.names() if "idempotency" in name or "remember" in name] == []
    variables = deployed.only(FUNCTION).inputs["environment"]["variables"]
    assert [name for name in variables if name.startswith("IDEMPOTENCY")] == []
    assert deployed.exports.get("table") is None


@pytest.mark.parametrize("seconds", [59, 2_419_201, 3_600.0])
def test_what_is_no_time_to_remember_is_refused(seconds: Any) -> None:
    with pytest.raises(LimitError, match=r"idempotency.expires_after_seconds = .*60 to 2419200"):
        IdempotencyArgs(expires_after_seconds=seconds)


def test_a_function_that_exists_has_to_bring_its_own_table(queue_args: Make) -> None:
    existing = ExistingFunctionArgs(function_arn="f", role_name="r", timeout_seconds=3)
    with pytest.raises(LimitError, match="idempotency needs a function of ours"):
        queue_args(consumer={"idempotency": IdempotencyArgs()}, function=existing)


@pytest.mark.parametrize(("seconds", "warned"), [(345_599, True), (345_600, False)])
def test_a_memory_shorter_than_a_message_s_life_is_taken_with_a_warning(
    deploy_with: Make, caplog: pytest.LogCaptureFixture, seconds: int, warned: bool
) -> None:
    deploy_with(IdempotencyArgs(expires_after_seconds=seconds))
    assert ("is processed a second time" in caplog.text) == warned


def test_what_is_derived_never_needs_advice() -> None:
    for retention, dlq_retention in ((60, 61), (345_600, 1_209_600), (1_209_600, 1_209_600)):
        derived = derived_idempotency_seconds(retention, dlq_retention)
        assert idempotency_advice(derived, retention) is None
        IdempotencyArgs(expires_after_seconds=derived)
