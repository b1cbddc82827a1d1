"""What goes wrong under an operator's hands is one clear message: what, which value, what to do."""

import json
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from automation import cli
from automation.operations import operated as operated_module
from automation.operations.operated import Operated

pytestmark = pytest.mark.usefixtures("thorough_requests")

Run = Callable[..., tuple[int, str, str]]
Refuse = Callable[[str, Collection[str]], None]

COMMANDS: Mapping[str, list[str]] = {
    "list": ["dlq", "list"],
    "show": ["dlq", "show", "some-id"],
    "dry run": ["dlq", "redrive", "--dry-run"],
    "redrive": ["dlq", "redrive", "--yes"],
    "redrive where": ["dlq", "redrive", "--where", "age_seconds >= `0`", "--yes"],
    "canary": ["dlq", "redrive", "--canary", "1", "--yes"],
    "purge": ["dlq", "purge", "--yes"],
    "purge without backup": ["dlq", "purge", "--without-backup", "--yes"],
    "restore": ["dlq", "restore", "FILE", "--yes"],
    "send": ["send", "FILE"],
    "status": ["status"],
    "logs": ["logs"],
}
EVERY_COMMAND = pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())


def only(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("command", [COMMANDS[name] for name in names], ids=names)


@pytest.fixture
def run_command(run: Run, tmp_path: Path) -> Run:
    """Run one of COMMANDS; FILE stands for a file with one message."""
    file = tmp_path / "message.jsonl"
    file.write_text('{"body": "secret"}\n')

    def run_command(*words: str) -> tuple[int, str, str]:
        return run(*(str(file) if word == "FILE" else word for word in words))

    return run_command


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Refuse:
    """Have AWS refuse requests from now on, all or those that are named."""
    call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]

    def refuse(code: str, operations: Collection[str] = ()) -> None:
        def answer(client: Any, operation: str, parameters: Any) -> Any:
            if operation in operations or not operations:
                error = {
                    "Error": {"Code": code, "Message": f"not this {operation}"},
                    "ResponseMetadata": {"HTTPStatusCode": 400},
                }
                raise ClientError(error, operation)  # type: ignore[arg-type]
            return call(client, operation, parameters)

        monkeypatch.setattr(BaseClient, "_make_api_call", answer)

    return refuse


@EVERY_COMMAND
def test_wrong_stack(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    command: list[str],
) -> None:
    class Engine:
        def run(self, *_: object) -> SimpleNamespace:
            names = ["organization/shop/dev", "organization/shop/prod"]
            return SimpleNamespace(stdout=json.dumps([{"name": name} for name in names]))

    @contextmanager
    def opened_target(*_: object, **__: object) -> Generator[SimpleNamespace]:
        yield SimpleNamespace(name="aws", engine=Engine(), environment={})

    monkeypatch.setattr(operated_module, "opened_target", opened_target)
    file = tmp_path / "message.jsonl"
    file.write_text('{"body": "secret"}\n')
    words = [str(file) if word == "FILE" else word for word in command]
    with pytest.raises(SystemExit) as ended:
        cli.main([*words, "--stack", "prdo", "--home", str(tmp_path)])
    captured = capsys.readouterr()
    assert (ended.value.code, captured.out) == (2, "")
    assert captured.err == (
        "error: --stack: no stack 'prdo' in your Pulumi backend (--target aws); stacks here: dev "
        "of project shop, prod of project shop. A queue that no stack here made is named by "
        "--queue\n"
    )


@only("list", "dry run", "redrive", "redrive where", "canary", "purge", "purge without backup")
def test_empty_dead_letter_queue_is_no_error(run_command: Run, command: list[str]) -> None:
    code, output, error = run_command(*command)
    assert code == 0
    assert "error" not in error
    nothing = ("looked at all 0 messages", "left in the-dlq: about 0", "the-dlq is empty")
    assert any(words in output for words in nothing), output


