"""The world's SQS keeps AWS's rules; each with its source in docs/fidelity.md."""

from collections import Counter
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.unkind.behaviour import UNKIND, Behaviour
from tests.unkind.queue import Queue
from tests.unkind.world import World


def filled(world: World, count: int, name: str = "dlq", **system: str) -> Queue:
    queue = world.add_queue(name)
    world.put(queue, [world.letter(f"body {number}", **system) for number in range(count)])
    return queue


def receive(world: World, queue: Queue, **request: Any) -> list[dict[str, Any]]:
    asked = {"MaxNumberOfMessages": 10, "VisibilityTimeout": 60, **request}
    return world.sqs.receive_message(QueueUrl=queue.url, **asked).get("Messages", [])


def bodies(messages: list[dict[str, Any]]) -> list[str]:
    return [message["Body"] for message in messages]


def delete(world: World, queue: Queue, *receipts: str) -> dict[str, Any]:
    return world.sqs.delete_message_batch(
        QueueUrl=queue.url,
        Entries=[{"Id": str(n), "ReceiptHandle": receipt} for n, receipt in enumerate(receipts)],
    )


def send(world: World, queue: Queue, *bodies: str, **more: Any) -> dict[str, Any]:
    return world.sender.send_message_batch(
        QueueUrl=queue.url,
        Entries=[{"Id": str(n), "MessageBody": body, **more} for n, body in enumerate(bodies)],
    )


