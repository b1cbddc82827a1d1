"""The fixtures for other teams' tests: a program deployed, and what became of each message."""

from pathlib import Path

import pulumi
import pytest

from automation.deadletters.message import MessageFormatError
from automation.errors import AutomationError
from automation.opening import NewAccount
from automation.stacks import DeploymentError
from automation.testing.plugin import DeployProgram
from components import ConsumerArgs, PythonFunctionArgs, ReliableQueue, ReliableQueueArgs

pytestmark = pytest.mark.engine

CONSUMER = Path(__file__).resolve().parents[3] / "examples" / "own_consumer" / "consumer"


def program() -> None:
    function = PythonFunctionArgs(source=CONSUMER, handler="orders.handler")
    args = ReliableQueueArgs(consumer=ConsumerArgs(function=function), max_receive_count=2)
    queue = ReliableQueue("orders", args)
    pulumi.export("url", queue.queue_url)


def test_each_message_is_followed_to_its_end(deploy_program: DeployProgram) -> None:
    queue = deploy_program(program, retry_seconds=3)
    assert queue.outputs == {"url": queue.queue_url}
    good = [queue.send({"order": number}, attributes={"shop": "a"}) for number in range(5)]
    bad = queue.send("no order", attributes={"shop": "b"})
    (letter,) = queue.dead_letters()
    assert (letter.id, letter.body, letter.attributes) == (bad, "no order", {"shop": "b"})
    assert letter.receive_count > 2
    assert queue.processed() == set(good)

    # The cause is still there: it comes back, under the id that it was sent with.
    assert queue.redrive(where="attributes.shop == 'a'") == 0
    assert queue.redrive() == 1
    (again,) = queue.dead_letters()
    assert (again.id, again.attributes["redrive_count"]) == (bad, 1)
    assert queue.processed() == set(good)

    with pytest.raises(MessageFormatError, match="'body' that is not null"):
        queue.send(None)
    with pytest.raises(MessageFormatError, match="attribute 'shop'"):
        queue.send("x", attributes={"shop": ""})


@pytest.mark.slow
def test_program_without_a_queue_is_told_and_destroyed(deploy_program: DeployProgram) -> None:
    with pytest.raises(AutomationError, match=r"makes no ReliableQueue"):
        deploy_program(lambda: pulumi.export("nothing", 1))


@pytest.mark.slow
def test_program_that_is_refused_is_told_in_the_component_s_words(
    deploy_program: DeployProgram,
) -> None:
    def refused() -> None:
        ReliableQueue("orders", ReliableQueueArgs(consumer=None, max_receive_count=0))

    with pytest.raises(DeploymentError, match="max_receive_count = 0"):
        deploy_program(refused)


def test_accounts_see_nothing_of_each_other(
    embedded_aws_accounts: NewAccount, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    with (
        embedded_aws_accounts(tmp_path / "one") as one,
        embedded_aws_accounts(tmp_path / "two") as two,
    ):
        one.clients.sqs.create_queue(QueueName="q")
        assert not two.clients.sqs.list_queues().get("QueueUrls")
        assert len(one.clients.sqs.list_queues()["QueueUrls"]) == 1
