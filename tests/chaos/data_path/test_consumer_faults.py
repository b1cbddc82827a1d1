"""Faults of the consumer and of what feeds it, each in a whole run with the exact verdict."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from automation.interrupts import Interrupts
from automation.opening import opened_target
from automation.programs import inline_program
from automation.progress import Progress
from automation.stacks import throwaway_program
from tests.chaos.data_path.deployed import ROOT, Faulty, Setting, Stage, lines, read_stage
from tests.chaos.data_path.witness import Witness

pytestmark = [pytest.mark.chaos, pytest.mark.engine]

SETTINGS = {
    # Faults strike at a first receive: no message can meet more than the three that there are.
    "patient": Setting(receives=4, timeout=6, visibility=6, at_once=4, works=0),
    "strict": Setting(receives=2, timeout=6, visibility=6, at_once=4, works=0),
    "steady": Setting(receives=2, timeout=10, visibility=60, at_once=4, works=0.2),
}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    home = tmp_path_factory.mktemp("home")
    program = Faulty(folder=tmp_path_factory.mktemp("program"), settings=SETTINGS)
    progress = Progress()
    with (
        opened_target("local", home=home, report=progress.say) as target,
        throwaway_program(
            target,
            inline_program(program.declare, ROOT),
            read=read_stage(target, home, program),
            name="chaos",
            home=home,
            settings={},
            interrupts=Interrupts(progress.say),
            progress=progress,
            # Everything goes with the emulator, and sooner.
            keep=True,
        ) as stage,
    ):
        yield stage


@pytest.mark.parametrize("fault", ["dies", "hangs"])
def test_messages_survive_a_consumer_that_ends_as_long_as_they_have_receives(
    stage: Stage, fault: str
) -> None:
    proof = stage.prove("patient", lines(60, fault=fault, every=20))
    struck = [one for one in proof.witness.deliveries() if not one.worked]
    assert len(struck) >= 3
    proof.assert_law()
    assert proof.report.verdict == "held"


@pytest.mark.parametrize("fault", ["dies", "hangs"])
def test_message_whose_receives_all_met_a_consumer_that_ends_is_named(
    stage: Stage, fault: str
) -> None:
    proof = stage.prove("strict", lines(100, fault=fault, every=6))
    proof.assert_law()
    assert proof.count("dead-lettered") > 25
    assert "expected processed" in str(proof.report.reason)


def test_consumer_that_dies_after_its_work_doubles_what_it_has_done_and_no_more(
    stage: Stage,
) -> None:
    proof = stage.prove("strict", lines(60, fault="dies late", every=20))
    assert proof.witness.doubled() > 0
    proof.assert_law()


def test_batch_that_fails_as_a_whole_takes_receives_from_all_of_it(stage: Stage) -> None:
    proof = stage.prove("strict", lines(100, fault="raises", every=6))
    assert any(not one.worked for one in proof.witness.deliveries())
    proof.assert_law()


def test_messages_that_fail_at_random_are_dead_lettered_when_both_tries_failed(
    stage: Stage,
) -> None:
    proof = stage.prove("strict", lines(200, fault="fails at random", every=2))
    # A tenth of the good ones is expected, none has a chance of one in a million.
    assert proof.count("dead-lettered") > 50
    proof.assert_law()


def test_same_message_twice_at_once_does_no_harm(stage: Stage) -> None:
    proof = stage.prove("steady", lines(60, fault="comes twice", every=20))
    assert proof.witness.doubled() == 3
    proof.assert_law()
    assert proof.report.verdict == "held"


def test_mapping_that_is_switched_off_and_on_loses_no_receive(stage: Stage) -> None:
    functions = stage.target.clients.functions
    name = stage.function_name("steady")
    (mapping,) = functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    waited: list[int] = []

    def switch(witness: Witness) -> None:
        witness.wait_for("some messages have come", lambda seen: len(seen.deliveries()) >= 50)
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        witness.wait_for(
            "what had begun has ended",
            lambda seen: len(seen.notes("began")) == len(seen.notes("ended")),
        )
        waited.append(len(witness.deliveries()))
        time.sleep(1)
        assert len(witness.deliveries()) == waited[0]
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)

    proof = stage.prove("steady", lines(200), switch)
    assert waited[0] < 200
    proof.assert_law()
    assert proof.report.verdict == "held"


def test_consumer_that_is_deployed_while_messages_flow_loses_none(stage: Stage) -> None:
    def deploy(witness: Witness) -> None:
        witness.wait_for("some messages have come", lambda seen: len(seen.deliveries()) >= 20)
        stage.program.release = "second"
        with (stage.program.source / "faulty.py").open("a") as code:
            code.write("\n# Another release.\n")
        stage.stack.up()

    proof = stage.prove("steady", lines(1000), deploy)
    releases = {one.release for one in proof.witness.deliveries() if one.ended}
    assert releases == {"first", "second"}
    proof.assert_law()
    assert proof.report.verdict == "held"
