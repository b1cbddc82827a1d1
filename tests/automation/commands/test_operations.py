"""The operator's commands ask before they change anything, and say clearly what is wrong."""

import contextlib
import dataclasses
import errno
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from automation.aws.consumer_log import LogEvent, LogReader
from automation.aws.errors import explained_aws_errors
from automation.aws.queue_depth import Depth
from automation.commands import status as commands_status
from automation.commands.output import duration
from automation.errors import AutomationError
from automation.operations.operated import Operated
from automation.operations.status import StackStatus, read_status

Run = Callable[..., tuple[int, str, str]]


def count(operated: Operated, url: str) -> int:
    answer = operated.clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])


@pytest.mark.parametrize("command", [["redrive"], ["purge"]])
def test_nothing_happens_where_nobody_can_be_asked(
    run: Run, operated: Operated, fill: Callable[[int], None], command: list[str]
) -> None:
    fill(3)
    code, output, error = run("dlq", *command)
    assert (code, output) == (2, "")
    assert "about 3 messages of the-dlq" in error
    assert "say --yes where nobody can be asked" in error
    assert count(operated, operated.dlq.url) == 3


def test_dry_run_moves_nothing_and_counts_by_reason(
    run: Run, operated: Operated, fill: Callable[[int], None]
) -> None:
    fill(3)
    code, output, _ = run("dlq", "redrive", "--dry-run", "--json")
    answer = json.loads(output)
    assert (code, answer["would_move"]) == (0, 3)
    assert answer["by_reason"] == {"not in the consumer's log": 3}
    assert count(operated, operated.dlq.url) == 3


