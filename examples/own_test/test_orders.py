"""Tests a consumer of one's own: no AWS, no Docker, no Pulumi account."""

from pathlib import Path

from reliable_queue import ConsumerArgs, PythonFunctionArgs, ReliableQueue, ReliableQueueArgs

CONSUMER = Path(__file__).parents[1] / "own_consumer" / "consumer"


def program():
    function = PythonFunctionArgs(source=CONSUMER, handler="orders.handler")
    args = ReliableQueueArgs(consumer=ConsumerArgs(function=function), max_receive_count=2)
    ReliableQueue("orders", args)


def test_an_order_without_a_number_is_kept(deploy_program):
    queue = deploy_program(program)
    good = [queue.send({"order": number}) for number in range(10)]
    bad = queue.send({"customer": "unknown"})
    (letter,) = queue.dead_letters()
    assert letter.id == bad
    assert queue.processed() == set(good)
