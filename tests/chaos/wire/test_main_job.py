"""The main job while every service fails: the verdict holds, or one message says why there is none.

In these runs everything goes through the proxy: producer and consumer in the emulator, the engine's
provider, and the run itself.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from automation.deadletters.move_plan import Plan
from automation.target import Target
from tests.chaos.wire import fault_proxy
from tests.chaos.wire.conftest import Wire
from tests.chaos.wire.fault_proxy import Fault
from tests.chaos.wire.operating import HIDDEN_SECONDS, Ended, run_command

pytestmark = [pytest.mark.chaos, pytest.mark.engine]

# A back-off that SQS refuses comes back after the visibility timeout: no minute of it here.
MAIN_JOB = (
    "e2e", "--json", "--messages", "100", "--rate", "unlimited", "--seed", "1", "--redrive",
    "-c", "functionTimeoutSeconds=4", "-c", "visibilityTimeoutSeconds=4",
)  # fmt: skip
DATA_PATH = ("SendMessageBatch", "ChangeMessageVisibilityBatch", "GetQueueAttributes")


@dataclass(frozen=True, kw_only=True)
class BriefPlan(Plan):
    """A redrive's plan that hides messages as briefly."""

    hidden_seconds: int = HIDDEN_SECONDS


@pytest.fixture
def main_job(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextlib.contextmanager
    def opened(_: str, *, home: Path, **__: object) -> Iterator[Target]:
        with wire.account(home) as target:
            yield target

    monkeypatch.setattr("automation.proof.throwaway.opened_target", opened)
    monkeypatch.setattr("automation.proof.redrive.Plan", BriefPlan)
    monkeypatch.setattr("automation.proof.dead_letters.hiding_seconds", lambda _: HIDDEN_SECONDS)


def assert_held(ended: Ended) -> None:
    assert ended.code == 0, ended.output + ended.error
    answer = ended.answer
    assert (answer["verdict"], answer["sent"], answer["destroyed"]) == ("held", 100, True)
    assert answer["dead_lettered"] == answer["bad"]
    assert (answer["lost"], answer["misrouted"]) == (0, 0)
    assert answer["redrive"]["processed"] == 100


@pytest.mark.usefixtures("main_job")
@pytest.mark.parametrize(
    "faults", [("throttled",), ("partial", "slow")], ids=lambda faults: " and ".join(faults)
)
def test_verdict_holds_where_every_request_may_be_refused_for_a_moment(
    wire: Wire, faults: tuple[Fault, ...]
) -> None:
    with wire.proxy.injecting(fault_proxy.Plan(faults=faults, rate=0.2, seed=1)):
        assert_held(run_command(*MAIN_JOB))
    for operation in (*DATA_PATH, "PutRolePolicy", "GetTopicAttributes"):
        assert wire.proxy.struck(operation), (operation, wire.proxy.requests)


@pytest.mark.usefixtures("main_job")
def test_verdict_holds_where_answers_get_lost(wire: Wire) -> None:
    lost: tuple[Fault, ...] = ("failed", "page", "reset before", "reset after", "cut")
    # What the engine creates, and the invocation, are asked for once: the next two tests.
    everything_else = frozenset(
        {
            *("ReceiveMessage", "SendMessageBatch", "DeleteMessageBatch", "GetQueueAttributes"),
            *("ChangeMessageVisibilityBatch", "FilterLogEvents", "DescribeAlarms", "Subscribe"),
            *("DescribeAlarmHistory", "DescribeAlarmsForMetric", "Unsubscribe", "DeleteQueue"),
        }
    )
    plan = fault_proxy.Plan(
        faults=lost, rate=0.2, seed=1, operations=everything_else, spares_provider=True
    )
    with wire.proxy.injecting(plan):
        assert_held(run_command(*MAIN_JOB))
    for operation in DATA_PATH:
        assert wire.proxy.struck(operation), (operation, wire.proxy.requests)


@pytest.mark.usefixtures("main_job")
def test_producer_that_does_not_answer_is_no_verdict_and_nothing_is_left(wire: Wire) -> None:
    plan = fault_proxy.Plan(faults=("reset after",), rate=1, operations=frozenset({"Invoke"}))
    with wire.proxy.injecting(plan):
        ended = run_command(*MAIN_JOB)
    assert (wire.proxy.requests["Invoke"], wire.proxy.struck("Invoke")) == (1, 1)
    assert (ended.code, ended.output) == (2, "")
    assert "gave no answer, and nobody knows whether it ran" in ended.error
    assert "destroy" in ended.error


@pytest.mark.usefixtures("main_job")
@pytest.mark.parametrize(
    ("operation", "refusal"),
    [
        ("CreateLogGroup", "ResourceAlreadyExistsException"),
        ("CreateEventSourceMapping", "ResourceConflictException"),
    ],
)
def test_up_whose_creating_requests_lose_their_answers_ends_with_the_providers_words(
    wire: Wire, operation: str, refusal: str
) -> None:
    plan = fault_proxy.Plan(faults=("reset after",), rate=1, operations=frozenset({operation}))
    with wire.proxy.injecting(plan):
        ended = run_command(*MAIN_JOB)
    assert wire.proxy.struck(operation)
    assert (ended.code, ended.output) == (2, "")
    assert "error: the stack could not be deployed:\n" in ended.error
    assert f"({refusal}) when calling the {operation}" in ended.error
    assert "may be this run's own" in ended.error
