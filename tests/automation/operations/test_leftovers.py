"""What runs have left is shown first and removed then; what somebody uses is left alone."""

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import pytest

from automation import cli
from automation.commands import cleanup
from automation.errors import AutomationError
from automation.operations import leftovers
from automation.operations.leftovers import (
    Leftover,
    leftover_folders,
    leftover_stacks,
    remove_from_machine,
)
from automation.stacks import KEPT_MARK, RUN_MARK

Run = Callable[..., tuple[int, str, str]]
Locked = Callable[[Path], AbstractContextManager[None]]


def embedded_folder(path: Path) -> Path:
    (path / "stacks").mkdir(parents=True)
    (path / "lock").touch()
    return path


@pytest.fixture(autouse=True)
def homes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where runs keep what outlives them."""
    homes = tmp_path / "homes"
    homes.mkdir()
    monkeypatch.setattr(leftovers, "state_folder", lambda: homes)
    return homes


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Run `cleanup` on folders below `tmp_path`, as somebody who can't be asked."""
    folders = partial(leftover_folders, tmp_path / "tmp")
    monkeypatch.setattr(cleanup, "leftover_folders", folders)

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main(["cleanup", *arguments])
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run


def test_cleanup_shows_first_and_removes_with_yes(run: Run, tmp_path: Path) -> None:
    broken = embedded_folder(tmp_path / "tmp" / "reliable-queue-abc")
    kept = embedded_folder(tmp_path / "homes" / "e2e-123456")
    (kept / KEPT_MARK).touch()

    code, output, error = run()
    assert (code, output) == (2, "")
    assert f"folder: {broken}\nfolder: {kept}, kept on purpose\n" in error
    assert "Remove these 2, 1 of them kept on purpose? Nothing was done: say --yes" in error
    assert broken.exists()
    assert kept.exists()

    code, output, _ = run("--yes")
    assert (code, output) == (0, "2 removed\n")
    assert not broken.exists()
    assert not kept.exists()
    assert run()[:2] == (0, "nothing is left over\n")


def test_what_could_not_be_removed_is_named(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = embedded_folder(tmp_path / "tmp" / "reliable-queue-abc")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(leftovers.shutil, "rmtree", refuse)
    code, output, _ = run("--yes")
    assert code == 1
    assert f"not removed: {folder}: [Errno 13] Permission denied" in output


def test_state_without_a_mark_is_left_over_when_it_is_older_than_an_hour(homes: Path) -> None:
    for name in ("e2e-old", "e2e-new", "dev"):
        (homes / name / "stacks").mkdir(parents=True)
    for name in ("e2e-old", "dev"):
        two_hours_ago = time.time() - 7200
        os.utime(homes / name / "stacks", (two_hours_ago, two_hours_ago))
    assert list(leftover_stacks()) == [Leftover(kind="stack", name=str(homes / "e2e-old"))]


def test_state_of_a_run_with_any_name_is_left_over_as_soon_as_it_has_ended(
    homes: Path, locked: Locked
) -> None:
    for name in ("mine", "going-on"):
        (homes / name / "stacks").mkdir(parents=True)
        (homes / name / RUN_MARK).touch()
    (homes / "default" / "stacks").mkdir(parents=True)
    with locked(homes / "going-on" / RUN_MARK):
        assert list(leftover_stacks()) == [Leftover(kind="stack", name=str(homes / "mine"))]
    assert len(list(leftover_stacks())) == 2


def test_cleanup_finds_what_no_process_uses(tmp_path: Path, homes: Path) -> None:
    temporary = tmp_path / "tmp"
    embedded = embedded_folder(temporary / "reliable-queue-abc")
    kept = embedded_folder(homes / "mine")
    (kept / RUN_MARK).touch()
    (homes / "e2e-123456" / "stacks").mkdir(parents=True)
    (temporary / "reliable-queue-other").mkdir()
    # Of `automation local`: nobody's run.
    embedded_folder(homes / "default")

    found = list(leftover_folders(temporary))
    assert found == [Leftover(kind="folder", name=str(folder)) for folder in (embedded, kept)]
    # A run in an account may still be going on while its state is new.
    assert list(leftover_stacks()) == []
    remove_from_machine(found[0], None)
    assert not embedded.exists()


def test_what_is_used_again_before_the_answer_is_left_alone(
    tmp_path: Path, homes: Path, locked: Locked
) -> None:
    embedded = embedded_folder(tmp_path / "reliable-queue-abc")
    account = homes / "mine"
    (account / "stacks").mkdir(parents=True)
    (account / RUN_MARK).touch()
    found = [*leftover_folders(tmp_path), *leftover_stacks()]
    with locked(embedded / "lock"), locked(account / RUN_MARK):
        for leftover in found:
            with pytest.raises(AutomationError, match="is used again"):
                remove_from_machine(leftover, None)
    assert embedded.exists()
    assert account.exists()


def test_what_another_cleanup_has_removed_is_removed(tmp_path: Path) -> None:
    embedded = embedded_folder(tmp_path / "reliable-queue-abc")
    (leftover,) = leftover_folders(tmp_path)
    shutil.rmtree(embedded)
    remove_from_machine(leftover, None)


def test_cleanup_leaves_alone_what_is_in_use(tmp_path: Path, locked: Locked) -> None:
    folder = tmp_path / "reliable-queue-abc"
    folder.mkdir()
    with locked(folder / "lock"):
        assert list(leftover_folders(tmp_path)) == []


def test_folder_of_another_user_is_not_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded_folder(tmp_path / "reliable-queue-abc")
    assert len(list(leftover_folders(tmp_path))) == 1
    monkeypatch.setattr(os, "getuid", lambda: os.geteuid() + 1)
    monkeypatch.setattr(leftovers, "_is_embedded", lambda _: pytest.fail("looked"))
    assert list(leftover_folders(tmp_path)) == []


def test_run_that_ends_while_it_is_looked_at_is_not_left_over(
    tmp_path: Path, homes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded = embedded_folder(tmp_path / "reliable-queue-abc")
    account = homes / "mine"
    (account / "stacks").mkdir(parents=True)
    (account / RUN_MARK).touch()
    is_embedded = leftovers._is_embedded

    def look_and_end(folder: Path) -> bool:
        found = is_embedded(folder)
        shutil.rmtree(folder)
        return found

    monkeypatch.setattr(leftovers, "_is_embedded", look_and_end)
    assert list(leftover_stacks()) == []
    assert list(leftover_folders(tmp_path)) == []
    assert not embedded.exists()


@pytest.fixture
def locked() -> Locked:
    @contextmanager
    def locked(path: Path) -> Generator[None]:
        with path.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    return locked
