"""Requests fail in the world as they do on the way to AWS: before SQS has accepted, or after."""

import botocore.exceptions
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.unkind.errors import NETWORK_FAILURES, NEVER_SENT
from tests.unkind.faults import KMS_REFUSALS, Fault, Killed, Steps, passing_faults
from tests.unkind.queue import Queue
from tests.unkind.world import World


def world_with_queue() -> tuple[World, Queue]:
    world = World()
    return world, world.add_queue("q")


def send(world: World, queue: Queue, *, attempts: int = 1) -> None:
    client = world.client(attempts=attempts)
    client.send_message_batch(QueueUrl=queue.url, Entries=[{"Id": "a", "MessageBody": "x"}])


@pytest.mark.parametrize("name", NETWORK_FAILURES)
def test_network_failure_is_botocores_own_exception(name: str) -> None:
    world, queue = world_with_queue()
    world.faults.scripted["SendMessageBatch"].append(Fault(error=name))
    with pytest.raises(getattr(botocore.exceptions, name)):
        send(world, queue)
    assert queue.messages() == []


@pytest.mark.parametrize(
    "name", [*sorted(NETWORK_FAILURES.keys() - {*NEVER_SENT}), "InternalError"]
)
def test_answer_gets_lost_after_sqs_has_accepted(name: str) -> None:
    world, queue = world_with_queue()
    world.faults.scripted["SendMessageBatch"].append(Fault(error=name, after=True))
    with pytest.raises((ClientError, BotoCoreError)):
        send(world, queue)
    assert len(queue.messages()) == 1


@pytest.mark.parametrize("name", NEVER_SENT)
def test_what_was_never_sent_is_not_accepted(name: str) -> None:
    with pytest.raises(ValueError, match="never sent"):
        Fault(error=name, after=True)


@pytest.mark.parametrize("code", [*KMS_REFUSALS, "RequestThrottled", "ThrottlingException"])
def test_refusal_has_awss_code(code: str) -> None:
    world, queue = world_with_queue()
    world.faults.scripted["SendMessageBatch"].append(Fault(error=code))
    with pytest.raises(ClientError) as error:
        send(world, queue)
    assert error.value.response["Error"]["Code"] == code


def test_repeating_client_gets_over_a_fault_and_sends_twice() -> None:
    world, queue = world_with_queue()
    world.faults.scripted["SendMessageBatch"].append(Fault(error="ReadTimeoutError", after=True))
    send(world, queue, attempts=5)
    assert len(queue.messages()) == 2


def test_repeating_client_gives_up() -> None:
    world, queue = world_with_queue()
    world.faults.rate, world.faults.drawn = 1.0, [Fault(error="RequestThrottled")]
    with pytest.raises(ClientError, match="RequestThrottled"):
        send(world, queue, attempts=5)
    assert world.time.now > world.behaviour.call_seconds * 5


def test_entries_fail_alone() -> None:
    world, queue = world_with_queue()
    fault = Fault(failing_entries=frozenset({1}), entry_code="InternalError")
    world.faults.scripted["SendMessageBatch"].append(fault)
    entries = [{"Id": str(n), "MessageBody": "x"} for n in range(3)]
    answer = world.sender.send_message_batch(QueueUrl=queue.url, Entries=entries)
    assert [entry["Id"] for entry in answer["Successful"]] == ["0", "2"]
    assert [entry["Id"] for entry in answer["Failed"]] == ["1"]


def test_credentials_end_midway() -> None:
    world, queue = world_with_queue()
    world.faults.credentials_end_at = world.time.now + 10
    send(world, queue)
    world.pause(10)
    with pytest.raises(ClientError, match="ExpiredToken"):
        send(world, queue, attempts=5)


def test_drawn_faults_meet_some_requests() -> None:
    world, queue = world_with_queue()
    world.faults.rate = 0.3
    failed = 0
    for _ in range(50):
        try:
            send(world, queue)
        except (ClientError, BotoCoreError):
            failed += 1
    assert 0 < failed < 50


def test_every_passing_fault_can_be_raised() -> None:
    assert {type(fault.exception("X")).__name__ for fault in passing_faults()} == {
        "ClientError",
        *NETWORK_FAILURES.keys() - {"NoCredentialsError"},
    }


def test_killed_process_has_no_effect_any_more() -> None:
    world, queue = world_with_queue()
    world.steps = Steps(kill_at=1)
    with pytest.raises(Killed):
        send(world, queue)
    assert len(queue.messages()) == 1
    with pytest.raises(Killed):
        send(world, queue)
    assert len(queue.messages()) == 1
