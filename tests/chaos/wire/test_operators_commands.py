"""The operator's commands while SQS fails: nothing is lost, and what may be double is named."""

import json
from collections import Counter
from pathlib import Path

import pytest

from automation.target import LOCAL_PACE
from tests.chaos.wire.conftest import Wire
from tests.chaos.wire.fault_proxy import FAULTS, LOOPBACK, Fault, Plan
from tests.chaos.wire.operating import HIDDEN_SECONDS, Orders, doubles, new_orders, run

pytestmark = [pytest.mark.chaos, pytest.mark.engine]

LETTERS = 100
RATE = 0.2
HIDING = ("deadletters.move_plan", "deadletters.queue_to_file", "operations.wish")
LOSES_ANSWERS = ("reset after", "cut")
ASKING = ("ListDeadLetterSourceQueues", "GetQueueAttributes", "ReceiveMessage")


@pytest.fixture
def ending() -> str:
    """Of the queues' names."""
    return ""


@pytest.fixture
def orders(wire: Wire, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ending: str) -> Orders:
    monkeypatch.setattr("automation.opening.ENDPOINT_PACE", LOCAL_PACE)
    for module in HIDING:
        monkeypatch.setattr(f"automation.{module}.HIDDEN_SECONDS", HIDDEN_SECONDS)
    monkeypatch.setattr("automation.operations.wish.hiding_seconds", lambda _: HIDDEN_SECONDS)
    monkeypatch.setattr("automation.deadletters.survey.hiding_seconds", lambda _: HIDDEN_SECONDS)
    return new_orders(
        monkeypatch,
        proxied=wire.proxy.endpoint_url,
        direct=f"http://{LOOPBACK}:{wire.proxy.upstream}",
        home=str(tmp_path / "home"),
        ending=ending,
    )


def assert_bites(wire: Wire, fault: Fault, *operations: str) -> None:
    """The fault struck each of the operations that it can strike."""
    assert {of for _, of in wire.proxy.injected} == {fault}
    for operation in operations:
        if fault != "partial" or operation.endswith("Batch"):
            assert wire.proxy.struck(operation), (operation, wire.proxy.requests)


@pytest.mark.parametrize("fault", FAULTS)
def test_redrive_loses_nothing_and_names_what_may_be_double(
    wire: Wire, orders: Orders, fault: Fault
) -> None:
    sent = orders.fail(LETTERS)
    with wire.proxy.injecting(Plan(faults=(fault,), rate=RATE, seed=1)):
        ended = run("dlq", "redrive", "--yes", "--json", "--where", "id != ''")
    assert_bites(wire, fault, *ASKING, "SendMessageBatch", "DeleteMessageBatch")
    hidden = orders.count_hidden()
    moved = orders.bodies(orders.queue_url)
    assert {sent[body] for body in doubles(moved)} <= set(ended.answer["possible_duplicates"])
    assert orders.bodies(orders.dlq_url) == Counter()
    # What was deleted by a request whose answer got lost can be deleted again.
    assert ended.answer["not_deleted"] == []
    if fault in LOSES_ANSWERS:
        # Letters may be hidden that a request had received whose answer got lost: it says so.
        assert sent.keys() >= moved.keys()
        assert len(moved) + hidden >= LETTERS
        assert ended.code == (1 if hidden else 0), ended.error
        assert not hidden or "run the command again when it is visible" in ended.error
        # Else the fault would not be one.
        assert doubles(moved)
        return
    assert (ended.code, ended.answer["left"]) == (0, 0)
    assert moved.keys() == sent.keys()
    if fault in ("throttled", "partial", "slow"):
        assert ended.answer["possible_duplicates"] == []


