"""Faults of the consumer and of what feeds it, each in a whole run with the exact verdict."""

import contextlib
import json
import time

import pytest

from tests.chaos.data_path.deployed import Setting, Stage, lines
from tests.chaos.data_path.witness import Witness

pytestmark = [pytest.mark.chaos, pytest.mark.engine]

SETTINGS = {
    # Faults strike at a first receive: no message can meet more than the three that there are.
    "patient": Setting(receives=4, timeout=5, visibility=15, at_once=4, works=0),
    "strict": Setting(receives=2, timeout=5, visibility=15, at_once=4, works=0),
    "steady": Setting(receives=2, timeout=30, visibility=60, at_once=4, works=0.2),
}


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
    proof = stage.prove("strict", lines(60, fault=f"always {fault}", every=20))
    proof.assert_law()
    # Those that have it so, and whoever was with them both times.
    assert proof.count("dead-lettered") >= 15 + 3
    assert "expected processed" in str(proof.report.reason)


def test_consumer_that_dies_after_its_work_doubles_what_it_has_done_and_no_more(
    stage: Stage,
) -> None:
    proof = stage.prove("strict", lines(60, fault="dies late", every=20))
    assert proof.witness.doubled() > 0
    proof.assert_law()


def test_batch_that_fails_as_a_whole_takes_receives_from_all_of_it(stage: Stage) -> None:
    proof = stage.prove("strict", lines(60, fault="always raises", every=20))
    assert proof.count("dead-lettered") >= 15 + 3
    proof.assert_law()


def test_messages_that_fail_at_random_are_dead_lettered_when_both_tries_failed(
    stage: Stage,
) -> None:
    proof = stage.prove("steady", lines(200, fault="fails at random", every=2))
    # Of a hundred good ones nine are expected; that it is none has a chance of 1 in 10,000.
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

    proof = stage.prove("steady", lines(1000, fault="slow in the first release", every=10), deploy)
    releases = {one.release for one in proof.witness.deliveries() if one.ended}
    assert releases == {"first", "second"}
    proof.assert_law()
    assert proof.report.verdict == "held"


def test_throttled_function_takes_no_receive_from_what_waits_for_it(stage: Stage) -> None:
    functions, name = stage.target.clients.functions, stage.function_name("steady")

    def occupy(witness: Witness) -> None:
        witness.wait_for("some messages have come", lambda seen: len(seen.deliveries()) >= 20)
        for _ in range(stage.program.settings["steady"].at_once * 2):
            # A place that is not free is asked for in vain.
            with contextlib.suppress(functions.exceptions.TooManyRequestsException):
                functions.invoke(
                    FunctionName=name,
                    InvocationType="Event",
                    Payload=json.dumps({"holds_seconds": 3}).encode(),
                )
        witness.wait_for("places are occupied", lambda seen: len(seen.notes("held")) >= 2)

    proof = stage.prove("steady", lines(400), occupy)
    assert stage.throttles(name) > 0
    assert {one.receives for one in proof.witness.deliveries() if not one.failed} == {1}
    proof.assert_law()
    assert proof.report.verdict == "held"


def test_function_that_is_throttled_for_longer_than_messages_wait_dead_letters_them_unseen(
    stage: Stage,
) -> None:
    functions, name = stage.target.clients.functions, stage.function_name("strict")

    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    proof = stage.prove("strict", lines(20))
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=4)
    assert proof.witness.deliveries() == []
    assert proof.count("dead-lettered") == 20
    assert "expected processed, are dead-lettered" in str(proof.report.reason)
