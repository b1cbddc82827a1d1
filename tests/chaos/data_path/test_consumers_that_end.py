"""The consumer ends in the middle of its work, each time in a whole run with the exact verdict."""

import pytest

from tests.chaos.data_path.deployed import Setting, Stage, lines

pytestmark = [pytest.mark.chaos, pytest.mark.engine]

SETTINGS = {
    # Faults strike at a first receive: no message can meet more than the two that there are.
    "patient": Setting(receives=3, timeout=4, visibility=12, at_once=4, works=0),
    "strict": Setting(receives=2, timeout=4, visibility=12, at_once=4, works=0),
}


@pytest.mark.parametrize("fault", ["dies", "hangs"])
def test_messages_survive_a_consumer_that_ends_as_long_as_they_have_receives(
    stage: Stage, fault: str
) -> None:
    proof = stage.prove("patient", lines(60, fault=fault, every=30))
    struck = [one for one in proof.witness.deliveries() if not one.worked]
    assert len(struck) >= 2
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
