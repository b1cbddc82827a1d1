"""What a killed engine has left is recognised and removed, and nothing of one that is at work."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from pulumi.automation import CommandError
from semver import VersionInfo

from automation.engine.command import EngineCommand, EngineKilledError
from automation.engine.environment import engine_environment
from automation.engine.killed import is_engine_at_work, release_killed
from automation.stacks import diagnostics
from automation.waiting import wait_until

GONE = 2**22 + 1
"""More than any process can have as its number (proc(5), pid_max)."""

Start = Callable[..., "subprocess.Popen[str]"]
WAIT = "sys.stdin.readline()"
START_AND_WAIT = f"""
child = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
subprocess.Popen([sys.executable, "-c", child])
{WAIT}
"""


@pytest.fixture
def states(tmp_path: Path) -> Path:
    (tmp_path / "stacks").mkdir()
    return tmp_path / "stacks"


@pytest.fixture
def start(states: Path) -> Iterator[Start]:
    """Starts a program that stands for an engine; kills its session afterwards.

    One of Python's: macOS shows nobody the environment of its own, such as the shell.
    """
    started: list[subprocess.Popen[str]] = []

    def start_one(script: str, **environment: str) -> "subprocess.Popen[str]":
        told = {"PULUMI_BACKEND_URL": states.as_uri(), **environment}
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", f"import subprocess, sys; print(flush=True)\n{script}"],
                env={**os.environ, **told},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        )
        # Until it runs, its environment is not its own.
        assert started[-1].stdout
        assert started[-1].stdout.readline() == "\n"
        return started[-1]

    yield start_one
    for process in started:
        # macOS gives no permission where all of it waits to be collected.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def write_lock(states: Path, pid: int, host: str | None = None) -> Path:
    folder = states / ".pulumi/locks/organization/reliable-queue/e2e-1"
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / f"{pid}.json"
    content = {
        "pid": pid,
        "username": "somebody",
        "hostname": host or socket.gethostname(),
        "timestamp": "2026-01-01T00:00:00.123456789Z",
    }
    lock.write_text(json.dumps(content))
    lock.with_name(f"{lock.name}.attrs").write_text("{}")
    return lock


def test_lock_of_an_engine_that_is_gone_is_removed(states: Path) -> None:
    lock = write_lock(states, GONE)
    assert not is_engine_at_work(states)
    assert release_killed(states)
    assert list(lock.parent.iterdir()) == []
    assert not release_killed(states)


def test_lock_of_an_engine_that_is_at_work_stays_and_so_does_all_else(
    states: Path, start: Start
) -> None:
    lock = write_lock(states, start(WAIT).pid)
    write_lock(states, GONE)
    assert is_engine_at_work(states)
    assert not release_killed(states)
    assert len(list(lock.parent.glob("*.json"))) == 2


def test_engine_of_a_folder_behind_a_link_is_known_by_either_name(
    tmp_path: Path, start: Start
) -> None:
    home, link = tmp_path / "home", tmp_path / "link"
    home.mkdir()
    link.symlink_to(home)
    engine = EngineCommand("/bin/pulumi", None)  # type: ignore[arg-type]
    at_work = start(WAIT, **engine_environment(engine, link, passphrase="any"))
    write_lock(home / "stacks", at_work.pid)
    assert is_engine_at_work(home / "stacks")
    assert is_engine_at_work(link / "stacks")


def test_number_that_another_process_has_by_now_holds_no_lock(states: Path, start: Start) -> None:
    other = start(WAIT, PULUMI_BACKEND_URL="file:///elsewhere")
    write_lock(states, other.pid)
    assert release_killed(states)
    assert other.poll() is None


def test_lock_of_another_machine_is_left_to_whoever_knows_it(states: Path) -> None:
    lock = write_lock(states, GONE, host="another")
    assert not is_engine_at_work(states)
    assert not release_killed(states)
    assert lock.exists()


def test_file_that_was_being_written_is_removed_and_whole_ones_stay(states: Path) -> None:
    whole, torn = states / "a.json.attrs", states / ".pulumi" / "b.json.attrs"
    torn.parent.mkdir()
    whole.write_text('{"md5": "x"}\n')
    torn.touch()
    assert not release_killed(states)
    assert whole.exists()
    assert not torn.exists()


def test_processes_of_an_engine_that_is_gone_end_with_its_lock(states: Path, start: Start) -> None:
    engine = start(START_AND_WAIT)
    assert engine.stdout is not None
    host = psutil.Process(int(engine.stdout.readline()))
    engine.kill()
    engine.wait()
    assert host.is_running()
    write_lock(states, engine.pid)
    assert release_killed(states)
    assert psutil.wait_procs([host], timeout=10)[1] == []


def test_engine_that_is_killed_says_so_and_takes_along_what_it_had_started(tmp_path: Path) -> None:
    binary = tmp_path / "pulumi"
    binary.write_text(f"#!/bin/sh\nsleep 600 & echo $! > {tmp_path}/host\nkill -KILL $$\n")
    binary.chmod(0o755)
    engine = EngineCommand(str(binary), VersionInfo.parse("3.250.0"))
    with pytest.raises(EngineKilledError) as killed:
        engine.run(["up", "--yes"], str(tmp_path), {})
    assert isinstance(killed.value, CommandError)
    assert diagnostics(killed.value) == (
        "the Pulumi engine was ended by SIGKILL in the middle of 'pulumi up'"
    )
    host = int((tmp_path / "host").read_text())
    wait_until("its host is gone", lambda: (is_gone(host), host), timeout_seconds=10)


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return True
