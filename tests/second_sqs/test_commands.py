"""The operator's commands on a second SQS: look, redrive, purge, restore."""

import signal
from collections import defaultdict

from tests.second_sqs.stack import ATTRIBUTES, Stack, ended


def numbered(count: int) -> list[str]:
    return [f"body-{number}" for number in range(count)]


def test_list_shows_each_letter_and_why_it_failed(stack: Stack) -> None:
    stack.fail(numbered(25), reason="no store_id")
    answer = stack.run("dlq", "list", "--json")
    assert (answer.code, answer.json["seen"], answer.json["complete"]) == (0, 25, True)
    assert answer.json["groups"] == {"no store_id": 25}
    letters = answer.json["messages"]
    assert {letter["attempts"] for letter in letters} == {2}
    assert all(letter["expires_in_seconds"] > 0 for letter in letters)
    # What was looked at is visible again.
    assert len(stack.bodies(stack.dlq_url)) == 25


def test_show_tells_all_of_one_letter(stack: Stack) -> None:
    stack.fail(numbered(3), reason="no store_id")
    listed = stack.run("dlq", "list", "--json").json["messages"]
    shown = stack.run("dlq", "show", "--json", "--show-body", "--show-personal", listed[1]["id"])
    assert (shown.code, shown.json["id"]) == (0, listed[1]["id"])
    assert shown.json["body"] in numbered(3)
    assert shown.json["system"]["DeadLetterQueueSourceArn"] == stack.queue_arn
    assert [record["reason"] for record in shown.json["records"]] == ["no store_id"]


def test_own_redrive_alters_nothing_but_its_count(stack: Stack) -> None:
    stack.fill(stack.dlq_url, numbered(120))
    answer = stack.run("dlq", "redrive", "--yes", "--json", "--max-redrives", "3")
    assert (answer.code, answer.json["method"], answer.json["moved"]) == (0, "own", 120)
    assert (answer.json["left"], answer.json["ended"]) == (0, "empty")
    arrived = stack.take(stack.queue_url)
    assert sorted(message["Body"] for message in arrived) == sorted(numbered(120))
    for message in arrived:
        attributes = message["MessageAttributes"]
        assert attributes["redrive_count"]["StringValue"] == "1"
        assert {name: attributes[name] for name in ATTRIBUTES} == ATTRIBUTES


def test_own_redrive_moves_what_the_filter_names_and_leaves_the_rest_visible(stack: Stack) -> None:
    stack.fill(stack.dlq_url, numbered(30))
    answer = stack.run("dlq", "redrive", "--yes", "--json", "--where", "body == 'body-7'")
    assert (answer.code, answer.json["moved"], answer.json["skipped"]) == (0, 1, 29)
    assert stack.bodies(stack.queue_url) == ["body-7"]
    assert len(stack.bodies(stack.dlq_url)) == 29


def test_native_redrive_moves_all(stack: Stack) -> None:
    stack.fail(numbered(40), reason="no store_id")
    answer = stack.run("dlq", "redrive", "--yes", "--json")
    assert (answer.code, answer.json["method"], answer.json["ended"]) == (0, "native", "completed")
    assert (answer.json["moved"], answer.json["left"]) == (40, 0)
    assert sorted(stack.bodies(stack.queue_url)) == sorted(numbered(40))


def test_second_native_redrive_is_not_taken_for_the_first(stack: Stack) -> None:
    for count in (4, 9):
        stack.fill(stack.dlq_url, numbered(count))
        answer = stack.run("dlq", "redrive", "--yes", "--json")
        assert (answer.json["method"], answer.json["moved"]) == ("native", count)


def test_native_redrive_that_is_interrupted_is_cancelled_and_loses_nothing(stack: Stack) -> None:
    stack.fill(stack.dlq_url, numbered(60))
    process = stack.command("dlq", "redrive", "--yes", "--json", "--rate", "5")
    with process:
        stack.wait_for(stack.queue_url, 3, process)
        process.send_signal(signal.SIGINT)
        answer = ended(process)
    assert (answer.code, answer.json["method"]) == (1, "native"), answer.said
    assert answer.json["ended"] == "cancelled"
    (task,) = stack.sqs.list_message_move_tasks(SourceArn=stack.dlq_arn)["Results"]
    assert task["Status"] == "CANCELLED"
    moved, left = stack.bodies(stack.queue_url), stack.bodies(stack.dlq_url)
    assert 3 <= len(moved) < 60
    assert sorted(moved + left) == sorted(numbered(60))