def test_redrive_falls_back_to_the_own_mover(
    run: Run, operated: Operated, fill: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(**_: object) -> None:
        raise ClientError({"Error": {"Code": "InvalidAction"}}, "ListMessageMoveTasks")

    monkeypatch.setattr(operated.clients.sqs, "list_message_move_tasks", unknown)
    fill(12)
    code, output, error = run("dlq", "redrive", "--yes", "--json")
    answer = json.loads(output)
    assert (code, answer["method"], answer["moved"], answer["left"]) == (0, "own", 12, 0)
    assert "this service has no StartMessageMoveTask" in error
    assert count(operated, operated.queue.url) == 12


@pytest.mark.parametrize(("moved", "code"), [(2, 0), (0, 1)])
def test_native_redrive_is_done_when_nothing_is_left(
    run: Run,
    operated: Operated,
    fill: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
    moved: int,
    code: int,
) -> None:
    sqs = operated.clients.sqs
    tasks: list[dict[str, object]] = []

    def start(**_: object) -> dict[str, str]:
        if moved:
            sqs.purge_queue(QueueUrl=operated.dlq.url)
        tasks.append({"Status": "COMPLETED", "ApproximateNumberOfMessagesMoved": moved})
        return {"TaskHandle": "h"}

    monkeypatch.setattr(sqs, "start_message_move_task", start)
    monkeypatch.setattr(sqs, "list_message_move_tasks", lambda **_: {"Results": tasks})
    fill(2)
    ended, output, _ = run("dlq", "redrive", "--yes", "--json", "--rate", "100")
    answer = json.loads(output)
    assert (ended, answer["method"], answer["moved"]) == (code, "native", moved)
    assert (answer["ended"], answer["left"]) == ("completed", 2 - moved)


def test_native_redrive_that_passed_by_a_hidden_message_is_not_done(
    run: Run,
    operated: Operated,
    fill: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sqs, dlq_url = operated.clients.sqs, operated.dlq.url
    tasks: list[dict[str, object]] = []

    def start(**_: object) -> dict[str, str]:
        (moved,) = sqs.receive_message(QueueUrl=dlq_url, MaxNumberOfMessages=10)["Messages"]
        sqs.delete_message(QueueUrl=dlq_url, ReceiptHandle=moved["ReceiptHandle"])
        tasks.append({"Status": "COMPLETED", "ApproximateNumberOfMessagesMoved": 1})
        return {"TaskHandle": "h"}

    monkeypatch.setattr(sqs, "start_message_move_task", start)
    monkeypatch.setattr(sqs, "list_message_move_tasks", lambda **_: {"Results": tasks})
    fill(2)
    sqs.receive_message(QueueUrl=dlq_url, VisibilityTimeout=600)
    code, output, error = run("dlq", "redrive", "--yes", "--json")
    answer = json.loads(output)
    assert (code, answer["method"], answer["ended"]) == (1, "native", "completed")
    assert (answer["moved"], answer["left"]) == (1, 1)
    assert "last seen: 0 visible, 1 in flight, 0 delayed" in error


@pytest.mark.parametrize("how", [["--max-redrives", "9"], ["--where", "body != 'x'"]])
def test_own_redrive_that_passed_by_a_message_that_somebody_holds_is_not_done(
    run: Run, operated: Operated, fill: Callable[[int], None], how: list[str]
) -> None:
    fill(2)
    operated.clients.sqs.receive_message(
        QueueUrl=operated.dlq.url, VisibilityTimeout=600, MaxNumberOfMessages=1
    )
    code, output, error = run("dlq", "redrive", "--yes", "--json", *how)
    answer = json.loads(output)
    assert (code, answer["method"], answer["moved"], answer["left"]) == (1, "own", 1, 1)
    assert "last seen: 0 visible, 1 in flight, 0 delayed: run the command again" in error


def test_filtered_redrive_that_finds_nothing_while_somebody_holds_letters_is_not_done(
    run: Run, operated: Operated, fill: Callable[[int], None]
) -> None:
    fill(2)
    operated.clients.sqs.receive_message(
        QueueUrl=operated.dlq.url, VisibilityTimeout=600, MaxNumberOfMessages=10
    )
    code, output, error = run("dlq", "redrive", "--yes", "--json", "--where", "body != 'x'")
    answer = json.loads(output)
    assert (code, answer["moved"], answer["left"]) == (1, 0, 2)
    assert "last seen: 0 visible, 2 in flight, 0 delayed: run the command again" in error


@pytest.mark.parametrize("command", [["redrive", "--max-redrives", "3"], ["purge"]])
def test_a_count_of_nothing_is_no_proof_that_nothing_is_there(
    run: Run,
    operated: Operated,
    fill: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
) -> None:
    fill(2)
    for module in ("commands.purge", "commands.redrive", "operations.remaining"):
        late = Depth(visible=0, in_flight=0, delayed=0)
        monkeypatch.setattr(f"automation.{module}.queue_depth", lambda *_, late=late: late)
    code, _, error = run("dlq", *command)
    assert code == 2
    assert "about 1 messages" in error
    code, _, _ = run("dlq", *command, "--yes")
    assert (code, count(operated, operated.dlq.url)) == (0, 0)


def test_purge_of_what_somebody_holds_is_not_done_and_has_nothing_to_bring_back(
    run: Run, operated: Operated, fill: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("automation.commands.purge._EMPTY_WITHIN_SECONDS", 0.1)
    fill(2)
    operated.clients.sqs.receive_message(
        QueueUrl=operated.dlq.url, VisibilityTimeout=600, MaxNumberOfMessages=10
    )
    code, output, _ = run("dlq", "purge", "--yes")
    assert (code, output) == (
        1,
        "the-dlq: 0 messages backed up; left: 0 visible, 2 in flight, 0 delayed\n",
    )


@pytest.mark.parametrize("wanted", ["body 2", "body 11"])
def test_filtered_redrive_of_a_fifo_queue_says_when_letters_are_behind_others(
    run: Run, operated: Operated, monkeypatch: pytest.MonkeyPatch, wanted: str
) -> None:
    urls = {
        name: operated.clients.sqs.create_queue(
            QueueName=f"{name}.fifo", Attributes={"FifoQueue": "true"}
        )["QueueUrl"]
        for name in ("dlq", "queue")
    }
    wiring = dataclasses.replace(
        operated.wiring,
        queue=dataclasses.replace(operated.queue, url=urls["queue"]),
        dlq=dataclasses.replace(operated.dlq, url=urls["dlq"]),
    )
    fifo = dataclasses.replace(operated, wiring=wiring)
    monkeypatch.setattr(
        "automation.commands.redrive.operated_queue", lambda *_, **__: contextlib.nullcontext(fifo)
    )
    for number in range(12):
        fifo.clients.sqs.send_message(
            QueueUrl=fifo.dlq.url,
            MessageBody=f"body {number}",
            MessageGroupId="g",
            MessageDeduplicationId=str(number),
        )
    code, output, error = run("dlq", "redrive", "--yes", "--json", "--where", f"body == '{wanted}'")
    answer = json.loads(output)
    assert (code, answer["moved"] + answer["left"]) == (1, 12)
    assert "behind" in error


def test_filter_needs_the_own_mover(run: Run, fill: Callable[[int], None]) -> None:
    fill(5)
    code, output, _ = run("dlq", "redrive", "--yes", "--json", "--where", "body == 'secret 3'")
    answer = json.loads(output)
    assert (code, answer["method"], answer["moved"], answer["skipped"]) == (0, "own", 1, 4)


def test_purge_and_restore(run: Run, operated: Operated, fill: Callable[[int], None]) -> None:
    fill(12)
    backup = str(operated.home / "backup.jsonl")
    code, output, _ = run("dlq", "purge", "--yes", "--backup", backup)
    assert code == 0
    assert "the-dlq is empty; 12 messages backed up" in output
    code, output, _ = run("dlq", "restore", "--yes", "--json", backup)
    assert (code, json.loads(output)["sent"]) == (0, 12)
    code, _, error = run("dlq", "restore", backup)
    assert code == 2
    assert "WHICH WERE SENT THERE BEFORE" in error


def test_list_hides_bodies(run: Run, fill: Callable[[int], None]) -> None:
    fill(2)
    for flags in ([], ["--show-body"], ["--json"], ["--json", "--show-body"]):
        _, output, _ = run("dlq", "list", *flags)
        assert "secret" not in output
    _, output, _ = run("dlq", "list", "--show-body", "--show-personal")
    assert "secret 0" in output


def test_list_is_one_json_object(run: Run, fill: Callable[[int], None]) -> None:
    fill(3)
    code, output, _ = run("dlq", "list", "--json", "--limit", "2")
    answer = json.loads(output)
    assert (code, len(answer["messages"]), answer["seen"], answer["complete"]) == (0, 2, 2, False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["dlq", "redrive", "--to", "http://x/q.fifo", "--yes"], "must both be FIFO queues"),
        (
            ["dlq", "redrive", "--to", "https://sqs.us-east-1.amazonaws.com/123456789012/gone"],
            "the queue does not exist",
        ),
        (["dlq", "redrive", "--canary", "0"], "'--canary': 0 is not in the range"),
        (["dlq", "purge", "--backup", "x", "--without-backup"], "exclude each other"),
        (["dlq", "restore", "/dev/null", "--yes"], "name a plain file, no pipe"),
        (["logs", "--since", "yesterday"], "is no time span such as 90s"),
        (["send", "--attribute", "x", "-"], "--attribute takes NAME=VALUE"),
        (["send", "--attribute", "a b=x", "-"], "--attribute: the attribute's name 'a b' must"),
        (["send", "--attribute", "a:Number=x", "-"], "--attribute: the attribute 'a' is of type"),
        (["send", "--attribute", "a:Binary=x", "-"], "--attribute: attribute 'a' is not base64"),
    ],
)
def test_wrong_use_is_one_clear_message(run: Run, arguments: list[str], said: str) -> None:
    code, output, error = run(*arguments)
    assert (code, output) == (2, "")
    assert said in error


def test_stack_has_to_be_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PULUMI_STACK")
    code, _, error = run("dlq", "list")
    assert code == 2
    assert "say which queue: --stack NAME, or --queue NAME, URL or ARN" in error


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("AccessDenied", "no permission for ReceiveMessage: words. The policy arn:policy"),
        ("AccessDeniedException", "no permission for ReceiveMessage"),
        ("ExpiredToken", r"credentials have expired or are not valid \(ExpiredToken\): sign in"),
        ("ExpiredTokenException", "credentials have expired"),
        ("AWS.SimpleQueueService.NonExistentQueue", "the queue does not exist"),
        ("ResourceNotFoundException", "Was stack s destroyed"),
    ],
)
def test_refusal_of_aws_says_what_to_do(code: str, said: str) -> None:
    error = ClientError({"Error": {"Code": code, "Message": "words"}}, "ReceiveMessage")
    with pytest.raises(AutomationError, match=said), explained_aws_errors("stack s", "arn:policy"):
        raise error


