"""However a run is ended, it destroys what it created, says so, and leaves nothing behind."""

import contextlib
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from automation.cli import main
from automation.waiting import wait_until

from .conftest import COMMAND, REPOSITORY, processes_in

pytestmark = pytest.mark.engine

Start = Callable[..., "subprocess.Popen[str]"]

BAD_MESSAGES_FOR_A_WHILE = ("--json", "--duration", "20", "--rate", "5", "--bad-ratio", "0.5")


@pytest.fixture
def start(e2e_environment: dict[str, str]) -> Iterator[Start]:
    """Starts the main job; ends what a failed test leaves running, by its own SIGTERM."""
    with contextlib.ExitStack() as running:

        def start_one(*arguments: str) -> "subprocess.Popen[str]":
            run = running.enter_context(
                subprocess.Popen(
                    [*COMMAND, *arguments],
                    cwd=REPOSITORY,
                    env=e2e_environment,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
            running.callback(run.terminate)
            return run

        yield start_one


def read_until_step_ended(run: "subprocess.Popen[str]", step: str) -> None:
    assert run.stderr is not None
    for line in run.stderr:
        if line.startswith(step):
            return
    pytest.fail(f"the run ended before its step {step} did")


def wait_until_engine_runs(command: str, environment: dict[str, str]) -> None:
    folder = Path(environment["TMPDIR"])

    def probe() -> tuple[bool, list[str]]:
        running = [line for line in processes_in(folder) if "pulumi --non-interactive" in line]
        return any(f" {command} " in line for line in running), running

    wait_until(f"the engine runs {command}", probe, timeout_seconds=30)


def assert_in_order(text: str, *parts: str) -> None:
    found = [text.find(part) for part in parts]
    assert -1 not in found, text
    assert found == sorted(found), text


def test_signal_during_up_lets_the_engine_end_and_destroys_everything(
    start: Start, e2e_environment: dict[str, str]
) -> None:
    run = start(*BAD_MESSAGES_FOR_A_WHILE)
    wait_until_engine_runs("up", e2e_environment)
    run.send_signal(signal.SIGTERM)
    output, error = run.communicate(timeout=60)
    assert (run.returncode, output) == (2, "")
    assert "the running step comes to its end first" in error
    assert_in_order(error, "up ", "destroy ", "error: interrupted by SIGTERM")
    assert "Traceback" not in error


# One handler takes all signals, at any time; tests/automation/test_interrupts.py shows that.
@pytest.mark.slow
@pytest.mark.usefixtures("hangup_is_heard")
@pytest.mark.parametrize(
    ("step_before", "number"),
    [
        ("ready", signal.SIGINT),
        ("up", signal.SIGHUP),
        ("produce", signal.SIGTERM),
        ("alarm", signal.SIGINT),
    ],
)
def test_signal_at_any_other_time_destroys_everything(
    start: Start, step_before: str, number: signal.Signals
) -> None:
    run = start("--json", "--messages", "20", "--rate", "unlimited")
    read_until_step_ended(run, step_before)
    run.send_signal(number)
    output, error = run.communicate(timeout=60)
    assert (run.returncode, output) == (2, "")
    assert f"error: interrupted by {number.name}" in error
    assert "destroy  failed" not in error
    assert "Traceback" not in error


@pytest.mark.slow
def test_second_signal_stops_the_destruction_at_once_and_leaves_nothing_local(
    start: Start, e2e_environment: dict[str, str]
) -> None:
    run = start(*BAD_MESSAGES_FOR_A_WHILE)
    read_until_step_ended(run, "up")
    run.send_signal(signal.SIGINT)
    wait_until_engine_runs("destroy", e2e_environment)
    run.send_signal(signal.SIGINT)
    _, error = run.communicate(timeout=60)
    assert run.returncode == 2
    assert "stopped at once by a second SIGINT" in error
    assert "it went with the embedded AWS" in error


def test_full_temporary_folder_is_refused_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 2**20))
    with pytest.raises(SystemExit) as ended:
        main(["e2e", "--json"])
    captured = capsys.readouterr()
    assert (ended.value.code, captured.out) == (2, "")
    assert "has 1 MiB free, a run needs 200 MiB there: make room, or set TMPDIR" in captured.err
