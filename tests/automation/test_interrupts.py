"""A first signal ends a run in order, a second at once; the engine is not in between."""

import os
import signal
import sys
import time
from typing import Any

import pytest
from pulumi.automation import CommandError
from semver import VersionInfo

from automation.engine import command as command_module
from automation.engine.command import EngineCommand
from automation.interrupts import (
    AbandonedRunError,
    InterruptedRunError,
    Interrupts,
    cancelled_by_signals,
)
from automation.waiting import wait_until


def raise_signal(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.usefixtures("hangup_is_heard")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_first_signal_interrupts_what_is_not_shielded(number: signal.Signals) -> None:
    interrupts = Interrupts(lambda _: None)
    with interrupts.handled(), pytest.raises(InterruptedRunError, match=number.name):
        raise_signal(number)


@pytest.mark.usefixtures("hangup_is_heard")
def test_run_that_nohup_started_goes_on_when_its_terminal_closes() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with Interrupts(lambda _: None).handled():
        raise_signal(signal.SIGHUP)
    with cancelled_by_signals(lambda _: None) as cancel:
        raise_signal(signal.SIGHUP)
    assert not cancel.is_set()


def test_first_signal_waits_for_the_end_of_a_shield() -> None:
    said: list[str] = []
    reached_the_end = False
    interrupts = Interrupts(said.append)
    with interrupts.handled(), pytest.raises(InterruptedRunError), interrupts.shielded():
        raise_signal(signal.SIGTERM)
        reached_the_end = True
    assert reached_the_end
    assert "once more stops at once" in said[0]


def test_shield_after_the_first_signal_is_not_interrupted_again() -> None:
    interrupts = Interrupts(lambda _: None)
    with interrupts.handled():
        with pytest.raises(InterruptedRunError):
            raise_signal(signal.SIGINT)
        with interrupts.shielded():
            destroyed = True
    assert destroyed


def test_second_signal_stops_a_shielded_step_at_once() -> None:
    interrupts = Interrupts(lambda _: None)
    with interrupts.handled(), pytest.raises(AbandonedRunError), interrupts.shielded():
        raise_signal(signal.SIGINT)
        raise_signal(signal.SIGINT)


def test_previous_handlers_come_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Interrupts(lambda _: None).handled():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


def engine(script: str, tmp_path_factory: pytest.TempPathFactory) -> EngineCommand:
    path = tmp_path_factory.mktemp("engine") / "pulumi"
    path.write_text(f"#!{sys.executable}\n{script}")
    path.chmod(0o755)
    return EngineCommand(str(path), VersionInfo.parse("3.250.0"))


def test_engine_runs_in_a_process_group_of_its_own(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    command = engine("import os; print(os.getpgid(0) == os.getpid())", tmp_path_factory)
    assert command.run([], cwd="/", additional_env={}).stdout == "True"


def test_engine_gets_its_arguments_and_environment(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    command = engine("import os, sys; print(sys.argv[1:], os.environ['X'])", tmp_path_factory)
    seen: list[str] = []
    result = command.run(["up"], cwd="/", additional_env={"X": "1"}, on_output=seen.append)
    assert result.stdout == "['--non-interactive', 'up'] 1"
    assert seen == [result.stdout]


def test_failed_engine_command_raises_with_what_it_said(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    command = engine("import sys; sys.exit('error: no')", tmp_path_factory)
    with pytest.raises(CommandError, match="error: no"):
        command.run([], cwd="/", additional_env={})


@pytest.mark.parametrize("late_seconds", [0, 0.3], ids=["", "before its output is read"])
def test_second_signal_ends_the_engine(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, late_seconds: float
) -> None:
    class Late(command_module._LineReader):
        def __init__(self, *arguments: Any) -> None:
            time.sleep(late_seconds)
            super().__init__(*arguments)

    monkeypatch.setattr(command_module, "_LineReader", Late)
    # The engine signals us, again when we have heard that, and would then wait for ever: two
    # signals at once may be delivered as one.
    heard = tmp_path_factory.mktemp("first") / "heard"
    os.mkfifo(heard)
    command = engine(
        "import os, signal\n"
        "print(os.getpid(), flush=True)\n"
        "os.kill(os.getppid(), signal.SIGINT)\n"
        f"open({str(heard)!r}).read()\n"
        "os.kill(os.getppid(), signal.SIGINT)\n"
        "signal.pause()",
        tmp_path_factory,
    )
    pids: list[str] = []
    interrupts = Interrupts(lambda _: heard.write_text("heard"))
    with interrupts.handled(), pytest.raises(AbandonedRunError), interrupts.shielded():
        command.run([], cwd="/", additional_env={}, on_output=pids.append)
    wait_until("its number is read", lambda: (len(pids) > 0, pids), timeout_seconds=10)
    (pid,) = pids
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


def test_engine_may_write_what_is_no_text(tmp_path_factory: pytest.TempPathFactory) -> None:
    script = r"import os; os.write(1, b'\xff\n' * 100_000); print('end')"
    lines = engine(script, tmp_path_factory).run([], cwd="/", additional_env={}).stdout.splitlines()
    assert (len(lines), lines[-1]) == (100_001, "end")