def test_messages_are_sent_with_defaults(run: Run, operated: Operated, tmp_path: Path) -> None:
    file = tmp_path / "messages.jsonl"
    file.write_text('{"body": {"a": 1}}\n{"body": "two", "attributes": {"store_id": 4}}\n')
    code, output, _ = run("send", "--json", "--attribute", "store_id:Number=3", str(file))
    assert (code, json.loads(output)["sent"]) == (0, 2)
    sent = operated.clients.sqs.receive_message(
        QueueUrl=operated.queue.url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    )["Messages"]
    by_body = {m["Body"]: m["MessageAttributes"]["store_id"]["StringValue"] for m in sent}
    assert by_body == {'{"a": 1}': "3", "two": "4"}


def test_nothing_is_sent_when_a_line_is_wrong(run: Run, operated: Operated, tmp_path: Path) -> None:
    file = tmp_path / "messages.jsonl"
    file.write_text('{"body": "secret"}\n{"body": "secret"\n')
    code, _, error = run("send", str(file))
    assert code == 2
    assert "line 2 is not JSON" in error
    assert "secret" not in error
    assert count(operated, operated.queue.url) == 0


def test_status_is_one_json_object(
    run: Run, operated: Operated, fill: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    class NoMappings:
        def get_paginator(self, _name: str) -> Any:
            return self

        def paginate(self, **_: object) -> list[Any]:
            arn = operated.queue.arn
            mapping = {"UUID": "u", "State": "Disabled", "EventSourceArn": arn}
            another = {"UUID": "v", "State": "Enabled", "EventSourceArn": f"{arn}-2"}
            return [{"EventSourceMappings": [mapping, another]}]

    monkeypatch.setitem(operated.clients.__dict__, "functions", NoMappings())
    fill(2)
    code, output, _ = run("status", "--json")
    answer = json.loads(output)
    assert (code, answer["dlq"]["visible"], answer["mappings"]) == (0, 2, {"u": "Disabled"})


def test_sparkline_goes_from_low_to_high() -> None:
    assert commands_status.sparkline([0, 5, 10]) == "▁▅█"
    assert commands_status.sparkline([0, 0]) == "▁▁"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (5, "5 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3_700, "1 h 1 min"),
        (266_400, "3 d 2 h"),
        (-61, "-1 min"),
    ],
)
def test_duration_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_backup_never_overwrites_another(
    run: Run, operated: Operated, fill: Callable[[int], None], tmp_path: Path
) -> None:
    fill(2)
    backup = tmp_path / "backup.jsonl"
    backup.write_text("precious")
    code, _, error = run("dlq", "purge", "--backup", str(backup))
    assert code == 2
    assert f"--backup: {backup} exists, and a backup never overwrites another" in error
    assert "?" not in error
    assert backup.read_text() == "precious"
    assert count(operated, operated.dlq.url) == 2