def test_redrive_beside_a_task_that_runs_says_so_and_moves_nothing(stack: Stack) -> None:
    stack.fill(stack.dlq_url, numbered(60))
    aside_url, aside_arn = stack.add_queue("aside")
    handle = stack.sqs.start_message_move_task(
        SourceArn=stack.dlq_arn, DestinationArn=aside_arn, MaxNumberOfMessagesPerSecond=1
    )["TaskHandle"]
    answer = stack.run("dlq", "redrive", "--yes", "--json")
    assert (answer.code, answer.output) == (2, "")
    assert "There is already a task running" in answer.said
    assert stack.count(stack.queue_url) == 0
    stack.sqs.cancel_message_move_task(TaskHandle=handle)
    assert stack.count(aside_url) >= 1


def test_native_redrive_that_passed_by_a_hidden_letter_is_not_done(stack: Stack) -> None:
    stack.fill(stack.dlq_url, numbered(3))
    stack.sqs.receive_message(QueueUrl=stack.dlq_url, VisibilityTimeout=600)
    answer = stack.run("dlq", "redrive", "--yes", "--json")
    assert (answer.code, answer.json["method"], answer.json["left"]) == (1, "native", 1)
    assert "1 in flight" in answer.said


def test_fifo_redrive_keeps_each_group_in_order(fifo_stack: Stack) -> None:
    fifo_stack.fill(fifo_stack.dlq_url, numbered(45), groups=3)
    answer = fifo_stack.run("dlq", "redrive", "--yes", "--json", "--max-redrives", "3")
    assert (answer.code, answer.json["method"], answer.json["moved"]) == (0, "own", 45)
    assert by_group(fifo_stack) == expected_groups(45)


def test_fifo_native_redrive_keeps_each_group_in_order(fifo_stack: Stack) -> None:
    fifo_stack.fill(fifo_stack.dlq_url, numbered(45), groups=3)
    answer = fifo_stack.run("dlq", "redrive", "--yes", "--json")
    assert (answer.code, answer.json["method"], answer.json["left"]) == (0, "native", 0)
    assert by_group(fifo_stack) == expected_groups(45)


def by_group(stack: Stack) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for message in stack.take(stack.queue_url):
        groups[message["Attributes"]["MessageGroupId"]].append(message["Body"])
    return groups


def expected_groups(count: int) -> dict[str, list[str]]:
    return {f"group-{group}": numbered(count)[group::3] for group in range(3)}


def test_fifo_letters_are_listed_with_their_groups(fifo_stack: Stack) -> None:
    fifo_stack.fill(fifo_stack.dlq_url, numbered(9), groups=3)
    answer = fifo_stack.run("dlq", "list", "--json")
    assert (answer.code, answer.json["complete"]) == (0, True)
    groups = {letter["group"] for letter in answer.json["messages"]}
    assert groups == {"group-0", "group-1", "group-2"}


def test_purge_backs_up_and_restore_brings_all_back(stack: Stack) -> None:
    stack.fill(stack.dlq_url, numbered(55))
    backup = str(stack.home / "backup.jsonl")
    answer = stack.run("dlq", "purge", "--yes", "--json", "--backup", backup)
    assert (answer.code, answer.json["backed_up"], answer.json["left"]) == (0, 55, 0)
    assert stack.count(stack.dlq_url) == 0
    answer = stack.run("dlq", "restore", "--yes", "--json", backup)
    assert (answer.code, answer.json["sent"]) == (0, 55)
    restored = stack.take(stack.dlq_url)
    assert sorted(message["Body"] for message in restored) == sorted(numbered(55))
    for message in restored:
        attributes = message["MessageAttributes"]
        assert {name: attributes[name] for name in ATTRIBUTES} == ATTRIBUTES


def test_fifo_purge_and_restore_keep_each_group_in_order(fifo_stack: Stack) -> None:
    fifo_stack.fill(fifo_stack.dlq_url, numbered(30), groups=3)
    backup = str(fifo_stack.home / "backup.jsonl")
    answer = fifo_stack.run("dlq", "purge", "--yes", "--json", "--backup", backup)
    assert (answer.code, answer.json["backed_up"], answer.json["left"]) == (0, 30, 0)
    answer = fifo_stack.run("dlq", "restore", "--yes", "--json", backup)
    assert (answer.code, answer.json["sent"]) == (0, 30)
    answer = fifo_stack.run("dlq", "redrive", "--yes", "--json", "--max-redrives", "3")
    assert (answer.code, answer.json["moved"]) == (0, 30)
    assert by_group(fifo_stack) == expected_groups(30)


def test_purge_without_backup_empties_the_queue(stack: Stack) -> None:
    stack.fill(stack.dlq_url, numbered(20))
    answer = stack.run("dlq", "purge", "--yes", "--json", "--without-backup")
    assert (answer.code, answer.json["left"]) == (0, 0)
    assert stack.count(stack.dlq_url) == 0
