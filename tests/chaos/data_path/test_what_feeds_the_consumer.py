"""What feeds the consumer changes while messages flow, or a message fails or comes twice."""

import contextlib
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from automation.waiting import wait_until
from tests.chaos.data_path.deployed import Setting, Stage, lines
from tests.chaos.data_path.witness import Witness

pytestmark = [pytest.mark.chaos, pytest.mark.engine]

SETTINGS = {
    "steady": Setting(receives=2, timeout=30, visibility=60, at_once=4, works=0.2),
    "impatient": Setting(receives=2, timeout=4, visibility=4, at_once=4, works=0),
}


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

    def hold() -> tuple[bool, None]:
        with contextlib.suppress(functions.exceptions.TooManyRequestsException):
            payload = json.dumps({"holds_seconds": 3}).encode()
            functions.invoke(FunctionName=name, Payload=payload)
            return True, None
        return False, None

    def occupy(witness: Witness) -> None:
        witness.wait_for("some messages have come", lambda seen: len(seen.deliveries()) >= 20)
        with ThreadPoolExecutor(4) as operators:
            for _ in range(4):
                operators.submit(wait_until, "a place was had", hold, timeout_seconds=60)

    proof = stage.prove("steady", lines(400), occupy)
    assert len(proof.witness.notes("held")) == 4
    assert stage.throttles(name) > 0
    assert {one.receives for one in proof.witness.deliveries() if not one.failed} == {1}
    proof.assert_law()
    assert proof.report.verdict == "held"


def test_function_that_is_throttled_for_longer_than_messages_wait_dead_letters_them_unseen(
    stage: Stage,
) -> None:
    functions, name = stage.target.clients.functions, stage.function_name("impatient")

    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    proof = stage.prove("impatient", lines(20))
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=4)
    assert proof.witness.deliveries() == []
    assert proof.count("dead-lettered") == 20
    assert "expected processed, are dead-lettered" in str(proof.report.reason)
