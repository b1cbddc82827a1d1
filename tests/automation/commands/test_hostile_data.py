"""Hostile but legal data ends no command: it is shown escaped, and the rest follows."""

import json
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automation.operations.operated import Operated
from tests.automation.hostile import ATTRIBUTES, BODIES, EXPRESSIONS, LOG_LINES, SECRET

Run = Callable[..., tuple[int, str, str]]

LETTERS = st.lists(st.tuples(BODIES, ATTRIBUTES), min_size=1, max_size=4)
WITH_FIXTURES = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def strict(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def send(operated: Operated, letters: list[tuple[str, dict[str, Any]]]) -> None:
    """Have these letters, and no others, in the dead-letter queue."""
    sqs, url = operated.clients.sqs, operated.dlq.url
    sqs.delete_queue(QueueUrl=url)
    sqs.create_queue(QueueName=operated.dlq.name)
    for body, attributes in letters:
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=attributes)


def write_log(operated: Operated, lines: list[str]) -> None:
    """Have these lines, and no others, in the consumer's log."""
    logs, group = operated.clients.logs, operated.wiring.log_groups[0]
    logs.delete_log_group(logGroupName=group)
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    now_ms = int(time.time() * 1000)
    events: Any = [{"timestamp": now_ms, "message": line} for line in lines]
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)


def check_shown(code: int, output: str, error: str, *, wants_json: bool) -> None:
    assert code in (0, 1, 2)
    assert code != 2 or error.startswith(("error: ", "Usage: ", "Error: "))
    assert SECRET not in output + error
    for each in (output + error).replace("\n", ""):
        assert unicodedata.category(each) not in ("Cc", "Cs", "Zl", "Zp")
        assert each not in "\u202e\u2066\ufeff\u200b\U000e0041"
    if wants_json and code != 2:
        strict(output)


@WITH_FIXTURES
@given(LETTERS, st.lists(LOG_LINES, min_size=1, max_size=5))
def test_every_letter_is_shown_without_personal_data(
    run: Run,
    operated: Operated,
    letters: list[tuple[str, dict[str, Any]]],
    lines: list[str],
) -> None:
    send(operated, letters)
    write_log(operated, lines)
    for flags in ([], ["--show-body"], ["--group-by", "store_id"]):
        code, output, error = run("dlq", "list", *flags)
        check_shown(code, output, error, wants_json=False)
        assert code == 0
        # One line for each letter, whatever it holds.
        assert sum(" old  expires in " in line for line in output.splitlines()) == len(letters)
    code, output, error = run("dlq", "list", "--json", "--show-body")
    check_shown(code, output, error, wants_json=True)
    shown = strict(output)["messages"]
    assert len(shown) == len(letters)
    for flags in ([], ["--json"]):
        code, output, error = run("dlq", "show", "--show-body", *flags, shown[0]["id"])
        check_shown(code, output, error, wants_json=bool(flags))
        assert code == 0


@WITH_FIXTURES
@given(LETTERS)
def test_all_of_a_letter_can_be_asked_for(
    run: Run, operated: Operated, letters: list[tuple[str, dict[str, Any]]]
) -> None:
    send(operated, letters)
    for flags in ([], ["--json"]):
        code, output, _ = run("dlq", "list", "--show-body", "--show-personal", *flags)
        assert code == 0
        assert (SECRET in output) == any(SECRET in repr(letter) for letter in letters)
    assert len(strict(output)["messages"]) == len(letters)


@WITH_FIXTURES
@given(st.lists(LOG_LINES, min_size=1, max_size=8))
def test_every_log_line_is_shown_or_left_out(
    run: Run, operated: Operated, lines: list[str]
) -> None:
    write_log(operated, lines)
    for command in (["logs"], ["logs", "--failures"], ["logs", "--run", "r"], ["status"]):
        for flags in ([], ["--json"]):
            code, output, error = run(*command, *flags)
            check_shown(code, output, error, wants_json=bool(flags))
            assert code == 0


@settings(parent=WITH_FIXTURES, max_examples=30)
@given(LETTERS, EXPRESSIONS)
def test_every_expression_is_refused_or_applied(
    run: Run,
    operated: Operated,
    letters: list[tuple[str, dict[str, Any]]],
    expression: str,
) -> None:
    send(operated, letters)
    code, output, error = run("dlq", "list", "--json", f"--where={expression}")
    check_shown(code, output, error, wants_json=True)
    code, output, error = run("dlq", "redrive", "--dry-run", "--json", f"--where={expression}")
    check_shown(code, output, error, wants_json=True)


