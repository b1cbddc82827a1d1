"""A stack whose engine was killed is destroyed with what had been begun and is on no list."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from moto import mock_aws
from pulumi.automation import CommandResult

from automation import unfinished
from automation.aws.clients import Clients
from automation.engine.command import EngineKilledError
from automation.errors import AutomationError
from automation.target import Target
from automation.unfinished import begun_in, destroy_stack

QUEUE, ROLE, KEY = "aws:sqs/queue:Queue", "aws:iam/role:Role", "aws:kms/key:Key"


class FakeStack:
    """Keeps a deployment; its engine is killed as often as it is told."""

    def __init__(self, begun: list[dict[str, Any]], *, kills: int = 0) -> None:
        self.deployment: dict[str, Any] = {
            "resources": [{"urn": "urn::there", "type": "pulumi:pulumi:Stack"}],
            "pending_operations": begun,
        }
        self.calls: list[str] = []
        self._kills = kills

    def export_stack(self) -> Any:
        return SimpleNamespace(deployment=self.deployment)

    def import_stack(self, exported: Any) -> None:
        self.deployment = exported.deployment

    def refresh(self) -> None:
        self.calls.append("refresh")

    def destroy(self, forgets: bool) -> None:
        self.calls.append("destroy and forget" if forgets else "destroy")
        if self._kills:
            self._kills -= 1
            raise EngineKilledError(CommandResult(stdout="", stderr="", code=-9))


def creating(kind: str, **inputs: str) -> dict[str, Any]:
    resource = {"urn": f"urn::{kind}::mine", "type": kind, "custom": True, "inputs": inputs}
    return {"type": "creating", "resource": resource}


@pytest.fixture
def target() -> Any:
    with mock_aws():
        session = boto3.Session("123456789012", "any", region_name="eu-west-1")
        yield SimpleNamespace(
            clients=Clients(session=session), region="eu-west-1", account_id="123456789012"
        )


def destroy(stack: FakeStack, target: object, states: Path, **options: Any) -> None:
    destroy_stack(cast("Any", stack), cast("Target", target), states, stack.destroy, **options)


def test_stack_that_nothing_has_happened_to_is_only_destroyed(target: Any, tmp_path: Path) -> None:
    stack = FakeStack([])
    destroy(stack, target, tmp_path)
    assert stack.calls == ["destroy and forget"]


def test_stack_of_which_nothing_was_noted_yet_is_destroyed(target: Any, tmp_path: Path) -> None:
    stack = FakeStack([])
    stack.deployment = {"manifest": {}}
    destroy(stack, target, tmp_path, is_unfinished=True)
    assert stack.calls == ["refresh", "destroy and forget"]


def test_what_was_begun_is_looked_for_and_destroyed_with_the_rest(
    target: Any, tmp_path: Path
) -> None:
    url = target.clients.sqs.create_queue(QueueName="events-1")["QueueUrl"]
    stack = FakeStack(
        [
            creating(QUEUE, name="events-1"),
            creating(QUEUE, name="never-made"),
            creating(ROLE, name="role-1"),
            creating("aws:iam/policy:Policy", name="policy-1"),
            creating("aws:iam/rolePolicy:RolePolicy", name="p", role="role-1"),
            creating("aws:sns/topic:Topic", name="topic-1"),
            creating("aws:sqs/queuePolicy:QueuePolicy", queueUrl=url),
            {"type": "deleting", "resource": {"urn": "urn::there"}},
        ]
    )
    destroy(stack, target, tmp_path, is_unfinished=True)
    assert stack.calls == ["refresh", "destroy and forget"]
    assert [resource.get("id") for resource in stack.deployment["resources"]] == [
        None,
        url,
        "role-1",
        "arn:aws:iam::123456789012:policy/policy-1",
        "role-1:p",
        "arn:aws:sns:eu-west-1:123456789012:topic-1",
    ]
    assert "pending_operations" not in stack.deployment


def test_what_cannot_be_looked_for_is_named_and_the_state_stays(
    target: Any, tmp_path: Path
) -> None:
    stack = FakeStack([creating(KEY, description="mine")])
    with pytest.raises(AutomationError, match=r"aws:kms/key:Key mine\. Look for it in the account"):
        destroy(stack, target, tmp_path, is_unfinished=True)
    assert stack.calls == ["refresh", "destroy"]


def test_engine_that_is_killed_in_the_destruction_is_followed_by_one_other(
    target: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locks = iter([False, True, False, True])
    monkeypatch.setattr(unfinished, "release_killed", lambda _: next(locks))
    stack = FakeStack([], kills=1)
    destroy(stack, target, tmp_path)
    assert stack.calls == ["destroy and forget", "refresh", "destroy and forget"]
    with pytest.raises(EngineKilledError):
        destroy(FakeStack([], kills=2), target, tmp_path)


def test_what_a_provider_had_begun_when_it_died_is_taken_from_what_was_told(
    target: Any, tmp_path: Path
) -> None:
    new = SimpleNamespace(
        urn=f"urn::{ROLE}::mine",
        type=ROLE,
        inputs={"name": "role-1"},
        parent="urn::there",
        provider="urn::aws::id",
    )
    failed = SimpleNamespace(metadata=SimpleNamespace(op="create", new=new))
    begun = begun_in(cast("Any", SimpleNamespace(res_op_failed_event=failed)))
    assert begun is not None
    assert begun_in(cast("Any", SimpleNamespace(res_op_failed_event=None))) is None
    stack = FakeStack([])
    destroy(stack, target, tmp_path, begun=[begun])
    added = stack.deployment["resources"][-1]
    assert (added["id"], added["dependencies"]) == ("role-1", ["urn::there"])
    assert stack.calls == ["refresh", "destroy and forget"]
