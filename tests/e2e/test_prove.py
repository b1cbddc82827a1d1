"""`prove`, whole: the page's own commands, and what ends without a verdict."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from automation.cli import main
from automation.engine.building import YAML_HOST_BINARY
from automation.engine.finding import find_engine
from automation.opening import opened_target
from automation.programs import read_program
from automation.proof.deployed import deployed_program

from .conftest import REPOSITORY

pytestmark = pytest.mark.engine

EXAMPLE = REPOSITORY / "examples" / "own_consumer"
COMMANDS = re.findall(r"```sh\n(.*?)\n```", (REPOSITORY / "docs" / "prove.md").read_text(), re.S)
KEYS = {
    "verdict", "target", "stack", "queue", "messages", "as_expected", "processed", "by_log",
    "by_absence", "dead_lettered", "dlq_count", "lost", "processed_and_dead", "strangers",
    "possible_duplicates", "dlq_read_whole", "alarm", "alarm_notified", "lines", "timings_s",
    "destroyed", "notes",
}  # fmt: skip
GOOD = '{"body": {"order": 1}, "expect": "processed"}\n'


def run_of_the_page(number: int, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    return subprocess.run(
        ["/bin/sh", "-c", COMMANDS[number]],
        cwd=REPOSITORY,
        env={**environment, "PATH": path},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_example_s_messages_end_as_their_lines_say_and_its_folder_stays_as_it_was(
    e2e_environment: dict[str, str],
) -> None:
    before = files_of(EXAMPLE)
    run = run_of_the_page(0, e2e_environment)
    assert run.returncode == 0, run.stderr
    assert "held: every message ended as its line says, everything destroyed" in run.stdout
    assert "2  0 by log, 2 by absence" in run.stdout
    assert "ALARM  rang, and its notification reached the topic" in run.stdout
    steps = [line.split()[0] for line in run.stderr.splitlines() if line.endswith(" s")]
    assert steps == ["ready", "up", "send", "settle", "account", "alarm", "destroy"]
    assert files_of(EXAMPLE) == before


@pytest.mark.slow
def test_what_ends_elsewhere_breaks_the_verdict_by_its_line(
    e2e_environment: dict[str, str],
) -> None:
    assert len(COMMANDS) == 2
    run = run_of_the_page(1, e2e_environment)
    assert run.returncode == 1, run.stderr
    report = json.loads(run.stdout)
    assert report.keys() == KEYS | {"reason"}
    assert report["reason"].startswith("line 1: expected processed, is dead-lettered")
    (line,) = report["lines"]
    assert (line["line"], line["expected"], line["found"]) == (1, "processed", "dead-lettered")
    assert (report["verdict"], report["destroyed"]) == ("broken", True)
    # That it rang is right: there is a dead letter.
    assert (report["alarm"], report["alarm_notified"]) == ("ALARM", True)


@pytest.mark.slow
def test_signal_while_a_message_is_hidden_destroys_everything(
    e2e_environment: dict[str, str],
) -> None:
    command = ["-m", "automation", "prove", "--program", str(EXAMPLE), "--messages"]
    with subprocess.Popen(
        [sys.executable, *command, str(EXAMPLE / "messages.jsonl"), "--json"],
        cwd=REPOSITORY,
        env=e2e_environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stderr is not None
        for line in run.stderr:
            if line.startswith("send"):
                break
        # Not while the end of that step is shown, but in the next, which takes minutes.
        time.sleep(1)
        run.send_signal(signal.SIGTERM)
        output, error = run.communicate(timeout=60)
    assert (run.returncode, output) == (2, "")
    assert "settle   failed after" in error
    assert error.index("destroy ") < error.index("error: interrupted by SIGTERM")
    assert "Traceback" not in error


Ended = tuple[int, str, str]


def prove(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    program: Path,
    messages: str = GOOD,
    *more: str,
) -> Ended:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(messages.encode())))
    with pytest.raises(SystemExit) as ended:
        main(["prove", "--program", str(program), "--messages", "-", "--json", *more])
    captured = capsys.readouterr()
    return int(ended.value.code or 0), captured.out, captured.err


def python_program(folder: Path, text: str, **options: str) -> Path:
    folder.mkdir()
    runtime = {"name": "python", "options": options}
    config = {"token": {"type": "string", "secret": True}, "queue": {"default": "orders"}}
    project: dict[str, object] = {"name": "theirs", "runtime": runtime}
    if options:
        project["config"] = config
    (folder / "Pulumi.yaml").write_text(json.dumps(project))
    (folder / "__main__.py").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ("", "--messages: there is no message in the file"),
        (GOOD + "nonsense\n", "line 2 is not JSON"),
        (GOOD + '{"body": "b", "expect": "done"}\n', "line 2: 'expect' can't be 'done'"),
        (GOOD + '{"body": "b"}\n', "line 2: 'expect' is missing"),
        (GOOD + '{"body": "\\u0001", "expect": "processed"}\n', "line 2: the body"),
    ],
)
def test_wrong_file_is_refused_before_anything_starts(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    messages: str,
    words: str,
) -> None:
    code, output, error = prove(capsys, monkeypatch, EXAMPLE, messages)
    assert (code, output) == (2, "")
    assert error.startswith(f"error: {words}")
    assert error.count("\n") == 1


def test_folder_without_a_project_is_refused_before_anything_starts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for folder, words in (
        (tmp_path, "has no Pulumi.yaml"),
        (tmp_path / "no", "is no folder"),
    ):
        code, output, error = prove(capsys, monkeypatch, folder)
        assert (code, output) == (2, "")
        assert words in error
        assert "ready" not in error


NO_COMPONENT = "import pulumi\npulumi.export('x', 1)\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "more", "words"),
    [
        (NO_COMPONENT, (), "makes no ReliableQueue (reliable-queue:index:ReliableQueue)"),
        ("raise RuntimeError('mistake of theirs')\n", (), "mistake of theirs"),
    ],
)
def test_program_that_has_no_queue_to_prove_is_refused_and_destroyed(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    text: str,
    more: tuple[str, ...],
    words: str,
) -> None:
    program = python_program(tmp_path / "program", text)
    before = files_of(program)
    code, output, error = prove(capsys, monkeypatch, program, GOOD, *more)
    assert (code, output) == (2, "")
    assert words in error
    assert "destroy " in error
    assert files_of(program) == before


@pytest.mark.slow
def test_what_the_queue_does_not_take_or_another_component_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The example's is a FIFO queue.
    code, output, error = prove(capsys, monkeypatch, EXAMPLE)
    assert (code, output) == (2, "")
    assert "error: line 1: a message to a FIFO queue needs a 'group'" in error
    assert "destroy " in error


@pytest.mark.slow
def test_program_in_yaml_is_proven_by_the_host_that_there_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = find_engine().binary.parent
    if not shutil.which(YAML_HOST_BINARY, path=f"{engine}{os.pathsep}{os.environ['PATH']}"):
        pytest.skip("no pulumi-language-yaml; to build it: python -m automation.engine --yaml")
    folder = REPOSITORY / "examples" / "yaml"
    before = files_of(folder)
    code, output, error = prove(capsys, monkeypatch, folder)
    assert code == 0, error
    assert json.loads(output)["by_absence"] == 1
    assert files_of(folder) == before


@pytest.mark.slow
def test_program_runs_by_its_own_virtual_environment_and_says_what_belongs_to_its_queue(
    tmp_path: Path,
) -> None:
    text = (
        "import sys\nfrom pathlib import Path\n"
        "here = Path(__file__).parent\n"
        "assert Path(sys.prefix) == here / 'venv', sys.prefix\n"
        f"sys.path.append({str(REPOSITORY)!r})\n"
        "import pulumi\nfrom components import ReliableQueue, ReliableQueueArgs\n"
        "name = pulumi.Config().require('queue')\n"
        "assert pulumi.Config().require('token') == 't0ken'\n"
        "for queue in (name, 'another'):\n"
        "    args = ReliableQueueArgs(consumer=None, alarms=None, has_dashboard=False)\n"
        "    ReliableQueue(queue, args)\n"
    )
    folder = python_program(tmp_path / "program", text, virtualenv="venv")
    (folder / "venv").symlink_to(sys.prefix)
    (tmp_path / "home").mkdir()
    with (
        opened_target("local", home=tmp_path / "home", report=lambda _: None) as target,
        deployed_program(
            target,
            read_program(folder),
            name="own",
            home=tmp_path / "home",
            component="mine",
            settings={"queue": "mine", "token": "t0ken"},
        ) as deployed,
    ):
        wiring = deployed.wiring
        assert wiring.require_queue().name.startswith("mine-queue")
        assert target.clients.sqs.get_queue_url(QueueName=wiring.require_dlq().name)
        assert wiring.alarm_topic_arn is None
        # Not even in the run's own folder a secret lies open.
        assert not any(b"t0ken" in text for text in files_of(tmp_path / "home").values())