def test_ctrl_c_at_the_question_does_nothing(
    run: Run, operated: Operated, fill: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: str) -> str:
        raise KeyboardInterrupt

    fill(2)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("click.termui.visible_prompt_func", interrupted)
    code, output, error = run("dlq", "redrive")
    assert (code, output) == (2, "")
    assert error.endswith("\nerror: stopped; nothing was done\n")
    assert count(operated, operated.dlq.url) == 2


def test_reader_that_has_seen_enough_is_no_error(
    run: Run, operated: Operated, fill: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(*_: object, **__: object) -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    fill(3)
    # What ends the command puts something else in its place.
    for stream in ("stdout", "stderr"):
        monkeypatch.setattr(sys, stream, getattr(sys, stream))
    monkeypatch.setattr("click.echo", closed)
    code, _, error = run("dlq", "list")
    assert code == 1
    assert "error" not in error
    assert count(operated, operated.dlq.url) == 3


def test_watching_ends_at_ctrl_c(
    run: Run, operated: Operated, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[StackStatus] = []

    def look(*_: object) -> StackStatus:
        if looks:
            signal.raise_signal(signal.SIGINT)
        looks.append(read_status(operated.clients, operated.wiring))
        return looks[-1]

    monkeypatch.setattr(commands_status, "read_status", look)
    code, output, error = run("status", "--watch")
    assert (code, error, len(looks)) == (0, "", 2)
    assert "s, embedded AWS, us-east-1, " in output


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_following_the_log_ends_at_ctrl_c(
    run: Run, operated: Operated, monkeypatch: pytest.MonkeyPatch, flags: list[str]
) -> None:
    log(operated, {"level": "INFO", "message": "one"})
    new_events = LogReader.new_events

    def interrupted(reader: LogReader) -> Iterator[LogEvent]:
        yield from new_events(reader)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(LogReader, "new_events", interrupted)
    code, output, error = run("logs", "--follow", *flags)
    assert (code, error) == (0, "")
    if flags:
        assert [record["message"] for record in json.loads(output)["records"]] == ["***"]
    else:
        assert output.endswith("  INFO  ***\n")


def test_log_can_be_shown_as_it_is(run: Run, operated: Operated) -> None:
    log(operated, {"level": "INFO", "message": "one"})
    code, output, _ = run("logs", "--show-personal")
    assert (code, output) == (0, "  INFO  one\n")
    log(operated, "two")
    code, output, _ = run("logs", "--show-personal", "--json")
    assert [record["message"] for record in json.loads(output)["records"]] == ["one", "two"]


def test_log_without_a_record_says_so(run: Run, operated: Operated) -> None:
    log(operated, {"level": "INFO", "message": "one"})
    code, output, error = run("logs", "--run", "nobody", "--since", "15m")
    assert (code, output) == (0, "")
    assert error == "no such record in the last 15 min (--since goes further back)\n"


def test_failures_include_the_runs_that_lambda_ended(run: Run, operated: Operated) -> None:
    log(operated, "2026-11-24T10:00:00.000Z 6f2e Task timed out after 10.01 seconds")
    code, output, _ = run("logs", "--failures")
    assert code == 0
    assert output.endswith("ERROR  Task timed out after 10.01 seconds\n")


def log(operated: Operated, record: dict[str, object] | str) -> None:
    """Have the consumer log a record, or Lambda a line."""
    logs, group = operated.clients.logs, operated.wiring.log_groups[0]
    with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_stream(logGroupName=group, logStreamName="stream")
    message = record if isinstance(record, str) else json.dumps(record)
    event = {"timestamp": int(time.time() * 1000), "message": message}
    logs.put_log_events(logGroupName=group, logStreamName="stream", logEvents=[event])  # type: ignore[list-item]


def test_restored_letter_shows_the_attempts_under_its_first_id(
    run: Run, operated: Operated
) -> None:
    attribute = {"DataType": "String", "StringValue": "r"}
    sent = operated.clients.sqs.send_message(
        QueueUrl=operated.dlq.url,
        MessageBody="secret",
        MessageAttributes={"run_id": attribute, "seq": {**attribute, "StringValue": "7"}},  # type: ignore[dict-item]
    )
    log(
        operated,
        {
            "level": "ERROR",
            "timestamp": "noon",
            "message_id": "another",
            "receive_count": 2,
            "run_id": "r",
            "seq": 7,
            "exception_name": "ValueError",
            "reason": "no such store",
        },
    )
    code, output, _ = run("dlq", "show", sent["MessageId"])
    assert code == 0
    assert "reason         no such store\n" in output
    assert output.endswith(
        "body           *** (6 bytes)\n"
        "attempts in the consumer's log:\n"
        "  noon  attempt 2  ValueError: no such store\n"
    )


def test_state_names_what_is_wrong_first() -> None:
    seen = StackStatus(
        queue=Depth(visible=0, in_flight=0, delayed=0),
        dlq=Depth(visible=2, in_flight=0, delayed=0),
        oldest_seconds=None,
        dlq_oldest_seconds=3_700,
        alarms={"a": "OK", "b": "ALARM"},
        mappings={},
        failed_attempts=4,
        errors=1,
        concurrency=None,
    )
    assert commands_status.status_text(seen, "here").plain.splitlines() == [
        "watched          here",
        "queue            0 visible, 0 in flight, 0 delayed",
        "dead letters     2 visible, 0 in flight, 0 delayed, oldest 1 h 1 min",
        "alarm            ALARM  b",
        "alarm            OK     a",
        "mapping          none: nothing takes messages to the consumer",
        "failed messages  4 attempts in the last 5 min",
        "failed batches   1 in the last 5 min",
        "concurrency      unknown",
    ]


def test_reason_is_taken_from_where_the_user_says(
    run: Run, operated: Operated, fill: Callable[[int], None]
) -> None:
    fill(1)
    (shown,) = json.loads(run("dlq", "list", "--json")[1])["messages"]
    log(operated, {"what": {"id": shown["id"], "why": "no stock"}, "level": "INFO"})
    code, output, _ = run("dlq", "list", "--reason", "what.why")
    assert code == 0
    assert "no stock" in output
    answer = json.loads(run("dlq", "show", shown["id"], "--reason", "what.why", "--json")[1])
    assert (answer["reason"], answer["attempts"]) == ("no stock", 1)
    assert [record["message_ids"] for record in answer["records"]] == [[shown["id"]]]
    flags = ("--dry-run", "--json", "--where", "reason == 'no stock'")
    assert json.loads(run("dlq", "redrive", *flags)[1])["would_move"] == 0
    answer = json.loads(run("dlq", "redrive", *flags, "--reason", "what.why")[1])
    assert answer["by_reason"] == {"no stock": 1}


@pytest.mark.parametrize(
    ("expression", "said"),
    [("what.", "--reason is no JMESPath expression"), ("nope(@)", "nope"), ("a[::0]", "step")],
)
def test_expression_that_gives_no_reason_is_refused(run: Run, expression: str, said: str) -> None:
    code, output, error = run("dlq", "list", "--reason", expression)
    assert (code, output) == (2, "")
    assert said in error
