"""The main job, whole: it holds for our consumer and breaks for consumers that lose messages."""

from collections.abc import Callable

import pytest

from .conftest import Run

pytestmark = pytest.mark.engine

# Enough messages for every batch to hold good and bad ones; sent as fast as the producer can.
QUICK = ("--json", "--messages", "60", "--rate", "unlimited", "--seed", "1")
KEYS = {
    "verdict", "target", "stack", "run_id", "run_ids", "sent", "bad", "processed", "dead_lettered",
    "dlq_count", "misrouted", "lost", "duplicates", "processed_and_dead", "bad_processed",
    "strangers", "dlq_read_whole", "alarm", "alarm_notified", "timings_s", "destroyed",
}  # fmt: skip
STEPS = ["ready", "up", "produce", "settle", "account", "alarm"]


def test_every_bad_message_and_no_other_is_a_dead_letter_until_all_are_redriven(
    run_e2e: Callable[..., Run],
) -> None:
    # Policies are enforced, so the roles have what all of it needs. The embedded AWS speaks plain
    # HTTP, which the queues' own policy would refuse.
    run = run_e2e(*QUICK, "--producers", "2", "--enforce", "-c", "requiresTls=false", "--redrive")
    assert run.code == 0, run.error
    report = run.report
    run_ids = list(report["run_ids"])  # type: ignore[call-overload]
    assert (len(set(run_ids)), run_ids[0]) == (2, report["run_id"])
    assert report.keys() == KEYS | {"redrive"}
    assert report["verdict"] == "held"
    assert report["sent"] == 60
    assert 0 < int(str(report["bad"])) < 60
    assert report["dead_lettered"] == report["dlq_count"] == report["bad"]
    assert report["processed"] == 60 - int(str(report["bad"]))
    assert (report["misrouted"], report["lost"]) == (0, 0)
    assert (report["alarm"], report["destroyed"]) == ("ALARM", True)
    timings = dict(report["timings_s"])  # type: ignore[call-overload]
    assert list(timings) == [*STEPS, "redrive", "destroy", "total"]
    assert report["redrive"] == {
        "redriven": report["bad"],
        "processed": 60,
        "dead_lettered": 0,
        "dlq_read_whole": True,
        "alarm": "OK",
    }


@pytest.mark.slow
def test_person_gets_a_table_and_without_bad_messages_the_alarm_stays_ok(
    run_e2e: Callable[..., Run],
) -> None:
    run = run_e2e("--messages", "5", "--bad-ratio", "0", "--rate", "unlimited")
    assert run.code == 0, run.error
    assert "held: every message accounted for, everything destroyed" in run.output
    rows = {words[0]: words[1] for line in run.output.splitlines() if (words := line.split())}
    assert (rows["dead-lettered"], rows["alarm"]) == ("0", "OK")
    steps = [line.split()[0] for line in run.error.splitlines() if line.endswith(" s")]
    assert steps == [*STEPS, "destroy"]


@pytest.mark.slow
def test_with_bad_messages_only_all_are_dead_lettered(run_e2e: Callable[..., Run]) -> None:
    report = run_e2e("--json", "--messages", "20", "--rate", "unlimited", "--bad-ratio", "1").report
    assert report.keys() == KEYS
    timings = dict(report["timings_s"])  # type: ignore[call-overload]
    assert list(timings) == [*STEPS, "destroy", "total"]
    assert (report["verdict"], report["dead_lettered"], report["processed"]) == ("held", 20, 0)


@pytest.mark.slow
def test_fifo_queue_keeps_the_order_of_good_messages_and_dead_letters_the_bad(
    run_e2e: Callable[..., Run],
) -> None:
    run = run_e2e(*QUICK, "--producers", "2", "-c", "fifo=true", "--redrive")
    assert run.code == 0, run.error
    report = run.report
    assert report["verdict"] == "held"
    assert report["dead_lettered"] == report["bad"]
    assert report["reordered"] == 0
    assert report["redrive"] == {
        "redriven": report["bad"],
        "processed": report["sent"],
        "dead_lettered": 0,
        "dlq_read_whole": True,
        "alarm": "OK",
    }


# Short timeouts, because these consumers leave failed messages hidden for the whole of it.
IMPATIENT = ("-c", "functionTimeoutSeconds=1", "-c", "visibilityTimeoutSeconds=2")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("consumer", "wrong", "reason"),
    [
        ("raises_for_the_batch", "misrouted", "good messages (with store_id) are in the dead"),
        ("claims_bad_messages", None, "0 messages are in the dead-letter queue, the producer sent"),
        ("drops_good_messages", "lost", "messages are lost: neither processed nor in the dead"),
    ],
)
def test_consumer_that_treats_messages_wrongly_breaks_the_verdict(
    run_e2e: Callable[..., Run], consumer: str, wrong: str | None, reason: str
) -> None:
    run = run_e2e(*QUICK, *IMPATIENT, "-c", f"consumerPath=tests/e2e/consumers/{consumer}")
    assert run.code == 1, run.error
    report = run.report
    assert report["verdict"] == "broken"
    assert reason in str(report["reason"])
    assert report["destroyed"] is True
    if wrong:
        assert int(str(report[wrong])) > 0
    # Only one of them is the mistake that we know the remedy for.
    assert ("advice" in report) == (wrong == "misrouted")


@pytest.mark.slow
def test_wrong_setting_is_refused_by_its_name(run_e2e: Callable[..., Run]) -> None:
    # What else is refused, and in which words: tests/components/test_program.py.
    run = run_e2e("--json", "-c", "maxRecieveCount=3")
    assert (run.code, run.output) == (2, "")
    assert "unknown configuration: reliable-queue:maxRecieveCount" in run.error
    assert "Traceback" not in run.error