def test_empty_dead_letter_queue_has_no_letter_to_show(run_command: Run) -> None:
    code, output, error = run_command("dlq", "show", "some-id")
    assert (code, output) == (2, "")
    assert "error: no dead letter has the id 'some-id'; looked at all 0 messages\n" in error


@EVERY_COMMAND
def test_no_rights(
    run_command: Run, refuse: Refuse, fill: Callable[[int], None], command: list[str]
) -> None:
    fill(3)
    refuse("AccessDenied", ())
    code, output, error = run_command(*command)
    assert (code, output) == (2, "")
    assert "error: no permission for " in error
    assert "The policy arn:policy of stack s allows what these commands need" in error


@EVERY_COMMAND
def test_refusal_that_nobody_foresaw_is_told_in_its_own_words(
    run_command: Run, refuse: Refuse, fill: Callable[[int], None], command: list[str]
) -> None:
    fill(3)
    refuse("KmsDisabled", ())
    code, output, error = run_command(*command)
    assert (code, output) == (2, "")
    assert "error: An error occurred (KmsDisabled) when calling the " in error


@EVERY_COMMAND
def test_expired_credentials(
    run_command: Run, refuse: Refuse, fill: Callable[[int], None], command: list[str]
) -> None:
    fill(3)
    refuse("ExpiredToken", ())
    code, output, error = run_command(*command)
    assert (code, output) == (2, "")
    assert (
        "error: the AWS credentials have expired or are not valid (ExpiredToken): sign in again"
        in error
    )


@EVERY_COMMAND
def test_queue_deleted_meanwhile(
    run_command: Run, operated: Operated, fill: Callable[[int], None], command: list[str]
) -> None:
    fill(3)
    sqs = operated.clients.sqs
    for url in (operated.queue.url, operated.dlq.url):
        sqs.delete_queue(QueueUrl=url)
    operated.clients.logs.delete_log_group(logGroupName=operated.wiring.log_groups[0])
    code, output, error = run_command(*command)
    assert (code, output) == (2, "")
    assert "Was stack s destroyed or replaced meanwhile?" in error
    assert "secret" not in error


MIDDLE: list[tuple[str, str]] = [
    ("list", "ReceiveMessage"),
    ("show", "ReceiveMessage"),
    ("redrive where", "ReceiveMessage"),
    ("redrive where", "SendMessageBatch"),
    ("redrive where", "DeleteMessageBatch"),
    ("canary", "SendMessageBatch"),
    ("purge", "ReceiveMessage"),
    ("purge", "DeleteMessageBatch"),
    ("purge without backup", "PurgeQueue"),
    ("restore", "SendMessageBatch"),
    ("send", "SendMessageBatch"),
]


@pytest.mark.parametrize(("name", "operation"), MIDDLE)
@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        ("AccessDenied", "no permission for {operation}: not this {operation}."),
        ("ExpiredToken", "the AWS credentials have expired or are not valid (ExpiredToken)"),
        ("AWS.SimpleQueueService.NonExistentQueue", "{operation}: the queue does not exist"),
    ],
)
def test_refusal_in_the_middle(
    run_command: Run,
    refuse: Refuse,
    fill: Callable[[int], None],
    name: str,
    operation: str,
    refusal: str,
    said: str,
) -> None:
    fill(3)
    refuse(refusal, (operation,))
    code, _, error = run_command(*COMMANDS[name])
    assert code == 2
    assert f"error: {said.format(operation=operation)}" in error
    assert "secret" not in error


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("a ==", "is no JMESPath expression"),
        ("reson == 'x'", "a dead letter has no 'reson'"),
        ("has(body, 'x')", "has"),
    ],
)
@only("list", "dry run", "redrive")
def test_bad_expression(
    run_command: Run, refuse: Refuse, command: list[str], expression: str, said: str
) -> None:
    # It is refused before anything is asked of AWS.
    refuse("AccessDenied", ())
    code, output, error = run_command(*command, "--where", expression)
    assert (code, output) == (2, "")
    assert "error: --where" in error
    assert said in error
