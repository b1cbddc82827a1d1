"""A run of the main job from a clone of its own, whose processes are killed while it goes on."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from automation.waiting import wait_until

ROOT = Path(__file__).resolve().parents[3]
# All that a run needs; `pyproject.toml` makes a clone of it.
_OF_A_CLONE = ("automation", "components", "functions", "tools")
_FILES = ("Pulumi.yaml", "__main__.py", "pyproject.toml")
_VICTIMS = {
    "emulator": "emulator_process.py",
    "engine": "pulumi --non-interactive",
    "language host": "pulumi-language-python ",
    "program": "pulumi-language-python-exec",
    "provider": "pulumi-resource-aws",
}

# Of about forty resources.
_HALF_OF_A_STACK = 16


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What a command left: exit code, standard output, standard error."""

    code: int
    output: str
    error: str


@dataclass(kw_only=True)
class Run:
    """A main job that goes on.

    Attributes:
        process: it.
        lines: what it has said on standard error so far.
    """

    process: "subprocess.Popen[str]"
    lines: list[str] = field(default_factory=list[str])

    def wait_for_step(self, step: str) -> None:
        """Until the run says that a step has ended."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)
            if line.startswith(f"{step} "):
                return
        raise AssertionError(f"the run ended before its step {step} did: {''.join(self.lines)}")

    def find(self, victim: str, doing: str = "") -> psutil.Process:
        """The process of the run that is the victim, as soon as there is one.

        Args:
            victim: one of those that are named above.
            doing: a word of its command line.
        """
        own = self.find_itself()

        def probe() -> tuple[bool, list[psutil.Process]]:
            found = [
                child
                for child in own.children(recursive=True)
                if _VICTIMS[victim] in (line := f"{_command_line(child)} ") and doing in line
            ]
            return bool(found), found

        return wait_until(f"there is a {victim}", probe, timeout_seconds=60, interval_seconds=0.02)[
            0
        ]

    def wait_until_amidst(self, states: Path, phase: str) -> None:
        """Until the engine has made half of a stack, or destroyed it, and is at the next part.

        Args:
            states: where the folders of runs are.
            phase: `up` or `destroy`.
        """

        def probe() -> tuple[bool, list[tuple[int, int]]]:
            files = states.glob("*/stacks/.pulumi/stacks/*/*.json")
            seen = [_resources_and_operations(path) for path in files]
            return any(
                begun and (done >= _HALF_OF_A_STACK) == (phase == "up") for done, begun in seen
            ), seen

        wait_until(f"{phase} is amidst", probe, timeout_seconds=60, interval_seconds=0.005)

    def find_itself(self) -> psutil.Process:
        """The run's own process."""
        return psutil.Process(self.process.pid)

    def end(self) -> Ended:
        """Wait for its end."""
        output, error = self.process.communicate(timeout=120)
        return Ended(
            code=self.process.returncode, output=output, error="".join([*self.lines, error])
        )


def kill(victim: psutil.Process) -> None:
    """SIGKILL a process that is alive, and see that it is dead."""
    assert victim.is_running()
    assert victim.status() != psutil.STATUS_ZOMBIE
    victim.send_signal(signal.SIGKILL)
    wait_until(
        "it is dead",
        lambda: (not victim.is_running() or victim.status() == psutil.STATUS_ZOMBIE, victim),
        timeout_seconds=10,
        interval_seconds=0.01,
    )


def _resources_and_operations(state: Path) -> tuple[int, int]:
    try:
        latest = json.loads(state.read_text())["checkpoint"].get("latest") or {}
    except (FileNotFoundError, ValueError):
        return 0, 0
    return len(latest.get("resources") or ()), len(latest.get("pending_operations") or ())


def _command_line(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return " ".join(process.cmdline())
    return ""


@dataclass(frozen=True, kw_only=True)
class Clone:
    """A clone of the repository, so that nobody else's runs are found, ended or cleaned up.

    Attributes:
        root: its folder; runs keep their states in `.local`.
        temporary: the folder for temporary files of everything that is started here.
        environment: of whatever is started here.
        entrance: what every command begins with. Default nothing.
    """

    root: Path
    temporary: Path
    environment: Mapping[str, str]
    entrance: Sequence[str] = ()

    @property
    def states(self) -> Path:
        return self.root / ".local"

    @contextlib.contextmanager
    def started(self, *arguments: str) -> Iterator[Run]:
        """Start the main job; what a failed test leaves of it is ended by its own SIGTERM."""
        process = subprocess.Popen(
            [*self.entrance, sys.executable, "automation/e2e.py", *arguments],
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            try:
                yield Run(process=process)
            finally:
                process.terminate()

    def run(self, *arguments: str) -> Ended:
        """Run another of our commands to its end."""
        return self.shell([sys.executable, "-m", "automation", *arguments])

    def shell(self, command: str | list[str]) -> Ended:
        """Run what a message says is to be typed, or a list of arguments."""
        words = ["/bin/sh", "-c", command] if isinstance(command, str) else command
        ended = subprocess.run(
            [*self.entrance, *words],
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Ended(code=ended.returncode, output=ended.stdout, error=ended.stderr)

    def processes(self) -> list[str]:
        """Command lines of what has been started here and lives."""
        found: list[str] = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                if process.environ().get("TMPDIR", "").startswith(str(self.temporary)):
                    found.append(" ".join(process.cmdline()))
        return found

    def wait_until_no_engine_is_left(self) -> None:
        """An engine whose run is gone dies when it says something."""

        def probe() -> tuple[bool, list[str]]:
            left = [line for line in self.processes() if _VICTIMS["engine"] in line]
            return not left, left

        wait_until("no engine is left", probe, timeout_seconds=60)

    def assert_no_process_is_left(self) -> None:
        """At once, but for what notices in this moment that its owner has gone."""
        wait_until(
            "no process of the run is left",
            lambda: (not (left := self.processes()), left),
            timeout_seconds=20,
        )


def new_clone(folder: Path) -> Clone:
    """Copy what a run needs, and share the layers that are built."""
    root, temporary = folder / "clone", folder / "tmp"
    for path in (root, temporary):
        path.mkdir()
    for name in _OF_A_CLONE:
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in _FILES:
        shutil.copy(ROOT / name, root / name)
    (ROOT / ".build").mkdir(exist_ok=True)
    (root / ".build").symlink_to(ROOT / ".build")
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "PULUMI_"))
    }
    return Clone(
        root=root, temporary=temporary, environment={**environment, "TMPDIR": str(temporary)}
    )
