"""A ReliableQueue is found in the state of any program; what stands in its way is told."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pulumi.automation import CommandError

from automation.errors import AutomationError
from automation.operations import stack_queues
from automation.operations.stack_queues import stack_wiring
from automation.operations.wiring import Consumer, Queue, Wiring
from automation.target import Target

REGION, ACCOUNT = "eu-west-1", "123456789012"
COMPONENT = "reliable-queue:index:ReliableQueue"
HERE = "organization/shop/dev"


def queue(name: str, region: str = REGION) -> Queue:
    return Queue(
        url=f"https://sqs.{region}.amazonaws.com/{ACCOUNT}/{name}",
        arn=f"arn:aws:sqs:{region}:{ACCOUNT}:{name}",
        name=name,
    )


def component(name: str, *, region: str = REGION, **others: object) -> dict[str, object]:
    """A component in a stack's state."""
    parts = {"queue": queue(name, region), "dlq": queue(f"{name}-dlq", region)}
    outputs = {
        f"{prefix}_{part}": getattr(of, part)
        for prefix, of in parts.items()
        for part in ("url", "arn", "name")
    }
    consumer = {
        "consumer_function_name": f"{name}-function",
        "consumer_log_group_name": f"{name}-logs",
        "alarm_names": ["depth"],
        "operator_policy_arn": "arn:policy",
    }
    return {
        "urn": f"urn:pulumi:dev::shop::{COMPONENT}::{name}",
        "type": COMPONENT,
        "outputs": outputs | consumer | others,
    }


class Engine:
    """Answers what a stack's state is, and which stacks there are."""

    def __init__(self, states: dict[str, list[dict[str, object]]]) -> None:
        self.states = states

    def run(self, arguments: list[str], _folder: str, _environment: object) -> SimpleNamespace:
        if arguments[:2] == ["stack", "ls"]:
            return SimpleNamespace(stdout=json.dumps([{"name": name} for name in self.states]))
        assert arguments[:3] == ["stack", "export", "--stack"]
        state = {"version": 3, "deployment": {"resources": self.states[arguments[3]]}}
        return SimpleNamespace(stdout=json.dumps(state))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder, in which the command runs."""
    (tmp_path / "Pulumi.yaml").write_text("name: here\nruntime: yaml\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def find(
    states: dict[str, list[dict[str, object]]],
    *,
    stack: str = "dev",
    project: str | None = None,
    name: str | None = None,
) -> Wiring:
    target: Any = SimpleNamespace(
        name="aws", engine=Engine(states), environment={}, region=REGION, account_id=ACCOUNT
    )
    return stack_wiring(
        cast("Target", target), stack, project=project, component=name, log_groups=()
    )


def test_everything_comes_from_the_state() -> None:
    assert find({HERE: [{"urn": "u", "type": "other"}, component("orders")]}) == Wiring(
        selected="stack dev",
        queue=queue("orders"),
        dlq=queue("orders-dlq"),
        sources=(queue("orders"),),
        consumers=(Consumer(function_name="orders-function", log_group="orders-logs"),),
        alarm_names=("depth",),
        operator_policy_arn="arn:policy",
    )


def test_program_in_another_language_spells_the_outputs_otherwise() -> None:
    snake = component("orders")
    outputs = cast("dict[str, object]", snake["outputs"])
    camel = {stack_queues.output_name(name): value for name, value in outputs.items()}
    assert find({HERE: [snake | {"outputs": camel}]}) == find({HERE: [snake]})


def test_consumers_of_a_queue_without_one_are_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    found = (Consumer(function_name="theirs", log_group=None),)
    monkeypatch.setattr(stack_queues, "consumers_of", lambda *_, **__: (found, ("a note",)))
    wiring = find({HERE: [component("orders", consumer_function_name=None)]})
    assert (wiring.consumers, wiring.notes) == (found, ("a note",))


def test_one_of_two_is_chosen_by_its_name() -> None:
    states = {HERE: [component("orders"), component("invoices")]}
    assert find(states, name="invoices").require_queue() == queue("invoices")
    with pytest.raises(AutomationError, match=r"2 queues: .*--queue with one of invoices, orders"):
        find(states)
    with pytest.raises(AutomationError, match="has no queue 'order'; it has invoices, orders"):
        find(states, name="order")


def test_component_that_is_being_replaced_counts_once() -> None:
    old = component("orders") | {"delete": True}
    assert find({HERE: [old, component("orders")]}).require_queue() == queue("orders")


def test_stack_of_one_of_two_projects() -> None:
    states = {HERE: [component("orders")], "organization/other/dev": [component("mails")]}
    with pytest.raises(AutomationError, match=r"2 projects .*--project with one of shop, other"):
        find(states)
    assert find(states, project="other").require_queue() == queue("mails")
    whole = find(states, stack="organization/other/dev")
    assert whole.require_queue() == queue("mails")


def test_stacks_of_the_folder_s_own_project_come_by_their_bare_names() -> None:
    states = {"dev": [component("orders")], "organization/other/dev": []}
    assert find(states, project="here").require_queue() == queue("orders")


def test_unknown_stack_is_told_beside_those_there_are() -> None:
    said = r"no stack 'prod' of project 'shop' .*stacks here: dev of project shop.*--queue"
    with pytest.raises(AutomationError, match=said):
        find({HERE: []}, stack="prod", project="shop")


@pytest.mark.parametrize("resources", [[], [{"urn": "u", "type": "aws:sqs/queue:Queue"}]])
def test_stack_without_the_component(resources: list[dict[str, object]]) -> None:
    said = r"stack dev of project shop has no ReliableQueue: .*pulumi up --stack dev.*--queue"
    with pytest.raises(AutomationError, match=said):
        find({HERE: resources})


def test_component_that_is_not_deployed_whole() -> None:
    with pytest.raises(AutomationError, match="run pulumi up to its end"):
        find({HERE: [component("orders", dlq_url=None)]})


def test_stack_of_another_region() -> None:
    with pytest.raises(AutomationError, match=r"in region us-east-1, .*set AWS_REGION"):
        find({HERE: [component("orders", region="us-east-1")]})


def test_what_the_engine_says_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object) -> None:
        result: Any = SimpleNamespace(code=1, stdout="", stderr="error: not logged in")
        raise CommandError(result)

    monkeypatch.setattr(Engine, "run", run)
    with pytest.raises(AutomationError, match="the stacks can't be listed: not logged in"):
        find({})
