"""The main job, whole: it holds for our consumer and breaks for consumers that lose messages."""

from collections.abc import Callable

import pytest

from .conftest import Run

pytestmark = pytest.mark.engine

# Enough messages for every batch to hold good and bad ones; sent as fast as the producer can.
QUICK = ("--json", "--messages", "60", "--rate", "unlimited", "--seed", "1")
KEYS = {
    "verdict", "target", "stack", "run_id", "sent", "bad", "processed", "dead_lettered",
    "dlq_count", "misrouted", "lost", "duplicates", "processed_and_dead", "bad_processed",
    "strangers", "dlq_read_whole", "alarm", "alarm_notified", "timings_s", "destroyed",
}  # fmt: skip
STEPS = ["ready", "up", "produce", "settle", "account", "alarm", "destroy", "total"]


def test_every_bad_message_and_no_other_ends_in_the_dead_letter_queue(
    run_e2e: Callable[..., Run],
) -> None:
    run = run_e2e(*QUICK)
    assert run.code == 0, run.error
    report = run.report
    assert report.keys() == KEYS
    assert report["verdict"] == "held"
    assert report["sent"] == 60
    assert 0 < int(str(report["bad"])) < 60
    assert report["dead_lettered"] == report["dlq_count"] == report["bad"]
    assert report["processed"] == 60 - int(str(report["bad"]))
    assert (report["misrouted"], report["lost"]) == (0, 0)
    assert (report["alarm"], report["destroyed"]) == ("ALARM", True)
    assert list(dict(report["timings_s"])) == STEPS  # type: ignore[call-overload]


def test_person_gets_a_table_and_plain_progress_in_a_pipe(run_e2e: Callable[..., Run]) -> None:
    run = run_e2e("--messages", "5", "--bad-ratio", "0", "--rate", "unlimited")
    assert run.code == 0, run.error
    assert "held: every message accounted for, everything destroyed" in run.output
    assert [line.split()[0] for line in run.error.splitlines() if line.endswith(" s")] == STEPS[:-1]


def test_without_bad_messages_the_alarm_stays_ok(run_e2e: Callable[..., Run]) -> None:
    report = run_e2e("--json", "--messages", "20", "--rate", "unlimited", "--bad-ratio", "0").report
    assert (report["verdict"], report["dead_lettered"], report["alarm"]) == ("held", 0, "OK")


def test_with_bad_messages_only_all_are_dead_lettered(run_e2e: Callable[..., Run]) -> None:
    report = run_e2e("--json", "--messages", "20", "--rate", "unlimited", "--bad-ratio", "1").report
    assert (report["verdict"], report["dead_lettered"], report["processed"]) == ("held", 20, 0)


def test_redrive_ends_with_everything_processed_and_the_alarm_off(
    run_e2e: Callable[..., Run],
) -> None:
    run = run_e2e(*QUICK, "--redrive")
    assert run.code == 0, run.error
    report = run.report
    assert report["verdict"] == "held"
    assert report["alarm"] == "ALARM"
    assert report["redrive"] == {
        "redriven": report["bad"],
        "processed": 60,
        "dead_lettered": 0,
        "alarm": "OK",
    }


def test_fifo_queue_keeps_the_order_of_good_messages_and_dead_letters_the_bad(
    run_e2e: Callable[..., Run],
) -> None:
    run = run_e2e(*QUICK, "-c", "fifo=true")
    assert run.code == 0, run.error
    report = run.report
    assert report["verdict"] == "held"
    assert report["dead_lettered"] == report["bad"]
    assert report["reordered"] == 0


def test_roles_have_what_they_need_when_policies_are_enforced(run_e2e: Callable[..., Run]) -> None:
    # The embedded AWS speaks plain HTTP, which the queues' own policy would refuse.
    run = run_e2e(*QUICK, "--enforce", "-c", "requiresTls=false")
    assert run.code == 0, run.error
    assert run.report["verdict"] == "held"


# Short timeouts, because these consumers leave failed messages hidden for the whole of it.
IMPATIENT = ("-c", "functionTimeoutSeconds=1", "-c", "visibilityTimeoutSeconds=2")


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


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("batchSize=11", "batchSize"),
        ("visibilityTimeoutSeconds=5", "visibility"),
        ("maxReceiveCount=0", "maxReceiveCount"),
        ("maxRecieveCount=3", "maxRecieveCount"),
    ],
)
def test_wrong_setting_is_refused_by_its_name(
    run_e2e: Callable[..., Run], setting: str, said: str
) -> None:
    run = run_e2e("--json", "-c", setting)
    assert (run.code, run.output) == (2, "")
    assert said in run.error
    assert "Traceback" not in run.error