def refusal(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    response = error.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_received_message_is_hidden_until_its_time_is_over() -> None:
    world = World()
    queue = filled(world, 1)
    assert len(receive(world, queue, VisibilityTimeout=60)) == 1
    world.pause(58)
    assert receive(world, queue) == []
    world.pause(2)
    assert [m["Attributes"]["ApproximateReceiveCount"] for m in receive(world, queue)] == ["5"]


def test_visibility_can_be_changed_to_nothing() -> None:
    world = World()
    queue = filled(world, 1)
    (message,) = receive(world, queue)
    answer = world.sqs.change_message_visibility_batch(
        QueueUrl=queue.url,
        Entries=[
            {"Id": "a", "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0},
            {"Id": "b", "ReceiptHandle": "garbage", "VisibilityTimeout": 0},
        ],
    )
    assert [entry["Id"] for entry in answer["Successful"]] == ["a"]
    assert [entry["Code"] for entry in answer["Failed"]] == ["ReceiptHandleIsInvalid"]
    assert len(receive(world, queue)) == 1


def test_order_is_not_kept_and_nothing_is_left_out() -> None:
    world = World(Behaviour(servers=8), seed=1)
    queue = filled(world, 100)
    found = [body for _ in range(10) for body in bodies(receive(world, queue))]
    assert sorted(found) == sorted(f"body {n}" for n in range(100))
    assert found != [f"body {n}" for n in range(100)]


def test_short_poll_misses_what_lies_on_other_servers() -> None:
    world = World(Behaviour(servers=8, sampled_servers=0.25), seed=1)
    queue = filled(world, 2)
    looks = [len(receive(world, queue, VisibilityTimeout=0)) for _ in range(50)]
    assert {0, 1} <= set(looks)


def test_long_poll_asks_all_servers() -> None:
    world = World(Behaviour(servers=8, sampled_servers=0.25, empty_receives=0.5), seed=1)
    queue = filled(world, 1)
    for _ in range(20):
        assert len(receive(world, queue, VisibilityTimeout=0, WaitTimeSeconds=1)) == 1


def test_long_poll_waits_for_a_message() -> None:
    world = World()
    queue = world.add_queue("dlq")
    letter = world.letter("late")
    world.time.at(world.time.now + 5, lambda: world.put(queue, [letter]))
    began = world.time.now
    assert bodies(receive(world, queue, WaitTimeSeconds=20)) == ["late"]
    assert 5 <= world.time.now - began < 7
    began = world.time.now
    assert receive(world, queue, WaitTimeSeconds=20) == []
    assert world.time.now - began >= 20


def test_receives_are_short_and_sometimes_empty() -> None:
    world = World(Behaviour(short_receives=0.5, empty_receives=0.2), seed=2)
    queue = filled(world, 1000)
    sizes = Counter(len(receive(world, queue)) for _ in range(100))
    assert sizes[0]
    assert sizes[10]
    assert len(sizes) > 5


def test_message_is_delivered_twice() -> None:
    world = World(Behaviour(delivers_twice=0.5), seed=2)
    queue = filled(world, 20)
    found = Counter(body for _ in range(10) for body in bodies(receive(world, queue)))
    assert len(found) == 20
    assert max(found.values()) > 1


def test_deleted_message_comes_once_more() -> None:
    world = World(Behaviour(keeps_deleted=1.0))
    queue = filled(world, 1)
    (message,) = receive(world, queue)
    delete(world, queue, message["ReceiptHandle"])
    assert [m["MessageId"] for m in receive(world, queue)] == [message["MessageId"]]
    assert receive(world, queue) == []


def test_counts_lag_and_err_until_the_queue_is_at_rest() -> None:
    world = World(Behaviour(count_lag_seconds=60, count_error=0.2), seed=1)
    queue = filled(world, 0)
    for number in range(100):
        world.put(queue, [world.letter(f"body {number}")])
        world.pause(1)

    def visible() -> int:
        answer = world.sqs.get_queue_attributes(
            QueueUrl=queue.url, AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    looks = {visible() for _ in range(20)}
    assert min(looks) < 90
    world.pause(60)
    assert visible() == 100


def test_standard_receipt_of_before_works_as_long_as_nobody_received_it_again() -> None:
    world = World()
    queue = filled(world, 1)
    (message,) = receive(world, queue, VisibilityTimeout=1)
    world.pause(5)
    assert delete(world, queue, message["ReceiptHandle"])["Failed"] == []
    assert queue.messages() == []


@pytest.mark.parametrize(
    ("outcome", "left", "codes"),
    [("deletes", 0, []), ("ignored", 1, []), ("expired", 1, ["InvalidParameterValue"])],
)
def test_older_receipt_of_a_standard_queue(outcome: Any, left: int, codes: list[str]) -> None:
    world = World(Behaviour(old_receipts=(outcome,)))
    queue = filled(world, 1)
    (old,) = receive(world, queue, VisibilityTimeout=0)
    receive(world, queue)
    failed = delete(world, queue, old["ReceiptHandle"])["Failed"]
    assert [entry["Code"] for entry in failed] == codes
    assert len(queue.messages()) == left


def test_fifo_receipt_runs_out() -> None:
    world = World()
    queue = filled(world, 1, "dlq.fifo", MessageGroupId="a")
    (message,) = receive(world, queue, VisibilityTimeout=1)
    world.pause(5)
    (failed,) = delete(world, queue, message["ReceiptHandle"])["Failed"]
    assert (failed["Code"], failed["SenderFault"]) == ("InvalidParameterValue", True)
    assert "The receipt handle has expired" in failed["Message"]


@pytest.mark.parametrize("name", ["dlq", "dlq.fifo"])
def test_quota_in_flight_is_silent_but_for_short_polls_of_a_standard_queue(name: str) -> None:
    world = World(Behaviour(in_flight_quota=15))
    queue = world.add_queue(name)
    world.put(queue, [world.letter(f"{n}", MessageGroupId=f"g{n}") for n in range(30)])
    assert [len(receive(world, queue)) for _ in range(2)] == [10, 5]
    assert receive(world, queue, WaitTimeSeconds=1) == []
    if queue.is_fifo:
        assert receive(world, queue) == []
        return
    with pytest.raises(ClientError) as error:
        receive(world, queue)
    assert refusal(error) == ("OverLimit", 403)


def test_fifo_group_in_flight_holds_back_the_rest_of_it() -> None:
    world = World()
    queue = world.add_queue("dlq.fifo")
    letters = [
        world.letter(f"{group}{n}", MessageGroupId=group) for n in range(12) for group in "ab"
    ]
    world.put(queue, letters)
    first, second = receive(world, queue), receive(world, queue)
    assert bodies(first) == [f"a{n}" for n in range(10)]
    assert bodies(second) == [f"b{n}" for n in range(10)]
    assert receive(world, queue) == []
    delete(world, queue, *[message["ReceiptHandle"] for message in first])
    assert bodies(receive(world, queue)) == ["a10", "a11"]
    world.pause(61)
    assert bodies(receive(world, queue)) == [f"b{n}" for n in range(10)]


def test_fifo_takes_a_deduplication_id_once_in_five_minutes() -> None:
    world = World()
    queue = world.add_queue("q.fifo")
    more = {"MessageGroupId": "a", "MessageDeduplicationId": "d"}
    ids = [send(world, queue, "x", **more)["Successful"][0]["MessageId"] for _ in range(2)]
    assert ids[0] == ids[1]
    world.pause(300)
    send(world, queue, "x", **more)
    assert len(queue.messages()) == 2


@pytest.mark.parametrize(
    ("name", "more", "code"),
    [
        ("q.fifo", {"MessageDeduplicationId": "d"}, "MissingParameter"),
        ("q.fifo", {"MessageGroupId": "g"}, "InvalidParameterValue"),
        ("q", {"MessageDeduplicationId": "d"}, "InvalidParameterValue"),
        ("q", {"MessageGroupId": "with space"}, "InvalidParameterValue"),
    ],
)
def test_group_and_deduplication_ids_are_checked(
    name: str, more: dict[str, str], code: str
) -> None:
    world = World()
    with pytest.raises(ClientError, match=code):
        send(world, world.add_queue(name), "x", **more)


def test_standard_queue_takes_a_group() -> None:
    world = World()
    queue = world.add_queue("q")
    send(world, queue, "x", MessageGroupId="tenant")
    assert receive(world, queue)[0]["Attributes"]["MessageGroupId"] == "tenant"


def test_deleted_queues_name_is_reserved_for_a_minute() -> None:
    world = World()
    queue = world.add_queue("aside")
    world.sqs.delete_queue(QueueUrl=queue.url)
    with pytest.raises(ClientError) as error:
        world.sqs.create_queue(QueueName="aside")
    assert refusal(error) == ("AWS.SimpleQueueService.QueueDeletedRecently", 400)
    with pytest.raises(ClientError, match="NonExistentQueue"):
        receive(world, queue)
    world.pause(60)
    assert world.sqs.create_queue(QueueName="aside")["QueueUrl"] == queue.url


def test_purge_takes_up_to_a_minute_and_comes_once_in_one() -> None:
    world = World(Behaviour(purge_seconds=60))
    queue = filled(world, 3)
    world.sqs.purge_queue(QueueUrl=queue.url)
    assert len(receive(world, queue, MaxNumberOfMessages=1)) == 1
    with pytest.raises(ClientError) as error:
        world.sqs.purge_queue(QueueUrl=queue.url)
    assert refusal(error) == ("AWS.SimpleQueueService.PurgeQueueInProgress", 403)
    world.put(queue, [world.letter("sent meanwhile")])
    world.pause(61)
    assert queue.messages() == []
    assert len(world.ledger.purged) == 4
    world.sqs.purge_queue(QueueUrl=queue.url)


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([], "EmptyBatchRequest"),
        ([{"Id": str(n), "MessageBody": "x"} for n in range(11)], "TooManyEntries"),
        ([{"Id": "a", "MessageBody": "x"}] * 2, "BatchEntryIdsNotDistinct"),
        ([{"Id": "a b", "MessageBody": "x"}], "InvalidBatchEntryId"),
        ([{"Id": str(n), "MessageBody": "x" * 600_000} for n in range(2)], "BatchRequestTooLong"),
        ([{"Id": "a", "MessageBody": "x"}, {"Id": "b", "MessageBody": "\x00"}], "InvalidMessage"),
    ],
)
def test_batch_is_refused_whole(entries: list[dict[str, Any]], code: str) -> None:
    world = World()
    queue = world.add_queue("q")
    with pytest.raises(ClientError, match=code):
        world.sender.send_message_batch(QueueUrl=queue.url, Entries=entries)
    assert queue.messages() == []


@pytest.mark.parametrize("is_whole", [False, True])
def test_entry_above_the_queues_own_limit_fails_alone_or_with_all(is_whole: bool) -> None:
    world = World(Behaviour(refuses_whole_requests=is_whole))
    queue = world.add_queue("q", MaximumMessageSize="1024")
    if is_whole:
        with pytest.raises(ClientError, match="InvalidParameterValue"):
            send(world, queue, "x" * 1024, "x" * 1025)
        return
    answer = send(world, queue, "x" * 1024, "x" * 1025)
    assert [entry["Id"] for entry in answer["Successful"]] == ["0"]
    assert [(e["Id"], e["SenderFault"]) for e in answer["Failed"]] == [("1", True)]


def test_message_expires() -> None:
    world = World()
    queue = world.add_queue("q", MessageRetentionPeriod="60")
    world.put(queue, [world.letter("x", age_seconds=30)])
    world.pause(29)
    assert len(receive(world, queue, VisibilityTimeout=0)) == 1
    world.pause(2)
    assert receive(world, queue) == []
    assert (len(world.ledger.expired), world.ledger.lost()) == (1, [])


@pytest.mark.parametrize(("suffix", "keeps_time"), [("", True), (".fifo", False)])
def test_message_received_too_often_is_dead_lettered(suffix: str, keeps_time: bool) -> None:
    world = World()
    dlq = world.add_queue(f"dlq{suffix}")
    queue = world.add_queue(f"q{suffix}", dead_letters=dlq, receives=2)
    world.put(queue, [world.letter("x", receives=0, MessageGroupId="g")])
    sent = queue.messages()[0]
    for _ in range(2):
        assert len(receive(world, queue, VisibilityTimeout=1)) == 1
        world.pause(2)
    assert receive(world, queue) == []
    (letter,) = receive(world, dlq)
    assert letter["MessageId"] == sent.message_id
    assert letter["Attributes"]["DeadLetterQueueSourceArn"] == queue.arn
    is_kept = letter["Attributes"]["SentTimestamp"] == sent.system["SentTimestamp"]
    assert is_kept == keeps_time


def test_fifo_dead_letter_has_its_own_id_as_deduplication_id() -> None:
    world = World()
    dlq = world.add_queue("dlq.fifo")
    queue = world.add_queue("q.fifo", dead_letters=dlq, receives=1)
    send(world, queue, "x", MessageGroupId="a", MessageDeduplicationId="d")
    receive(world, queue, VisibilityTimeout=0)
    receive(world, queue)
    (letter,) = receive(world, dlq)
    assert letter["Attributes"]["MessageDeduplicationId"] == letter["MessageId"]


def test_unkind_world_loses_nothing_by_itself() -> None:
    world = World(UNKIND, seed=3)
    queue = filled(world, 500)
    found: set[str] = set()
    for _ in range(300):
        found.update(bodies(receive(world, queue, VisibilityTimeout=600)))
    assert len(found) == 500
    world.ledger.assert_law()


def test_deep_queue_costs_no_more_for_each_receive() -> None:
    """A count of what is touched, not of time: no receive walks through the queue."""
    world = World()
    queue = filled(world, 20_000)
    moved = 0
    while messages := receive(world, queue, VisibilityTimeout=3600):
        moved += len(messages)
    assert (moved, queue.in_flight) == (20_000, 20_000)