@WITH_FIXTURES
@given(LETTERS)
def test_every_letter_comes_back_from_a_backup_and_is_redriven(
    run: Run,
    operated: Operated,
    tmp_path_factory: pytest.TempPathFactory,
    letters: list[tuple[str, dict[str, Any]]],
) -> None:
    send(operated, letters)
    backup = str(tmp_path_factory.mktemp("backup") / "backup.jsonl")
    code, output, error = run("dlq", "purge", "--yes", "--json", "--backup", backup)
    check_shown(code, output, error, wants_json=True)
    assert (code, strict(output)["backed_up"]) == (0, len(letters))
    code, output, error = run("dlq", "restore", "--yes", "--json", backup)
    check_shown(code, output, error, wants_json=True)
    assert (code, strict(output)["sent"]) == (0, len(letters))
    code, output, error = run("dlq", "redrive", "--yes", "--json", "--where", "age_seconds >= `0`")
    check_shown(code, output, error, wants_json=True)
    assert (code, strict(output)["moved"]) == (0, len(letters))
    received = operated.clients.sqs.receive_message(
        QueueUrl=operated.queue.url,
        MaxNumberOfMessages=10,
        MessageAttributeNames=["All"],
        VisibilityTimeout=60,
    )["Messages"]
    for message in received:
        operated.clients.sqs.delete_message(
            QueueUrl=operated.queue.url, ReceiptHandle=message["ReceiptHandle"]
        )
    assert sorted(message["Body"] for message in received) == sorted(body for body, _ in letters)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"body": "\\ud83d"}', "line 2: the body holds U+D83D at character 1"),
        (b'{"body": "\xff"}', "line 2: the body holds U+DCFF at character 1"),
        (b'{"body": {"x": NaN}}', "line 2 holds NaN, a number"),
        (b'{"body": [1e999]}', "line 2 holds 1e999, a number"),
        (b'{"body": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", "line 2 is nested deeper than 100"),
        (b'{"body": "x", "attributes": {"a b": "c"}}', "line 2: the attribute's name 'a b'"),
        (b'{"body": "x", "group": "a b"}', "line 2: the group 'a b' must be"),
        (b'{"body": "x", "id": "line-1"}', "line 2: a message before it has the id 'line-1' too"),
        (b'{"body": ""}', "line 2: a message must have a 'body' that is not empty"),
    ],
)
def test_send_refuses_what_sqs_would_before_it_sends_anything(
    run: Run, operated: Operated, tmp_path: Path, line: bytes, said: str
) -> None:
    file = tmp_path / "messages.jsonl"
    file.write_bytes(b'{"body": "right"}\n' + line + b"\n")
    code, output, error = run("send", str(file))
    assert (code, output) == (2, "")
    assert said in error
    answer = operated.clients.sqs.receive_message(QueueUrl=operated.queue.url)
    assert "Messages" not in answer


@pytest.mark.parametrize("message_id", ["\udcff", "\x9b2J\u202e", ""])
def test_id_that_no_letter_has_is_named_escaped(
    run: Run, operated: Operated, message_id: str
) -> None:
    send(operated, [("x", {})])
    code, output, error = run("dlq", "show", "--", message_id)
    assert (code, output) == (2, "")
    assert f"no dead letter has the id {message_id!r}" in error


def test_value_that_looks_masked_does_not_end_the_counting(run: Run, operated: Operated) -> None:
    send(operated, [("x", {"ts": {"DataType": "String", "StringValue": "***"}})])
    code, output, _ = run("dlq", "list", "--json", "--group-by", "ts")
    assert (code, strict(output)["groups"]) == (0, {"***": 1})


def test_counting_by_what_may_be_personal_is_refused_before_anything_is_shown(run: Run) -> None:
    code, output, error = run("dlq", "list", "--json", "--group-by", "contact")
    assert (code, output) == (2, "")
    assert "add --show-personal" in error


def test_first_line_that_is_too_deep_is_refused_by_its_number(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "messages.jsonl"
    file.write_text("[" * 5_000 + "]" * 5_000 + '\n{"body": "right"}\n')
    code, _, error = run("send", str(file))
    assert code == 2
    assert "line 1 is nested deeper than 100 levels" in error


def test_null_group_is_no_group_named_none(run: Run, operated: Operated, tmp_path: Path) -> None:
    file = tmp_path / "messages.jsonl"
    file.write_text('\ufeff{"id": null, "body": "x", "group": null, "attributes": null}\n')
    assert run("send", str(file))[0] == 0
    (message,) = operated.clients.sqs.receive_message(
        QueueUrl=operated.queue.url, AttributeNames=["All"]
    )["Messages"]
    assert "MessageGroupId" not in message["Attributes"]


def test_restore_names_the_letter_that_is_refused_and_sends_the_rest(
    run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "backup.jsonl"
    attributes = {str(number): "x" for number in range(11)}
    bad = {"id": "bad", "body": "x" * 1_100_000, "attributes": attributes}
    lines = [{"id": "one", "body": "1"}, bad, {"id": "two", "body": "2"}]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    code, output, _ = run("dlq", "restore", "--yes", "--json", str(file))
    answer = strict(output)
    assert (code, answer["sent"], answer["failed"]) == (1, 2, 1)
    assert set(answer["failures"]) == {"bad"}
