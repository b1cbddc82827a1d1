"""What is told of a stack that is not this program's, and of one that can't be read."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pulumi.automation import OutputValue

from automation import stacks
from automation.errors import AutomationError
from automation.interrupts import Interrupts
from automation.programs import own_program


def test_a_deployed_program_that_lacks_outputs_is_told_by_them() -> None:
    class Deployed:
        name = "e2e-1"

        def deploy(self, _: object) -> object:
            return {"queueUrl": OutputValue("https://sqs/q", secret=False)}

    stack = cast("Any", Deployed())
    outputs = stacks._deploy(stack, [], Interrupts(report=lambda _: None), lambda _: None)
    with pytest.raises(AutomationError, match=r"stack 'e2e-1': .*dlqUrl"):
        stacks.own_outputs(stack, outputs)


def test_our_own_program_alone_is_destroyed_without_its_project(tmp_path: Path) -> None:
    local, aws = (cast("Any", SimpleNamespace(name=name)) for name in ("local", "aws"))
    own = own_program()
    theirs = dataclasses.replace(own, has_known_plugins=False)
    assert stacks._outside_of_projects(local, own, tmp_path) == tmp_path
    assert stacks._outside_of_projects(local, theirs, tmp_path) is None
    assert stacks._outside_of_projects(aws, own, tmp_path) is None
    (tmp_path / "Pulumi.yaml").touch()
    assert stacks._outside_of_projects(local, own, tmp_path) is None


def test_complaints_about_a_resource_that_was_not_made_whole_are_told_without_the_rest() -> None:
    # So the engine ends when a provider says so, and the program is interrupted by it.
    said = """
 +  aws:iam:Policy may-send **creating failed** error: 1 error occurred:
Diagnostics:
  aws:iam:Policy (may-send):
    error: 1 error occurred:
    \t* An error occurred (InternalFailure) when calling the ListPolicyTags operation
  aws:sns:Topic (alarms):
    error: 2 errors occurred:
    \t* one
    \t* another
  pulumi:pulumi:Stack (dev):
    error: update failed
    Traceback (most recent call last):
    KeyboardInterrupt
"""
    assert stacks.diagnostics(said).splitlines() == [  # type: ignore[arg-type]
        "An error occurred (InternalFailure) when calling the ListPolicyTags operation",
        "one",
        "another",
    ]


def test_complaints_of_the_engine_that_come_numbered_are_told_as_well() -> None:
    said = """
 code: 255
 stderr: error: 2 errors occurred:
    \t1) write /home/me/stacks/locks/1.json.tmp: no space left on device
    \t2) Unknown
"""
    assert stacks.diagnostics(said).splitlines() == [  # type: ignore[arg-type]
        "write /home/me/stacks/locks/1.json.tmp: no space left on device",
        "Unknown",
    ]


@pytest.mark.parametrize(
    ("code", "operation"),
    [
        ("ResourceAlreadyExistsException", "CreateLogGroup"),
        ("EntityAlreadyExists", "CreateRole"),
        ("ResourceConflictException", "CreateFunction"),
    ],
)
def test_what_exists_already_may_be_what_the_run_has_made(code: str, operation: str) -> None:
    said = f"error: An error occurred ({code}) when calling the {operation} operation: it exists"
    assert "may be this run's own" in stacks.diagnostics(said)  # type: ignore[arg-type]
    assert "own" not in stacks.diagnostics(said.replace(code, "AccessDenied"))  # type: ignore[arg-type]


def test_state_that_was_cut_off_is_told_with_what_to_look_for() -> None:
    said = "error: failed to load checkpoint: place 1: unexpected end of JSON input"
    told = stacks.diagnostics(said)  # type: ignore[arg-type]
    assert told.startswith("failed to load checkpoint: place 1: unexpected end of JSON input: the ")
    assert "the tag reliable-queue:run" in told
