"""The proof breaks for each way in which a consumer can be wrong, and names the lines."""

import dataclasses
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

import pytest
from pulumi.automation import OutputMap, Stack

from automation.interrupts import Interrupts
from automation.opening import opened_target
from automation.operations.stack_queues import component_wiring, components_of
from automation.operations.wiring import Wiring
from automation.programs import read_program
from automation.progress import Progress
from automation.proof import prove
from automation.proof.deployed import Deployed as ProgramDeployed
from automation.proof.expected import read_lines
from automation.proof.throwaway import Run
from automation.stacks import throwaway_program

pytestmark = pytest.mark.engine

PROGRAM = Path(__file__).parent / "programs" / "wrong_consumers"

Deployed = tuple[Run[None], Mapping[str, Wiring]]


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """One stack with a queue for each; what belongs to them, by component."""
    home = tmp_path_factory.mktemp("home")
    progress = Progress()
    with opened_target("local", home=home, report=progress.say) as target:

        def read(stack: Stack, _: OutputMap) -> dict[str, Wiring]:
            state = cast("Mapping[str, object]", stack.export_stack().deployment)
            return {
                name: component_wiring(target, outputs, selected=name)
                for name, outputs in components_of(state).items()
            }

        with throwaway_program(
            target,
            read_program(PROGRAM),
            read=read,
            name="wrong",
            home=home,
            settings={},
            interrupts=Interrupts(progress.say),
            progress=progress,
        ) as wirings:
            yield Run(target=target, home=home, found=None), wirings


def message(seq: int, *, is_bad: bool) -> str:
    return json.dumps(
        {
            "body": {} if is_bad else {"order": seq, "name": "secret"},
            "attributes": {"run_id": "r", "seq": seq},
            "expect": "dead-lettered" if is_bad else "processed",
        }
    )


MESSAGES = "\n".join(message(seq, is_bad=seq == 2) for seq in range(1, 5))


@pytest.fixture
def proven(deployed: Deployed, request: pytest.FixtureRequest) -> prove.ProveReport:
    run, wirings = deployed
    options = prove.ProveOptions(
        program=read_program(PROGRAM),
        lines=read_lines(io.StringIO(MESSAGES)),
        timeout_seconds=6 if request.param == "loops" else 60,
    )
    home = run.home / request.param
    home.mkdir()
    found = ProgramDeployed(wiring=wirings[request.param], outputs={})
    wired = Run(target=run.target, home=home, found=found)
    report = prove._prove(options, wired, Progress())
    assert report.verdict == "broken"
    assert "secret" not in str(dataclasses.asdict(report))
    return report


def found_in(report: prove.ProveReport) -> list[str]:
    return [one.found for one in report.account.results]


# Both fail a whole batch; which good ones are in that of the bad is for the poller to say.
@pytest.mark.slow
@pytest.mark.parametrize("proven", ["raises", "wrong-ids"], indirect=True)
def test_batch_that_fails_as_a_whole(proven: prove.ProveReport) -> None:
    found = found_in(proven)
    assert found[1] == "dead-lettered"
    assert "dead-lettered" in (found[0], *found[2:])
    assert ": expected processed, " in str(proven.reason)
    assert " dead-lettered" in str(proven.reason)
    is_raised = "raises" in proven.queue
    assert (proven.advice is not None) == is_raised
    # It names its messages before it fails, and what it failed with elsewhere.
    assert ("KeyError" in str(proven.account.results[1].reason)) == is_raised


@pytest.mark.slow
@pytest.mark.parametrize("proven", ["swallows"], indirect=True)
def test_bad_message_that_is_swallowed(proven: prove.ProveReport) -> None:
    assert proven.reason == "line 2: expected dead-lettered, is processed by absence"
    assert proven.alarm is not None
    assert (proven.alarm.state, proven.alarm.went_to_alarm) == ("OK", False)


@pytest.mark.slow
@pytest.mark.parametrize("proven", ["drops"], indirect=True)
def test_good_message_that_is_dropped_by_a_consumer_that_logs(proven: prove.ProveReport) -> None:
    found = found_in(proven)
    assert found[1] == "dead-lettered"
    assert "lost" in (found[0], *found[2:])
    assert ": expected processed, " in str(proven.reason)
    assert " lost: in neither queue" in str(proven.reason)
    # It rings at the second dead letter.
    assert proven.alarm is not None
    assert not proven.alarm.went_to_alarm
    assert "alarm" not in str(proven.reason)


@pytest.mark.slow
@pytest.mark.parametrize("proven", ["loops"], indirect=True)
def test_message_that_never_leaves(proven: prove.ProveReport) -> None:
    assert found_in(proven)[1] in ("queued", "unknown")
    assert "the queue did not settle: gave up after 6 s" in str(proven.reason)
    assert str(proven.reason).startswith("line")
