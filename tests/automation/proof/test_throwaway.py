"""The folder of a run: it is kept as long as the state in it lists a stack."""

import contextlib
import io
import shutil
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from rich.console import Console

from automation.errors import AutomationError
from automation.interrupts import InterruptedRunError, Interrupts
from automation.operations import leftovers
from automation.progress import Progress
from automation.proof import throwaway
from automation.proof.report import Options
from automation.target import Target, TargetName


@pytest.fixture(autouse=True)
def states(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(throwaway, "STATES", tmp_path)
    return tmp_path


def write_state(home: Path, name: str) -> None:
    folder = home / "stacks/.pulumi/stacks/reliable-queue"
    folder.mkdir(parents=True)
    (folder / name).write_text("{}")


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
@pytest.mark.parametrize("state", ["mine.json", "mine.json.gz"])
def test_state_of_what_may_exist_is_kept_whatever_went_wrong(
    states: Path, error: type[BaseException], state: str
) -> None:
    options = Options(target="aws", stack="mine")
    with pytest.raises(error), throwaway._home(options) as home:
        write_state(home, state)
        raise error
    assert (states / "mine").is_dir()
    with pytest.raises(AutomationError, match="'mine' was kept by an earlier run"):
        throwaway._home(options).__enter__()


@pytest.mark.parametrize("keep", [True, False])
def test_nothing_is_kept_of_a_run_that_created_nothing(states: Path, keep: bool) -> None:
    with (
        pytest.raises(AutomationError),
        throwaway._home(Options(target="aws", stack="mine", keep=keep)),
    ):
        raise AutomationError("no engine")
    assert not (states / "mine").exists()


def test_backup_of_a_destroyed_stack_keeps_nothing(states: Path) -> None:
    with throwaway._home(Options(target="aws", stack="mine")) as home:
        write_state(home, "mine.json.bak")
    assert not (states / "mine").exists()


def test_mark_of_a_run_is_locked_for_as_long_as_it_goes_on(
    states: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "state_folder", lambda: states)
    with throwaway._home(Options(target="aws", stack="mine")) as home:
        write_state(home, "mine.json")
        assert list(leftovers.leftover_stacks()) == []
    assert [leftover.name for leftover in leftovers.leftover_stacks()] == [str(home)]


@pytest.fixture
def kept_run(states: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """What a run with --keep says, of which `up` comes as far as it is told."""
    target = object.__new__(Target)
    object.__setattr__(target, "name", "local")

    @contextlib.contextmanager
    def opened(*_: object, **__: object) -> Generator[Target]:
        yield target

    monkeypatch.setattr(throwaway, "opened_target", opened)

    def run(*, has_stack: bool, error: BaseException | None) -> list[str]:
        @contextlib.contextmanager
        def deployed(*_: object, **__: object) -> Generator[None]:
            if has_stack:
                write_state(states / "mine", "mine.json")
            if error:
                raise error
            yield

        said = io.StringIO()
        progress = Progress(Console(file=said))
        with (
            contextlib.suppress(AutomationError, InterruptedRunError),
            throwaway.throwaway_run(
                Options(target="local", stack="mine", keep=True),
                deployed,
                progress=progress,
                interrupts=Interrupts(progress.say),
                confirm=lambda _: None,
            ),
        ):
            pass
        return said.getvalue().splitlines()[1:]

    return run


@pytest.mark.parametrize("error", [None, AutomationError("up"), InterruptedRunError("SIGINT")])
def test_a_kept_run_prints_each_of_its_commands_on_a_line_of_its_own_however_it_ended(
    kept_run: Callable[..., list[str]], error: BaseException | None
) -> None:
    starts = [line.partition(": ")[0] for line in kept_run(has_stack=True, error=error)]
    assert starts == ["kept stack mine", "look at it", "destroy it"]


def test_a_run_that_made_no_stack_keeps_none(kept_run: Callable[..., list[str]]) -> None:
    assert kept_run(has_stack=False, error=AutomationError("up")) == []


@pytest.mark.parametrize("keep", [True, False])
def test_full_disk_for_a_state_is_refused_before_anything_is_made(
    states: Path, monkeypatch: pytest.MonkeyPatch, keep: bool
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 2**20))
    target: TargetName = "local" if keep else "aws"
    needed = 200 if keep else 10
    with pytest.raises(AutomationError, match=f"has 1 MiB free, a run needs {needed} MiB there"):
        throwaway._home(Options(target=target, stack="mine", keep=keep)).__enter__()
    assert list(states.iterdir()) == []
