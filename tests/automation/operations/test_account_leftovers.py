"""Of what is in an account, runs have left what carries their tag, and nothing else."""

import fcntl
import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from automation import cli
from automation.aws.clients import Clients
from automation.commands import cleanup
from automation.operations import account_leftovers, leftovers
from automation.operations.account_leftovers import (
    leftover_log_groups,
    leftover_queues,
    remove_from_account,
)
from automation.operations.leftovers import Leftover
from automation.stacks import RUN_MARK, STACK_TAG

GROUP = "events-consumer-logs-0a1b2c3"
WITNESS = "mine-alarm-witness-0a1b2c"
ASIDE = "mine-aside-0a1b2c.fifo"


@pytest.fixture(autouse=True)
def homes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where runs keep what outlives them."""
    monkeypatch.setattr(leftovers, "state_folder", lambda: tmp_path)
    return tmp_path


@pytest.fixture
def hours_later(monkeypatch: pytest.MonkeyPatch) -> None:
    now = account_leftovers.time.time() + 7200
    monkeypatch.setattr(account_leftovers, "time", SimpleNamespace(time=lambda: now))


def make_group(clients: Clients, name: str, stack: str | None = "mine") -> None:
    clients.logs.create_log_group(logGroupName=name, tags={STACK_TAG: stack} if stack else {})


def make_queue(clients: Clients, name: str, stack: str | None = "mine") -> str:
    return clients.sqs.create_queue(
        QueueName=name,
        Attributes={"FifoQueue": "true"} if name.endswith(".fifo") else {},
        tags={STACK_TAG: stack} if stack else {},
    )["QueueUrl"]


def names(found: Any) -> list[str]:
    return [leftover.name.rpartition("/")[2] for leftover in found]


def refusing(code: str) -> Callable[..., Any]:
    def refuse(*_: object, **__: object) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "says AWS"}}, "Asked")

    return refuse


@pytest.mark.usefixtures("hours_later")
def test_only_log_groups_with_our_tag_are_left_over(clients: Clients) -> None:
    make_group(clients, GROUP)
    make_group(clients, "producer-logs-0a1b2c3", stack=None)
    for name in ("events-consumer-logs", "my-producer-logs-0a1b2c3", "/aws/lambda/producer"):
        make_group(clients, name)
    # More than a page.
    for number in range(60):
        make_group(clients, f"another-{number}", stack=None)
    make_group(clients, "producer-logs-fffffff")
    assert list(leftover_log_groups(clients)) == [
        Leftover(kind="log group", name=name) for name in (GROUP, "producer-logs-fffffff")
    ]


def test_what_may_be_of_a_run_elsewhere_is_left_alone_for_an_hour(clients: Clients) -> None:
    make_group(clients, GROUP)
    make_queue(clients, WITNESS)
    assert list(leftover_log_groups(clients)) == []
    assert list(leftover_queues(clients)) == []


@pytest.mark.usefixtures("hours_later")
def test_log_group_of_a_stack_that_is_known_here_goes_with_it(
    clients: Clients, homes: Path
) -> None:
    make_group(clients, GROUP)
    (homes / "mine").mkdir()
    (homes / "mine" / RUN_MARK).touch()
    assert list(leftover_log_groups(clients)) == []


@pytest.mark.usefixtures("hours_later")
def test_only_queues_with_our_tag_are_left_over(clients: Clients) -> None:
    make_queue(clients, WITNESS)
    make_queue(clients, ASIDE)
    # The same names, and no tag, or that of another stack; our tag, and another name.
    make_queue(clients, "other-alarm-witness-0a1b2c", stack=None)
    make_queue(clients, "other-aside-0a1b2c.fifo")
    make_queue(clients, "events-queue-0a1b2c3")
    make_queue(clients, f"{WITNESS}d")
    assert sorted(names(leftover_queues(clients))) == [WITNESS, ASIDE]


@pytest.mark.usefixtures("hours_later")
def test_more_queues_than_a_page_holds_are_looked_at(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        make_queue(clients, f"mine-alarm-witness-0a1b2{number}")
    monkeypatch.setattr(account_leftovers, "_PAGE_SIZE", 2)
    assert len(list(leftover_queues(clients))) == 5


def test_queue_of_a_run_here_is_left_over_as_soon_as_the_run_has_ended(
    clients: Clients, homes: Path
) -> None:
    make_queue(clients, WITNESS)
    (homes / "mine").mkdir()
    with (homes / "mine" / RUN_MARK).open("w") as mark:
        fcntl.flock(mark, fcntl.LOCK_EX)
        assert list(leftover_queues(clients)) == []
    assert names(leftover_queues(clients)) == [WITNESS]


@pytest.mark.usefixtures("hours_later")
def test_messages_in_a_queue_are_told_before_it_is_deleted(clients: Clients) -> None:
    url = make_queue(clients, ASIDE)
    clients.sqs.send_message(
        QueueUrl=url, MessageBody="x", MessageGroupId="g", MessageDeduplicationId="d"
    )
    (found,) = leftover_queues(clients)
    assert str(found) == f"queue: {url}, about 1 messages in it"


@pytest.mark.usefixtures("hours_later")
def test_what_goes_meanwhile_is_nobody_s(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    make_group(clients, GROUP)
    make_queue(clients, WITNESS)
    gone = refusing("ResourceNotFoundException")
    monkeypatch.setattr(clients.logs, "list_tags_for_resource", gone)
    no_queue = refusing("AWS.SimpleQueueService.NonExistentQueue")
    monkeypatch.setattr(clients.sqs, "list_queue_tags", no_queue)
    assert list(leftover_log_groups(clients)) == []
    assert list(leftover_queues(clients)) == []


def test_a_queue_goes_with_what_feeds_it(clients: Clients) -> None:
    url = make_queue(clients, WITNESS)
    topic = clients.sns.create_topic(Name="alarms")["TopicArn"]
    for name in (WITNESS, "another"):
        clients.sns.subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:123456789012:{name}"
        )
    make_group(clients, GROUP)
    found = [Leftover(kind="queue", name=url), Leftover(kind="log group", name=GROUP)]
    # The second time they have gone.
    for leftover in found * 2:
        remove_from_account(leftover, clients)
    assert "QueueUrls" not in clients.sqs.list_queues()
    assert clients.logs.describe_log_groups()["logGroups"] == []
    (left,) = clients.sns.list_subscriptions()["Subscriptions"]
    assert left.get("Endpoint", "").endswith(":another")


@pytest.mark.usefixtures("hours_later")
def test_what_one_may_not_look_at_is_said_once_and_the_rest_goes_on(
    clients: Clients, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @contextmanager
    def opened(*_: object, **__: object) -> Generator[Any]:
        yield SimpleNamespace(clients=clients)

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main(["cleanup", "--target", "aws", "--yes", *arguments])
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    monkeypatch.setattr(cleanup, "opened_target", opened)
    monkeypatch.setattr(clients.logs, "list_tags_for_resource", refusing("AccessDeniedException"))
    make_group(clients, GROUP)
    make_group(clients, "producer-logs-0a1b2c3")
    url = make_queue(clients, WITNESS)

    code, output, error = run("--json")
    assert code == 1
    words = "no permission for Asked: says AWS"
    assert json.loads(output) == {
        "removed": [url],
        "failed": {},
        "not_looked_for": {"log groups": words},
    }
    assert error.count(f"not looked for: log groups: {words}\n") == 1
    assert run()[:2] == (1, "nothing is left over of what was looked for\n")
