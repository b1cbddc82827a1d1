"""Every command of docs/operations.md does what the runbook says, on a stack with dead letters."""

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from automation import cli
from automation.commands.local import run_local
from automation.operations.operated import Selection, operated_queue
from automation.waiting import wait_until

from .pages import REPOSITORY, Run, commands_of, run_command

pytestmark = pytest.mark.engine

STACK = "runbook"
COMMANDS = commands_of("operations.md")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """The embedded AWS with a deployed stack, running in another process."""
    home = tmp_path / "home"
    say = sys.stderr.write
    up = ["pulumi", "up", "--yes", "--skip-preview", "--stack", STACK]
    assert run_local(home, up, report=say) == 0
    (REPOSITORY / f"Pulumi.{STACK}.yaml").unlink(missing_ok=True)
    command = [sys.executable, "-m", "automation", "local", "--home", str(home)]
    process = subprocess.Popen(
        command, cwd=REPOSITORY, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        wait_until(
            "the embedded AWS runs",
            lambda: ((home / "running.json").exists(), process.poll()),
            timeout_seconds=30,
        )
        yield home
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


@pytest.fixture
def run(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run a command on the stack, as somebody who can't be asked."""
    monkeypatch.setenv("PULUMI_STACK", STACK)
    monkeypatch.setenv("RELIABLE_QUEUE_HOME", str(home))
    monkeypatch.chdir(REPOSITORY)
    # No leftovers of other runs on this machine are any of this test's business.
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main(list(arguments))
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run


def make_dead_letters(home: Path) -> str:
    """Have the producer send, wait for the dead letters, and return its run's id."""
    selection = Selection(target="local", home=home, stack=STACK)
    with operated_queue(selection, report=lambda _: None) as operated:
        functions = operated.clients.functions.list_functions()["Functions"]
        names = [function["FunctionName"] for function in functions]
        event = {"rate": None, "max_messages": 40, "bad_ratio": 0.5, "seed": 1}
        answer = operated.clients.functions.invoke(
            FunctionName=next(name for name in names if name.startswith("producer")),
            Payload=json.dumps(event).encode(),
        )
        sent = json.loads(json.loads(answer["Payload"].read())["body"])["message"]

        def probe() -> tuple[bool, str]:
            attributes = operated.clients.sqs.get_queue_attributes(
                QueueUrl=operated.dlq.url, AttributeNames=["ApproximateNumberOfMessages"]
            )["Attributes"]
            count = attributes["ApproximateNumberOfMessages"]
            return int(count) == sent["bad_msg"], count

        wait_until("the dead letters are there", probe, timeout_seconds=30)
    return str(sent["run_id"])


def wait_for_all_to_be_back(run: Run) -> None:
    """What was redriven fails again: a purge is done when nothing more arrives behind it."""

    def probe() -> tuple[bool, dict[str, int]]:
        _, output, said = run("status", "--json")
        assert output, said
        depth = json.loads(output)["queue"]
        return not any(depth.values()), depth

    wait_until("nothing is in the queue", probe, timeout_seconds=60, interval_seconds=0.5)


def test_every_command_of_the_runbook(home: Path, run: Run, tmp_path: Path) -> None:
    values = {"RUN": make_dead_letters(home), "BACKUP": str(tmp_path / "backup.jsonl")}
    code, listed, said = run("dlq", "list", "--json")
    assert code == 0, said
    values["ID"] = json.loads(listed)["messages"][0]["id"]
    # What a redrive has moved gets another id, so what names one comes before.
    for command in sorted(
        COMMANDS,
        key=lambda command: "redrive" in command or "purge" in command or "restore" in command,
    ):
        if "purge" in command:
            wait_for_all_to_be_back(run)
        code, output = run_command(command, values, run)
        # The cause is not mended here, so the canary stops and what is redriven comes back.
        may_stop = "dlq redrive" in command and "--dry-run" not in command
        assert code in ((0, 1) if may_stop else (0,)), f"{command}\n{output}"
        assert "Traceback" not in output
        if "--canary" in command:
            assert "the canary failed again; the rest was not touched" in output
            assert code == 1


def test_runbook_names_every_command() -> None:
    letters = ("dlq list", "dlq show", "dlq redrive", "dlq purge", "dlq restore")
    for command in ("status", *letters, "logs", "send", "cleanup"):
        assert any(f"python -m automation {command}" in line for line in COMMANDS)
