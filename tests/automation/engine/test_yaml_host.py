"""The language host for programs in YAML: taken where there is one, else built."""

import fcntl
import os
import threading
from pathlib import Path

import pytest

from automation.engine.__main__ import main
from automation.engine.building import YAML_HOST_BINARY
from automation.engine.finding import EngineError, find_engine
from automation.engine.installing import ENGINE_VERSION
from automation.engine.yaml_host import find_yaml_host
from tests.automation.engine.machine import Machine, fake_go, write_program

DEADLINE_SECONDS = 20


def host_beside(engine: Path) -> Path:
    return engine.with_name(YAML_HOST_BINARY)


def test_it_is_built_beside_the_engine_once(machine: Machine) -> None:
    beside = host_beside(machine.installed(ENGINE_VERSION))
    machine.program("go", fake_go(machine.home))
    assert find_yaml_host(find_engine(), report=machine.lines.append) == beside
    [title, *_] = machine.lines
    assert title.startswith(f"building {YAML_HOST_BINARY} 1.25.0 with Go 1.26.8 ")
    assert machine.left_behind() == []
    (machine.programs / "go").unlink()
    assert find_yaml_host(find_engine()) == beside


def test_it_is_built_for_an_engine_of_another_version_too(machine: Machine) -> None:
    beside = host_beside(machine.installed("3.260.0"))
    machine.program("go", fake_go(machine.home))
    assert find_yaml_host(find_engine(installers=())) == beside


def test_one_that_came_with_the_engine_is_taken(machine: Machine) -> None:
    binary = machine.program("pulumi", f"echo {ENGINE_VERSION}")
    machine.program("pulumi-language-python", "exit 0")
    machine.program(YAML_HOST_BINARY, "exit 0")
    assert find_yaml_host(find_engine()) == host_beside(binary)


def test_one_on_path_serves_an_engine_that_has_none(machine: Machine) -> None:
    machine.installed(ENGINE_VERSION)
    on_path = machine.program(YAML_HOST_BINARY, "exit 0")
    assert find_yaml_host(find_engine()) == on_path


def test_nothing_is_put_beside_an_engine_on_path(machine: Machine) -> None:
    binary = machine.program("pulumi", f"echo {ENGINE_VERSION}")
    machine.program("pulumi-language-python", "exit 0")
    machine.program("go", fake_go(machine.home))
    with pytest.raises(EngineError, match="take it from the download of the Pulumi CLI"):
        find_yaml_host(find_engine())
    assert not host_beside(binary).exists()


def test_failed_build_is_told_and_leaves_nothing(machine: Machine) -> None:
    binary = machine.installed(ENGINE_VERSION)
    half = 'while [ "$1" != -o ]; do shift; done; echo half > "$2"; /bin/chmod +x "$2"'
    machine.program("go", fake_go(machine.home, build=f"{half}; echo no route to host; exit 1"))
    with pytest.raises(EngineError, match=r"exit code 1: no route to host\nTo mend this, "):
        find_yaml_host(find_engine())
    assert not host_beside(binary).exists()
    assert machine.left_behind() == []


def test_second_build_waits_for_the_first_and_takes_its_host(machine: Machine) -> None:
    beside = host_beside(machine.installed(ENGINE_VERSION))
    descriptor = os.open(machine.versions, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    waits = threading.Event()

    def end_first_build() -> None:
        assert waits.wait(DEADLINE_SECONDS)
        write_program(beside, "exit 0")
        os.close(descriptor)

    first = threading.Thread(target=end_first_build)
    first.start()
    # Without Go here, a build of its own would fail.
    assert find_yaml_host(find_engine(), report=lambda _: waits.set()) == beside
    first.join(DEADLINE_SECONDS)


def test_set_up_makes_it_only_when_asked(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    beside = host_beside(machine.installed(ENGINE_VERSION))
    machine.program("go", fake_go(machine.home))
    assert main() == 0
    assert not beside.exists()
    assert main(["--yaml"]) == 0
    assert capsys.readouterr().err.endswith(f"engine: programs in YAML are run by {beside}\n")


def test_set_up_exits_with_2_when_it_can_not_be_made(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.installed(ENGINE_VERSION)
    write_program(machine.programs / "go", fake_go(machine.home, build="exit 1"))
    assert main(["--yaml"]) == 2
    assert f"engine: no {YAML_HOST_BINARY}: building " in capsys.readouterr().err