@pytest.mark.parametrize("fault", FAULTS)
def test_purge_has_each_letter_in_its_file_and_restore_sends_each_again(
    wire: Wire, orders: Orders, fault: Fault, tmp_path: Path
) -> None:
    sent, backup = orders.fail(LETTERS), tmp_path / "backup.jsonl"
    with wire.proxy.injecting(Plan(faults=(fault,), rate=RATE, seed=2)):
        purged = run("dlq", "purge", "--yes", "--json", "--backup", str(backup))
    assert_bites(wire, fault, "ReceiveMessage", "DeleteMessageBatch")
    answer = purged.answer
    assert (answer["backed_up"], answer["left"]) == (LETTERS, 0), purged.error
    assert (purged.code, answer["not_deleted"]) == (0, 0)
    lines = [json.loads(line)["body"] for line in backup.read_text().splitlines()]
    assert Counter(lines) == Counter(sent.keys())
    assert orders.bodies(orders.dlq_url) == Counter()

    with wire.proxy.injecting(Plan(faults=(fault,), rate=RATE, seed=3)):
        restored = run("dlq", "restore", "--yes", "--json", str(backup))
    assert_bites(wire, fault, "SendMessageBatch")
    assert restored.code == 0, restored.error
    back = orders.bodies(orders.dlq_url)
    assert back.keys() == sent.keys()
    assert {sent[body] for body in doubles(back)} <= set(restored.answer["possible_duplicates"])


@pytest.mark.parametrize("fault", FAULTS)
def test_list_shows_every_letter_or_says_that_some_may_be_missing(
    wire: Wire, orders: Orders, fault: Fault
) -> None:
    sent = orders.fail(LETTERS)
    with wire.proxy.injecting(Plan(faults=(fault,), rate=RATE, seed=6)):
        ended = run("dlq", "list", "--json")
    assert_bites(wire, fault, "ReceiveMessage", "ChangeMessageVisibilityBatch")
    assert ended.code == 0, ended.error
    answer = ended.answer
    assert answer["seen"] == LETTERS or not answer["complete"]
    if fault in ("slow", "partial"):
        # No answer got lost, so none is hidden that was not seen: each is there as before.
        assert answer["complete"] is True
        assert orders.count_hidden() == 0
        assert orders.bodies(orders.dlq_url) == Counter(sent.keys())


IN_ORDER = {
    f"group-{group}": [f"order {number}" for number in range(group, LETTERS, 3)]
    for group in range(3)
}


@pytest.mark.parametrize("ending", [".fifo"])
@pytest.mark.parametrize("fault", ["reset after", "partial"])
def test_redrive_of_a_fifo_queue_keeps_each_groups_order_and_doubles_nothing(
    wire: Wire, orders: Orders, fault: Fault
) -> None:
    sent = orders.fail(LETTERS)
    with wire.proxy.injecting(Plan(faults=(fault,), rate=RATE, seed=1)):
        ended = run("dlq", "redrive", "--yes", "--json", "--where", "id != ''", queue="orders.fifo")
    assert_bites(wire, fault, "ReceiveMessage", "SendMessageBatch", "DeleteMessageBatch")
    assert (ended.code, ended.answer["not_deleted"], ended.answer["left"]) == (0, [], 0), ended
    assert orders.bodies(orders.dlq_url) == Counter()
    assert orders.take_in_order(orders.queue_url) == IN_ORDER
    assert len(sent) == LETTERS


@pytest.mark.parametrize("ending", [".fifo"])
@pytest.mark.parametrize("fault", ["reset after", "partial"])
def test_purge_and_restore_of_a_fifo_queue_keep_each_groups_order(
    wire: Wire, orders: Orders, fault: Fault, tmp_path: Path
) -> None:
    sent, backup = orders.fail(LETTERS), tmp_path / "backup.jsonl"
    with wire.proxy.injecting(Plan(faults=(fault,), rate=RATE, seed=2)):
        purged = run(
            "dlq", "purge", "--yes", "--json", "--backup", str(backup), queue="orders.fifo"
        )
    assert_bites(wire, fault, "ReceiveMessage", "DeleteMessageBatch")
    assert (purged.code, purged.answer["backed_up"]) == (0, LETTERS), purged
    lines = [json.loads(line)["body"] for line in backup.read_text().splitlines()]
    assert Counter(lines) == Counter(sent.keys())
    assert orders.bodies(orders.dlq_url) == Counter()
    with wire.proxy.injecting(Plan(faults=(fault,), rate=RATE, seed=3)):
        restored = run("dlq", "restore", "--yes", "--json", str(backup), queue="orders.fifo")
    assert_bites(wire, fault, "SendMessageBatch")
    assert restored.code == 0, restored
    assert orders.take_in_order(orders.dlq_url) == IN_ORDER
